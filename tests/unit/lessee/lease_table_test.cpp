#include "common/lessee/lease_table.h"

#include <string>
#include <vector>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;
using lessee::HeldTask;
using lessee::LeaseTable;
using lifecycle::LeaseState;

TEST_GROUP(LeaseTable) {
  std::uint64_t drawn = 100;
  LeaseTable table{{[](TaskId name) { return name == id(99); }, [this] { return ++drawn; }}, 60s};

  static TaskId id(std::uint64_t seq) { return {Origin{1}, seq}; }
  HeldTask& accept(const std::string& lessor, std::uint64_t seq, NodeTime lease_until = kNever) {
    HeldTask& task = table.add(lessor, id(seq));
    task.state = {.state = LeaseState::accepted, .lease_until = lease_until};
    table.track(task, {.state = LeaseState::answered});
    return task;
  }
  void move(HeldTask & task, LeaseState to) {
    const lifecycle::LesseeTask was = task.state;
    task.state.state = to;
    table.track(task, was);
  }
};

TEST(LeaseTable, a_task_is_found_by_what_its_lessor_calls_it_and_by_nobody_elses_name_for_it) {
  HeldTask& first = accept("a", 7);
  HeldTask& second = accept("b", 7);
  CHECK(first.id == id(7));
  CHECK(second.id != id(7));
  POINTERS_EQUAL(&first, table.find("a", id(7)));
  POINTERS_EQUAL(&second, table.find("b", id(7)));
  POINTERS_EQUAL(nullptr, table.find("c", id(7)));
  POINTERS_EQUAL(nullptr, table.find("a", second.id));
  CHECK(accept("a", 99).id != id(99));  // a name that this node gave
}

TEST(LeaseTable, a_lessors_share_counts_what_is_held_and_then_what_is_kept_for_it) {
  HeldTask& task = accept("a", 1);
  accept("b", 2);
  LONGS_EQUAL(1, table.lessor("a").held);
  LONGS_EQUAL(2, table.held());
  move(task, LeaseState::running);
  LONGS_EQUAL(1, table.lessor("a").held);
  task.result = std::make_shared<const Bytes>(500, 'r');
  move(task, LeaseState::done);
  LONGS_EQUAL(0, table.lessor("a").held);
  LONGS_EQUAL(1, table.lessor("a").kept);
  LONGS_EQUAL(HeldTask::kBesides + 500, table.lessor("a").bytes);
  LONGS_EQUAL(2 * HeldTask::kBesides + 500, table.bytes());
  move(task, LeaseState::answered);
  LONGS_EQUAL(0, table.lessor("a").kept);
  LONGS_EQUAL(0, table.lessor("a").bytes);
  LONGS_EQUAL(1, table.kept());
}

TEST(LeaseTable, only_so_many_tombstones_are_kept_and_none_goes_that_is_not_on_disk) {
  for (std::uint64_t seq = 1; seq <= 3; ++seq) move(accept("a", seq), LeaseState::answered);
  table.find(id(1))->unsaved = 1;
  table.bury(1);
  CHECK(table.find(id(1)) != nullptr);
  table.find(id(1))->unsaved = 0;
  table.bury(1);
  POINTERS_EQUAL(nullptr, table.find(id(1)));
  POINTERS_EQUAL(nullptr, table.find(id(2)));
  CHECK(table.find(id(3)) != nullptr);
}

TEST(LeaseTable, a_tombstone_that_came_to_life_again_is_not_buried) {
  HeldTask& task = accept("a", 1);
  move(task, LeaseState::answered);
  move(task, LeaseState::accepted);
  table.bury(0);
  POINTERS_EQUAL(&task, table.find(id(1)));
}

TEST(LeaseTable, each_task_is_due_at_the_end_of_its_lease_and_then_of_what_is_kept) {
  HeldTask& late = accept("a", 1, NodeTime(20s));
  HeldTask& soon = accept("a", 2, NodeTime(10s));
  CHECK(table.next_timer() == NodeTime(10s));
  POINTERS_EQUAL(nullptr, table.due(NodeTime(9s)));
  POINTERS_EQUAL(&soon, table.due(NodeTime(10s)));
  soon.ended = NodeTime(10s);
  move(soon, LeaseState::done);
  POINTERS_EQUAL(&late, table.due(NodeTime(69s)));
  move(late, LeaseState::answered);
  CHECK(table.next_timer() == NodeTime(70s));
}

TEST(LeaseTable, what_the_disk_has_is_known_by_both_its_names) {
  HeldTask row;
  row.id = {Origin{5}, 7};
  row.offered = id(7);
  row.owner = "b";
  row.state.state = LeaseState::answered;
  table.put(row);
  CHECK(table.find("b", id(7)) != nullptr);
  std::size_t seen = 0;
  table.each([&](const HeldTask&) { ++seen; });
  LONGS_EQUAL(0, seen);
  table.forget(*table.find("b", id(7)));
  POINTERS_EQUAL(nullptr, table.find("b", id(7)));
}
