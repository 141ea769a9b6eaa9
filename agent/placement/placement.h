#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "spillway/task.h"
#include "spillway/view.h"

// Where a ready task should run. Pure: it is told measurements and asked for decisions (DESIGN §5).
// Binding is late: it is asked only when a core, or a place in the uplink window, is free.
namespace spillway::placement {

struct Policy {
  double risk = 0.25;        // ρ: weight of the spread between the median and the 95th percentile
  double margin = 0.1;       // of S_local that the gain must exceed; or two round trips, if more
  double energy_weight = 0;  // w_E, seconds per joule
  double money_weight = 0;   // w_M, seconds per unit
  Duration assumed_rtt = std::chrono::milliseconds(100);
  double assumed_bandwidth = 1024 * 1024;  // bytes per second, until measured
};

// A number with its spread: median and 95th percentile, seconds.
struct Estimate {
  double median = 0;
  double high = 0;
};

// A place as it is now.
struct Place {
  PlaceKind kind = PlaceKind::none;
  bool reachable = false;
  std::string unreachable_because;
  std::uint32_t workers = 0;
  std::uint32_t idle = 0;    // local: idle workers; cloud: credits
  std::uint64_t memory = 0;  // bytes
  std::vector<std::string> tags;
  std::vector<std::string> kinds;  // sorted; what it can run
  Estimate queue;                  // wait of a task that came now
  std::uint64_t queued_bytes = 0;  // ahead of it on the link
};

// What placement needs of a task.
struct Candidate {
  std::uint64_t seq = 0;
  const TaskSpec* spec = nullptr;
  double work = 1;  // the kind's unit, or the spec's hint
  std::uint64_t input_bytes = 0;
  std::optional<Duration> deadline_in;
  std::uint32_t losses = 0;  // consecutive lost or refused remote attempts: a bias to local
  // Seconds of work queued ahead of it locally, per worker.
  double backlog_local = 0;
};

// Learned run time of (kind, place): recursive least squares of log time on log work, forgetting λ.
class RunTimeModel {
 public:
  void learn(double work, double seconds);
  // `age` is the time since the last learn; the spread grows with it.
  Estimate predict(double work, double age_seconds) const;
  std::uint64_t samples() const { return samples_; }

 private:
  double theta_[2] = {-6.9, 1.0};  // log seconds = θ0 + θ1·log work; 1 ms per unit to begin with
  double p_[2][2] = {{100, 0}, {0, 1}};
  double residual_ = 1.0;  // mean square of log residuals
  std::uint64_t samples_ = 0;
};

// Learned link: round trip and bandwidth from acknowledged transfers.
class LinkModel {
 public:
  LinkModel(Duration assumed_rtt, double assumed_bandwidth);
  void learn_round_trip(Duration rtt, NodeTime now);
  void learn_transfer(std::uint64_t bytes, Duration took, NodeTime now);
  Estimate round_trip(NodeTime now) const;
  Estimate transfer(std::uint64_t bytes, NodeTime now) const;  // RTT not included
  Duration rtt() const;
  double bandwidth() const;  // bytes per second
  NodeTime last_learned() const { return last_; }

 private:
  double rtt_, rtt_dev_, bandwidth_, bandwidth_dev_;
  NodeTime last_{};
};

// The decisions. One thread.
class Placement {
 public:
  explicit Placement(Policy policy);

  // Predicts both places for a task and says why; `chosen` stays none. For `why` of a waiting task.
  Explanation explain(const Candidate&, const Place& local, const Place& cloud, NodeTime now) const;

  // A core is free: may this task start here, or does it require, or had better wait for, the
  // cloud? The caller offers tasks in order (band, deadline, seq).
  std::optional<Explanation> offer_local(const Candidate&, const Place& local, const Place& cloud,
                                         NodeTime now) const;

  // A place in the uplink window is free: of the first ready tasks (at most 64) the one with the
  // largest gain S_local − S_cloud above the margin, or that requires the cloud. Index into
  // `ready`.
  std::optional<std::pair<std::size_t, Explanation>> pick_for_cloud(
      std::span<const Candidate> ready, const Place& local, const Place& cloud, NodeTime now) const;

  // Why no place can ever run it as things are configured (tags, memory, cores, kind); nullopt: one
  // can.
  std::optional<std::string> no_place(const Candidate&, const Place& local,
                                      const Place& cloud) const;

  void learn_run(const std::string& kind, PlaceKind place, double work, Duration ran, NodeTime now);
  LinkModel& link() { return link_; }
  const LinkModel& link() const { return link_; }

  // The learned state as bytes for the store, and back (hostile: ignored when malformed).
  Bytes save() const;
  void load(ByteView bytes);

 private:
  struct Learned {
    RunTimeModel model;
    NodeTime last{};
  };
  Policy policy_;
  LinkModel link_;
  std::map<std::pair<std::string, PlaceKind>, Learned> models_;
};

}  // namespace spillway::placement
