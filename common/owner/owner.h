#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "common/base/clock.h"
#include "common/base/gate.h"
#include "common/owner/offer_book.h"
#include "common/owner/owned_task.h"
#include "common/owner/task_table.h"
#include "common/store/owner_journal.h"
#include "common/wire/messages.h"

namespace spillway::owner {

struct Options {
  BootId boot;  // of this process
  Duration lease = std::chrono::seconds(30);
  std::string store = "the store";  // what people are told of it as
  bool offers_go_up = true;         // as attempts count bytes: towards the cloud
};

// Where a node runs attempts itself. Asked once their grant is on disk.
class LocalRuns {
 public:
  virtual ~LocalRuns() = default;
  virtual void run_here(std::uint64_t seq, Epoch epoch) = 0;
  virtual void stop_here(TaskId id, Epoch epoch) = 0;
  // When its body began, if it has not ended.
  virtual std::optional<NodeTime> begun_here(TaskId id, Epoch epoch) const = 0;
  // Whether a body may have run before this process started.
  virtual bool may_have_begun(TaskId id) const = 0;
};

// What an owner works with. Everything outlives it.
struct Parts {
  const Clock* clock = nullptr;
  store::OwnerStore* store = nullptr;
  LocalRuns* local = nullptr;  // null: every attempt runs at another node
  std::function<std::uint64_t()> random;
  std::function<void()> wake;
  std::function<void(const std::string& message)> report;
  std::function<void(const std::string& message)> alarm;  // the same, of what needs somebody
  std::function<void(const std::string& cause, const std::string& detail)> refused;
  // To another node. False: there is no room or no link now; `wake` is called when there is.
  std::function<bool(OfferBook& there, wire::Item, bool urgent)> send_task;
  std::function<bool(OfferBook& there, wire::Item)> send_ack;
  // Whether all tasks sent there in that lane have left this side.
  std::function<bool(const OfferBook& there, bool urgent)> tasks_left;
};

// Why a step was taken: for its event, and for the task's error when it was the last.
struct Cause {
  std::string message;
  Code code = Code::internal;
};

// What an owner's node does beside it with the tasks: their order, who may run them, who waits for
// them, what is counted.
class Host {
 public:
  virtual ~Host() = default;
  // Completes a task that was read or accepted. False: nobody can tell any more whose it is.
  virtual bool prepare(OwnedTask& task) = 0;
  // Its state was `was`; `cancelled` of one that came into memory. One that is to leave memory,
  // since the disk contradicts it, is cancelled.
  virtual void changed(OwnedTask& task, const lifecycle::OwnerTask& was) = 0;
  // A step, as it is to be told; whoever listens waits for the commit.
  virtual void told(const store::EventRow& event) = 0;
  // Whether one that no commit speaks of stays in memory.
  virtual bool keeps(const OwnedTask& task) const = 0;
  virtual void forgets(OwnedTask& task) = 0;
  // Completes what is told of an end, and says until when it is kept.
  virtual NodeTime ending(OwnedTask& task, TaskResult& result) = 0;
  // What is kept of the spec of one that ended; null: all of it.
  virtual store::EncodedBytes spec_left(const OwnedTask& task) const = 0;
  virtual void ended(OwnedTask& task, TaskResult result) = 0;
  // Its accepted result came from another node, as did one that was not accepted.
  virtual void came(OwnedTask& task, const wire::ResultItem& item) = 0;
  virtual void repeated() = 0;
  // There is more to write, and the disk is free: flush() is to be called.
  virtual void gathered() = 0;
  virtual void committed() = 0;
};

// The owner of tasks: binds the life cycle, the store and the places that tasks are leased to.
// Which task is granted to which place, and when, is its node's to say. On the loop only; nothing
// in it blocks. Steps are taken in memory at once, and what leaves the process (answers, OFFERs,
// acks, user code) waits for the commit that made it true.
class Owner {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;

  Owner(Options options, Parts parts, Host& host, const store::Recovered& recovered);

  // Carries on from what the store held leased or running, and writes that a session begins.
  void start(const store::Recovered& recovered);

  // One turn, in this order with what its node does between.
  void on_timers();
  // `wall`: the time of day; 0 when it is not known. True: what gathered is on its way to the disk.
  bool flush(Duration wall) { return journal_.flush(now(), wall); }
  void send_owed();
  NodeTime next_timer() const;

  // Tasks. Only what is in memory is found.
  OwnedTask* find(std::uint64_t seq) { return table_.find(seq); }
  const OwnedTask* find(std::uint64_t seq) const { return table_.find(seq); }
  // As a row says, without taking it into memory. Null: it is damaged, so that nobody knows whose
  // it is.
  std::optional<OwnedTask> read(const store::TaskRow& row);
  // Takes a row into memory, where it is not there yet. Null: it is damaged.
  OwnedTask* adopt(const store::TaskRow& row);
  // A new one, whose row says all but its number.
  OwnedTask& insert(store::NewTask row, std::shared_ptr<const TaskSpec> spec);
  std::uint64_t next_seq() const { return next_seq_; }
  // With the task, which is read when it is not in memory; else `refused` is told why not.
  void with_task(std::uint64_t seq, std::function<void(const Error&)> refused,
                 std::function<void(OwnedTask&)> use);
  // Lets go of the task, or of all, where nothing needs them in memory.
  void settle(std::uint64_t seq);
  void settle_all();

  // Steps.
  lifecycle::Now tick() const { return {timeline_.now(), parts_.random()}; }
  void apply(OwnedTask& task, const lifecycle::OwnerStep& step, Cause cause = {});
  // Grants a ready task, with why; false: it cannot be granted there.
  bool grant(OwnedTask& task, PlaceKind place, Explanation why = {});
  // An attempt succeeded. When that is applied, its result is the accepted one, and the caller goes
  // on with finish().
  lifecycle::Verdict succeed(OwnedTask& task, Epoch epoch);
  void finish(OwnedTask& task, TaskResult result);
  // Whether it counts. `again`: another attempt may end otherwise.
  bool fail_attempt(OwnedTask& task, Epoch epoch, FailureClass failure, const Error& error,
                    bool again);
  // People's verbs; answered on the loop once they are on disk. not_found; conflict: its state.
  void cancel(std::uint64_t seq, Done<void> done);
  void hold(std::uint64_t seq, Done<void> done);
  void release(std::uint64_t seq, Done<void> done);
  void retry(std::uint64_t seq, std::optional<Duration> usual_deadline, Done<void> done);

  // Places. A book stays where it is.
  OfferBook& book(const std::string& place);
  const std::unordered_map<std::string, OfferBook>& books() const { return books_; }
  // It came, went, or is there still. True: in another session than before.
  bool on_presence(OfferBook& there, const wire::Presence& presence);
  // What nobody acknowledged goes back, as its task wishes.
  void take_back(OfferBook& there, const std::string& why);
  // Nobody has to wait for the leases of what it has: it was stopped there, or is told to stop it.
  // `it_says`: it may be wrong, so that what has its effects once is given to nobody else before
  // its lease is over.
  void lose_leases(OfferBook& there, const std::string& why, bool it_says);
  void on(OfferBook& there, const wire::Credits& credits);
  void on(OfferBook& there, const wire::Accept& item);
  void on(OfferBook& there, const wire::Nack& item);
  void on(OfferBook& there, const wire::Beat& item);
  void on(OfferBook& there, const wire::ResultItem& item);

  // Names and numbers.
  TaskId id_of(std::uint64_t seq) const { return lives_.id_of(seq); }
  // Of a task that was accepted here, in any life of this store; else null.
  std::optional<std::uint64_t> own(TaskId id) const;
  store::Lives& lives() { return lives_; }
  const store::Lives& lives() const { return lives_; }
  const NodeTimeline& timeline() const { return timeline_; }
  NodeTime now() const { return timeline_.now(); }
  store::OwnerJournal& journal() { return journal_; }
  TaskTable& table() { return table_; }
  const TaskTable& table() const { return table_; }
  std::uint64_t in_state(TaskState state) const { return by_state_[std::size_t(state)]; }
  std::uint64_t unfinished() const;
  // Why the store cannot write; empty: it can.
  const std::string& store_problem() const { return store_problem_; }
  void set_lease(Duration lease) { options_.lease = lease; }
  bool idle() const { return journal_.idle(); }

 private:
  using Step = std::function<lifecycle::OwnerStep(const OwnedTask&)>;

  // owner.cpp
  OwnedTask& add(OwnedTask task);
  void act(OwnedTask& task, const lifecycle::OwnerStep& step);
  void record(OwnedTask& task, const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step,
              const std::string& detail);
  void recover(OwnedTask& task, bool may_have_begun, const std::string& why);
  void track(OwnedTask& task, const lifecycle::OwnerTask& was);
  void forget(OwnedTask& task);
  void ask(std::uint64_t seq, const std::string& verb, const Step& step, const Done<void>& done);
  void purge();
  void on_committed();
  void on_store_failed(const Error& error);
  void on_refused(std::uint64_t seq, const Error& why);
  void reload(std::uint64_t seq);

  // owner_offers.cpp
  void owe_offer(std::uint64_t seq, Epoch epoch);
  bool send_owed(OfferBook& there, bool urgent);
  bool send_offer(OwnedTask& task);
  OwnedTask* leased(const OfferBook& there, TaskId id);
  bool is_of(const OfferBook& there, const OwnedTask& task) const;
  void take_result(OwnedTask& task, const wire::ResultItem& item);
  void acknowledge(OfferBook& there, const wire::ResultItem& item, wire::ResultVerdict verdict);
  void count_bytes(OwnedTask& task, std::uint64_t sent, std::uint64_t received) const;

  Options options_;
  Parts parts_;
  Host& host_;
  store::Lives lives_;
  NodeTimeline timeline_;
  TaskTable table_;
  store::OwnerJournal journal_;
  std::unordered_map<std::string, OfferBook> books_;
  std::set<OfferBook*> owing_;  // with offers that may be due
  std::uint64_t by_state_[8] = {};
  std::uint64_t next_seq_ = 1;
  bool purging_ = false;
  std::vector<std::uint64_t> unread_;  // refused, and not looked up on the disk yet
  std::string store_problem_;
  NodeTime retry_commit_ = kNever, next_resend_ = kNever, next_purge_{};
  Gate gate_;
};

}  // namespace spillway::owner
