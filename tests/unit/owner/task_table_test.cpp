#include "common/owner/task_table.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::owner;

TEST_GROUP(TaskTable) {
  TaskTable table;
  static NodeTime at(int second) { return NodeTime(std::chrono::seconds(second)); }

  OwnedTask& add(std::uint64_t seq, NodeTime deadline) {
    OwnedTask task;
    task.seq = seq;
    task.spec = std::make_shared<const TaskSpec>();
    task.spec_bytes = std::make_shared<const Bytes>(seq * 10);
    task.state.deadline = deadline;
    return table.add(std::move(task));
  }
};

TEST(TaskTable, tells_whose_timer_is_due_the_soonest_first) {
  add(1, at(30));
  add(2, at(20));
  add(3, kNever);
  CHECK(table.next_timer() == at(20));
  POINTERS_EQUAL(nullptr, table.due(at(19)));
  UNSIGNED_LONGS_EQUAL(2, table.due(at(20))->seq);
}

TEST(TaskTable, a_timer_follows_its_task) {
  OwnedTask& task = add(1, at(30));
  task.state.deadline = at(10);
  table.refresh(task);
  CHECK(table.next_timer() == at(10));
  task.state.state = TaskState::cancelled;
  table.refresh(task);
  CHECK(table.next_timer() == kNever);
}

TEST(TaskTable, what_is_forgotten_leaves_nothing_behind) {
  add(1, at(30));
  OwnedTask& task = add(2, at(20));
  UNSIGNED_LONGS_EQUAL(30, table.spec_bytes());
  table.forget(task);
  UNSIGNED_LONGS_EQUAL(1, table.size());
  UNSIGNED_LONGS_EQUAL(10, table.spec_bytes());
  CHECK(table.next_timer() == at(30));
  POINTERS_EQUAL(nullptr, table.find(2));
}

TEST(TaskTable, P20_what_tasks_of_a_group_have_together_counts_once_until_the_last_of_them_goes) {
  const auto spec = std::make_shared<const Bytes>(100);
  const auto member = [&](std::uint64_t seq, const sqlite::EncodedBytes& bytes) -> OwnedTask& {
    OwnedTask task;
    task.seq = seq;
    task.spec = std::make_shared<const TaskSpec>();
    task.spec_bytes = bytes;
    task.in_group = true;
    return table.add(std::move(task));
  };
  OwnedTask& first = member(1, spec);
  UNSIGNED_LONGS_EQUAL(100, table.own_bytes(first));
  OwnedTask& second = member(2, spec);
  // It was in an earlier version's rows, or the disk has spoiled it.
  OwnedTask& other = member(3, std::make_shared<const Bytes>(7));
  OwnedTask& spoiled = member(4, nullptr);
  UNSIGNED_LONGS_EQUAL(107, table.spec_bytes());
  UNSIGNED_LONGS_EQUAL(0, table.own_bytes(second));
  table.forget(first);
  UNSIGNED_LONGS_EQUAL(107, table.spec_bytes());
  UNSIGNED_LONGS_EQUAL(100, table.own_bytes(second));
  table.forget(second);
  table.forget(spoiled);
  UNSIGNED_LONGS_EQUAL(7, table.spec_bytes());
  table.forget(other);
  UNSIGNED_LONGS_EQUAL(0, table.spec_bytes());
}

TEST(TaskTable, a_task_whose_spec_the_disk_has_spoiled_counts_no_bytes) {
  OwnedTask task;
  task.seq = 1;
  task.spec = std::make_shared<const TaskSpec>();
  OwnedTask& added = table.add(std::move(task));
  UNSIGNED_LONGS_EQUAL(0, table.spec_bytes());
  table.forget(added);
  UNSIGNED_LONGS_EQUAL(0, table.size());
}
