#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/pki.h"
#include "tests/support/process.h"

// ejabberd as an MQTT 5 broker, with the configuration that the packages bring. It asks for a user
// NAME@localhost and a password, which is the same for all here.
namespace spillway::test::ejabberd {

void write_config(const std::string& directory, std::uint16_t port, const Credentials& tls);
// Without the network of Erlang's own, which would listen on all addresses.
Command command(const std::string& directory, const std::vector<std::string>& accounts,
                const std::string& output);
std::string login(const std::string& directory, const std::string& name);
std::vector<std::string> login_options(const std::string& name);

}  // namespace spillway::test::ejabberd
