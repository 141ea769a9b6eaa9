#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace spillway {

// The MQTT 5 broker and how to reach it; section [broker] of both programs.
struct BrokerOptions {
  std::string uri;
  std::string ca, cert, key;
  std::chrono::milliseconds keep_alive = std::chrono::seconds(20);
  std::chrono::milliseconds reconnect_base{250};
  std::chrono::milliseconds reconnect_cap = std::chrono::seconds(30);
  std::uint32_t window = 128;
  std::string username, password_file;
  std::string alpn;
  std::string client_id;
  std::string topic_prefix;
  bool operator==(const BrokerOptions&) const = default;

  template <class Keys>
  static void list(Keys& keys) {
    using namespace std::chrono_literals;
    keys.about(
        "The MQTT 5 broker: mqtts://host:port. An agent without one has no cloud and runs "
        "everything "
        "itself. mqtts needs the three files (PEM), with the node's name as the certificate's "
        "common "
        "name; mqtt:// is without TLS and for experiments only.");
    keys.text("uri", &BrokerOptions::uri);
    keys.path("ca", &BrokerOptions::ca);
    keys.path("cert", &BrokerOptions::cert);
    keys.path("key", &BrokerOptions::key);
    keys.about("How long a silent connection is taken to be alive. Shorter costs traffic.");
    keys.duration("keep_alive", &BrokerOptions::keep_alive, 1s, 1h);
    keys.about(
        "Between attempts to connect: a random time up to base, twice that, and so on, at most "
        "cap.");
    keys.duration("reconnect_base", &BrokerOptions::reconnect_base, 10ms, 1min);
    keys.duration("reconnect_cap", &BrokerOptions::reconnect_cap, 10ms, 1h);
    keys.about(
        "Messages sent and not yet taken by the broker, 1 to 512. Must stay below the broker's own "
        "limit.");
    keys.integer("window", &BrokerOptions::window, 1, 512);
    keys.about(
        "For brokers that want more than a certificate. The name may need a host, e.g. "
        "'pump-7@example.org'; the file's first line is the password, for nobody else to read. "
        "With "
        "a password, cert and key may be left out.");
    keys.text("username", &BrokerOptions::username);
    keys.path("password_file", &BrokerOptions::password_file);
    keys.about(
        "The protocol asked for within TLS, e.g. 'mqtt' or 'x-amzn-mqtt-ca', where one port serves "
        "many.");
    keys.text("alpn", &BrokerOptions::alpn);
    keys.about(
        "Instead of the device id, or the cloud's name; a broker that binds names to certificates "
        "must allow it.");
    keys.text("client_id", &BrokerOptions::client_id);
    keys.about(
        "Before every topic, e.g. 'site-3'; the same for agents and cloud. Topics have six levels "
        "without it.");
    keys.text("topic_prefix", &BrokerOptions::topic_prefix);
  }
};

}  // namespace spillway
