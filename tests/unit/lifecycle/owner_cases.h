#pragma once

#include "common/lifecycle/owner.h"

// Tasks in the states that the owner's tests start from.
namespace spillway::lifecycle {

inline constexpr BootId kBoot{1};
inline constexpr BootId kNextBoot{2};
inline constexpr bool kBegan = true;  // the body may have
inline constexpr Duration kLease = std::chrono::seconds(30);

constexpr NodeTime at(std::int64_t seconds) { return NodeTime(std::chrono::seconds(seconds)); }
// Random number 0: a backoff of zero. What jitter does is tested by itself.
constexpr Now now(std::int64_t seconds) { return {at(seconds), 0}; }

inline OwnerPolicy policy() {
  OwnerPolicy made;
  made.retry.max_attempts = 2;
  made.lease = kLease;
  return made;
}
inline OwnerPolicy once() {
  OwnerPolicy made = policy();
  made.effects = Effects::once;
  return made;
}

inline OwnerTask ready() { return {}; }
inline OwnerTask granted(PlaceId place) {
  return grant(ready(), policy(), place, kBoot, now(0)).next;
}
inline OwnerTask local() { return granted(kHere); }     // running here, epoch 1
inline OwnerTask offered() { return granted(kCloud); }  // OFFER pending, epoch 1
inline OwnerTask accepted() { return on_accept(offered(), policy(), {1}, now(1)).next; }
inline OwnerTask remote() { return on_started(accepted(), policy(), {1}, now(2)).next; }
// Epoch 1 was lost there, epoch 2 runs here.
inline OwnerTask granted_again() {
  OwnerTask lost = on_time(remote(), policy(), now(100)).next;
  lost = on_time(lost, policy(), now(200)).next;
  return grant(lost, policy(), kHere, kBoot, now(200)).next;
}
inline OwnerTask in_state(TaskState state) {
  OwnerTask task = remote();
  task.state = state;
  if (!is_terminal(state)) return task;
  task.live.clear();
  return task;
}

// The task's only live attempt; a blank one, when there is none.
inline LiveAttempt only(const OwnerTask& task) {
  return task.live.size() == 1 ? task.live[0] : LiveAttempt{};
}
// What the step does about that attempt; nothing, when it does not speak of it.
inline AttemptAct about(const OwnerStep& step, Epoch epoch) {
  for (const AttemptAct& one : step.act.attempts) {
    if (one.epoch == epoch) return one;
  }
  return {};
}

}  // namespace spillway::lifecycle
