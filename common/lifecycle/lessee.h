#pragma once

#include <cstdint>
#include <optional>

#include "common/lifecycle/owner.h"
#include "spillway/task.h"

// The lessee's side: what a node does with attempts that another node owns. Pure, like the owner's.
namespace spillway::lifecycle {

enum class LeaseState : std::uint8_t {
  accepted = 0,  // durable, not started
  running = 1,   // written with the boot id before user code starts
  done = 2,      // the result is durable and is sent until RESULT_ACK
  answered = 3,  // a tombstone: the owner has it, or told us to stop
};

// The durable state of one leased attempt, as the ledger keeps it (one row a task).
struct LesseeTask {
  LeaseState state = LeaseState::accepted;
  Epoch epoch;  // the highest offered
  BootId boot;  // of the process that wrote `running`
  Effects effects = Effects::pure;
  // How the run ended, also kept in the tombstone; `interrupted` there: it was dropped before it
  // had.
  FailureClass failure = FailureClass::none;
  NodeTime deadline = kNever;  // on the lessee's own time line, from the time remaining
  NodeTime run_until = kNever;
  NodeTime lease_until = kNever;  // from when what was acknowledged was sent
  bool operator==(const LesseeTask&) const = default;
};

enum class NackReason : std::uint8_t {
  busy = 0,      // no credits; retry_after says when
  unknown_kind,  // or a version not had here
  draining,
  needs,  // tags, memory or cores
  malformed,
  stale,     // a higher epoch is known
  expired,   // no time remaining
  conflict,  // the same id with another spec
  barred,    // an operator keeps the owner from taking part
};
std::string_view to_string(NackReason reason);
// A refusal in words: of the epoch that was offered, by a lessee that knows `known` (0: not told).
std::string refusal_text(NackReason reason, Epoch offered, Epoch known);

struct LesseeDo {
  bool send_accept = false;
  bool send_result = false;  // again
  // Answer this OFFER by a RESULT of its epoch with the failure that the tombstone remembers; the
  // row stays as it is.
  bool owe_failure = false;
  bool send_nack = false;
  NackReason nack = NackReason::stale;
  bool run = false;   // queue the kind
  bool stop = false;  // ask the running kind to stop
};

struct LesseeStep {
  Verdict verdict = Verdict::unchanged;
  LesseeTask next;
  LesseeDo act;
};

struct OfferTerms {
  Epoch epoch;
  Epoch settled;  // the owner has counted failures up to here
  Effects effects = Effects::pure;
  Duration remaining = Duration::max();  // until the deadline; max: none
  Duration run_timeout{};                // 0: none
  Duration lease = std::chrono::seconds(30);
  std::optional<NackReason> refuse;  // why this node cannot take a new task now
};

// An OFFER. New: accepted or refused. Known with the same epoch: answered again (ACCEPT, or the
// result when done). A higher epoch of a task held here is adopted: work goes on, and its result,
// also one already there, carries the new epoch. So does a failure that the owner has not settled,
// even one it has called stale (owe_failure); a failure that is settled, or burns nothing, makes
// way for a new run. A lower epoch is refused as stale. The row is to be kept
// when the verdict is applied; `refuse` matters only where new work would begin, but a malformed
// or conflicting OFFER is refused in any state.
LesseeStep on_offer(const std::optional<LesseeTask>&, const OfferTerms&, Now);
// A worker is free for it: applied means run it once `running` is durable; stale means do not.
LesseeStep on_start(const LesseeTask&, const OfferTerms&, BootId boot, Now);
// The attempt ended; `failure` none is success. Stale unless running; what has not started may be
// handed back as interrupted, or as an error when somebody ended it. A body that was told to stop
// is not to be reported.
LesseeStep on_finish(const LesseeTask&, FailureClass failure, Now);
LesseeStep on_result_ack(const LesseeTask&, Epoch, Now);
// CANCEL, or `stop` in a BEAT_ACK, for this epoch or a higher one. A result already there stays: it
// may still count, and its RESULT_ACK is on its way.
LesseeStep on_cancel(const LesseeTask&, Epoch, Now);
// `keep` in a BEAT_ACK: renews from when the BEAT was sent. It need not be made durable.
LesseeStep on_keep(const LesseeTask&, Epoch, NodeTime beat_sent, Duration lease, Now);
// Deadline, run timeout, and a lease that ran out: work not started is dropped, `once` work is
// stopped, other work goes on because a late success still counts.
LesseeStep on_lessee_time(const LesseeTask&, Now);
NodeTime next_lessee_time(const LesseeTask&);
// Restarted: `running` of an older boot is a crash, reported like any result, unless the body never
// began; that and accepted work run again.
LesseeStep recover_lessee(const LesseeTask&, BootId boot, bool may_have_begun, Duration lease, Now);

}  // namespace spillway::lifecycle
