#pragma once

#include <optional>
#include <string>

#include "common/crypto/certificate.h"
#include "common/mqtt/endpoint.h"
#include "common/mqtt/transport.h"
#include "spillway/time.h"

namespace spillway::mqtt {

// What is known of a connection that could not be made or was lost, before it is put into words.
struct Failure {
  Endpoint endpoint;
  std::optional<Tls> tls;
  bool was_up = false;
  bool farewell = false;        // the broker said DISCONNECT
  int reason_code = 0;          // MQTT 5, from CONNACK or DISCONNECT; 0: none
  std::string reason_string;    // what the broker said to it
  std::string server;           // where the broker says to go
  std::string library_message;  // Paho's
  std::string tls_message;      // OpenSSL's, empty when it said nothing
};

// What can be found out by looking, once it has failed.
struct Evidence {
  std::optional<std::string> unreachable;  // why no TCP connection can be made
  std::optional<bool> awaits_tls;          // set when TLS failed without a word
  std::optional<crypto::CertificateInfo> own;
  std::optional<crypto::CertificateInfo> authority;
  std::chrono::sys_seconds now{};  // by the wall clock
};

// Says what broke and what to look at. Pure.
Error explain(const Failure& failure, const Evidence& evidence);

// Reads certificates and tries the address: blocks for seconds in the worst case.
Evidence gather(const Failure& failure);

// The files are there, readable, and fit each other. Blocks on the disk.
Status check(const Tls& tls);

// A publication or subscription that the broker did not take.
Error explain_refusal(const std::string& what, int reason_code);

}  // namespace spillway::mqtt
