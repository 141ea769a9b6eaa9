#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "spillway/status.h"

namespace spillway::test {

// One CONNECT as it came.
struct SeenConnect {
  std::string client_id, user, password, will_topic;
  std::uint16_t keep_alive = 0;  // seconds
};

// Properties of MQTT 5 packets, one after another.
std::string property(std::uint8_t id, std::uint8_t value);
std::string property(std::uint8_t id, std::uint16_t value);
std::string property(std::uint8_t id, std::uint32_t value);
std::string property(std::uint8_t id, const std::string& text);
inline constexpr std::uint8_t kServerKeepAlive = 0x13, kServerReference = 0x1C,
                              kReasonString = 0x1F, kReceiveMaximum = 0x21, kMaximumQos = 0x24,
                              kRetainAvailable = 0x25, kMaximumPacket = 0x27,
                              kSharedAvailable = 0x2A;

// The broker's side of MQTT 5 over plain TCP on a port of 127.0.0.1, saying what it is told, on a
// thread of its own: for what mosquitto never says. It acknowledges what it gets and hands on
// nothing. Every method may be called from any thread.
class ScriptedBroker {
 public:
  static Result<ScriptedBroker> start();
  ~ScriptedBroker();
  ScriptedBroker(ScriptedBroker&&) noexcept;
  ScriptedBroker& operator=(ScriptedBroker&&) = delete;

  std::uint16_t port() const;
  std::string uri() const;  // mqtt://127.0.0.1:PORT

  // What the next CONNECTs are answered with.
  void answer(std::uint8_t reason, std::string properties = {});
  // Says DISCONNECT to every client, and leaves their connections open.
  void part(std::uint8_t reason, const std::string& properties = {});
  // Reads, and answers nothing, as long as it is set; connections stay open.
  void fall_silent(bool silent);
  // Says DISCONNECT (0x8D) and closes when nothing came from a client for so long.
  void expect_within(std::chrono::milliseconds most);
  // Closes what is open, and says nothing.
  void close_all();

  std::vector<SeenConnect> connects() const;
  std::vector<std::string> published() const;  // topics
  // Clients that said DISCONNECT or whose connection was closed by them.
  std::size_t left() const;
  std::size_t timed_out() const;  // by expect_within()

 private:
  struct State;
  explicit ScriptedBroker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace spillway::test
