#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/base/gate.h"
#include "common/lessee/answers.h"
#include "common/lessee/beats.h"
#include "common/lessee/cores.h"
#include "common/lessee/journal.h"
#include "common/lessee/lease_table.h"
#include "common/lessee/parts.h"
#include "common/lessee/rooms.h"
#include "common/threads/door.h"

namespace spillway::lessee {

// The lessee of what owners offer: accepts into the ledger, runs, and answers until the owner has
// it. On the loop only; nothing in it blocks. ACCEPT, RESULT and user code wait for the commit that
// made them true.
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
  // A new link: what was sent and had not left is gone.
  void on_link_up();
  // An owner that speaks is there, also when its birth was missed.
  void on_heard(const std::string& owner);
  // What an owner says, by the name that it is heard under; a task of another owner is not found.
  void on(const std::string& owner, const wire::Offer& offer);
  void on(const std::string& owner, const wire::BeatAck& ack);
  void on(const std::string& owner, const wire::ResultAck& ack);
  void on(const std::string& owner, const wire::Cancel& cancel);

  // Somebody here ends it, whoever owns it: its owner is told that it failed for good. False: it is
  // not held.
  bool cancel(TaskId id);

  // The names that a task has here and with its owner; the same where nothing says otherwise.
  TaskId id_of(const std::string& owner, TaskId offered);
  TaskId offered_as(TaskId id) const;

  // Refuses offers and hands back what has not started.
  void drain();
  void resume();
  void set_max_queue(std::uint32_t attempts);
  void set_uplink(std::uint64_t bytes_per_second);

  // Visits what is held or awaits its acknowledgement, in no order.
  void each(const std::function<void(const HeldTask&)>& look) const;

  NodeTime now() const { return timeline_.now(); }
  Duration wall_of(NodeTime instant) const { return timeline_.wall_of(instant); }
  Journal& journal() { return journal_; }
  const Counters& counters() const { return counters_; }
  std::size_t held() const { return table_.held(); }          // accepted or running
  std::uint32_t running() const { return cores_.running(); }  // on cores
  std::size_t queued() const { return cores_.queued(); }
  std::uint64_t bytes() const { return table_.bytes(); }  // of what is held and not answered
  Duration waited() const;  // the next one to run, since it was accepted
  // Nothing runs, and nothing is on its way to the disk.
  bool idle() const { return cores_.idle() && journal_.idle(); }

 private:
  // The disk.
  void on_ledger_failed(const Error& error);
  void on_refused(TaskId id, const Error& why);
  void on_committed();
  void reload(TaskId id);
  void flush();
  void prune();

  // Tasks.
  HeldTask& adopt(const ledger::LedgerRow& row);
  void recover(const ledger::LedgerRow& row);
  void lose_result(HeldTask& task);
  void say_damaged(std::uint64_t before) const;
  void apply(HeldTask& task, const lifecycle::LesseeStep& step);
  void note_past(HeldTask& task) const;
  void track(HeldTask& task, const lifecycle::LesseeTask& was);
  void keep(HeldTask& task, wire::ResultItem item);
  void hand_back(HeldTask& task, const std::string& why);
  lifecycle::OfferTerms limited(lifecycle::OfferTerms terms) const;
  lifecycle::Now tick() {
    door_.enter();
    return {timeline_.now(), parts_.random()};
  }

  // Time.
  void on_timers();
  void on_time(HeldTask& task);
  void count_given_up(const std::string& owner, std::uint64_t results);
  void look_for_shortage();

  // Runs.
  void start(HeldTask& task);
  void run(TaskId id, Epoch epoch, std::uint64_t run);
  void on_outcome(std::uint64_t run, runner::Outcome outcome);

  // lessee_offers.cpp
  void renew(Lessor& lessor);
  void refuse(const std::string& owner, const wire::Offer& offer, lifecycle::NackReason reason);
  std::optional<lifecycle::NackReason> reason_to_refuse(const std::string& owner,
                                                        const TaskSpec& spec) const;
  bool is_full(const std::string& owner, std::uint64_t more) const;
  wire::Credits room() const;
  // What came with an offer, encoded and not.
  struct Given {
    std::shared_ptr<const Bytes> bytes;
    std::shared_ptr<const TaskSpec> spec;
    Digest digest;
  };
  void take(const std::string& owner, const wire::Offer& offer, const lifecycle::OfferTerms& terms,
            Given given, const lifecycle::LesseeStep& step);
  void owe_failure(const std::string& owner, const wire::Offer& offer, FailureClass failure);

  Options options_;
  Parts parts_;
  NodeTimeline timeline_;
  Journal journal_;
  Counters counters_;
  LeaseTable table_;
  Cores cores_;
  Answers answers_;
  Beats beats_;
  Rooms rooms_;
  bool draining_ = false;
  std::string store_problem_, shortage_;
  NodeTime retry_commit_ = kNever, next_prune_{};
  bool pruning_ = false;
  std::uint64_t runs_ = 0;      // started
  std::vector<TaskId> unread_;  // refused, and not looked up on the disk yet
  threads::Door door_{"lessee::Lessee"};
  Gate gate_;
};

}  // namespace spillway::lessee
