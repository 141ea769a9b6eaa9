#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spillway/broker.h"
#include "spillway/bytes.h"
#include "spillway/status.h"

namespace spillway::mqtt {

struct Tls {
  std::string ca_file, cert_file, key_file;  // PEM
};

struct Will {
  std::string topic;
  Bytes payload;
  std::chrono::seconds delay{0};
};

struct ConnectOptions {
  std::string uri;  // mqtts://host:port, or mqtt://host:port without TLS
  std::string client_id;
  std::string user;           // empty: none, as with most brokers that know certificates
  std::string password_file;  // its first line, read anew at each attempt; empty: none
  std::string topic_prefix;   // of all topics, kept from the session's sight; empty: none
  std::string alpn;           // the protocol to ask for within TLS; empty: none
  std::optional<Tls> tls;
  std::optional<Will> will;  // QoS 1, retained
  std::chrono::seconds keep_alive{20};
  bool clean_start = true;
  std::chrono::seconds session_expiry{0};
};

// As a configuration has it; the client id may be left to the session.
ConnectOptions connect_options(const BrokerOptions& broker);

struct Publication {
  std::string topic;
  SharedBytes payload;
  int qos = 1;
  bool retained = false;
  std::chrono::seconds expiry{0};  // message expiry; 0: none
  std::string content_type;
  std::string traceparent;  // user property
};

// What a broker granted with its CONNACK.
struct Granted {
  std::chrono::seconds keep_alive{0};  // within which it wants to hear something; 0: whenever
  std::uint32_t receive_maximum = 65'535;
  std::optional<std::uint32_t> maximum_packet;         // bytes
  std::optional<std::chrono::seconds> session_expiry;  // when it is not the one asked for
  std::uint32_t maximum_qos = 2;
  std::uint32_t topic_aliases = 0;
  bool retain = true, wildcards = true, subscription_ids = true, shared = true;
  std::string client_id;  // when it chose one
};

// Why there is no connection any more, or none came about. The message is for people: what broke
// and what to look at.
struct Loss : Error {
  int reason = 0;      // MQTT 5, of its CONNACK or DISCONNECT; 0: none
  std::string server;  // where it says to go instead
  bool was_up = false;
};

// What a Transport reports, always on the loop.
struct TransportEvents {
  std::function<void()> connected;
  // Also for a connect that failed.
  std::function<void(Loss loss)> disconnected;
  std::function<void(std::string topic, Bytes payload)> message;
  // A QoS 1 publication was acknowledged by the broker: frees a place in the window, nothing more.
  std::function<void()> published;
  // The broker refused a publication (which also counts as published) or a subscription, or a
  // message was dropped because the loop did not keep up. For people; when not set, it is logged.
  std::function<void(Error reason)> refused = {};
  // The broker answered a probe.
  std::function<void()> probed = {};
  // The broker answered a trespass: whether it was refused.
  std::function<void(bool refused)> trespassed = {};
};

// One MQTT 5 connection at a time. Called from the loop only; nothing blocks. It keeps nothing over
// a disconnect: what was not acknowledged is the caller's to send again.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void listen(TransportEvents events) = 0;  // once, first
  // Answered by connected or disconnected. Drops an earlier connection, of which nothing more is
  // reported.
  virtual void connect(const ConnectOptions& options) = 0;
  // Gracefully: what was published still goes out, for at most a second, and no will. Nothing more
  // is reported of this connection.
  virtual void disconnect() = 0;
  // QoS 1, own messages left out; retained messages come first. Only while connected.
  virtual Status subscribe(const std::vector<std::string>& filters) = 0;
  // Only while connected (unavailable), inside max_in_flight() (busy), and not larger than the
  // broker and kMaxPayload allow (invalid_argument); refused otherwise, and then nothing was sent.
  virtual Status publish(Publication publication) = 0;
  // QoS 1 publications without an answer that the present connection can take.
  virtual std::size_t max_in_flight() const = 0;
  // Asks the broker for something that it has to answer and that changes nothing, in a few bytes.
  // Only while connected (unavailable).
  virtual Status probe() = 0;
  // Says nothing, at QoS 1, where this client must not speak, to learn whether the broker stops it.
  // Some end the connection. Only while connected (unavailable).
  virtual Status trespass(const std::string& topic) = 0;
  // What the broker granted the present connection.
  virtual Granted granted() const = 0;
};

// Bytes; of incoming messages as well, which a broker that keeps to the standard does not exceed.
inline constexpr std::size_t kMaxPayload = 256 * 1024;
// What a packet has around its payload at most: header, topic, properties.
inline constexpr std::size_t kAroundPayload = 512;

}  // namespace spillway::mqtt
