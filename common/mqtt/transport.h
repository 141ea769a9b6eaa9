#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  std::optional<Tls> tls;
  std::optional<Will> will;  // QoS 1, retained
  std::chrono::seconds keep_alive{20};
  bool clean_start = true;
  std::chrono::seconds session_expiry{0};
};

struct Publication {
  std::string topic;
  Bytes payload;
  int qos = 1;
  bool retained = false;
  std::chrono::seconds expiry{0};  // message expiry; 0: none
  std::string content_type;
  std::string traceparent;  // user property
};

// What a Transport reports, always on the loop.
struct TransportEvents {
  std::function<void()> connected;
  // Also for a connect that failed. `reason` is for people: what broke and what to look at.
  std::function<void(Error reason)> disconnected;
  std::function<void(std::string topic, Bytes payload)> message;
  // A QoS 1 publication was acknowledged by the broker: frees a place in the window, nothing more.
  std::function<void()> published;
};

// One MQTT 5 connection. Called from the loop only; nothing blocks. It keeps nothing over a
// disconnect: what was not acknowledged is the caller's to send again.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void listen(TransportEvents events) = 0;  // once, first
  virtual void connect(const ConnectOptions& options) = 0;
  virtual void disconnect() = 0;  // gracefully: no will
  virtual Status subscribe(const std::vector<std::string>& filters) = 0;
  virtual Status publish(Publication publication) = 0;
};

}  // namespace spillway::mqtt
