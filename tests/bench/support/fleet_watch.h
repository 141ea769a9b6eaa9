#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "cloud/fleet/fleet.h"
#include "cloud/fleet/sqlite_fleet_store.h"
#include "cloud/session/cloud_session.h"
#include "common/mqtt/paho_transport.h"
#include "common/process/loop.h"
#include "common/process/system_clock.h"
#include "common/process/turns.h"
#include "tests/support/pki.h"

namespace spillway::bench {

// The cloud's session and fleet with their store, on a loop of their own, as in spillway-cloud but
// without tasks. Call from any one thread.
class FleetWatch {
 public:
  // `credentials` of `cloud`; none: without TLS.
  static Result<std::unique_ptr<FleetWatch>> start(const std::string& directory,
                                                   const std::string& uri,
                                                   const test::Credentials* credentials);
  ~FleetWatch();

  // Runs on the loop; waits.
  void on_loop(const std::function<void(cloud::Fleet&)>& use);
  cloud::FleetSummary summary();
  std::uint64_t frames() const { return frames_; }  // arrived so far

 private:
  FleetWatch() = default;
  process::Loop loop_;
  process::BootClock clock_;
  std::unique_ptr<cloud::SqliteFleetStore> store_;
  std::unique_ptr<cloud::Fleet> fleet_;
  std::unique_ptr<mqtt::PahoTransport> transport_;
  std::unique_ptr<cloud::CloudSession> session_;
  std::unique_ptr<process::Turns> turns_, session_turns_;
  std::atomic<std::uint64_t> frames_{0};
  std::thread thread_;
};

// Subscribes to everything that goes up and counts it: what any watcher can at most take.
class RawSubscriber {
 public:
  static Result<std::unique_ptr<RawSubscriber>> start(const std::string& uri);
  ~RawSubscriber();
  std::uint64_t messages() const { return messages_; }

 private:
  RawSubscriber() = default;
  process::Loop loop_;
  std::unique_ptr<mqtt::PahoTransport> transport_;
  std::atomic<std::uint64_t> messages_{0};
  std::atomic<bool> up_{false};
  std::thread thread_;
};

// Publishes telemetry of so many devices over a few connections, as fast as they take it.
class FrameFlood {
 public:
  FrameFlood(const std::string& uri, std::uint32_t devices, std::uint64_t session);
  ~FrameFlood();
  std::uint64_t sent() const { return sent_; }

 private:
  void run(const std::string& uri, std::uint32_t devices, std::uint64_t session);
  std::atomic<std::uint64_t> sent_{0};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

// A frame as a device of that number would send it in that round, without a simulation behind it.
Bytes plain_frame(std::uint32_t device, std::uint64_t session, std::uint64_t seq, Duration wall);
std::string plain_name(std::uint32_t device);

}  // namespace spillway::bench
