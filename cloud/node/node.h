#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "cloud/fleet/fleet.h"
#include "cloud/ledger/ledger.h"
#include "cloud/node/held_task.h"
#include "cloud/node/journal.h"
#include "cloud/session/cloud_session.h"
#include "common/attempt/attempt_runner.h"
#include "common/base/clock.h"
#include "common/kinds/registry.h"
#include "common/wire/messages.h"

namespace spillway::cloud {

struct NodeOptions {
  std::string version;
  BootId boot;
  std::vector<std::string> tags;
  std::uint64_t memory = 0;          // bytes offered to tasks
  std::uint32_t max_queue = 10'000;  // attempts accepted and not done
  std::size_t tombstones = 100'000;
  Duration reconnect_floor{};  // asked of devices
  std::uint64_t uplink = 0;    // bytes per second of all devices together; 0: no limit
};

// What a node works with. Everything outlives it.
struct NodeParts {
  const Clock* clock = nullptr;
  Ledger* ledger = nullptr;
  attempt::Runner* runner = nullptr;
  Fleet* fleet = nullptr;  // told of what devices say and do; null: nobody watches
  const kinds::KindRegistry* kinds = nullptr;
  std::function<std::uint64_t()> random;
  std::function<void()> wake;
  std::function<void(const std::string& message)> report;
  // What a device has lost, whenever that changed; may be none.
  std::function<void(const std::string& device, const LossBook& book)> losses = {};
  std::function<void(const std::string& cause, const std::string& detail)> refused;
};

struct NodeCounters {  // since start
  std::uint64_t accepted = 0, refused = 0, done = 0, failed = 0, answered = 0, repeated = 0,
                malformed = 0;
};

// The lessee of what devices offer: accepts into the ledger, runs, and answers until the owner has
// it. On the loop only; nothing in it blocks. ACCEPT, RESULT and user code wait for the commit that
// made them true.
class Node {
 public:
  Node(NodeOptions options, NodeParts parts, const LedgerRecovered& recovered);

  void attach(mqtt::Transport& transport, SessionOptions session);
  void start(const LedgerRecovered& recovered);

  // One turn: timers, runs, commits, publications. Returns when it wants the next one.
  NodeTime cycle();

  // Refuses offers and hands back what has not started; `done` is called once nothing runs.
  void drain(std::function<void()> done);
  void set_max_queue(std::uint32_t attempts);
  // Nobody reconnects sooner than the floor; all devices together send at most `uplink` bytes per
  // second (0: no limit).
  void set_pace(Duration reconnect_floor, std::uint64_t uplink);
  void stop();

  NodeTime now() const { return timeline_.now(); }
  const NodeCounters& counters() const { return counters_; }
  std::size_t held() const { return held_; }
  bool connected() const { return session_ && session_->up(); }  // to the broker

 private:
  struct Device {
    bool online = false;
    std::uint64_t session = 0;
    std::uint32_t held = 0;  // its attempts here, not done
    wire::Credits told;      // what it was last told
    NodeTime told_at{};
    std::set<TaskId> unanswered;                // results it has not acknowledged
    std::map<std::string, std::string> losses;  // class → as last said
  };

  void on_link_down(const Error& reason);
  void on_ledger_failed(const Error& error);
  void on_committed();
  lifecycle::Now tick() { return {timeline_.now(), parts_.random()}; }
  HeldTask* find(TaskId id);
  HeldTask& adopt(const LedgerRow& row);
  void apply(HeldTask& task, const lifecycle::LesseeStep& step);
  void track(HeldTask& task, const lifecycle::LesseeTask& was);
  void settle(TaskId id);
  void forget(HeldTask& task);
  void show(const HeldTask& task);
  void show_load();

  void on_device(const std::string& device, const wire::Presence& presence);
  void on_item(const std::string& device, wire::Item item);
  void on(const std::string& device, const wire::Offer& offer);
  void on(const std::string& device, const wire::BeatAck& ack);
  void on(const std::string& device, const wire::ResultAck& ack);
  void on(const std::string& device, const wire::Cancel& cancel);
  void on(const std::string& device, const wire::Echo& echo);
  void on(const std::string& device, const wire::LossReport& report);
  void tell_losses(const std::string& device);
  void refuse(const std::string& device, const wire::Offer& offer, lifecycle::NackReason reason);
  std::optional<lifecycle::NackReason> reason_to_refuse(const std::string& device,
                                                        const TaskSpec& spec) const;
  void take(const std::string& device, const wire::Offer& offer, const lifecycle::OfferTerms& terms,
            std::shared_ptr<const TaskSpec> spec, const Digest& digest,
            const lifecycle::LesseeStep& step);

  void owe_failure(const std::string& device, const wire::Offer& offer, FailureClass failure);

  void start_ready();
  bool may_claim(const HeldTask& task) const;
  double predicted_run(const Kind* kind) const;
  void learn_run(const Kind* kind, double seconds);
  void run(TaskId id, Epoch epoch);
  void free_core(TaskId id, Epoch epoch);
  void on_outcome(attempt::Outcome outcome);
  void keep_result(HeldTask& task, Epoch epoch, wire::ResultItem item);
  void restore_result(HeldTask& task);
  void send_result(HeldTask& task);
  void resend_results(Duration older_than);
  void beat();
  void tell_credits();
  wire::Credits credits_of(const Device& device) const;
  Duration queue_delay() const;
  void prune();

  NodeOptions options_;
  NodeParts parts_;
  NodeTimeline timeline_;
  Journal journal_;
  std::unique_ptr<CloudSession> session_;
  NodeCounters counters_;
  std::unordered_map<TaskId, HeldTask> tasks_;
  std::deque<TaskId> tombstones_;     // oldest first
  std::set<HeldTask::RunKey> queue_;  // accepted, durable or about to be, not started
  std::set<std::pair<NodeTime, TaskId>> timers_;
  std::unordered_map<TaskId, NodeTime> timer_of_;
  std::map<std::string, Device> devices_;
  std::uint32_t running_ = 0, blocking_ = 0;
  struct Claim {
    bool blocking = false;
    double predicted = 0;  // seconds
  };
  std::map<std::pair<TaskId, Epoch>, Claim> cores_;  // what was started and has not ended
  double claimed_ = 0;                               // seconds predicted of them
  std::uint32_t held_ = 0;
  double mean_run_ = 0.01;  // seconds, moving average
  std::unordered_map<const Kind*, double> mean_runs_;
  std::uint64_t beat_round_ = 0;
  std::map<std::uint64_t, NodeTime> beat_sent_;  // by round, the last few
  bool draining_ = false, stopped_ = false;
  std::function<void()> drained_;
  std::string store_problem_, link_problem_;
  NodeTime retry_commit_ = kNever, next_beat_{}, next_resend_{}, next_prune_{}, next_credits_{};
  bool pruning_ = false;
};

}  // namespace spillway::cloud
