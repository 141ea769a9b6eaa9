#pragma once

#include <atomic>
#include <cstdint>

#include "common/threads/annotations.h"

namespace spillway::threads {

// The thread that runs a node's loop, as Clang sees it: what only that one may touch is
// GUARDED_BY(kLoop), what only that one may call REQUIRES(kLoop). Who knows itself to be on it has
// passed a Door.
class CAPABILITY("loop") LoopRole {};
inline constexpr LoopRole kLoop;

// As long as a LoopRun lives, its thread runs a loop. One inside another is the same loop.
class LoopRun {
 public:
  LoopRun();
  ~LoopRun();
  LoopRun(const LoopRun&) = delete;
  LoopRun& operator=(const LoopRun&) = delete;

 private:
  bool outermost_;
};

// A member of a class that only the loop may call, which belongs to the thread whose loop entered
// first, until that loop ends; before and after that to whoever makes and destroys it. enter() by
// another thread is a bug and ends the process, with what the class is; where NDEBUG is defined it
// does nothing.
class Door {
 public:
  explicit Door([[maybe_unused]] const char* of) {
#ifndef NDEBUG
    of_ = of;
#endif
  }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  void enter() const ASSERT_CAPABILITY(kLoop) {
#ifndef NDEBUG
    look();
#endif
  }

 private:
#ifndef NDEBUG
  void look() const;

  const char* of_;
  mutable std::atomic<std::uint64_t> run_{0};  // relaxed: whoever races here is found out anyway
#endif
};

}  // namespace spillway::threads
