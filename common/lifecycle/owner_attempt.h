#pragma once

#include "common/lifecycle/owner.h"

// What the owner's steps share; not for use outside this folder.
namespace spillway::lifecycle {

inline OwnerStep unchanged(const OwnerTask& task) {
  return {Verdict::unchanged, task, {}, {}, {}, {}};
}
inline OwnerStep stale(const OwnerTask& task) { return {Verdict::stale, task, {}, {}, {}, {}}; }
inline OwnerStep applied(const OwnerTask& task) { return {Verdict::applied, task, {}, {}, {}, {}}; }

// The live attempt of that epoch, while its task has not ended; null: there is none.
LiveAttempt* live_attempt(OwnerTask&, Epoch epoch);

enum class Stop { no, yes };

// Closes a live attempt of step.next: its OFFER leaves the outbox, and it may be stopped.
void end_attempt(OwnerStep&, LiveAttempt&, Stop);
void enter(OwnerStep&, TaskState, WaitReason, NodeTime now);
// Terminal, whatever was going on.
void finish(OwnerStep&, TaskState outcome, FailureClass, NodeTime now);
// A live attempt ended by itself, or is given up (Stop::yes), in this class.
void fail_attempt(OwnerStep&, LiveAttempt&, const OwnerPolicy&, FailureClass, Stop, Now);
// Nothing was run or nothing is known of it: again after a backoff, no sooner than `at_least`.
void grant_again_later(OwnerStep&, LiveAttempt&, const OwnerPolicy&, FailureClass,
                       Duration at_least, Now);
// Nothing was run: ready at once, with the loss counted so that placement leans to local.
void take_back(OwnerStep&, LiveAttempt&, NodeTime now);

}  // namespace spillway::lifecycle
