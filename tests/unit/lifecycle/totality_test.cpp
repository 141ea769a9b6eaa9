#include <array>
#include <random>

#include "common/lifecycle/lessee.h"
#include "tests/unit/lifecycle/owner_cases.h"

// After the rest: it makes `new` a macro.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::lifecycle;

// Rows as no machine writes them, and messages as no node sends them: every step still answers.
TEST_GROUP(Totality) {
  std::mt19937_64 engine{20240607};

  std::uint64_t draw(std::uint64_t n) { return engine() % n; }
  template <class E>
  E any_of(std::uint64_t n) {
    return static_cast<E>(draw(n));
  }
  Duration any_span() {
    constexpr std::int64_t kEdges[] = {INT64_MIN, INT64_MIN + 1, -1,       0, 1,
                                       1'000'000, INT64_MAX - 1, INT64_MAX};
    return Duration(kEdges[draw(std::size(kEdges))]);
  }
  NodeTime any_time() {
    return draw(2) == 0 ? NodeTime(any_span()) : at(static_cast<int>(draw(9)));
  }
  Epoch any_epoch() {
    constexpr std::uint32_t kEdges[] = {0, 1, 2, 3, UINT32_MAX - 1, UINT32_MAX};
    return {kEdges[draw(std::size(kEdges))]};
  }
  std::uint32_t any_count() { return draw(2) == 0 ? any_epoch().value : 1; }
  Now any_now() { return {any_time(), engine()}; }

  PlaceId any_place() { return {static_cast<std::uint32_t>(draw(5))}; }

  OwnerTask any_owner() {
    OwnerTask task;
    task.state = any_of<TaskState>(8);
    task.reason = any_of<WaitReason>(7);
    task.epoch = any_epoch();
    for (auto left = draw(kMaxLiveAttempts + 1); left > 0; --left) {
      task.live.push_back({any_epoch(),
                           any_place(),
                           {draw(3)},
                           draw(2) == 0,
                           draw(2) == 0,
                           any_time(),
                           any_time()});
    }
    task.attempts = any_count();
    task.crashes = any_count();
    task.crashed_at = any_place();
    task.losses = any_count();
    task.settled = any_epoch();
    task.deps = any_count();
    for (NodeTime* time : {&task.since, &task.wake, &task.deadline, &task.start_by}) {
      *time = any_time();
    }
    return task;
  }
  OwnerPolicy any_policy() {
    OwnerPolicy made;
    made.effects = any_of<Effects>(4);
    made.retry.max_attempts = any_count();
    made.retry.base = std::chrono::milliseconds(static_cast<int>(draw(2000)) - 500);
    made.retry.cap = std::chrono::milliseconds(static_cast<int>(draw(2000)) - 500);
    made.run_timeout = any_span();
    made.lease = any_span();
    return made;
  }
  LesseeTask any_lessee() {
    return {any_of<LeaseState>(4),    any_epoch(), {draw(3)},  any_of<Effects>(3),
            any_of<FailureClass>(12), any_time(),  any_time(), any_time()};
  }
  OfferTerms any_terms() {
    OfferTerms made{any_epoch(), any_epoch(), any_of<Effects>(3), any_span(),
                    any_span(),  any_span(),  std::nullopt};
    if (draw(4) == 0) made.refuse = any_of<NackReason>(9);
    return made;
  }
};

TEST(Totality, P2_P3_no_input_moves_an_owner_out_of_a_terminal_state_or_its_epoch_down) {
  for (int i = 0; i < 50'000; ++i) {
    const OwnerTask task = any_owner();
    const OwnerPolicy p = any_policy();
    const Epoch e = any_epoch();
    const Now n = any_now();
    const std::array steps = {
        grant(task, p, any_place(), kBoot, n),
        on_accept(task, p, e, n),
        on_started(task, p, e, n),
        on_beat(task, p, e, n),
        on_nack(task, p, e, {any_span(), any_epoch()}, n),
        on_success(task, p, e, n),
        on_failure(task, p, e, any_of<FailureClass>(12), n),
        on_link_down(task, any_of<OnDisconnect>(4), any_place(), n),
        withdraw(task, e, n),
        on_time(task, p, n),
        on_dependency(task, draw(2) == 0, n),
        on_no_place(task, n),
        on_place_found(task, n),
        cancel(task, n),
        hold(task, n),
        release(task, n),
        recover(task, p, {draw(3)}, draw(2) == 0, n),
    };
    for (const OwnerStep& step : steps) {
      CHECK_TRUE(step.next.epoch >= task.epoch);
      if (step.verdict != Verdict::applied) CHECK_TRUE(step.next == task);
      if (is_terminal(task.state)) CHECK_TRUE(step.next == task);
      if (step.act.finished) CHECK_TRUE(is_terminal(step.next.state));
    }
    CHECK_TRUE(retry(task, {any_time(), any_time(), any_time(), any_count()}, n).next.epoch ==
               task.epoch);
  }
}

TEST(Totality, an_owner_whose_time_has_come_always_moves) {
  for (int i = 0; i < 50'000; ++i) {
    const OwnerTask task = any_owner();
    const NodeTime due = next_time(task);
    if (due == kNever) continue;
    CHECK_TRUE(on_time(task, any_policy(), {due, engine()}).verdict == Verdict::applied);
  }
}

TEST(Totality, no_input_moves_a_lessee_to_a_lower_epoch_or_from_an_older_message) {
  for (int i = 0; i < 50'000; ++i) {
    const LesseeTask task = any_lessee();
    const OfferTerms terms = any_terms();
    const Epoch e = any_epoch();
    const Now n = any_now();
    const LesseeStep offer = on_offer(task, terms, n);
    if (terms.epoch <= task.epoch) CHECK_TRUE(offer.next == task);
    const std::array steps = {
        offer,
        on_start(task, terms, {draw(3)}, n),
        on_finish(task, any_of<FailureClass>(12), n),
        on_lessee_time(task, n),
        recover_lessee(task, {draw(3)}, draw(2) == 0, any_span(), n),
    };
    for (const LesseeStep& step : steps) CHECK_TRUE(step.next.epoch >= task.epoch);
    for (const LesseeStep& step : {on_result_ack(task, e, n), on_cancel(task, e, n),
                                   on_keep(task, e, any_time(), any_span(), n)}) {
      CHECK_TRUE(step.next.epoch == task.epoch);
      if (e < task.epoch) CHECK_TRUE(step.next == task);
    }
  }
}

TEST(Totality, a_lessee_whose_time_has_come_always_moves) {
  for (int i = 0; i < 50'000; ++i) {
    const LesseeTask task = any_lessee();
    const NodeTime due = next_lessee_time(task);
    if (due == kNever) continue;
    CHECK_TRUE(on_lessee_time(task, {due, engine()}).verdict == Verdict::applied);
  }
}
