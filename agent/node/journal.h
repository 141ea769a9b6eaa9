#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "agent/node/live_task.h"
#include "common/store/owner_store.h"

namespace spillway::agent {

// What is to become durable next, and what waits for that. While one batch is being committed the
// next one grows here, and a task's steps in it melt into one row: under load a task costs few
// writes. One thread.
class Journal {
 public:
  explicit Journal(store::OwnerStore& store) : store_(&store) {}

  void insert(LiveTask& task, store::NewTask row);
  // The task moved from `was` to task.state.
  void update(LiveTask& task, TaskState was_state, Epoch was_epoch);
  void finish(LiveTask& task, store::EncodedBytes result, NodeTime keep_until);
  void event(store::EventRow row) { batch_.events.push_back(std::move(row)); }
  void put_offer(store::OutboxRow row) { batch_.outbox_put.push_back(row); }
  void drop_offer(store::OutboxRow row) { batch_.outbox_drop.push_back(row); }
  void dependencies_done(std::uint64_t seq) { batch_.deps_done.push_back(seq); }
  void session(std::uint64_t number) { batch_.session = number; }
  // Runs on the loop once everything journalled so far is durable.
  void after(std::function<void()> action) { actions_.push_back(std::move(action)); }

  // Commits what has gathered, unless a commit is under way. `settled` is told each task that the
  // commit spoke of; `failed` why a commit did not happen: it is tried again by retry().
  void flush(NodeTime now, Duration wall);
  void retry();
  struct Listener {
    std::function<void(std::uint64_t seq)> settled;
    std::function<void(const Error&)> failed;
    std::function<void()> committed;
  };
  void listen(Listener listener) { listener_ = std::move(listener); }
  bool stalled() const { return stalled_; }
  bool idle() const { return !busy_ && batch_.empty() && actions_.empty(); }

 private:
  void touch(LiveTask& task);
  void hand_over();
  void on_done(Result<void> result);

  store::OwnerStore* store_;
  Listener listener_;
  store::Batch batch_;
  std::unordered_map<std::uint64_t, std::size_t> inserts_, updates_;  // seq → index in batch_
  std::unordered_map<std::uint64_t, LiveTask*> touched_;
  std::vector<std::function<void()>> actions_;

  bool busy_ = false;
  bool stalled_ = false;
  store::Batch flying_;  // kept until it is durable
  std::vector<LiveTask*> flying_tasks_;
  std::vector<std::function<void()>> flying_actions_;
};

}  // namespace spillway::agent
