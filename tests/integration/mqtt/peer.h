#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/mqtt/paho_transport.h"
#include "common/process/loop.h"
#include "tests/support/broker.h"
#include "tests/support/pki.h"
#include "tests/support/temp_dir.h"

namespace spillway::test {

// For what is sure to happen, on a machine that may be busy.
inline constexpr std::chrono::seconds kPatience{60};

// Certificates that all tests share; made once, since each costs a process.
struct World {
  TempDir dir{"spillway-mqtt"};
  Pki pki;
  Pki other_pki;
  Credentials server, cloud, pump, valve;

  static const World& get();

 private:
  World();
};

// One client with what it was told.
struct Peer {
  Peer(process::Loop& loop, std::string uri, const Credentials* credentials, std::string name);

  void connect() { transport->connect(options); }
  mqtt::Publication to(std::string topic, const std::string& text = "x", int qos = 1) const {
    return {.topic = std::move(topic), .payload = to_bytes(text), .qos = qos};
  }
  bool got(const std::string& topic, const std::string& text) const;
  const std::string& problem() const { return problems.back(); }

  mqtt::ConnectOptions options;
  std::unique_ptr<mqtt::PahoTransport> transport;
  int ups = 0;
  int published = 0;
  std::vector<std::string> problems;  // why it was disconnected
  std::vector<Code> codes;
  std::vector<std::string> refusals;
  std::vector<std::pair<std::string, std::string>> messages;
  std::function<void(const std::string&, Bytes)> on_message;
};

// Runs the loop until the answer is yes; the last answer.
bool run_until(process::Loop& loop, std::chrono::milliseconds timeout,
               const std::function<bool()>& predicate);
// Runs the loop for as long.
void run_for(process::Loop& loop, std::chrono::milliseconds time);

}  // namespace spillway::test
