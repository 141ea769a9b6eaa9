#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/attempt/attempt_runner.h"
#include "common/attempt/claims.h"
#include "common/base/clock.h"
#include "common/base/owed.h"
#include "common/ledger/ledger.h"
#include "common/lessee/held_task.h"
#include "common/lessee/journal.h"
#include "common/lessee/run_queue.h"
#include "common/wire/messages.h"

namespace spillway::lessee {

struct Options {
  BootId boot;
  std::string here = "the cloud node";  // what messages call this side
  std::vector<std::string> tags;
  std::uint64_t memory = 0;          // bytes offered to tasks
  std::uint32_t max_queue = 10'000;  // attempts accepted and not done, of all owners together
  std::uint64_t max_bytes = 0;       // of their specs and results; 0: no limit
  Duration max_run{};                // longer ones are ended; 0: no limit
  // Attempts of blocking kinds that run at once, where the runner has threads for so many.
  std::uint32_t blocking = UINT32_MAX;
  Duration keep_results = std::chrono::hours(24 * 7);  // for owners that do not take them
  std::size_t tombstones = 100'000;
  std::uint64_t uplink = 0;  // bytes per second that all owners together may send; 0: no limit
};

// What a lessee works with. Everything outlives it.
struct Parts {
  const Clock* clock = nullptr;
  ledger::Ledger* ledger = nullptr;
  attempt::Runner* runner = nullptr;
  // Null: not known here, or not run for this side's owners.
  std::function<const Kind*(const std::string& name)> kind;
  // Whether a task of that name is this node's own.
  std::function<bool(TaskId)> own = {};
  std::function<std::uint64_t()> random;
  std::function<void()> wake;
  std::function<void(const std::string& message)> report;
  std::function<void(const std::string& message)> alarm;  // the same, of what needs somebody
  std::function<bool()> up;                               // there is a link to send on
  // False: there is no room now; `wake` is called when something has left.
  std::function<bool(const std::string&owner, wire::Item)> send_ack, send_result;
  // Whether every result sent to the owner has left this side.
  std::function<bool(const std::string& owner)> results_left = {};
  // Whether one more may take a core now. None: the pool is the lessee's alone, which then claims
  // short tasks ahead of its cores.
  std::function<bool(const HeldTask&)> may_start = {};
  std::function<void(const HeldTask&)> changed = {};  // for those who watch
  // Why nothing new is taken although there is room, e.g. a full disk; none: it is.
  std::function<std::optional<std::string>()> shortage = {};
  // Results of this owner were given up, and the ledger counts them as lost.
  std::function<void(const std::string& owner)> lost = {};
};

struct Counters {  // since start
  std::uint64_t accepted = 0, refused = 0, done = 0, failed = 0, answered = 0, repeated = 0;
  std::uint64_t given_up = 0;  // results that nobody took
  std::uint64_t damaged = 0;   // results that the disk has spoiled
};

// The lessee of what owners offer: accepts into the ledger, runs, and answers until the owner has
// it. On the loop only; nothing in it blocks. ACCEPT, RESULT and user code wait for the commit that
// made them true. An owner is known by the name its messages came under, and can touch only what it
// offered itself: two that name a task alike have a task each, of which the second goes by a name
// drawn here, on disk and in the runner.
class Lessee {
 public:
  Lessee(Options options, Parts parts, const ledger::LedgerRecovered& recovered);

  // Carries on from what the ledger held; `durable` is called once this start is in it.
  void start(const ledger::LedgerRecovered& recovered, std::function<void()> durable);

  // One turn: timers, runs, commits. Returns when it wants the next one, on its own time line.
  NodeTime cycle();

  // An owner came or went, or is there still: only a new session is told again what it may have
  // forgotten, or never heard.
  void on_owner(const std::string& owner, const wire::Presence& presence);
  void on_owner_gone(const std::string& owner);
  // What was sent and had not left is gone.
  void on_link_up();
  // Whoever speaks is there, also when its birth was missed.
  void on_heard(const std::string& owner);
  void on(const std::string& owner, const wire::Offer& offer);
  void on(const std::string& owner, const wire::BeatAck& ack);
  void on(const std::string& owner, const wire::ResultAck& ack);
  void on(const std::string& owner, const wire::Cancel& cancel);

  // Somebody here ends it, whoever owns it: its owner is told that it failed for good. False: it is
  // not held.
  bool cancel(TaskId id);

  // The names that a task has here and with its owner; the same where nothing says otherwise.
  TaskId id_of(const std::string& owner, TaskId offered);
  TaskId offered_as(TaskId id);

  // Refuses offers and hands back what has not started.
  void drain();
  void resume();
  void set_max_queue(std::uint32_t attempts);
  void set_uplink(std::uint64_t bytes_per_second);

  // What is held or awaits its acknowledgement, in no order.
  void each(const std::function<void(const HeldTask&)>& look) const;

  NodeTime now() const { return timeline_.now(); }
  Duration wall_of(NodeTime instant) const { return timeline_.wall_of(instant); }
  Journal& journal() { return journal_; }
  const Counters& counters() const { return counters_; }
  std::size_t held() const { return held_; }                   // accepted or running
  std::uint32_t running() const { return claims_.running(); }  // on cores
  std::size_t queued() const { return queue_.size() + blocking_queue_.size(); }
  std::uint64_t bytes() const { return bytes_; }  // of what is held and not answered
  Duration waited() const;                        // the next one to run, since it was accepted
  // Nothing runs, and nothing is on its way to the disk.
  bool idle() const { return claims_.empty() && journal_.idle(); }

 private:
  struct Owner {
    explicit Owner(std::string name_) : name(std::move(name_)) {}
    const std::string name;
    bool online = false;
    BootId boot;
    std::uint64_t session = 0;
    std::uint32_t held = 0;   // its attempts here, not done
    std::uint32_t kept = 0;   // and those that are done, until it has the answer
    std::uint64_t bytes = 0;  // of them
    attempt::Claims::Share runs;
    Owed<TaskId> results{kResendAfter};
    bool in_line = false;  // may have results to send
    bool untold = false;   // does not know the room it has
  };
  static constexpr Duration kResendAfter = std::chrono::seconds(5);

  void on_ledger_failed(const Error& error);
  void on_refused(TaskId id, const Error& why);
  void reload(TaskId id);
  void flush();
  void on_committed();
  lifecycle::Now tick() { return {timeline_.now(), parts_.random()}; }
  HeldTask* find(TaskId id);
  HeldTask* find(const std::string& owner, TaskId offered);
  TaskId name(const std::string& owner, TaskId offered);
  Owner& owner_of(const std::string& name);
  HeldTask& adopt(const ledger::LedgerRow& row);
  void recover(const ledger::LedgerRow& row);
  void say_damaged(std::uint64_t before) const;
  void apply(HeldTask& task, const lifecycle::LesseeStep& step);
  void track(HeldTask& task, const lifecycle::LesseeTask& was);
  void count(HeldTask& task);
  RunQueue& queue_of(const HeldTask& task) { return task.blocking() ? blocking_queue_ : queue_; }
  lifecycle::OfferTerms limited(lifecycle::OfferTerms terms) const;
  void give_up_results(NodeTime time);
  void settle(TaskId id);
  void forget(HeldTask& task);
  void on_timers();
  void hand_back(HeldTask& task, const std::string& why);

  // lessee_offers.cpp
  void set_online(Owner& owner, bool online);
  void renew(Owner& owner);
  void refuse(const std::string& owner, const wire::Offer& offer, lifecycle::NackReason reason);
  std::optional<lifecycle::NackReason> reason_to_refuse(const std::string& owner,
                                                        const TaskSpec& spec) const;
  void take(const std::string& owner, const wire::Offer& offer, const lifecycle::OfferTerms& terms,
            std::shared_ptr<const TaskSpec> spec, const Digest& digest,
            const lifecycle::LesseeStep& step);
  void owe_failure(const std::string& owner, const wire::Offer& offer, FailureClass failure);

  // lessee_runs.cpp
  void start_ready();
  void start_from(RunQueue& queue, bool blocking);
  std::uint32_t threads() const;  // for attempts of blocking kinds
  bool may_run_more(const std::string& owner, const RunQueue& queue, bool blocking) const;
  void start(HeldTask& task, bool blocking);
  bool may_claim(const HeldTask& task) const;
  bool is_full(const std::string& owner, std::uint64_t more) const;
  void look_for_shortage();
  double predicted_run(const Kind* kind) const;
  void learn_run(const Kind* kind, double seconds);
  void run(TaskId id, Epoch epoch);
  double free_core(TaskId id, Epoch epoch);
  void on_outcome(attempt::Outcome outcome);
  void keep_result(HeldTask& task, Epoch epoch, wire::ResultItem item);
  bool restore_result(HeldTask& task);
  void lose_result(HeldTask& task);
  void owe(HeldTask& task);
  void join_line(Owner& owner);
  void send_owed();
  bool send_owed(Owner& owner);
  bool send_result(const HeldTask& task) const;

  // lessee_talk.cpp
  void beat();
  void beat_again();
  void tell_credits();
  void tell_credits(Owner& owner);
  wire::Credits room() const;
  Duration queue_delay() const;
  void prune();

  Options options_;
  Parts parts_;
  NodeTimeline timeline_;
  Journal journal_;
  Counters counters_;
  std::unordered_map<TaskId, HeldTask> tasks_;
  std::map<std::pair<std::string, TaskId>, TaskId> renamed_;  // by owner and its name for it
  std::deque<TaskId> tombstones_;                             // oldest first
  RunQueue queue_, blocking_queue_;  // accepted, durable or about to be, not started
  std::set<std::pair<NodeTime, TaskId>> timers_;
  std::unordered_map<TaskId, NodeTime> timer_of_;
  std::unordered_map<std::string, Owner> owners_;
  std::deque<Owner*> line_;            // those that may have results to send
  std::uint32_t online_ = 0;           // owners that are there
  wire::Credits told_;                 // the room of each owner, as all that are online know it
  std::vector<Owner*> newcomers_;      // do not know it yet
  attempt::Claims claims_{256};        // what was started and has not ended
  std::uint32_t held_ = 0, kept_ = 0;  // accepted or running; and those not answered
  std::uint64_t bytes_ = 0;            // of these
  double mean_run_ = 0.01;             // seconds, moving average
  std::unordered_map<const Kind*, double> mean_runs_;
  std::uint64_t beat_round_ = 0;
  std::map<std::uint64_t, NodeTime> beat_sent_;  // by round, the last few
  bool draining_ = false;
  std::string store_problem_, shortage_;
  NodeTime retry_commit_ = kNever, next_beat_{}, late_beats_ = kNever, next_resend_{},
           next_prune_{}, next_credits_{};
  bool pruning_ = false;
  std::vector<TaskId> unread_;  // refused, and not looked up on the disk yet
};

}  // namespace spillway::lessee
