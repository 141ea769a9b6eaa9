#pragma once

#include <cstdint>
#include <memory>

#include "agent/node/backlog.h"
#include "agent/node/cloud_place.h"
#include "agent/node/dispatched_tasks.h"
#include "agent/node/local_place.h"
#include "agent/node/losses.h"
#include "agent/node/node_parts.h"
#include "agent/session/device_session.h"
#include "common/base/latency_counts.h"
#include "common/owner/owner.h"
#include "common/wire/telemetry.h"

namespace spillway::agent {

// What of the node is measured, and the frames that tell it to the cloud. Loop only.
class Telemetry {
 public:
  // Where the figures come from. All of it outlives the telemetry.
  struct Sources {
    const LocalPlace& local;
    const CloudPlace& cloud;
    const DispatchedTasks& dispatched;
    const Backlog& backlog;
    const Models& models;
    Losses& losses;
  };
  // What only the node knows.
  struct State {
    std::uint64_t accepted = 0;  // since the store was made
    bool updating = false, draining = false;
  };

  Telemetry(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
            Sources sources, const std::unique_ptr<DeviceSession>& session);

  void start();
  void on_up();
  void count_end(const owner::OwnedTask& task);
  void on_repeated() { repeated_ += 1; }
  std::uint64_t repeated() const { return repeated_; }  // results that came again, since start
  NodeTime started() const { return started_; }
  NodeTime due() const { return due_; }
  void send(const State& state);

 private:
  void count_sample(bool sent);
  wire::Metrics metrics(const State& state) const;
  void add_queues(wire::Metrics& into) const;

  const NodeOptions& options_;
  const NodeParts& parts_;
  owner::Owner& owner_;
  Sources from_;
  const std::unique_ptr<DeviceSession>& session_;
  const NodeTime started_;
  wire::TelemetryFrames frames_;
  LatencyCounts local_latency_, cloud_latency_;  // since the last frame
  std::uint64_t failed_ = 0, expired_ = 0, repeated_ = 0;
  NodeTime due_ = kNever;
};

}  // namespace spillway::agent
