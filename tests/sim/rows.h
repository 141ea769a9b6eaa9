#pragma once

#include "common/lifecycle/lessee.h"
#include "tests/sim/message.h"

namespace spillway::sim {

// A task at its owner: state, outbox row and result row, written together.
struct OwnerRow {
  lifecycle::OwnerTask task;
  Epoch offer;            // of the OFFER in the outbox; 0: none there
  RunId result = kNoRun;  // the accepted value
  // Only the checks look at these.
  std::uint32_t grant = 0;    // which grant gave the epoch
  std::uint32_t retries = 0;  // by people
};

// The epoch of the OFFER that is out; 0: none is.
inline Epoch offer_out(const lifecycle::OwnerTask& task) {
  for (const lifecycle::LiveAttempt& one : task.live) {
    if (one.offer_pending) return one.epoch;
  }
  return {};
}

// A leased attempt in the lessee's ledger.
struct LesseeRow {
  bool exists = false;
  lifecycle::LesseeTask task;
  RunId run = kNoRun;  // of the body that runs or ran
};

// What made the owner take a step.
enum class Cause : std::uint8_t {
  accept,
  started,
  beat,
  nack,
  success,
  failure,
  time,
  link_down,
  withdraw,
  grant,
  recover,
  dependency,
  no_place,
  place_found,
  cancel,
  hold,
  release,
  retry
};
const char* to_string(Cause cause);
// What the lessee, or a run, says of one attempt.
constexpr bool is_ack(Cause cause) {
  return cause == Cause::accept || cause == Cause::started || cause == Cause::beat ||
         cause == Cause::nack || cause == Cause::success || cause == Cause::failure;
}

// What made the lessee take a step.
enum class LesseeCause : std::uint8_t {
  offer,
  start,
  finish,
  result_ack,
  cancel,
  keep,
  time,
  recover
};
const char* to_string(LesseeCause cause);
constexpr bool is_of_message(LesseeCause cause) {
  return cause == LesseeCause::offer || cause == LesseeCause::result_ack ||
         cause == LesseeCause::cancel || cause == LesseeCause::keep;
}

}  // namespace spillway::sim
