#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "spillway/status.h"
#include "tests/bench/report/samples.h"
#include "tests/support/pki.h"

namespace spillway::bench {

// What MQTT alone allows: one Paho C++ client publishes, a second one publishes each message back,
// both with QoS 1, MQTT 5 and TCP_NODELAY. One thread.
class MqttEcho {
 public:
  // `uri` as the broker says it. The answering client is called `cloud`, the other one `device`.
  static Result<MqttEcho> connect(const std::string& uri, const test::Credentials& cloud,
                                  const std::string& device, const test::Credentials& credentials);
  MqttEcho(MqttEcho&&) noexcept;
  ~MqttEcho();

  struct Run {
    double per_second = 0;  // echoes
    Samples round_trips;
  };
  // Keeps `window` messages of `bytes` under way.
  Result<Run> run(std::size_t bytes, std::size_t window, double seconds);

 private:
  struct Clients;
  explicit MqttEcho(std::unique_ptr<Clients> clients);
  std::unique_ptr<Clients> clients_;
};

// A Paho C++ client that is connected and says nothing: the least that being there costs.
class QuietMqttClient {
 public:
  static Result<QuietMqttClient> connect(const std::string& uri, const std::string& device,
                                         const test::Credentials& credentials,
                                         std::chrono::seconds keep_alive);
  QuietMqttClient(QuietMqttClient&&) noexcept;
  ~QuietMqttClient();

 private:
  struct Client;
  explicit QuietMqttClient(std::unique_ptr<Client> client);
  std::unique_ptr<Client> client_;
};

}  // namespace spillway::bench
