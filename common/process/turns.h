#pragma once

#include <algorithm>
#include <functional>
#include <utility>

#include "common/base/gate.h"
#include "common/process/loop.h"
#include "common/threads/door.h"
#include "spillway/time.h"

namespace spillway::process {

// Gives a node its turns: soon after each wake(), many wakes melting into one turn behind whatever
// the loop has queued by then, and when the last turn asked for the next. The loop's thread.
class Turns {
 public:
  // `turn` returns when it wants the next one, on the time line that `now` reads; kNever: not by
  // itself.
  Turns(Loop& loop, std::function<NodeTime()> now, std::function<NodeTime()> turn)
      : loop_(&loop), now_(std::move(now)), turn_(std::move(turn)) {}

  void wake() {
    door_.enter();
    if (std::exchange(posted_, true)) return;
    loop_->post(gate_.pass([this] { take(); }));
  }

 private:
  void take() {
    posted_ = false;
    NodeTime next = turn_();
    timer_.cancel();
    if (next == kNever || posted_) return;
    timer_ = loop_->after(std::max(next - now_(), Duration::zero()), [this] { take(); });
  }

  Loop* loop_;
  std::function<NodeTime()> now_, turn_;
  Timer timer_;
  bool posted_ = false;
  threads::Door door_{"process::Turns"};
  Gate gate_;
};

}  // namespace spillway::process
