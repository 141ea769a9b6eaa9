#include "agent/node/ready_window.h"

namespace spillway::agent {

using owner::OwnedTask;

bool ReadyWindow::contains(const store::ReadyKey& key) const {
  return !more_on_disk_ || (end_ && key <= *end_);
}

bool ReadyWindow::keeps(const OwnedTask& task) const {
  switch (task.state.state) {
    case TaskState::leased:
    case TaskState::running: return true;
    case TaskState::ready: return task.elder || contains(task.ready_key());
    // A task in its pause is back soon; but pauses must not fill the memory.
    case TaskState::waiting:
      return task.state.reason == WaitReason::backoff && tasks_.size() <= 2 * max_ready_;
    default: return false;
  }
}

void ReadyWindow::changed(OwnedTask& task) {
  const store::ReadyKey key = task.ready_key();
  const bool ready = task.state.state == TaskState::ready;
  const bool inside = ready && contains(key);
  if (inside) {
    ready_.insert(key);
  } else {
    ready_.erase(key);
    if (ready && refilling_) left_behind_ = true;
  }
  task.elder = task.elder && ready;
  age(task, inside || task.elder);
}

void ReadyWindow::age(OwnedTask& task, bool waits) {
  const NodeTime since = waits ? task.state.since : kNever;
  if (task.aged == since) return;
  if (task.aged != kNever) by_age_.erase({task.aged, task.seq});
  if (since != kNever) by_age_.insert({since, task.seq});
  task.aged = since;
}

std::vector<Band> ReadyWindow::bands_beyond() const {
  std::vector<Band> bands;
  if (!more_on_disk_ || !end_) return bands;
  for (auto band = unsigned(end_->band) + 1; band <= unsigned(Band::background); ++band) {
    bands.push_back(Band(band));
  }
  return bands;
}

void ReadyWindow::add_elder(OwnedTask& task) {
  task.elder = true;
  changed(task);
}

void ReadyWindow::forgets(OwnedTask& task) {
  age(task, false);
  ready_.erase(task.ready_key());
  // Some sleep without a timer here: a task that no place can run is looked at again on disk.
  const NodeTime wake = task.state.state == TaskState::waiting ? task.state.wake : kNever;
  disk_due_ = std::min({disk_due_, task.timer, wake});
}

bool ReadyWindow::shrink() {
  // A refill that is under way answers for what lies behind the window's present end.
  if (refilling_) return false;
  const bool many = ready_.size() > 2 * max_ready_;
  if (many) trim(max_ready_);
  const bool large = bytes() > room_ && ready_.size() > 1;
  if (large) trim(ready_.size() / 2);
  return many || large;
}

// The farthest tasks go back to being on disk only; those a commit still speaks of go with theirs.
void ReadyWindow::trim(std::size_t keep) {
  while (ready_.size() > keep) {
    if (OwnedTask* task = tasks_.find(ready_.rbegin()->seq)) age(*task, task->elder);
    ready_.erase(std::prev(ready_.end()));
  }
  end_ = *ready_.rbegin();
  more_on_disk_ = true;
}

bool ReadyWindow::needs_refill() const {
  return more_on_disk_ && !refilling_ && ready_.size() < (max_ready_ + 1) / 2 &&
         (bytes() <= room_ / 2 || ready_.empty());
}

std::optional<store::ReadyKey> ReadyWindow::refill_after() {
  refilling_ = true;
  left_behind_ = false;
  // Tasks before the window's end are all in memory; start there, or at the beginning.
  return end_;
}

void ReadyWindow::refilled(std::optional<store::ReadyKey> last, bool full) {
  refilling_ = false;
  if (last && (!end_ || *end_ < *last)) end_ = last;
  more_on_disk_ = full || left_behind_;
  left_behind_ = false;
  // Some were in memory for another reason when the window moved over them.
  tasks_.each([this](OwnedTask& task) {
    if (task.state.state != TaskState::ready || !contains(task.ready_key())) return;
    ready_.insert(task.ready_key());
    age(task, true);
  });
}

}  // namespace spillway::agent
