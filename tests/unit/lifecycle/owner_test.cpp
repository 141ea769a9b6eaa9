#include "common/lifecycle/owner.h"

#include <limits>

#include "tests/unit/lifecycle/owner_cases.h"

// After the rest: it makes `new` a macro.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::lifecycle;

TEST_GROUP(Owner){
    static void check_state(const OwnerTask& task, TaskState state, WaitReason reason){
        STRCMP_EQUAL(to_string(state).data(), to_string(task.state).data());
STRCMP_EQUAL(to_string(reason).data(), to_string(task.reason).data());
}
static void check_nothing_changed(const OwnerTask& before, const OwnerStep& step,
                                  Verdict verdict = Verdict::stale) {
  CHECK_TRUE(step.verdict == verdict);
  CHECK_TRUE(step.next == before);
  CHECK_FALSE(step.act.keep_result || step.act.finished);
  for (const AttemptAct& one : step.act.attempts) CHECK_FALSE(one.drop_offer);
}
}
;

TEST(Owner, starts_ready_unless_it_must_wait) {
  TaskSpec spec;
  check_state(first_state(spec, 0, at(5)), TaskState::ready, WaitReason::none);
  check_state(first_state(spec, 2, at(5)), TaskState::waiting, WaitReason::deps);
  spec.not_before = std::chrono::seconds(10);
  check_state(first_state(spec, 0, at(5)), TaskState::waiting, WaitReason::not_before);
  check_state(first_state(spec, 1, at(5)), TaskState::waiting, WaitReason::deps);
}

TEST(Owner, counts_deadline_and_queue_timeout_from_acceptance) {
  TaskSpec spec;
  spec.deadline = std::chrono::seconds(60);
  spec.queue_timeout = std::chrono::seconds(20);
  const OwnerTask task = first_state(spec, 0, at(5));
  CHECK_TRUE(task.deadline == at(65));
  CHECK_TRUE(task.start_by == at(25));
  CHECK_TRUE(next_time(task) == at(25));
}

TEST(Owner, goes_on_waiting_for_not_before_when_its_dependencies_are_done) {
  TaskSpec spec;
  spec.not_before = std::chrono::seconds(10);
  const OwnerTask task = first_state(spec, 1, at(0));
  CHECK_TRUE(next_time(task) == kNever);
  const OwnerTask released = on_dependency(task, true, now(3)).next;
  check_state(released, TaskState::waiting, WaitReason::not_before);
  CHECK_TRUE(next_time(released) == at(10));
  check_state(on_time(released, policy(), now(10)).next, TaskState::ready, WaitReason::none);
}

TEST(Owner, runs_at_once_when_granted_to_this_place) {
  OwnerPolicy limited = policy();
  limited.run_timeout = std::chrono::seconds(7);
  const OwnerStep step = grant(ready(), limited, kHere, kBoot, now(5));
  check_state(step.next, TaskState::running, WaitReason::none);
  CHECK_TRUE(step.act.run_local && !step.act.send_offer);
  CHECK_TRUE(only(step.next).boot == kBoot);
  CHECK_TRUE(only(step.next).run_until == at(12));
  CHECK_TRUE(only(step.next).lease_until == kNever);
}

TEST(Owner, leases_with_an_offer_pending_when_granted_to_the_cloud) {
  const OwnerStep step = grant(ready(), policy(), kCloud, kBoot, now(5));
  check_state(step.next, TaskState::leased, WaitReason::none);
  CHECK_TRUE(step.act.send_offer && !step.act.run_local);
  CHECK_TRUE(only(step.next).offer_pending);
  CHECK_TRUE(only(step.next).lease_until == at(5) + kLease);
}

TEST(Owner, P3_every_grant_takes_the_next_epoch) {
  OwnerTask task = ready();
  for (std::uint32_t epoch = 1; epoch <= 5; ++epoch) {
    task = grant(task, policy(), kCloud, kBoot, now(epoch)).next;
    UNSIGNED_LONGS_EQUAL(epoch, task.epoch.value);
    task = withdraw(task, {epoch}, now(epoch)).next;
  }
}

TEST(Owner, P3_epochs_do_not_wrap) {
  OwnerTask task = ready();
  task.epoch = {std::numeric_limits<std::uint32_t>::max()};
  check_nothing_changed(task, grant(task, policy(), kHere, kBoot, now(0)));
}

TEST(Owner, grants_only_what_is_ready_and_only_to_a_place) {
  for (const OwnerTask& task : {local(), offered(), remote(), in_state(TaskState::waiting),
                                in_state(TaskState::succeeded), in_state(TaskState::failed)}) {
    check_nothing_changed(task, grant(task, policy(), kHere, kBoot, now(9)));
  }
  check_nothing_changed(ready(), grant(ready(), policy(), kNowhere, kBoot, now(9)));
}

TEST(Owner, every_place_but_its_own_pool_is_elsewhere) {
  for (const std::uint32_t number : {2U, 3U, 77U, UINT32_MAX}) {
    const OwnerStep step = grant(ready(), policy(), PlaceId{number}, kBoot, now(5));
    check_state(step.next, TaskState::leased, WaitReason::none);
    CHECK_TRUE(step.next.place() == PlaceId{number});
    CHECK_TRUE(step.act.send_offer && !step.act.run_local);
    CHECK_TRUE(about(cancel(step.next, now(6)), {1}).stop);
    CHECK_TRUE(about(cancel(step.next, now(6)), {1}).place == PlaceId{number});
  }
}

TEST(Owner, a_queue_timeout_ends_with_the_first_grant) {
  OwnerTask task = ready();
  task.start_by = at(10);
  const OwnerTask late = on_time(task, policy(), now(10)).next;
  check_state(late, TaskState::failed, WaitReason::none);
  CHECK_TRUE(late.last_failure == FailureClass::timeout);
  const OwnerTask started = grant(task, policy(), kHere, kBoot, now(9)).next;
  CHECK_TRUE(next_time(started) == kNever);
}

TEST(Owner, P10_the_offer_leaves_the_outbox_with_each_kind_of_application_ack) {
  const OwnerTask task = offered();
  for (const OwnerStep& step :
       {on_accept(task, policy(), {1}, now(1)), on_started(task, policy(), {1}, now(1)),
        on_beat(task, policy(), {1}, now(1)), on_nack(task, policy(), {1}, {}, now(1)),
        on_success(task, policy(), {1}, now(1)),
        on_failure(task, policy(), {1}, FailureClass::error, now(1))}) {
    CHECK_TRUE(about(step, {1}).drop_offer);
    CHECK_FALSE(only(step.next).offer_pending);
  }
}

TEST(Owner, P10_the_offer_leaves_the_outbox_when_its_attempt_is_given_up) {
  OwnerTask task = offered();
  task.deadline = at(20);
  for (const OwnerStep& step :
       {withdraw(task, {1}, now(1)), cancel(task, now(1)), on_time(task, policy(), now(20)),
        on_time(offered(), policy(), now(30)),
        on_link_down(task, OnDisconnect::run_local, kCloud, now(1))}) {
    CHECK_TRUE(about(step, {1}).drop_offer);
    CHECK_TRUE(step.next.live.empty());
  }
}

TEST(Owner, P10_nothing_is_dropped_twice) {
  CHECK_FALSE(about(on_accept(accepted(), policy(), {1}, now(2)), {1}).drop_offer);
  CHECK_FALSE(about(cancel(accepted(), now(2)), {1}).drop_offer);
}

TEST(Owner, accept_started_and_beat_renew_the_lease_from_when_they_came) {
  const auto until = [](const OwnerStep& step) { return only(step.next).lease_until; };
  CHECK_TRUE(until(on_accept(offered(), policy(), {1}, now(7))) == at(7) + kLease);
  CHECK_TRUE(until(on_started(accepted(), policy(), {1}, now(8))) == at(8) + kLease);
  CHECK_TRUE(until(on_beat(remote(), policy(), {1}, now(9))) == at(9) + kLease);
}

TEST(Owner, a_renewal_alone_need_not_be_made_durable) {
  CHECK_TRUE(on_beat(remote(), policy(), {1}, now(9)).renewal);
  CHECK_TRUE(on_accept(accepted(), policy(), {1}, now(9)).renewal);
  CHECK_FALSE(on_accept(offered(), policy(), {1}, now(9)).renewal);
  CHECK_FALSE(on_started(accepted(), policy(), {1}, now(9)).renewal);
}

TEST(Owner, what_a_stale_accept_began_is_to_be_stopped) {
  const OwnerTask withdrawn = withdraw(offered(), {1}, now(1)).next;
  for (const OwnerStep& step : {on_accept(withdrawn, policy(), {1}, now(2)),
                                on_started(withdrawn, policy(), {1}, now(2))}) {
    check_nothing_changed(withdrawn, step);
    CHECK_TRUE(about(step, {1}).stop);
  }
}

TEST(Owner, P4_a_message_from_a_stale_epoch_changes_nothing) {
  const OwnerTask task = granted_again();
  for (const Epoch epoch : {Epoch{0}, Epoch{1}, Epoch{3}}) {
    for (const FailureClass failure :
         {FailureClass::error, FailureClass::timeout, FailureClass::crash, FailureClass::lost,
          FailureClass::interrupted, FailureClass::refused}) {
      check_nothing_changed(task, on_failure(task, policy(), epoch, failure, now(201)));
    }
    check_nothing_changed(task, on_beat(task, policy(), epoch, now(201)));
    check_nothing_changed(task, on_accept(task, policy(), epoch, now(201)));
    check_nothing_changed(task, on_started(task, policy(), epoch, now(201)));
    check_nothing_changed(task, on_nack(task, policy(), epoch, {}, now(201)));
  }
}

TEST(Owner, P4_a_failure_of_an_attempt_already_given_up_changes_nothing) {
  const OwnerTask lost = on_time(remote(), policy(), now(100)).next;
  UNSIGNED_LONGS_EQUAL(1, lost.epoch.value);
  check_nothing_changed(lost, on_failure(lost, policy(), {1}, FailureClass::crash, now(101)));
}

TEST(Owner, a_remote_message_cannot_speak_for_a_local_attempt) {
  check_nothing_changed(local(), on_beat(local(), policy(), {1}, now(1)));
  check_nothing_changed(local(), on_nack(local(), policy(), {1}, {}, now(1)));
}

TEST(Owner, P1_the_first_success_is_kept_and_later_ones_are_duplicates) {
  const OwnerStep first = on_success(remote(), policy(), {1}, now(3));
  CHECK_TRUE(first.act.keep_result && first.act.finished);
  check_state(first.next, TaskState::succeeded, WaitReason::none);
  check_nothing_changed(first.next, on_success(first.next, policy(), {1}, now(4)),
                        Verdict::duplicate);
}

TEST(Owner, P1_a_success_is_refused_by_every_other_terminal_state) {
  for (const TaskState state : {TaskState::failed, TaskState::cancelled, TaskState::expired}) {
    const OwnerTask task = in_state(state);
    check_nothing_changed(task, on_success(task, policy(), {1}, now(9)));
  }
}

TEST(Owner, a_late_success_of_an_earlier_epoch_wins_and_stops_the_live_attempt) {
  const OwnerStep step = on_success(granted_again(), policy(), {1}, now(201));
  CHECK_TRUE(step.act.keep_result);
  CHECK_TRUE(about(step, {2}).stop && about(step, {2}).place == kHere);
  CHECK_FALSE(about(on_success(granted_again(), policy(), {2}, now(201)), {2}).stop);
}

TEST(Owner, a_success_while_nothing_is_out_counts_too) {
  OwnerTask task = on_time(remote(), policy(), now(100)).next;
  check_state(task, TaskState::waiting, WaitReason::backoff);
  CHECK_TRUE(on_success(task, policy(), {1}, now(101)).act.keep_result);
  task = hold(task, now(101)).next;
  CHECK_TRUE(on_success(task, policy(), {1}, now(102)).act.keep_result);
}

TEST(Owner, a_success_of_an_epoch_never_granted_is_stale) {
  check_nothing_changed(remote(), on_success(remote(), policy(), {0}, now(3)));
  check_nothing_changed(remote(), on_success(remote(), policy(), {2}, now(3)));
  check_nothing_changed(ready(), on_success(ready(), policy(), {0}, now(3)));
}

TEST(Owner, with_effects_once_a_success_must_carry_the_last_epoch) {
  check_nothing_changed(granted_again(), on_success(granted_again(), once(), {1}, now(201)));
  CHECK_TRUE(on_success(granted_again(), once(), {2}, now(201)).act.keep_result);
  const OwnerTask lost = on_time(remote(), once(), now(100)).next;
  CHECK_TRUE(on_success(lost, once(), {1}, now(101)).act.keep_result);
}

TEST(Owner, P8_errors_and_timeouts_burn_attempts_up_to_the_maximum) {
  for (const FailureClass failure : {FailureClass::error, FailureClass::timeout}) {
    const OwnerStep first = on_failure(local(), policy(), {1}, failure, now(1));
    check_state(first.next, TaskState::waiting, WaitReason::backoff);
    UNSIGNED_LONGS_EQUAL(1, first.next.attempts);
    CHECK_TRUE(first.failure == failure);
    OwnerTask task = on_time(first.next, policy(), now(1)).next;
    task = grant(task, policy(), kCloud, kBoot, now(1)).next;
    const OwnerStep second = on_failure(task, policy(), {2}, failure, now(2));
    check_state(second.next, TaskState::failed, WaitReason::none);
    UNSIGNED_LONGS_EQUAL(2, second.next.attempts);
    CHECK_TRUE(second.act.finished);
  }
}

TEST(Owner, P8_silence_burns_nothing_and_leans_placement_to_here) {
  OwnerTask task = ready();
  for (std::uint32_t losses = 1; losses <= 50; ++losses) {
    task = grant(task, policy(), kCloud, kBoot, now(losses * 100)).next;
    const OwnerStep step = on_time(task, policy(), now(losses * 100 + 30));
    CHECK_TRUE(step.failure == FailureClass::lost);
    UNSIGNED_LONGS_EQUAL(losses, step.next.losses);
    task = on_time(step.next, policy(), now(losses * 100 + 30)).next;
    check_state(task, TaskState::ready, WaitReason::none);
  }
  UNSIGNED_LONGS_EQUAL(0, task.attempts + task.crashes);
}

TEST(Owner, P8_refusals_withdrawals_and_interruptions_burn_nothing) {
  for (const OwnerStep& step :
       {on_nack(offered(), policy(), {1}, {}, now(1)), withdraw(offered(), {1}, now(1)),
        on_failure(local(), policy(), {1}, FailureClass::interrupted, now(1)),
        on_failure(remote(), policy(), {1}, FailureClass::refused, now(3)),
        on_failure(remote(), policy(), {1}, FailureClass::lost, now(3))}) {
    UNSIGNED_LONGS_EQUAL(0, step.next.attempts + step.next.crashes);
    CHECK_FALSE(is_terminal(step.next.state));
    CHECK_TRUE(step.verdict == Verdict::applied);
  }
}

TEST(Owner, P8_three_crashes_are_poison) {
  OwnerTask task = local();
  for (std::uint64_t boot = 2; boot <= 4; ++boot) {
    const OwnerStep step = recover(task, policy(), {boot}, kBegan, now(1));
    UNSIGNED_LONGS_EQUAL(boot - 1, step.next.crashes);
    if (boot == 4) {
      check_state(step.next, TaskState::failed, WaitReason::none);
      CHECK_TRUE(step.next.last_failure == FailureClass::poison);
      return;
    }
    check_state(step.next, TaskState::waiting, WaitReason::backoff);
    task = on_time(step.next, policy(), now(1)).next;
    task = grant(task, policy(), kHere, {boot}, now(1)).next;
  }
}

TEST(Owner, P8_crashes_at_two_places_are_poison) {
  OwnerTask task = recover(local(), policy(), kNextBoot, kBegan, now(1)).next;
  task = on_time(task, policy(), now(1)).next;
  task = grant(task, policy(), kCloud, kNextBoot, now(1)).next;
  task = on_failure(task, policy(), {2}, FailureClass::crash, now(2)).next;
  check_state(task, TaskState::failed, WaitReason::none);
  CHECK_TRUE(task.last_failure == FailureClass::poison);
}

TEST(Owner, P8_so_are_crashes_at_two_places_elsewhere_but_not_two_at_one_of_them) {
  const auto crash_at = [](OwnerTask task, PlaceId place) {
    task = grant(task, policy(), place, kBoot, now(1)).next;
    task = on_failure(task, policy(), task.epoch, FailureClass::crash, now(2)).next;
    return on_time(task, policy(), now(1'000'000)).next;
  };
  const OwnerTask once = crash_at(ready(), PlaceId{40});
  CHECK_TRUE(once.crashed_at == PlaceId{40});
  check_state(crash_at(once, PlaceId{40}), TaskState::ready, WaitReason::none);
  check_state(crash_at(once, PlaceId{48}), TaskState::failed, WaitReason::none);
}

TEST(Owner, takes_a_class_that_no_attempt_ends_in_for_an_error) {
  for (const FailureClass failure : {FailureClass::poison, FailureClass::dependency,
                                     FailureClass::disconnected, static_cast<FailureClass>(99)}) {
    const OwnerStep step = on_failure(local(), policy(), {1}, failure, now(1));
    CHECK_TRUE(step.failure == FailureClass::error);
    UNSIGNED_LONGS_EQUAL(1, step.next.attempts);
  }
  check_nothing_changed(local(), on_failure(local(), policy(), {1}, FailureClass::none, now(1)));
}

TEST(Owner, settles_an_epoch_when_its_failure_was_counted_and_not_when_it_was_lost) {
  const OwnerStep failed = on_failure(remote(), policy(), {1}, FailureClass::error, now(3));
  CHECK_TRUE(failed.next.settled == Epoch{1});
  CHECK_TRUE(on_time(remote(), policy(), now(100)).next.settled == Epoch{0});
  CHECK_TRUE(recover(local(), policy(), kNextBoot, kBegan, now(1)).next.settled == Epoch{1});
}

TEST(Owner, a_refusal_is_waited_out_up_to_the_cap_of_the_backoff) {
  const auto wake_after = [](Duration retry_after) {
    return on_nack(offered(), policy(), {1}, {retry_after, {}}, now(0)).next.wake - at(0);
  };
  CHECK_TRUE(wake_after(std::chrono::seconds(5)) == std::chrono::seconds(5));
  CHECK_TRUE(wake_after(std::chrono::hours(99)) == std::chrono::seconds(60));
  CHECK_TRUE(wake_after(Duration::max()) == std::chrono::seconds(60));
  CHECK_TRUE(wake_after(Duration::min()) == Duration::zero());
}

TEST(Owner, P3_grants_go_on_from_a_later_epoch_that_the_lessee_knows_and_never_back) {
  const auto known = [](std::uint32_t epoch) {
    return on_nack(offered(), policy(), {1}, {{}, {epoch}}, now(1)).next.epoch.value;
  };
  CHECK_EQUAL(1U, known(0));
  CHECK_EQUAL(1U, known(1));
  CHECK_EQUAL(40U, known(40));
  CHECK_EQUAL(kLastJump, known(~0U));  // or one message would end all grants
  check_nothing_changed(accepted(), on_nack(accepted(), policy(), {1}, {{}, {40}}, now(2)));
}

TEST(Owner, P7_a_nack_that_trails_an_accept_is_ignored) {
  check_nothing_changed(accepted(), on_nack(accepted(), policy(), {1}, {}, now(2)));
}

TEST(Owner, P7_applying_a_message_again_changes_nothing_but_the_lease) {
  const OwnerStep accept = on_accept(offered(), policy(), {1}, now(1));
  CHECK_TRUE(on_accept(accept.next, policy(), {1}, now(1)).next == accept.next);
  const OwnerStep nack = on_nack(offered(), policy(), {1}, {}, now(1));
  check_nothing_changed(nack.next, on_nack(nack.next, policy(), {1}, {}, now(1)));
  const OwnerStep failure = on_failure(remote(), policy(), {1}, FailureClass::error, now(3));
  check_nothing_changed(failure.next,
                        on_failure(failure.next, policy(), {1}, FailureClass::error, now(3)));
}

TEST(Owner, P13_a_link_that_goes_down_gives_back_what_nobody_accepted) {
  for (const OnDisconnect choice : {OnDisconnect::run_local, OnDisconnect::wait}) {
    const OwnerStep step = on_link_down(offered(), choice, kCloud, now(1));
    check_state(step.next, TaskState::ready, WaitReason::none);
    UNSIGNED_LONGS_EQUAL(1, step.next.losses);
    check_nothing_changed(accepted(), on_link_down(accepted(), choice, kCloud, now(2)),
                          Verdict::unchanged);
  }
}

TEST(Owner, on_disconnect_fail_ends_a_task_that_nobody_has_accepted) {
  for (const OwnerTask& task : {ready(), offered(), hold(ready(), now(0)).next}) {
    const OwnerStep step = on_link_down(task, OnDisconnect::fail, kCloud, now(1));
    check_state(step.next, TaskState::failed, WaitReason::none);
    CHECK_TRUE(step.failure == FailureClass::disconnected);
    CHECK_TRUE(step.act.finished);
  }
  for (const OwnerTask& task : {local(), accepted(), in_state(TaskState::succeeded)}) {
    check_nothing_changed(task, on_link_down(task, OnDisconnect::fail, kCloud, now(2)),
                          Verdict::unchanged);
  }
}

TEST(Owner, withdraws_only_an_offer_that_is_still_pending) {
  const OwnerStep step = withdraw(offered(), {1}, now(1));
  check_state(step.next, TaskState::ready, WaitReason::none);
  CHECK_TRUE(about(step, {1}).stop && about(step, {1}).place == kCloud);
  for (const OwnerTask& task : {ready(), local(), accepted(), remote()}) {
    check_nothing_changed(task, withdraw(task, {1}, now(1)));
  }
}

TEST(Owner, a_deadline_expires_a_task_in_every_live_state_and_stops_its_attempt) {
  for (OwnerTask task : {ready(), local(), offered(), remote(), hold(ready(), now(0)).next}) {
    task.deadline = at(10);
    check_nothing_changed(task, on_time(task, policy(), now(9)), Verdict::unchanged);
    const OwnerStep step = on_time(task, policy(), now(10));
    check_state(step.next, TaskState::expired, WaitReason::none);
    CHECK_TRUE(step.act.finished);
    CHECK_TRUE(about(step, {1}).stop == !task.live.empty());
    CHECK_TRUE(about(step, {1}).place == task.place());
    CHECK_TRUE(next_time(step.next) == kNever);
  }
}

TEST(Owner, a_local_run_timeout_stops_the_attempt_and_burns_it) {
  OwnerPolicy limited = policy();
  limited.run_timeout = std::chrono::seconds(7);
  const OwnerTask task = grant(ready(), limited, kHere, kBoot, now(0)).next;
  CHECK_TRUE(next_time(task) == at(7));
  const OwnerStep step = on_time(task, limited, now(7));
  CHECK_TRUE(step.failure == FailureClass::timeout);
  CHECK_TRUE(about(step, {1}).stop && about(step, {1}).place == kHere);
  UNSIGNED_LONGS_EQUAL(1, step.next.attempts);
}

TEST(Owner, P6_a_restart_counts_a_local_attempt_as_crashed_and_lets_remote_ones_go_on) {
  const OwnerStep crashed = recover(local(), policy(), kNextBoot, kBegan, now(50));
  CHECK_TRUE(crashed.failure == FailureClass::crash);
  const OwnerStep spared = recover(local(), policy(), kNextBoot, /*may_have_begun=*/false, now(50));
  CHECK_TRUE(spared.failure == FailureClass::interrupted);
  UNSIGNED_LONGS_EQUAL(0, spared.next.crashes);
  UNSIGNED_LONGS_EQUAL(0, spared.next.attempts);
  const OwnerStep leased = recover(remote(), policy(), kNextBoot, kBegan, now(50));
  CHECK_TRUE(only(leased.next).lease_until == at(50) + kLease);
  CHECK_TRUE(leased.renewal);
  CHECK_TRUE(leased.next.epoch == Epoch{1});
  check_nothing_changed(local(), recover(local(), policy(), kBoot, kBegan, now(50)),
                        Verdict::unchanged);
  check_nothing_changed(ready(), recover(ready(), policy(), kNextBoot, kBegan, now(50)),
                        Verdict::unchanged);
}

TEST(Owner, backoff_is_full_jitter_under_a_doubling_cap) {
  RetryPolicy retry;
  retry.base = std::chrono::milliseconds(100);
  retry.cap = std::chrono::milliseconds(1000);
  const auto most = [&retry](std::uint32_t n) {
    Duration largest{};
    for (std::uint64_t random = 0; random < 1'100'000; random += 997) {
      largest = std::max(largest, backoff(retry, n, random));
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(largest).count();
  };
  LONGS_EQUAL(99, most(0));
  LONGS_EQUAL(199, most(1));
  LONGS_EQUAL(399, most(2));
  LONGS_EQUAL(799, most(3));
  LONGS_EQUAL(999, most(4));
  LONGS_EQUAL(999, most(4'000'000'000U));
  CHECK_TRUE(backoff(retry, 3, 0) == Duration::zero());
  retry.base = std::chrono::milliseconds(-5);
  CHECK_TRUE(backoff(retry, 3, 77) == Duration::zero());
}
