#include "common/threads/door.h"

#include <string>

#include "tests/support/own_loop.h"

#include <CppUTest/TestHarness.h>

namespace spillway::threads {
namespace {

using test::End;
using test::end_of;
using test::Loop;

}  // namespace

TEST_GROUP(Door) { Door door{"Owner"}; };

#ifndef NDEBUG
TEST(Door, while_its_loop_runs_a_call_by_another_thread_ends_the_process) {
  const End end = end_of([this] {
    Loop loop([this] { door.enter(); });
    door.enter();
  });
  CHECK(end.aborted);
  STRCMP_EQUAL("Owner was called by another thread than its loop's: post() it there\n",
               end.said.c_str());
}

TEST(Door, so_does_a_call_by_another_loop) {
  const End end = end_of([this] {
    Loop loop([this] { door.enter(); });
    Loop other([this] { door.enter(); });
  });
  CHECK(end.aborted);
}
#endif

TEST(Door, who_makes_and_destroys_it_may_enter_before_its_loop_begins_and_when_it_has_ended) {
  const End end = end_of([this] {
    door.enter();
    {
      Loop loop([this] { door.enter(); });
    }
    door.enter();
    Loop another([this] { door.enter(); });
  });
  CHECK_FALSE(end.aborted);
  STRCMP_EQUAL("", end.said.c_str());
}

TEST(Door, a_loop_inside_another_is_the_same_one) {
  const End end = end_of([this] {
    LoopRun outer;
    door.enter();
    {
      LoopRun inner;
      door.enter();
    }
    door.enter();
    std::thread([] { LoopRun elsewhere; }).join();
    door.enter();
  });
  CHECK_FALSE(end.aborted);
}

}  // namespace spillway::threads
