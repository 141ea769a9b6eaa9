#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "common/lifecycle/lessee.h"
#include "common/wire/messages.h"

namespace spillway::fleetsim {

struct DispatchedOptions {
  double run_seconds = 0.2;     // how long a task takes
  double failing = 0;           // share of runs that end in an error
  std::uint32_t workers = 2;    // tasks that run at once
  std::uint32_t held = 16;      // tasks accepted and not done
  std::size_t tombstones = 64;  // answered ones that are remembered
};

// What the cloud dispatched to a simulated device: the life cycle of a real lessee
// (common/lifecycle), with a memory that outlives a restart in the place of a ledger, and time
// passing in the place of a pool. It takes `echo`, whose value is its input. Pure: the same
// messages at the same times say the same. One thread.
class DispatchedTasks {
 public:
  using Send = std::function<void(wire::Item)>;
  DispatchedTasks(std::uint64_t seed, const DispatchedOptions& options);

  void on(const wire::Offer& offer, NodeTime now, const Send& send);
  void on(const wire::BeatAck& ack, NodeTime now, const Send& send);
  void on(const wire::ResultAck& ack, NodeTime now, const Send& send);
  void on(const wire::Cancel& cancel, NodeTime now, const Send& send);
  // Starts, ends, beats and repeats what is due.
  void advance(NodeTime now, const Send& send);
  // The cloud may have forgotten: says its room, and results again.
  void connected(NodeTime now, const Send& send);
  void restarted(NodeTime now);

  bool busy() const { return held_ + unanswered_ > 0; }
  std::uint64_t done() const { return done_; }

 private:
  struct Held {
    lifecycle::LesseeTask state;
    lifecycle::OfferTerms terms;
    SharedBytes spec;
    wire::ResultItem answer;
    NodeTime accepted{}, ends{}, sent{};
  };
  using Tasks = std::map<TaskId, Held>;
  void apply(Tasks::value_type& task, const lifecycle::LesseeStep& step, NodeTime now,
             const Send& send);
  void finish(Tasks::value_type& task, FailureClass failure, const std::string& message,
              NodeTime now, const Send& send);
  void start_ready(NodeTime now, const Send& send);
  void on_times(NodeTime now, const Send& send);
  void beat(NodeTime now, const Send& send);
  void count();
  wire::Credits room() const;
  double chance();
  lifecycle::Now at(NodeTime now) { return {now, std::uint64_t(chance() * 1e9)}; }

  DispatchedOptions options_;
  std::uint64_t random_;
  BootId boot_{1};
  Tasks tasks_;
  std::map<std::uint64_t, NodeTime> beat_sent_;
  std::uint64_t round_ = 0, done_ = 0;
  std::uint32_t held_ = 0, running_ = 0, unanswered_ = 0;
  NodeTime next_beat_{};
};

}  // namespace spillway::fleetsim
