#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "common/lifecycle/owner.h"
#include "common/sqlite/journal.h"
#include "common/store/owner_store.h"

namespace spillway::owner {

// What the journal knows of an owner's task in memory.
struct JournaledTask : sqlite::Journaled {
  std::uint64_t seq = 0;
  lifecycle::OwnerTask state;  // the newest; the disk follows
};

struct OwnerRows {
  using Held = JournaledTask;
  using Batch = store::Batch;
  using Refused = store::Refused;
  static std::uint64_t key(const JournaledTask& task) { return task.seq; }
  static std::uint64_t key(const store::NewTask& task) { return task.row.seq; }
  static std::uint64_t key(const store::TaskUpdate& update) { return update.seq; }
  static std::uint64_t key(const store::RefusedTask& refused) { return refused.seq; }
  static void strike(store::Batch& batch, std::uint64_t seq);
};

// What of an owner's tasks is to become durable next. What nobody waits for waits for company, as
// each commit writes whole pages: under load a task costs few writes. Loop only.
class OwnerJournal {
 public:
  static constexpr Duration kMayWait = std::chrono::milliseconds(5);

  using Rows = sqlite::Journal<OwnerRows>;
  OwnerJournal(store::OwnerStore& store, Rows::Cycle::Listener cycle, Rows::Listener listener)
      : rows_(store, std::move(cycle), std::move(listener)) {}

  void insert(JournaledTask& task, store::NewTask row) { rows_.insert(task, std::move(row)); }
  // From the next commit on rows may speak of the place.
  void keep_name(store::PlaceName place) { batch().places.push_back(std::move(place)); }
  // The task moved from `was` to task.state.
  void update(JournaledTask& task, TaskState was_state, Epoch was_epoch);
  // A task's end, in the same batch as the update that made it terminal. `spec_left`: what is kept
  // of its spec; null: all of it.
  void finish(const JournaledTask& task, sqlite::EncodedBytes result, NodeTime keep_until,
              sqlite::EncodedBytes spec_left = nullptr);
  // What is known of a task's result so far, with the update it comes from.
  void remember(const JournaledTask& task, sqlite::EncodedBytes so_far);
  void event(store::EventRow row) { batch().events.push_back(std::move(row)); }
  void put_offer(store::OutboxRow row) { batch().outbox_put.push_back(row); }
  void drop_offer(store::OutboxRow row) { batch().outbox_drop.push_back(row); }
  void dependencies_done(std::uint64_t seq) { batch().deps_done.push_back(seq); }
  // Counts what was given up. It may wait so long for something else to be written; what came to
  // nothing then, by a kill or a power cut, is not counted.
  void lose(const store::LossCount& loss, Duration may_wait);
  // Samples of telemetry that were sent: written with whatever is next. What was not sent is
  // counted by lose().
  void samples(std::uint64_t sent) { samples_ += sent; }
  // Writes both at the next flush.
  void write_losses() {
    if (samples_ > 0 || !losses_.empty()) losses_due_ = NodeTime::min();
  }
  // To be called when a look at the store that begins now answers: what of both the look lacks. By
  // then it is known whether the commit under way went well.
  std::function<store::LossTable()> unwritten() const;
  // When flush() should be called for what may wait: behind what is on its way already, which tells
  // by itself when it is through.
  NodeTime due() const { return cycle().busy() ? kNever : std::min(losses_due_, company_until_); }
  void reported(LossRow row) { batch().reported.push_back(row); }
  void session(std::uint64_t number) { batch().session = number; }
  void heard_of(const KnownLife& peer) { batch().peers.push_back(peer); }
  void restored() { batch().restored = true; }
  // Calls `action` once everything so far is durable. Somebody waits for that, so the next flush
  // writes it.
  void after(std::function<void()> action) { cycle().after(std::move(action)); }
  // The same, with why the task's steps are not on disk, if they were refused.
  void after(std::uint64_t seq, std::function<void(const Error* refused)> action) {
    rows_.after(seq, std::move(action));
  }
  // The same, but it may wait for kMayWait.
  void whenever(std::function<void()> action) { cycle().whenever(std::move(action)); }

  // What gathered does not wait for company.
  void hurry() { cycle().hurry(); }

  // Hands over what gathered, if the disk is free, and somebody waits for it or it has waited long
  // enough. True: it is on its way.
  bool flush(NodeTime now, Duration wall);
  void retry() { cycle().retry(); }
  bool idle() const { return cycle().idle(); }

 private:
  Rows::Cycle& cycle() { return rows_.cycle(); }
  const Rows::Cycle& cycle() const { return rows_.cycle(); }
  store::Batch& batch() { return cycle().batch(); }
  bool is_due(NodeTime now);
  void put_losses();

  Rows rows_;
  struct Losses {
    NodeTime first, last;
    std::uint64_t count = 0;
  };
  std::map<LossKey, Losses> losses_;  // not in a batch yet
  std::uint64_t samples_ = 0;         // nor are these
  NodeTime losses_due_ = kNever;
  NodeTime company_until_ = kNever;  // of what nobody waits for
};

}  // namespace spillway::owner
