#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/base/few.h"
#include "spillway/task.h"

// The owner's side of a task's life, as a pure machine: no clock, thread, socket or disk. The
// caller passes a task's durable state in and gets the next state and what to do about it out; it
// must make the next state durable before it acts on anything in `Do` that leaves the process or
// starts code.
namespace spillway::lifecycle {

// An attempt that is out: it was granted, and has neither ended nor been given up.
struct LiveAttempt {
  Epoch epoch;
  PlaceId place;
  BootId boot;                    // here: of this process when it wrote `running`
  bool started = false;           // it is known to run
  bool offer_pending = false;     // its OFFER has no application ack yet
  NodeTime lease_until = kNever;  // elsewhere: lost when silent until then
  NodeTime run_until = kNever;    // here: times out at this time
  bool operator==(const LiveAttempt&) const = default;
};

inline constexpr std::size_t kMaxLiveAttempts = 4;  // of one task, each at a place of its own

// The durable state of one task, as the owner's store keeps it. All steps hold for several live
// attempts; so far a grant makes the only one, and the store keeps one.
struct OwnerTask {
  TaskState state = TaskState::ready;  // running: one of its attempts is known to
  WaitReason reason = WaitReason::none;
  Epoch epoch;                              // of the last grant; never goes down
  Few<LiveAttempt, kMaxLiveAttempts> live;  // oldest first
  std::uint32_t attempts = 0;               // burnt by errors and timeouts
  std::uint32_t crashes = 0;                // attempts whose place crashed
  PlaceId crashed_at;                       // the place of the first of these
  std::uint32_t losses = 0;                 // consecutive attempts lost, refused or withdrawn
  FailureClass last_failure = FailureClass::none;
  Epoch settled;               // failures up to here are counted; goes out with every OFFER
  std::uint32_t deps = 0;      // tasks it still waits for
  NodeTime since{};            // of `state`
  NodeTime wake = kNever;      // waiting: when to become ready again
  NodeTime deadline = kNever;  // expires when live at this time
  NodeTime start_by = kNever;  // queue timeout: must have been granted by then
  bool operator==(const OwnerTask&) const = default;

  // The live attempt of that epoch, or at that place; null: there is none.
  const LiveAttempt* attempt(Epoch of) const;
  const LiveAttempt* attempt_at(PlaceId place) const;
  // Where the newest live attempt is; kNowhere: there is none.
  PlaceId place() const { return live.empty() ? kNowhere : live.back().place; }
};

// What the spec fixes for the machine; not durable on its own.
struct OwnerPolicy {
  Effects effects = Effects::pure;
  RetryPolicy retry;
  Duration run_timeout{};  // 0: none
  Duration lease = std::chrono::seconds(30);
};
OwnerPolicy policy_of(const TaskSpec& spec, Duration lease);

// The present, as the caller sees it: its clock, and one fresh random number for jitter.
struct Now {
  NodeTime time{};
  std::uint64_t random = 0;
};

// The answer to whoever caused the step.
enum class Verdict : std::uint8_t {
  applied,    // the state changed
  unchanged,  // nothing to do, and that is right (a repeat)
  duplicate,  // a success for a task that already has its result
  stale,      // from an epoch, or for a state, that no longer counts
};

// What to do about one attempt that was granted before.
struct AttemptAct {
  Epoch epoch;
  PlaceId place;            // kNowhere: it is not a live one; whoever spoke of it
  bool drop_offer = false;  // take its OFFER out of the outbox
  bool stop = false;        // ask for it to stop: the runner here, or the lessee by CANCEL
};

// What to do once the step's state is durable. `next.epoch` names the attempt to start.
struct Do {
  bool run_local = false;    // start the kind here
  bool send_offer = false;   // put an OFFER of next.epoch in the outbox
  bool keep_result = false;  // the result that came with this event is the accepted one
  bool finished = false;     // now terminal: tell waiters, release or fail dependents
  Few<AttemptAct, kMaxLiveAttempts> attempts;
};

struct OwnerStep {
  Verdict verdict = Verdict::unchanged;
  OwnerTask next;
  Do act;
  FailureClass failure = FailureClass::none;  // what this step recorded, for the event row
  Epoch failed;                               // of which live attempt; 0: of the task alone
  bool renewal = false;  // only lease_until moved: keep `next`, but it need not be made durable
};

// The first state of a task: waiting(deps | not_before) or ready. `deps` counts unfinished ones.
OwnerTask first_state(const TaskSpec& spec, std::uint32_t deps, NodeTime now);

// Grants a ready task to a place: epoch + 1. Here it goes straight to running (the row is written
// with `boot` before user code starts), elsewhere to leased with an OFFER pending. Stale unless
// ready.
OwnerStep grant(const OwnerTask&, const OwnerPolicy&, PlaceId place, BootId boot, Now);

// What the lessee says: ACCEPT, started and BEAT renew the lease of a live epoch, and each is the
// application ack of its OFFER. For any other epoch they are stale: the caller answers a BEAT with
// `stop`, and the others ask for a CANCEL themselves. A NACK counts while its OFFER is pending; its
// retry_after is honoured up to the task's own backoff cap. A lessee that knows a later epoch than
// was granted here saw this task in a life of the store that was forgotten: grants go on from
// there.
OwnerStep on_accept(const OwnerTask&, const OwnerPolicy&, Epoch, Now);
OwnerStep on_started(const OwnerTask&, const OwnerPolicy&, Epoch, Now);
OwnerStep on_beat(const OwnerTask&, const OwnerPolicy&, Epoch, Now);
struct Refusal {
  Duration retry_after{};
  Epoch known;  // the lessee's, of this task; 0: not told
};
OwnerStep on_nack(const OwnerTask&, const OwnerPolicy&, Epoch, Refusal, Now);

// An attempt succeeded. Accepted from any granted epoch while the task is live; with effects = once
// only from the last one granted. All other live attempts are stopped.
OwnerStep on_success(const OwnerTask&, const OwnerPolicy&, Epoch, Now);
// An attempt ended in error, timeout, crash or interrupted; counts only with a live epoch. Any
// class that is not the end of an attempt counts as an error. While others are out, the task goes
// on with them: a failure then uses up no last attempt.
OwnerStep on_failure(const OwnerTask&, const OwnerPolicy&, Epoch, FailureClass, Now);

// The link to a place went down: an OFFER that nobody there acknowledged goes back to ready (P13).
// With `fail`, the spec's on_disconnect = fail ends a task that has no other live attempt.
OwnerStep on_link_down(const OwnerTask&, OnDisconnect, PlaceId gone, Now);
// Placement wants an un-accepted OFFER back, because estimates moved.
OwnerStep withdraw(const OwnerTask&, Epoch, Now);

// Time passed: deadline, queue timeout (final), lease, run timeout, wake. One step at a time: call
// again until next_time lies ahead.
OwnerStep on_time(const OwnerTask&, const OwnerPolicy&, Now);
// When on_time has next to be called for this state; kNever when nothing is pending.
NodeTime next_time(const OwnerTask&);

// A task this one comes after ended.
OwnerStep on_dependency(const OwnerTask&, bool succeeded, Now);
// No place can run it (or again one can): waiting(no_place) and back.
OwnerStep on_no_place(const OwnerTask&, Now);
OwnerStep on_place_found(const OwnerTask&, Now);

// People. hold takes a waiting or ready task, and is stale (a conflict) once it is leased or
// running; release returns it to ready, or to what it still waits for. retry revives a failed,
// cancelled or expired task with fresh counters and a higher epoch to come (P2), never a succeeded
// one. It waits again for what lies ahead of what was asked for.
OwnerStep cancel(const OwnerTask&, Now);
OwnerStep hold(const OwnerTask&, Now);
OwnerStep release(const OwnerTask&, Now);
struct Anew {
  NodeTime deadline = kNever;
  NodeTime start_by = kNever;
  NodeTime not_before{};   // as it was at first; one that is past does not matter
  std::uint32_t deps = 0;  // that are unfinished now
};
OwnerStep retry(const OwnerTask&, const Anew&, Now);

// The owner restarted as `boot`: a local attempt of an older boot crashed (poison count), or if its
// body never began was interrupted; remote attempts go on, their leases counted from now.
OwnerStep recover(const OwnerTask&, const OwnerPolicy&, BootId boot, bool may_have_begun, Now);

// Full jitter: uniform in [0, min(cap, base · 2^n)], n counted from 0. (Brooker, "Exponential
// Backoff And Jitter", AWS Architecture Blog, 2015.)
Duration backoff(const RetryPolicy&, std::uint32_t n, std::uint64_t random);

inline constexpr std::uint32_t kLastJump = 1U << 31;  // no lessee can use up all epochs

inline constexpr std::uint32_t kPoisonLimit = 3;  // crashes; two at different places suffice

}  // namespace spillway::lifecycle
