#pragma once

#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "agent/intake/server.h"
#include "common/process/loop.h"

namespace spillway::intake {

// An Api whose answers a test scripts. It runs on the loop's thread, like a node.
class ScriptedApi final : public Api {
 public:
  using Script = std::function<Ticket(wire::RequestBody, Reply)>;
  explicit ScriptedApi(Script script) : script_(std::move(script)) {}
  Ticket handle(wire::RequestBody request, Reply reply) override {
    return script_(std::move(request), std::move(reply));
  }

 private:
  Script script_;
};

// A ticket that runs `dropped` when the last of it goes.
inline Api::Ticket ticket(std::function<void()> dropped) {
  return {nullptr, [dropped = std::move(dropped)](void*) { dropped(); }};
}

// A server on a loop of its own thread.
class RunningServer {
 public:
  RunningServer(ScriptedApi::Script script, ServerOptions options) : api_(std::move(script)) {
    Result<std::unique_ptr<Server>> server = Server::open(loop_, api_, std::move(options));
    if (server) {
      server_ = *std::move(server);
    } else {
      error_ = std::move(server).error();
    }
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~RunningServer() {
    on_loop([this] { server_.reset(); });
    loop_.stop();
    thread_.join();
  }

  // Runs a call on the loop and waits for it: what was posted before it is done then, too.
  void on_loop(const std::function<void()>& call) {
    auto done = std::make_shared<std::promise<void>>();
    loop_.post([&call, done] {
      call();
      done->set_value();
    });
    done->get_future().wait();
  }
  ServerStats stats() {
    ServerStats stats;
    on_loop([&] { stats = server_->stats(); });
    return stats;
  }
  // Lets the loop turn until the condition holds; the test's own time limit is the other end.
  void turn_until(const std::function<bool(const ServerStats&)>& holds) {
    while (!holds(stats())) std::this_thread::yield();
  }
  bool ok() const { return server_ != nullptr; }
  const Error& error() const { return error_; }

 private:
  process::Loop loop_;
  ScriptedApi api_;
  std::unique_ptr<Server> server_;
  Error error_;
  std::thread thread_;
};

}  // namespace spillway::intake
