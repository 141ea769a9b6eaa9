#pragma once

#include <array>
#include <utility>
#include <vector>

#include "tests/sim/message.h"

namespace spillway::sim {

enum class Act : std::uint8_t { send, queue, run, stop, tell };

// Something that leaves the node, or starts or stops code: only after the commit that it rests on.
struct Effect {
  Act act = Act::send;
  std::uint8_t task = 0;
  Epoch epoch;
  RunId run = kNoRun;
  wire::Item item = {};
};

// A node's store with group commit: the rows in memory run ahead of those on disk, one group is on
// its way at a time, and effects wait for the group that closes after them.
template <class Row>
class Journal {
 public:
  std::array<Row, kMaxTasks> memory{};
  std::array<Row, kMaxTasks> disk{};

  void clear() {
    memory = disk = {};
    forget();
  }
  void mark(std::size_t task) { dirty_ |= 1U << task; }
  void then(const Effect& effect) { open_.push_back(effect); }
  bool is_writing() const { return writing_; }
  bool has_group() const { return dirty_ != 0 || !open_.empty(); }
  bool is_ahead() const { return dirty_ != 0 || group_ != 0; }

  // Closes the group. Returns whether it has rows to write.
  bool begin() {
    writing_ = true;
    group_ = std::exchange(dirty_, 0U);
    rows_ = memory;
    std::swap(flying_, open_);
    open_.clear();
    return group_ != 0;
  }

  // The group is on disk; `seen(task, old, now)` is told of each row.
  template <class F>
  void commit(F seen) {
    for (std::size_t task = 0; task < kMaxTasks; ++task) {
      if ((group_ >> task & 1U) == 0) continue;
      const Row old = std::exchange(disk[task], rows_[task]);
      seen(task, old, rows_[task]);
    }
    group_ = 0;
    writing_ = false;
  }
  // The effects of the group just committed, to be carried out in order.
  std::vector<Effect>& effects() { return flying_; }

  // Power is gone: memory is what the disk has, and no effect will follow.
  void forget() {
    memory = disk;
    dirty_ = group_ = 0;
    writing_ = false;
    open_.clear();
    flying_.clear();
  }

 private:
  unsigned dirty_ = 0, group_ = 0;
  bool writing_ = false;
  std::array<Row, kMaxTasks> rows_{};
  std::vector<Effect> open_, flying_;
};

}  // namespace spillway::sim
