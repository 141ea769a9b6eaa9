#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "agent/cli/console.h"
#include "agent/intake/client.h"

namespace spillway::cli {

// What both command lines end with, for scripts; 7: some of what was asked for was done.
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kDenied = 4,
  kConflict = 5,
  kUnreachable = 6,
  kPartial = 7,
};
int exit_code(Code code);

inline constexpr char kDefaultSocket[] = "/run/spillway/agent.sock";

// One run of the program: its console, and its connection to the agent, made when first needed.
class Session {
 public:
  Session(Console& console, std::string socket, bool json)
      : console_(console), socket_(std::move(socket)), json_(json) {}

  Console& console() { return console_; }
  bool json() const { return json_; }
  const std::string& socket() const { return socket_; }
  // Before the agent is first spoken to.
  void set_socket(std::string path) { socket_ = std::move(path); }

  Result<intake::Client*> agent();
  template <class T>
  Result<T> ask(wire::RequestBody body, std::chrono::milliseconds patience = kPatience) {
    Result<intake::Client*> client = agent();
    if (!client) return std::move(client).error();
    return (*client)->ask<T>(std::move(body), patience);
  }

  // A task named by its whole id, or by its bare sequence number in this agent's store: that one's
  // origin is 0, which the agent takes for any.
  static Result<TaskId> named(const std::string& name);
  // The whole id, asked of the agent.
  Result<TaskId> id_of(const std::string& name);

  static constexpr std::chrono::milliseconds kPatience{30'000};

 private:
  Console& console_;
  std::string socket_;
  bool json_;
  std::optional<intake::Client> client_;
};

}  // namespace spillway::cli
