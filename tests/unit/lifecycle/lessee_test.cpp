#include "common/lifecycle/lessee.h"

#include "tests/unit/lifecycle/owner_cases.h"

// After the rest: it makes `new` a macro.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::lifecycle;

TEST_GROUP(Lessee){static OfferTerms terms(std::uint32_t epoch){OfferTerms made;
made.epoch = {epoch};
made.lease = kLease;
return made;
}
static LesseeTask taken(std::uint32_t epoch = 3) {
  return on_offer(std::nullopt, terms(epoch), now(0)).next;
}
static LesseeTask started() { return on_start(taken(), terms(3), kBoot, now(1)).next; }
static LesseeTask done(FailureClass failure = FailureClass::none) {
  return on_finish(started(), failure, now(2)).next;
}
static LesseeTask answered(FailureClass failure = FailureClass::none) {
  return on_result_ack(done(failure), {3}, now(3)).next;
}
static void check_refused(const LesseeStep& step, NackReason reason) {
  CHECK_TRUE(step.act.send_nack);
  STRCMP_EQUAL(to_string(reason).data(), to_string(step.act.nack).data());
  CHECK_FALSE(step.verdict == Verdict::applied);
  CHECK_FALSE(step.act.run || step.act.send_accept);
}
static void check_nothing_changed(const LesseeTask& before, const LesseeStep& step,
                                  Verdict verdict) {
  CHECK_TRUE(step.verdict == verdict);
  CHECK_TRUE(step.next == before);
  CHECK_FALSE(step.act.run || step.act.stop);
}
}
;

TEST(Lessee, takes_a_new_offer_and_queues_it) {
  OfferTerms offer = terms(3);
  offer.remaining = std::chrono::seconds(60);
  const LesseeStep step = on_offer(std::nullopt, offer, now(5));
  CHECK_TRUE(step.verdict == Verdict::applied);
  CHECK_TRUE(step.act.send_accept && step.act.run);
  CHECK_TRUE(step.next.state == LeaseState::accepted);
  CHECK_TRUE(step.next.deadline == at(65));
  CHECK_TRUE(step.next.lease_until == at(5) + kLease);
}

TEST(Lessee, refuses_what_it_cannot_take_and_says_why) {
  for (const NackReason reason : {NackReason::busy, NackReason::unknown_kind, NackReason::draining,
                                  NackReason::needs, NackReason::malformed, NackReason::conflict}) {
    OfferTerms offer = terms(3);
    offer.refuse = reason;
    check_refused(on_offer(std::nullopt, offer, now(0)), reason);
  }
  OfferTerms late = terms(3);
  late.remaining = Duration::zero();
  check_refused(on_offer(std::nullopt, late, now(0)), NackReason::expired);
  late.remaining = Duration::min();
  check_refused(on_offer(std::nullopt, late, now(0)), NackReason::expired);
  check_refused(on_offer(std::nullopt, terms(0), now(0)), NackReason::malformed);
}

TEST(Lessee, P7_answers_a_repeated_offer_as_it_answered_the_first) {
  CHECK_TRUE(on_offer(taken(), terms(3), now(1)).act.send_accept);
  CHECK_TRUE(on_offer(started(), terms(3), now(1)).act.send_accept);
  CHECK_TRUE(on_offer(done(), terms(3), now(1)).act.send_result);
  for (const LesseeTask& task : {taken(), started(), done()}) {
    check_nothing_changed(task, on_offer(task, terms(3), now(1)), Verdict::unchanged);
  }
  check_refused(on_offer(answered(), terms(3), now(4)), NackReason::stale);
}

TEST(Lessee, refuses_an_offer_of_a_lower_epoch) {
  for (const LesseeTask& task : {taken(), started(), done(), answered()}) {
    check_refused(on_offer(task, terms(2), now(4)), NackReason::stale);
  }
}

TEST(Lessee, refuses_a_conflicting_offer_of_work_that_it_holds) {
  OfferTerms offer = terms(4);
  offer.refuse = NackReason::conflict;
  check_refused(on_offer(started(), offer, now(4)), NackReason::conflict);
}

TEST(Lessee, carries_work_on_under_a_higher_epoch_even_when_it_takes_nothing_new) {
  OfferTerms offer = terms(5);
  offer.refuse = NackReason::draining;
  for (const LesseeTask& task : {taken(), started()}) {
    const LesseeStep step = on_offer(task, offer, now(9));
    CHECK_TRUE(step.verdict == Verdict::applied);
    CHECK_TRUE(step.next.state == task.state);
    CHECK_TRUE(step.next.epoch == Epoch{5});
    CHECK_TRUE(step.next.lease_until == at(9) + kLease);
    CHECK_TRUE(step.act.send_accept && !step.act.run);
  }
}

TEST(Lessee, sends_a_success_that_is_there_under_the_higher_epoch) {
  const LesseeStep step = on_offer(done(), terms(5), now(9));
  CHECK_TRUE(step.next.state == LeaseState::done);
  CHECK_TRUE(step.next.epoch == Epoch{5});
  CHECK_TRUE(step.act.send_result && !step.act.run);
}

TEST(Lessee, P5_owes_a_failure_until_the_owner_has_settled_it) {
  OfferTerms offer = terms(4);
  offer.settled = {2};
  for (const FailureClass failure :
       {FailureClass::crash, FailureClass::error, FailureClass::timeout}) {
    const LesseeStep unsent = on_offer(done(failure), offer, now(9));
    CHECK_TRUE(unsent.next.state == LeaseState::done);
    CHECK_TRUE(unsent.next.epoch == Epoch{4});
    CHECK_TRUE(unsent.act.send_result && !unsent.act.run);
    const LesseeStep refused = on_offer(answered(failure), offer, now(9));
    check_nothing_changed(answered(failure), refused, Verdict::unchanged);
    CHECK_TRUE(refused.act.owe_failure);
    CHECK_TRUE(refused.next.failure == failure);
  }
}

TEST(Lessee, P8_runs_anew_once_its_failure_is_settled) {
  OfferTerms offer = terms(4);
  offer.settled = {3};
  for (const LesseeTask& task : {done(FailureClass::error), answered(FailureClass::error)}) {
    const LesseeStep step = on_offer(task, offer, now(9));
    CHECK_TRUE(step.next.state == LeaseState::accepted);
    CHECK_TRUE(step.next.failure == FailureClass::none);
    CHECK_TRUE(step.act.run && step.act.send_accept);
  }
}

TEST(Lessee, runs_anew_what_was_interrupted_or_stopped) {
  CHECK_TRUE(on_offer(done(FailureClass::interrupted), terms(4), now(9)).act.run);
  CHECK_TRUE(on_offer(on_cancel(started(), {3}, now(2)).next, terms(4), now(9)).act.run);
  CHECK_TRUE(on_offer(answered(), terms(4), now(9)).act.run);
}

TEST(Lessee, does_not_run_anew_while_it_takes_nothing_new) {
  OfferTerms offer = terms(4);
  offer.refuse = NackReason::busy;
  check_refused(on_offer(answered(), offer, now(9)), NackReason::busy);
}

TEST(Lessee, starts_only_what_is_accepted_and_writes_the_boot_id) {
  OfferTerms limited = terms(3);
  limited.run_timeout = std::chrono::seconds(7);
  const LesseeStep step = on_start(taken(), limited, kBoot, now(1));
  CHECK_TRUE(step.next.state == LeaseState::running);
  CHECK_TRUE(step.next.boot == kBoot);
  CHECK_TRUE(next_lessee_time(step.next) == at(8));
  check_nothing_changed(step.next, on_start(step.next, limited, kBoot, now(2)), Verdict::unchanged);
  for (const LesseeTask& task : {done(), answered()}) {
    check_nothing_changed(task, on_start(task, limited, kBoot, now(2)), Verdict::stale);
  }
}

TEST(Lessee, makes_a_result_of_how_the_run_ended) {
  for (const FailureClass failure : {FailureClass::none, FailureClass::error}) {
    const LesseeStep step = on_finish(started(), failure, now(2));
    CHECK_TRUE(step.next.state == LeaseState::done);
    CHECK_TRUE(step.next.failure == failure);
    CHECK_TRUE(step.act.send_result);
    CHECK_TRUE(next_lessee_time(step.next) == kNever);
  }
  for (const LesseeTask& task : {taken(), done(), answered()}) {
    check_nothing_changed(task, on_finish(task, FailureClass::none, now(2)), Verdict::stale);
  }
}

TEST(Lessee, a_drain_may_hand_back_what_has_not_started) {
  const LesseeStep step = on_finish(taken(), FailureClass::interrupted, now(2));
  CHECK_TRUE(step.next.state == LeaseState::done);
  CHECK_TRUE(step.act.send_result);
}

TEST(Lessee, P10_a_result_is_sent_until_the_ack_of_its_own_epoch) {
  for (const Epoch epoch : {Epoch{2}, Epoch{4}, Epoch{0}}) {
    check_nothing_changed(done(), on_result_ack(done(), epoch, now(3)), Verdict::stale);
  }
  const LesseeStep step = on_result_ack(done(), {3}, now(3));
  CHECK_TRUE(step.next.state == LeaseState::answered);
  CHECK_FALSE(step.act.stop);
  check_nothing_changed(step.next, on_result_ack(step.next, {3}, now(4)), Verdict::unchanged);
  check_nothing_changed(started(), on_result_ack(started(), {3}, now(4)), Verdict::stale);
}

TEST(Lessee, P10_a_cancel_leaves_a_result_to_its_ack) {
  check_nothing_changed(done(), on_cancel(done(), {3}, now(3)), Verdict::unchanged);
}

TEST(Lessee, stops_for_a_cancel_of_its_epoch_or_a_higher_one) {
  for (const Epoch epoch : {Epoch{3}, Epoch{9}}) {
    const LesseeStep running = on_cancel(started(), epoch, now(3));
    CHECK_TRUE(running.act.stop);
    CHECK_TRUE(running.next.state == LeaseState::answered);
    const LesseeStep waiting = on_cancel(taken(), epoch, now(3));
    CHECK_FALSE(waiting.act.stop);
    CHECK_TRUE(waiting.next.state == LeaseState::answered);
  }
  check_nothing_changed(started(), on_cancel(started(), {2}, now(3)), Verdict::stale);
}

TEST(Lessee, what_it_dropped_before_its_end_was_interrupted_which_nobody_is_owed) {
  OfferTerms timed = terms(3);
  timed.remaining = std::chrono::seconds(9);
  const LesseeTask late = on_offer(std::nullopt, timed, now(0)).next;
  for (const LesseeTask& dropped :
       {on_cancel(started(), {3}, now(3)).next, on_cancel(taken(), {3}, now(3)).next,
        on_lessee_time(late, now(9)).next, on_lessee_time(taken(), now(30)).next}) {
    CHECK_TRUE(dropped.state == LeaseState::answered);
    CHECK_TRUE(dropped.failure == FailureClass::interrupted);
    const LesseeStep again = on_offer(dropped, terms(4), now(31));
    CHECK_TRUE(again.act.run);
    CHECK_FALSE(again.act.owe_failure);
    CHECK_TRUE(again.next.failure == FailureClass::none);
  }
  CHECK_TRUE(answered().failure == FailureClass::none);
}

TEST(Lessee, renews_its_lease_from_when_the_beat_was_sent) {
  const LesseeStep step = on_keep(started(), {3}, at(8), kLease, now(10));
  CHECK_TRUE(step.next.lease_until == at(8) + kLease);
  check_nothing_changed(step.next, on_keep(step.next, {3}, at(7), kLease, now(11)),
                        Verdict::unchanged);
  check_nothing_changed(started(), on_keep(started(), {2}, at(8), kLease, now(10)), Verdict::stale);
  check_nothing_changed(done(), on_keep(done(), {3}, at(8), kLease, now(10)), Verdict::stale);
}

TEST(Lessee, a_beat_from_the_future_renews_from_now) {
  const LesseeStep step = on_keep(started(), {3}, at(1000), kLease, now(10));
  CHECK_TRUE(step.next.lease_until == at(10) + kLease);
}

TEST(Lessee, drops_what_has_not_started_when_the_lease_runs_out) {
  CHECK_TRUE(next_lessee_time(taken()) == at(0) + kLease);
  const LesseeStep step = on_lessee_time(taken(), now(30));
  CHECK_TRUE(step.next.state == LeaseState::answered);
  check_nothing_changed(taken(), on_lessee_time(taken(), now(29)), Verdict::unchanged);
}

TEST(Lessee, without_a_lease_only_work_that_may_run_once_is_stopped) {
  LesseeTask task = started();
  CHECK_TRUE(next_lessee_time(task) == kNever);
  check_nothing_changed(task, on_lessee_time(task, now(99)), Verdict::unchanged);
  task.effects = Effects::once;
  CHECK_TRUE(next_lessee_time(task) == at(30));
  CHECK_TRUE(on_lessee_time(task, now(30)).act.stop);
}

TEST(Lessee, a_run_timeout_stops_the_run_and_is_its_result) {
  OfferTerms limited = terms(3);
  limited.run_timeout = std::chrono::seconds(7);
  const LesseeTask task = on_start(taken(), limited, kBoot, now(1)).next;
  const LesseeStep step = on_lessee_time(task, now(8));
  CHECK_TRUE(step.act.stop && step.act.send_result);
  CHECK_TRUE(step.next.failure == FailureClass::timeout);
}

TEST(Lessee, drops_what_is_past_its_deadline) {
  OfferTerms offer = terms(3);
  offer.remaining = std::chrono::seconds(9);
  const LesseeTask task = on_offer(std::nullopt, offer, now(0)).next;
  CHECK_TRUE(on_lessee_time(task, now(9)).next.state == LeaseState::answered);
  const LesseeTask running = on_start(task, offer, kBoot, now(1)).next;
  CHECK_TRUE(on_lessee_time(running, now(9)).act.stop);
}

TEST(Lessee, P6_a_restart_reports_what_ran_as_a_crash_and_runs_what_waited) {
  const LesseeStep crashed = recover_lessee(started(), kNextBoot, kBegan, kLease, now(50));
  CHECK_TRUE(crashed.next.state == LeaseState::done);
  CHECK_TRUE(crashed.next.failure == FailureClass::crash);
  CHECK_TRUE(crashed.act.send_result);
  const LesseeStep waiting = recover_lessee(taken(), kNextBoot, kBegan, kLease, now(50));
  CHECK_TRUE(waiting.act.run);
  CHECK_TRUE(waiting.next.lease_until == at(50) + kLease);
  CHECK_TRUE(recover_lessee(done(), kNextBoot, kBegan, kLease, now(50)).act.send_result);
  check_nothing_changed(started(), recover_lessee(started(), kBoot, kBegan, kLease, now(50)),
                        Verdict::unchanged);
  check_nothing_changed(answered(), recover_lessee(answered(), kNextBoot, kBegan, kLease, now(50)),
                        Verdict::unchanged);
}

TEST(Lessee, P8_what_never_began_before_a_restart_runs_again_and_counts_for_nothing) {
  LesseeTask task = started();
  task.run_until = at(9);
  const LesseeStep spared =
      recover_lessee(task, kNextBoot, /*may_have_begun=*/false, kLease, now(50));
  CHECK_TRUE(spared.verdict == Verdict::applied);
  CHECK_TRUE(spared.next.state == LeaseState::accepted);
  CHECK_TRUE(spared.next.failure == FailureClass::none);
  CHECK_TRUE(spared.act.run);
  CHECK_TRUE(next_lessee_time(spared.next) == at(50) + kLease);
}

TEST(Lessee, holds_spans_from_the_wire_inside_the_time_line) {
  OfferTerms offer = terms(3);
  offer.remaining = Duration::max() - Duration(1);
  offer.lease = Duration::max();
  offer.run_timeout = Duration::max();
  LesseeTask task = on_offer(std::nullopt, offer, now(5)).next;
  CHECK_TRUE(task.deadline == kNever && task.lease_until == kNever);
  task = on_start(task, offer, kBoot, now(6)).next;
  CHECK_TRUE(task.run_until == kNever);
  offer.lease = Duration::min();
  CHECK_TRUE(on_offer(std::nullopt, offer, now(5)).next.lease_until == at(5));
}
