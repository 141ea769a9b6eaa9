#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "tests/unit/agent_placement/world.h"

// A device with a few cores, a link whose capacity changes, and a cloud, played through in
// simulated time under one of four rules for who runs what.
namespace spillway::placement {

enum class Rule { spillway, local_only, cloud_only, overflow };

struct Job {
  double arrival = 0;  // seconds
  double work = 1;     // predicted by the kind, up to noise
  double run_local = 0, run_cloud = 0;
  std::uint64_t bytes = 0;
};

// Capacity in bytes per second for each second, repeated for ever.
struct LinkTrace {
  std::vector<double> capacity;
  std::vector<double> rtt;
  // When `bytes` are through that enter an idle link at `start`.
  double sent_by(double start, double bytes) const;
  double rtt_at(double t) const { return rtt[static_cast<std::size_t>(t) % rtt.size()]; }
};

struct Outcome {
  double makespan = 0, mean = 0, p95 = 0;  // seconds; of the time from arrival to result
  std::size_t local = 0, cloud = 0;
};

class Queueing {
 public:
  Queueing(Rule rule, std::vector<Job> jobs, LinkTrace link, std::uint32_t cores,
           std::uint32_t cloud_workers);
  Outcome play();

 private:
  struct Event {
    double time;
    std::uint64_t order;
    std::function<void()> act;
    bool operator<(const Event& other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };

  void at_time(double time, std::function<void()> act);
  void arrive(std::size_t job);
  void dispatch();
  bool start_one_here();
  bool send_one();
  void run_here(std::size_t job);
  void send(std::size_t job);
  void acknowledge();
  void withdraw_late_uploads();
  void reach_cloud(std::size_t job);
  void run_in_cloud();
  void finish(std::size_t job, PlaceId place);
  Place local_now() const;
  Place cloud_now() const;
  std::vector<Candidate> first_ready() const;
  Candidate as_candidate(std::size_t job) const;

  Rule rule_;
  std::vector<Job> jobs_;
  LinkTrace link_;
  std::uint32_t cores_, cloud_workers_;
  Placement placement_{Policy{}};
  TaskSpec spec_ = spin();

  double now_ = 0, last_result_ = 0;
  std::uint64_t order_ = 0;
  std::priority_queue<Event> events_;
  std::deque<std::size_t> ready_;
  std::vector<double> core_free_at_;  // predicted, of the running ones
  std::uint32_t running_here_ = 0;
  double uplink_free_at_ = 0;
  struct Upload {
    std::size_t job;
    double since;
    std::uint64_t bytes;
  };
  std::deque<Upload> uploads_;  // not acknowledged, oldest first
  std::deque<std::size_t> cloud_queue_;
  std::uint32_t running_there_ = 0;
  std::uint32_t outstanding_ = 0;
  double outstanding_seconds_ = 0;
  std::vector<double> latency_;  // < 0: no result yet
  std::vector<char> withdrawn_;
  std::vector<double> predicted_there_;
  Outcome outcome_;
};

}  // namespace spillway::placement
