#include "common/lessee/run_queue.h"

#include <map>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;
using lessee::RunQueue;

TEST_GROUP(RunQueue) {
  RunQueue queue;
  NodeTime now{100s};
  std::map<TaskId, RunQueue::Waiting> tasks;
  std::uint64_t seq = 0;

  std::uint64_t add(const char* owner, Band band = Band::normal, const char* tenant = "",
                    NodeTime deadline = kNever) {
    const TaskId id{Origin{1}, ++seq};
    tasks[id] = {id, owner, tenant, band, deadline, now};
    queue.add(tasks[id]);
    return seq;
  }
  // Starts the next one; 0: none.
  std::uint64_t start(double seconds = 1, const std::string& but_not = "") {
    const auto id = queue.next(now, [&](const std::string& owner) { return owner != but_not; });
    if (!id) return 0;
    queue.take(tasks[*id], seconds, now);
    return id->seq;
  }
};

TEST(RunQueue, one_owners_tasks_run_by_band_then_deadline_then_arrival) {
  const auto background = add("a", Band::background);
  const auto third = add("a");
  now += 1ms;
  const auto fourth = add("a");
  const auto second = add("a", Band::normal, "", now + 1s);
  const auto first = add("a", Band::urgent);
  for (const auto expected : {first, second, third, fourth, background, std::uint64_t{0}}) {
    CHECK_EQUAL(expected, start());
  }
}

TEST(RunQueue, an_owner_with_a_thousand_tasks_leaves_every_other_turn_to_one_with_few) {
  for (int i = 0; i < 1000; ++i) add("flood", Band::urgent);
  std::uint64_t few[] = {add("few", Band::background), add("few", Band::background)};
  unsigned turns = 0, found = 0;
  while (found < 2) {
    turns += 1;
    if (start() == few[found]) found += 1;
  }
  CHECK(turns <= 4);
}

TEST(RunQueue, tenants_of_one_owner_have_turns_too) {
  for (int i = 0; i < 100; ++i) add("a", Band::normal, "flood");
  const auto other = add("a", Band::normal, "other");
  CHECK(start() != other);
  CHECK_EQUAL(other, start());
}

TEST(RunQueue, an_owner_that_may_not_is_passed_over) {
  add("a");
  const auto other = add("b");
  CHECK_EQUAL(other, start(1, "a"));
  CHECK_EQUAL(0, start(1, "a"));
}

// Without ageing it would run last, after all 1,785.
TEST(RunQueue, a_background_task_starts_within_its_patience_and_a_few_turns) {
  const auto background = add("a", Band::background);
  now += 1ms;
  for (int i = 0; i < 1785; ++i) add("a", Band::urgent);
  const NodeTime came = now;
  unsigned late = 0;
  while (start(0.1) != background) {
    if (now - came >= RunQueue::kPatience) late += 1;
    now += 100ms;
  }
  CHECK(late <= RunQueue::kTurns);
}

TEST(RunQueue, those_that_waited_too_long_have_every_fourth_turn_and_no_more) {
  for (int i = 0; i < 100; ++i) add("a", Band::background);
  now += 10s;
  for (int i = 0; i < 100; ++i) add("a", Band::urgent);
  unsigned urgent = 0;
  for (int i = 0; i < 100; ++i) urgent += start(0.1) > 100 ? 1 : 0;
  CHECK_EQUAL(75, urgent);
}

TEST(RunQueue, what_was_removed_is_gone) {
  const auto first = add("a");
  const auto second = add("a");
  queue.remove(tasks[{Origin{1}, first}]);
  queue.remove(tasks[{Origin{1}, first}]);
  CHECK_EQUAL(1, queue.size());
  CHECK_EQUAL(second, start());
  CHECK(queue.empty());
  CHECK_EQUAL(0, queue.owners());
}

TEST(RunQueue, who_ran_for_longer_than_was_expected_waits_for_as_long) {
  for (const char* tenant : {"long", "short"}) {
    for (int i = 0; i < 20; ++i) add("a", Band::normal, tenant);
  }
  for (int i = 0; i < 20; ++i) add("b");
  const auto first = start();
  STRCMP_EQUAL("long", std::string(tasks[{Origin{1}, first}].tenant).c_str());
  queue.correct(tasks[{Origin{1}, first}], 10);
  unsigned others = 0, same = 0;
  for (int i = 0; i < 20; ++i) {
    const RunQueue::Waiting& next = tasks[{Origin{1}, start()}];
    if (next.owner == "b") others += 1;
    if (next.tenant == "long") same += 1;
  }
  CHECK_EQUAL(15, others);
  CHECK_EQUAL(0, same);
}
