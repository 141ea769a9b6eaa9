#include "tests/unit/lifecycle/owner_cases.h"

// After the rest: it makes `new` a macro.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::lifecycle;

TEST_GROUP(OwnerPeople){
    static void check_state(const OwnerTask& task, TaskState state, WaitReason reason){
        STRCMP_EQUAL(to_string(state).data(), to_string(task.state).data());
STRCMP_EQUAL(to_string(reason).data(), to_string(task.reason).data());
}
static OwnerTask exhausted() {
  OwnerTask task = in_state(TaskState::failed);
  task.attempts = 2;
  task.crashes = 1;
  task.crashed_at = kHere;
  task.losses = 4;
  task.last_failure = FailureClass::error;
  return task;
}
}
;

TEST(OwnerPeople, cancel_ends_a_live_task_and_stops_its_attempt) {
  for (const OwnerTask& task : {ready(), local(), offered(), remote()}) {
    const OwnerStep step = cancel(task, now(3));
    check_state(step.next, TaskState::cancelled, WaitReason::none);
    CHECK_TRUE(step.act.finished);
    CHECK_TRUE(about(step, {1}).stop == !task.live.empty());
    CHECK_TRUE(about(step, {1}).place == task.place());
    CHECK_TRUE(cancel(step.next, now(4)).verdict == Verdict::unchanged);
  }
}

TEST(OwnerPeople, P2_cancel_hold_and_release_leave_terminal_states_alone) {
  for (const TaskState state : {TaskState::succeeded, TaskState::failed, TaskState::expired}) {
    const OwnerTask task = in_state(state);
    for (const OwnerStep& step : {cancel(task, now(9)), hold(task, now(9)), release(task, now(9)),
                                  on_dependency(task, true, now(9)), on_no_place(task, now(9))}) {
      CHECK_TRUE(step.verdict == Verdict::stale);
      CHECK_TRUE(step.next == task);
    }
  }
}

TEST(OwnerPeople, hold_takes_what_waits_and_is_a_conflict_once_an_attempt_is_out) {
  check_state(hold(ready(), now(1)).next, TaskState::waiting, WaitReason::held);
  for (const OwnerTask& task : {local(), offered(), remote()}) {
    CHECK_TRUE(hold(task, now(1)).verdict == Verdict::stale);
  }
  const OwnerTask held = hold(ready(), now(1)).next;
  CHECK_TRUE(hold(held, now(2)).verdict == Verdict::unchanged);
  CHECK_TRUE(next_time(held) == kNever);
}

TEST(OwnerPeople, release_returns_to_what_the_task_still_waits_for) {
  check_state(release(hold(ready(), now(1)).next, now(2)).next, TaskState::ready, WaitReason::none);
  TaskSpec spec;
  spec.not_before = std::chrono::seconds(10);
  const OwnerTask early = hold(first_state(spec, 0, at(0)), now(1)).next;
  check_state(release(early, now(2)).next, TaskState::waiting, WaitReason::not_before);
  check_state(release(early, now(20)).next, TaskState::ready, WaitReason::none);
  const OwnerTask bound = hold(first_state(spec, 1, at(0)), now(1)).next;
  check_state(release(bound, now(20)).next, TaskState::waiting, WaitReason::deps);
  CHECK_TRUE(release(ready(), now(1)).verdict == Verdict::unchanged);
}

TEST(OwnerPeople, a_dependency_that_ends_while_a_task_is_held_still_counts) {
  OwnerTask task = hold(first_state({}, 1, at(0)), now(1)).next;
  task = on_dependency(task, true, now(2)).next;
  check_state(task, TaskState::waiting, WaitReason::held);
  check_state(release(task, now(3)).next, TaskState::ready, WaitReason::none);
}

TEST(OwnerPeople, waits_for_the_last_of_its_dependencies) {
  OwnerTask task = first_state({}, 2, at(0));
  task = on_dependency(task, true, now(1)).next;
  check_state(task, TaskState::waiting, WaitReason::deps);
  task = on_dependency(task, true, now(2)).next;
  check_state(task, TaskState::ready, WaitReason::none);
  CHECK_TRUE(on_dependency(task, true, now(3)).verdict == Verdict::stale);
}

TEST(OwnerPeople, a_dependency_that_did_not_succeed_fails_the_task) {
  const OwnerStep step = on_dependency(first_state({}, 2, at(0)), false, now(1));
  check_state(step.next, TaskState::failed, WaitReason::none);
  CHECK_TRUE(step.failure == FailureClass::dependency);
  CHECK_TRUE(step.act.finished);
}

TEST(OwnerPeople, P2_retry_revives_what_failed_with_fresh_counters_and_its_epoch) {
  for (const TaskState state : {TaskState::failed, TaskState::cancelled, TaskState::expired}) {
    OwnerTask task = exhausted();
    task.state = state;
    const OwnerStep step = retry(task, {.deadline = at(90)}, now(9));
    check_state(step.next, TaskState::ready, WaitReason::none);
    UNSIGNED_LONGS_EQUAL(0, step.next.attempts + step.next.crashes + step.next.losses);
    CHECK_TRUE(step.next.crashed_at == kNowhere);
    CHECK_TRUE(step.next.epoch == task.epoch);
    CHECK_TRUE(step.next.settled == task.epoch);
    CHECK_TRUE(next_time(step.next) == at(90));
  }
}

TEST(OwnerPeople, P2_retry_never_touches_a_success_or_a_live_task) {
  for (const OwnerTask& task : {in_state(TaskState::succeeded), ready(), local(), offered()}) {
    const OwnerStep step = retry(task, {}, now(9));
    CHECK_TRUE(step.verdict == Verdict::stale);
    CHECK_TRUE(step.next == task);
  }
}

TEST(OwnerPeople, retry_waits_for_dependencies_that_have_not_ended) {
  const OwnerTask task = retry(exhausted(), {.deps = 2}, now(9)).next;
  check_state(task, TaskState::waiting, WaitReason::deps);
}

TEST(OwnerPeople, retry_waits_no_longer_to_start_than_its_queue_timeout_asks) {
  const OwnerTask task = retry(exhausted(), {.start_by = at(20)}, now(9)).next;
  check_state(task, TaskState::ready, WaitReason::none);
  CHECK_TRUE(next_time(task) == at(20));
  CHECK_TRUE(on_time(task, policy(), now(20)).next.state == TaskState::failed);
}

TEST(OwnerPeople, retry_keeps_a_not_before_that_lies_ahead_and_forgets_one_that_is_past) {
  const Anew later{.not_before = at(20)};
  const OwnerTask task = retry(exhausted(), later, now(9)).next;
  check_state(task, TaskState::waiting, WaitReason::not_before);
  CHECK_TRUE(next_time(task) == at(20));
  check_state(on_time(task, policy(), now(20)).next, TaskState::ready, WaitReason::none);
  check_state(release(hold(task, now(10)).next, now(11)).next, TaskState::waiting,
              WaitReason::not_before);
  check_state(retry(exhausted(), later, now(20)).next, TaskState::ready, WaitReason::none);
  // Behind what it comes after, too.
  const OwnerTask bound = retry(exhausted(), {.not_before = at(20), .deps = 1}, now(9)).next;
  check_state(bound, TaskState::waiting, WaitReason::deps);
  check_state(on_dependency(bound, true, now(10)).next, TaskState::waiting, WaitReason::not_before);
  check_state(on_dependency(bound, true, now(30)).next, TaskState::ready, WaitReason::none);
}

TEST(OwnerPeople, what_waits_for_its_not_before_says_so_whatever_epoch_it_has) {
  TaskSpec spec;
  spec.not_before = std::chrono::seconds(10);
  OwnerTask task = first_state(spec, 0, at(0));
  task.epoch = Epoch{7};  // a store that was salvaged moves on
  check_state(release(hold(task, now(1)).next, now(2)).next, TaskState::waiting,
              WaitReason::not_before);
  task = on_failure(local(), policy(), {1}, FailureClass::error, {at(1), 50'000}).next;
  check_state(task, TaskState::waiting, WaitReason::backoff);
  CHECK_TRUE(task.wake > at(1));
  check_state(release(hold(task, now(1)).next, now(1)).next, TaskState::waiting,
              WaitReason::backoff);
}

TEST(OwnerPeople, P3_a_grant_after_a_retry_takes_a_higher_epoch) {
  const OwnerTask task = retry(exhausted(), {}, now(9)).next;
  const OwnerTask again = grant(task, policy(), kHere, kBoot, now(9)).next;
  UNSIGNED_LONGS_EQUAL(exhausted().epoch.value + 1, again.epoch.value);
}

TEST(OwnerPeople, waits_for_a_place_and_goes_on_when_there_is_one) {
  const OwnerTask task = on_no_place(ready(), now(1)).next;
  check_state(task, TaskState::waiting, WaitReason::no_place);
  CHECK_TRUE(on_no_place(task, now(2)).verdict == Verdict::unchanged);
  check_state(on_place_found(task, now(3)).next, TaskState::ready, WaitReason::none);
  CHECK_TRUE(on_place_found(ready(), now(3)).verdict == Verdict::unchanged);
  CHECK_TRUE(on_no_place(local(), now(1)).verdict == Verdict::stale);
}
