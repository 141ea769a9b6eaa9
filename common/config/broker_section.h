#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "common/config/file.h"

namespace spillway::config {

// [broker]: how to reach the MQTT 5 broker. Without uri there is no link, without TLS no files.
struct BrokerSection {
  std::string uri;            // mqtts://host:port, or mqtt://host:port without TLS
  std::string ca, cert, key;  // PEM files, for mqtts
  std::chrono::milliseconds keep_alive = std::chrono::seconds(20);
  std::chrono::milliseconds reconnect_base{250};
  std::chrono::milliseconds reconnect_cap = std::chrono::seconds(30);
  std::uint32_t window = 128;  // messages in flight
  std::string username;        // empty: who the certificate says
  std::string password_file;
  std::string alpn;          // e.g. mqtt; for a broker that shares its port
  std::string client_id;     // empty: the node's name
  std::string topic_prefix;  // before all topics, without a slash at either end
  bool operator==(const BrokerSection&) const = default;
};

BrokerSection read_broker_section(File& file, const BrokerSection& defaults = {});

}  // namespace spillway::config
