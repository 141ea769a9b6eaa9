#include "common/base/ending.h"

#include <string>

#include <CppUTest/TestHarness.h>

using namespace spillway;

TEST_GROUP(Ending) {
  static void check_ending(const char* ending, FailureClass failure, NodeTime accepted, bool last,
                           TaskState outcome) {
    Attempt attempt;
    attempt.failure = failure;
    attempt.times.accepted = accepted;
    STRCMP_EQUAL(ending, std::string(ending_of(attempt, last, outcome)).c_str());
  }
  static constexpr NodeTime kNoEnd{}, kDone{std::chrono::seconds(3)};
};

TEST(Ending, of_an_attempt_that_failed_is_its_failure_whatever_became_of_its_task) {
  for (const TaskState outcome : {TaskState::succeeded, TaskState::failed, TaskState::cancelled,
                                  TaskState::expired, TaskState::running}) {
    for (const bool last : {false, true}) {
      check_ending("timeout", FailureClass::timeout, kDone, last, outcome);
      check_ending("lost", FailureClass::lost, kDone, last, outcome);
    }
  }
}

TEST(Ending, of_what_was_stopped_with_its_task_is_that_of_the_task) {
  for (const FailureClass failure : {FailureClass::none, FailureClass::interrupted}) {
    for (const NodeTime accepted : {kNoEnd, kDone}) {
      check_ending("cancelled", failure, accepted, true, TaskState::cancelled);
      check_ending("expired", failure, accepted, true, TaskState::expired);
      check_ending("interrupted", failure, accepted, false, TaskState::cancelled);
      check_ending("interrupted", failure, accepted, false, TaskState::expired);
    }
  }
}

TEST(Ending, is_success_only_of_an_attempt_that_has_an_end_of_its_own_in_a_task_that_succeeded) {
  for (const bool last : {false, true}) {
    check_ending("succeeded", FailureClass::none, kDone, last, TaskState::succeeded);
    check_ending("interrupted", FailureClass::interrupted, kDone, last, TaskState::succeeded);
    // An attempt of which nobody noted how it ended.
    check_ending("interrupted", FailureClass::none, kNoEnd, last, TaskState::succeeded);
    check_ending("interrupted", FailureClass::none, kDone, last, TaskState::failed);
  }
}
