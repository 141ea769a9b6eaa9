#include "cloud/fleet/task_board.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;
using lifecycle::LeaseState;
using namespace std::chrono_literals;

namespace {

OffloadedTask task(std::uint64_t seq, LeaseState state, const char* device = "pump-1") {
  OffloadedTask one;
  one.id = {Origin{1}, seq};
  one.device = device;
  one.kind = seq % 2 == 0 ? "echo" : "spin";
  one.state = state;
  one.epoch = Epoch{1};
  if (state == LeaseState::done) {
    one.ended = std::chrono::seconds(seq);
    one.ran = std::chrono::milliseconds(20);
  }
  return one;
}

}  // namespace

TEST_GROUP(TaskBoard) { TaskBoard board{100}; };

TEST(TaskBoard, keeps_the_newest_and_finds_them) {
  for (std::uint64_t seq = 1; seq <= 150; ++seq) board.note(task(seq, LeaseState::accepted));
  CHECK_FALSE(board.find({Origin{1}, 50}).has_value());
  CHECK(board.find({Origin{1}, 51}).has_value());
  TaskPage page = board.page({});
  CHECK_EQUAL(100U, page.tasks.size());
  CHECK_EQUAL(150U, page.tasks.front().id.seq);
  CHECK_FALSE(page.next.has_value());
}

TEST(TaskBoard, pages_join_without_gap_or_overlap_while_tasks_come) {
  for (std::uint64_t seq = 1; seq <= 60; ++seq) board.note(task(seq, LeaseState::accepted));
  TaskQuery query;
  query.limit = 7;
  query.kind = "echo";
  std::uint64_t expected = 60, fresh = 61;
  for (;;) {
    TaskPage page = board.page(query);
    for (const OffloadedTask& one : page.tasks) {
      CHECK_EQUAL(expected, one.id.seq);
      expected -= 2;
    }
    if (!page.next) break;
    query.before = *page.next;
    board.note(task(fresh++, LeaseState::accepted));
  }
  CHECK_EQUAL(0U, expected);
}

TEST(TaskBoard, filters_by_device_state_and_failure) {
  board.note(task(1, LeaseState::accepted, "a-1"));
  board.note(task(2, LeaseState::done, "b-2"));
  OffloadedTask bad = task(3, LeaseState::done, "b-2");
  bad.failure = FailureClass::error;
  board.note(bad);
  TaskQuery query;
  query.device = "b-2";
  CHECK_EQUAL(2U, board.page(query).tasks.size());
  query.failed = true;
  CHECK_EQUAL(3U, board.page(query).tasks.at(0).id.seq);
  query = {};
  query.state = LeaseState::accepted;
  CHECK_EQUAL(1U, board.page(query).tasks.size());
}

TEST(TaskBoard, a_tombstone_takes_nothing_away_that_was_known) {
  board.note(task(2, LeaseState::done));
  OffloadedTask answered = task(2, LeaseState::answered);
  answered.kind.clear();
  board.note(answered);
  OffloadedTask now = *board.find({Origin{1}, 2});
  CHECK(now.state == LeaseState::answered);
  STRCMP_EQUAL("echo", now.kind.c_str());
  CHECK(now.ended == Wall(std::chrono::seconds(2)));
  CHECK(now.ran == std::chrono::milliseconds(20));
}

TEST(TaskBoard, what_an_earlier_start_answered_is_listed_and_counts_for_no_kind) {
  OffloadedTask answered = task(2, LeaseState::answered);
  answered.failure = FailureClass::error;
  board.note(answered);
  TaskQuery query;
  query.failed = true;
  CHECK_EQUAL(1U, board.page(query).tasks.size());  // also when nobody knows when it ended
  CHECK(board.kinds().empty());
}

TEST(TaskBoard, what_was_stopped_is_listed_as_failed_and_says_nothing_of_its_kind) {
  board.note(task(4, LeaseState::running));
  OffloadedTask stopped = task(4, LeaseState::answered);
  stopped.failure = FailureClass::interrupted;
  stopped.ended = 9s;
  stopped.ran = 3s;
  board.note(stopped);
  stopped.ended = 99s;
  stopped.ran = 93s;
  board.note(stopped);
  TaskQuery query;
  query.failed = true;
  CHECK_EQUAL(1U, board.page(query).tasks.size());
  CHECK(board.find({Origin{1}, 4})->ran == 3s);
  CHECK_EQUAL(0U, board.kinds().at(0).done);
  CHECK_EQUAL(0U, board.kinds().at(0).failed);
}

TEST(TaskBoard, totals_count_each_run_once) {
  for (LeaseState state : {LeaseState::accepted, LeaseState::running, LeaseState::done,
                           LeaseState::done, LeaseState::answered}) {
    board.note(task(4, state));
  }
  OffloadedTask again = task(4, LeaseState::done);
  again.epoch = Epoch{2};
  again.failure = FailureClass::error;
  board.note(again);
  KindTotals totals = board.kinds().at(0);
  CHECK_EQUAL(2U, totals.accepted);
  CHECK_EQUAL(1U, totals.done);
  CHECK_EQUAL(1U, totals.failed);
  DOUBLES_EQUAL(20'000, double(totals.ran.p50.count()), 2000);
}
