#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/gate.h"
#include "common/base/places.h"
#include "common/owner/offers.h"
#include "common/owner/owned_task.h"
#include "common/owner/owner_journal.h"
#include "common/owner/parts.h"
#include "common/owner/task_table.h"
#include "common/threads/door.h"
#include "common/wire/messages.h"

namespace spillway::owner {

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
  bool flush(Duration wall) {
    door_.enter();
    return journal_.flush(now(), wall);
  }
  void send_owed() { offers_.send_owed(); }
  NodeTime next_timer() const;

  // Tasks. Only what is in memory is found.
  OwnedTask* find(std::uint64_t seq) {
    door_.enter();
    return table_.find(seq);
  }
  const OwnedTask* find(std::uint64_t seq) const {
    door_.enter();
    return table_.find(seq);
  }
  // The task that something in memory names; not to have it here is a bug.
  OwnedTask& at(std::uint64_t seq) {
    door_.enter();
    return table_.at(seq);
  }
  const OwnedTask& at(std::uint64_t seq) const {
    door_.enter();
    return table_.at(seq);
  }
  // The task as a row says, without taking it into memory. Null: the row is damaged, so that nobody
  // knows whose it is.
  std::optional<OwnedTask> read(const store::TaskRow& row);
  // Takes a row into memory, where it is not there yet. Null: it is damaged.
  OwnedTask* adopt(const store::TaskRow& row);
  // Adds a new task, whose row says all but its number.
  OwnedTask& insert(store::NewTask row, std::shared_ptr<const TaskSpec> spec);
  std::uint64_t next_seq() const { return next_seq_; }
  // Calls `use` with the task, which is read when it is not in memory; else `refused` is told why
  // not.
  void with_task(std::uint64_t seq, std::function<void(const Error&)> refused,
                 std::function<void(OwnedTask&)> use);
  // Lets go of the task, or of all, where nothing needs them in memory.
  void settle(std::uint64_t seq);
  void settle_all();

  // Steps.
  lifecycle::Now tick() const {
    door_.enter();
    return {timeline_.now(), parts_.random()};
  }
  void apply(OwnedTask& task, const lifecycle::OwnerStep& step, Cause cause = {});
  // Grants a ready task, with why; false: it cannot be granted there.
  bool grant(OwnedTask& task, PlaceId place, Explanation why = {});
  // An attempt succeeded. When that is applied, its result is the accepted one, and the caller goes
  // on with finish().
  lifecycle::Verdict succeed(OwnedTask& task, Epoch epoch);
  void finish(OwnedTask& task, TaskResult result);
  // An attempt failed; whether that counts. `again`: another attempt may end otherwise.
  bool fail_attempt(OwnedTask& task, Epoch epoch, FailureClass failure, const Error& error,
                    bool again);
  // People's verbs; answered on the loop once they are on disk. not_found; conflict: its state.
  void cancel(std::uint64_t seq, const Done<void>& done);
  void hold(std::uint64_t seq, const Done<void>& done);
  void release(std::uint64_t seq, const Done<void>& done);
  void retry(std::uint64_t seq, std::optional<Duration> usual_deadline, const Done<void>& done);

  // What this owner and other nodes say to each other.
  Offers& offers() { return offers_; }
  OfferBook& book(const std::string& place) { return offers_.book(place); }

  // Names and numbers.
  TaskId id_of(std::uint64_t seq) const { return lives_.id_of(seq); }
  // The number of a task that was accepted here, in any life of this store; else null.
  std::optional<std::uint64_t> own(TaskId id) const;
  Places& places() { return places_; }
  const Places& places() const { return places_; }
  store::Lives& lives() { return lives_; }
  const store::Lives& lives() const { return lives_; }
  const NodeTimeline& timeline() const { return timeline_; }
  NodeTime now() const { return timeline_.now(); }
  owner::OwnerJournal& journal() { return journal_; }
  Host& host() { return host_; }
  TaskTable& table() { return table_; }
  const TaskTable& table() const { return table_; }
  std::uint64_t in_state(TaskState state) const { return by_state_[std::size_t(state)]; }
  std::uint64_t unfinished() const;
  // Why the store cannot write; empty: it can.
  const std::string& store_problem() const { return store_problem_; }
  void set_lease(Duration lease) { options_.lease = lease; }
  bool idle() const { return journal_.idle(); }

 private:
  using Step = std::function<Result<lifecycle::OwnerStep>(const OwnedTask&)>;

  std::shared_ptr<const TaskSpec> decoded(const sqlite::EncodedBytes& bytes);
  OwnedTask& add(OwnedTask task);
  void act(OwnedTask& task, const lifecycle::OwnerStep& step);
  void record(OwnedTask& task, const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step,
              const std::string& detail);
  void recover(OwnedTask& task, bool may_have_begun, const std::string& why);
  void track(OwnedTask& task, const lifecycle::OwnerTask& was);
  void forget(OwnedTask& task);
  void keep_name(PlaceId place);
  void ask(std::uint64_t seq, const std::string& verb, const Step& step, const Done<void>& done);
  void purge();
  void on_committed();
  void on_store_failed(const Error& error);
  void on_refused(std::uint64_t seq, const Error& why);
  void reload(std::uint64_t seq);

  Options options_;
  Parts parts_;
  Host& host_;
  store::Lives lives_;
  Places places_;
  NodeTimeline timeline_;
  TaskTable table_;
  owner::OwnerJournal journal_;
  Offers offers_;
  std::weak_ptr<const Bytes> last_bytes_;    // that were decoded,
  std::weak_ptr<const TaskSpec> last_spec_;  // and what they are
  std::uint64_t by_state_[8] = {};
  std::uint64_t next_seq_ = 1;
  bool purging_ = false;
  std::vector<std::uint64_t> unread_;  // refused, and not looked up on the disk yet
  std::string store_problem_;
  NodeTime retry_commit_ = kNever, next_purge_{};
  threads::Door door_{"owner::Owner"};
  Gate gate_;
};

}  // namespace spillway::owner
