#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "common/base/gate.h"
#include "common/lifecycle/owner.h"
#include "common/sqlite/commit_cycle.h"
#include "common/sqlite/refusals.h"
#include "common/store/owner_store.h"

namespace spillway::owner {

// What the journal knows of an owner's task in memory.
struct JournaledTask {
  std::uint64_t seq = 0;
  lifecycle::OwnerTask state;  // the newest; the disk follows
  unsigned unsaved = 0;        // batches that speak of it and are not committed yet
};

// What is to become durable next. While one batch is being committed the next one grows here, and a
// task's steps in it melt into one row: under load a task costs few writes. What nobody waits for
// waits for company, as each commit writes whole pages. Loop only.
class OwnerJournal {
 public:
  static constexpr Duration kMayWait = std::chrono::milliseconds(5);

  struct Listener {
    std::function<void(std::uint64_t seq)> settled;  // no commit under way speaks of it any more
    // The disk contradicts what memory holds of this task: the listener lets go of it and looks at
    // the disk. Nothing here speaks of it any more. Told ahead of what waited for the commit.
    std::function<void(std::uint64_t seq, const Error& why)> refused;
  };
  OwnerJournal(store::OwnerStore& store, sqlite::CommitCycle<store::Batch>::Listener cycle,
               Listener listener);

  void insert(JournaledTask& task, store::NewTask row);
  // From the next commit on rows may speak of the place.
  void keep_name(store::PlaceName place) { cycle_.batch().places.push_back(std::move(place)); }
  // The task moved from `was` to task.state.
  void update(JournaledTask& task, TaskState was_state, Epoch was_epoch);
  // Its end, in the same batch as the update that made it terminal. `spec_left`: what is kept of
  // its spec; null: all of it.
  void finish(const JournaledTask& task, sqlite::EncodedBytes result, NodeTime keep_until,
              sqlite::EncodedBytes spec_left = nullptr);
  // What is known of its result so far, with the update it comes from.
  void remember(const JournaledTask& task, sqlite::EncodedBytes so_far);
  void event(store::EventRow row) { cycle_.batch().events.push_back(std::move(row)); }
  void put_offer(store::OutboxRow row) { cycle_.batch().outbox_put.push_back(row); }
  void drop_offer(store::OutboxRow row) { cycle_.batch().outbox_drop.push_back(row); }
  void dependencies_done(std::uint64_t seq) { cycle_.batch().deps_done.push_back(seq); }
  // Counts what was given up. It may wait so long for something else to be written; what came to
  // nothing then, by a kill or a power cut, is not counted.
  void lose(const store::LossCount& loss, Duration may_wait);
  // Of telemetry, sent: written with whatever is next. What was not sent is counted by lose().
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
  NodeTime due() const { return cycle_.busy() ? kNever : std::min(losses_due_, company_until_); }
  void reported(LossRow row) { cycle_.batch().reported.push_back(row); }
  void session(std::uint64_t number) { cycle_.batch().session = number; }
  void heard_of(const KnownLife& peer) { cycle_.batch().peers.push_back(peer); }
  void restored() { cycle_.batch().restored = true; }
  // Once everything so far is durable. Somebody waits for that, so the next flush writes it.
  void after(std::function<void()> action) { cycle_.after(std::move(action)); }
  // The same, with why the task's steps are not on disk, if they were refused.
  void after(std::uint64_t seq, std::function<void(const Error* refused)> action);
  // The same, but it may wait for kMayWait.
  void whenever(std::function<void()> action) { cycle_.whenever(std::move(action)); }

  // What gathered does not wait for company.
  void hurry() { cycle_.hurry(); }

  // Hands over what gathered, if the disk is free, and somebody waits for it or it has waited long
  // enough. True: it is on its way.
  bool flush(NodeTime now, Duration wall);
  void retry() { cycle_.retry(); }
  bool idle() const { return cycle_.idle(); }

 private:
  using Touched = std::unordered_map<std::uint64_t, JournaledTask*>;
  void touch(JournaledTask& task);
  bool is_due(NodeTime now);
  void on_written(const store::Refused& refused);
  void put_losses();
  void strike(std::uint64_t seq);

  sqlite::CommitCycle<store::Batch> cycle_;
  Listener listener_;
  std::unordered_map<std::uint64_t, std::size_t> inserts_, updates_;  // seq → index in the batch
  Touched touched_;
  std::shared_ptr<Touched> flying_ = std::make_shared<Touched>();  // of the commit under way
  sqlite::Refusals<std::uint64_t> refusals_;
  struct Losses {
    NodeTime first, last;
    std::uint64_t count = 0;
  };
  std::map<LossKey, Losses> losses_;  // not in a batch yet
  std::uint64_t samples_ = 0;         // nor are these
  NodeTime losses_due_ = kNever;
  NodeTime company_until_ = kNever;  // of what nobody waits for
  Gate gate_;
};

}  // namespace spillway::owner
