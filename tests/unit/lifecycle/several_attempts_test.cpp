#include <random>

#include "tests/unit/lifecycle/owner_cases.h"

// After the rest: it makes `new` a macro.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::lifecycle;

// A task with attempts at several places at a time. No grant makes such a task yet; every step
// already holds for one.
TEST_GROUP(SeveralAttempts) {
  static constexpr PlaceId kPump{7};

  static LiveAttempt running_at(PlaceId place, std::uint32_t epoch) {
    LiveAttempt out;
    out.epoch = {epoch};
    out.place = place;
    out.started = true;
    if (place == kHere) out.boot = kBoot;
    if (place != kHere) out.lease_until = at(30);
    return out;
  }
  static LiveAttempt offered_to(PlaceId place, std::uint32_t epoch) {
    LiveAttempt out = running_at(place, epoch);
    out.started = false;
    out.offer_pending = true;
    return out;
  }
  // Epoch 1 runs here, 2 in the cloud, 3 is offered to a pump.
  static OwnerTask three() {
    OwnerTask task;
    task.state = TaskState::running;
    task.epoch = {3};
    task.live.push_back(running_at(kHere, 1));
    task.live.push_back(running_at(kCloud, 2));
    task.live.push_back(offered_to(kPump, 3));
    return task;
  }
  static bool is_out(const OwnerTask& task, std::uint32_t epoch) {
    return task.attempt({epoch}) != nullptr;
  }
};

TEST(SeveralAttempts, P1_the_first_success_of_any_of_them_wins_and_the_others_are_stopped) {
  for (std::uint32_t winner = 1; winner <= 3; ++winner) {
    const OwnerStep step = on_success(three(), policy(), {winner}, now(5));
    CHECK_TRUE(step.act.keep_result && step.act.finished && step.next.live.empty());
    UNSIGNED_LONGS_EQUAL(3, step.act.attempts.size());
    for (std::uint32_t epoch = 1; epoch <= 3; ++epoch) {
      CHECK_TRUE(about(step, {epoch}).stop == (epoch != winner));
      CHECK_TRUE(about(step, {epoch}).drop_offer == (epoch == 3));
    }
    CHECK_TRUE(on_success(step.next, policy(), {1}, now(6)).verdict == Verdict::duplicate);
  }
}

TEST(SeveralAttempts, each_renews_its_own_lease_and_settles_its_own_offer) {
  const OwnerStep beat = on_beat(three(), policy(), {2}, now(20));
  CHECK_TRUE(beat.next.attempt({2})->lease_until == at(20) + kLease);
  CHECK_TRUE(beat.next.attempt({3})->lease_until == at(30));
  CHECK_TRUE(beat.renewal && beat.act.attempts.empty());
  const OwnerStep accept = on_accept(three(), policy(), {3}, now(20));
  CHECK_TRUE(about(accept, {3}).drop_offer && !accept.renewal);
  CHECK_FALSE(accept.next.attempt({3})->offer_pending);
  const OwnerStep started = on_started(accept.next, policy(), {3}, now(21));
  CHECK_TRUE(started.next.attempt({3})->started && !started.renewal);
  CHECK_TRUE(started.next.since == accept.next.since);
}

TEST(SeveralAttempts, the_task_goes_on_with_the_others_when_one_ends) {
  for (const FailureClass failure :
       {FailureClass::error, FailureClass::timeout, FailureClass::crash, FailureClass::interrupted,
        FailureClass::lost, FailureClass::refused}) {
    const OwnerStep step = on_failure(three(), policy(), {2}, failure, now(5));
    CHECK_TRUE(step.next.state == TaskState::running && step.next.wake == kNever);
    CHECK_TRUE(step.failed == Epoch{2} && step.failure == failure);
    CHECK_TRUE(is_out(step.next, 1) && !is_out(step.next, 2) && is_out(step.next, 3));
    UNSIGNED_LONGS_EQUAL(1, step.act.attempts.size());
  }
}

TEST(SeveralAttempts, it_is_leased_again_when_none_of_those_left_is_known_to_run) {
  OwnerTask task = on_failure(three(), policy(), {1}, FailureClass::error, now(5)).next;
  CHECK_TRUE(task.state == TaskState::running);
  task = on_failure(task, policy(), {2}, FailureClass::lost, now(6)).next;
  CHECK_TRUE(task.state == TaskState::leased && task.since == at(6));
  task = withdraw(task, {3}, now(7)).next;
  CHECK_TRUE(task.state == TaskState::ready);
}

TEST(SeveralAttempts, P8_the_last_one_out_uses_up_the_last_attempt) {
  OwnerTask task = on_accept(three(), policy(), {3}, now(4)).next;
  for (const std::uint32_t epoch : {3U, 1U}) {
    task = on_failure(task, policy(), {epoch}, FailureClass::error, now(5)).next;
    CHECK_FALSE(is_terminal(task.state));
    CHECK_TRUE(task.attempts < policy().retry.max_attempts);
    CHECK_TRUE(task.settled == Epoch{0});  // an earlier one may fail yet
  }
  const OwnerStep last = on_failure(task, policy(), {2}, FailureClass::error, now(6));
  CHECK_TRUE(last.next.state == TaskState::failed && last.act.finished);
  UNSIGNED_LONGS_EQUAL(policy().retry.max_attempts, last.next.attempts);
  CHECK_TRUE(last.next.settled == Epoch{3});
}

TEST(SeveralAttempts, P13_a_link_that_goes_down_takes_back_only_what_was_offered_over_it) {
  for (const OnDisconnect choice : {OnDisconnect::wait, OnDisconnect::fail}) {
    CHECK_TRUE(on_link_down(three(), choice, kCloud, now(5)).verdict == Verdict::unchanged);
    const OwnerStep step = on_link_down(three(), choice, kPump, now(5));
    CHECK_TRUE(step.next.state == TaskState::running && !is_out(step.next, 3));
    CHECK_TRUE(about(step, {3}).stop && about(step, {3}).drop_offer);
  }
}

TEST(SeveralAttempts, on_disconnect_fail_waits_for_an_offer_that_another_place_may_take) {
  OwnerTask task;
  task.state = TaskState::leased;
  task.epoch = {2};
  task.live.push_back(offered_to(kCloud, 1));
  task.live.push_back(offered_to(kPump, 2));
  task = on_link_down(task, OnDisconnect::fail, kCloud, now(5)).next;
  CHECK_TRUE(task.state == TaskState::leased && is_out(task, 2));
  task = on_link_down(task, OnDisconnect::fail, kPump, now(5)).next;
  CHECK_TRUE(task.state == TaskState::failed);
}

TEST(SeveralAttempts, time_takes_those_that_are_overdue_one_at_a_time) {
  OwnerTask task = three();
  task.live.begin()->run_until = at(25);
  CHECK_TRUE(next_time(task) == at(25));
  const OwnerStep slow = on_time(task, policy(), now(31));
  CHECK_TRUE(slow.failure == FailureClass::timeout && slow.failed == Epoch{1});
  CHECK_TRUE(about(slow, {1}).stop);
  const OwnerStep silent = on_time(slow.next, policy(), now(31));
  CHECK_TRUE(silent.failure == FailureClass::lost && silent.failed == Epoch{2});
  const OwnerStep unheard = on_time(silent.next, policy(), now(31));
  CHECK_TRUE(unheard.failed == Epoch{3} && unheard.next.state == TaskState::waiting);
}

TEST(SeveralAttempts, P6_a_restart_fails_the_one_here_and_lets_the_others_go_on) {
  const OwnerStep step = recover(three(), policy(), kNextBoot, kBegan, now(50));
  CHECK_TRUE(step.failure == FailureClass::crash && step.failed == Epoch{1});
  CHECK_TRUE(step.next.state == TaskState::running && !step.renewal);
  CHECK_TRUE(step.next.attempt({2})->lease_until == at(50) + kLease);
  CHECK_TRUE(step.next.attempt({3})->lease_until == at(50) + kLease);
  const OwnerStep again = recover(three(), policy(), kBoot, kBegan, now(50));
  CHECK_TRUE(again.renewal && is_out(again.next, 1));
}

// Everything that can be said of any of them, in any order.
TEST(SeveralAttempts, P1_P8_every_order_of_ends_leaves_one_result_or_none_and_nothing_out) {
  std::mt19937_64 random(20241130);
  constexpr FailureClass kEnds[] = {FailureClass::error, FailureClass::timeout,
                                    FailureClass::interrupted, FailureClass::lost,
                                    FailureClass::refused};
  for (int round = 0; round < 20'000; ++round) {
    OwnerTask task = three();
    unsigned results = 0, closed = 0;
    for (int i = 0; i < 12; ++i) {
      const Epoch epoch{1 + static_cast<std::uint32_t>(random() % 4)};
      OwnerStep step;
      switch (random() % 6) {
        case 0: step = on_success(task, policy(), epoch, now(i)); break;
        case 1: step = on_accept(task, policy(), epoch, now(i)); break;
        case 2: step = withdraw(task, epoch, now(i)); break;
        case 3: step = on_nack(task, policy(), epoch, {}, now(i)); break;
        default: step = on_failure(task, policy(), epoch, kEnds[random() % 5], now(i));
      }
      if (step.verdict == Verdict::stale) CHECK_TRUE(step.next == task);
      results += step.act.keep_result ? 1 : 0;
      closed += static_cast<unsigned>(task.live.size() - step.next.live.size());
      CHECK_TRUE(step.next.attempts <= policy().retry.max_attempts);
      CHECK_TRUE(step.next.live.empty() !=
                 (step.next.state == TaskState::running || step.next.state == TaskState::leased));
      task = step.next;
    }
    CHECK_TRUE(results <= 1);
    CHECK_TRUE((results == 1) == (task.state == TaskState::succeeded));
    UNSIGNED_LONGS_EQUAL(3, closed + task.live.size());
  }
}
