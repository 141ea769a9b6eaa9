#include "cloud/api/dispatched_path.h"

#include <boost/json.hpp>

#include "cloud/api/otlp.h"
#include "tests/integration/http/spans.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;
using spillway::test::spans_of;
using namespace std::chrono_literals;

TEST_GROUP(DispatchedPath) {
  static constexpr Wall kNoon = std::chrono::hours(24 * 20'000);
  DispatchedTaskDetail task;

  void setup() override {
    task.task.id = {Origin{0xc0}, 7};
    task.task.device = "pump-7";
    task.task.kind = "echo";
    task.task.created = kNoon;
  }
  void is(TaskState state, Duration since) {
    task.task.state = state;
    task.task.since = kNoon + since;
  }
  DispatchedAttempt& attempt(Duration queued, Duration offered) {
    DispatchedAttempt& made = task.attempts.emplace_back();
    made.epoch = task.task.epoch = Epoch{std::uint32_t(task.attempts.size())};
    made.queued = kNoon + queued;
    made.offered = kNoon + offered;
    return made;
  }
  void ran(DispatchedAttempt & attempt, Duration began, Duration run_ended, Duration sent,
           Duration ended) const {
    attempt.began = kNoon + began;
    attempt.run_ended = kNoon + run_ended;
    attempt.sent = kNoon + sent;
    attempt.ended = kNoon + ended;
  }
  void happened(Duration at, const std::string& what, std::uint32_t epoch) {
    task.events.push_back({kNoon + at, what, Epoch{epoch}, FailureClass::none, ""});
  }
  // "lane part from..to note" of each, in milliseconds; open ones have no end.
  std::string spans() const {
    constexpr std::string_view kParts[] = {"task", "queued", "run", "answer", "attempt"};
    std::string text;
    for (const PathSpan& span : api::path_of(task, "cloud").spans) {
      const auto ms = [](Wall at) { return std::to_string((at - kNoon) / 1ms); };
      text += std::string(to_string(span.lane)) + " " + std::string(kParts[std::size_t(span.part)]);
      text += " " + ms(span.from) + ".." + (span.to ? ms(*span.to) : "");
      text += (span.ghost ? " not counted: " : span.note.empty() ? "" : " ") + span.note + "\n";
      STRCMP_EQUAL(span.lane == Lane::cloud ? "cloud" : "pump-7", span.host.c_str());
    }
    return text;
  }
  // All that is exported, the whole task too.
  std::size_t exported() const { return spans_of(api::otlp_of(api::path_of(task, "cloud"), "1")); }
  std::string reason() const {
    const Explanation why = api::explanation_of(task);
    CHECK_EQUAL(1, why.candidates.size());
    CHECK(why.candidates[0].place == "pump-7");
    STRCMP_EQUAL("it was submitted to pump-7, and runs nowhere else", why.dominant.c_str());
    return why.candidates[0].reason;
  }
};

TEST(DispatchedPath, one_that_waits_says_for_which_device_and_for_what) {
  is(TaskState::ready, 0ms);
  task.waits_because = "the device is not connected";
  STRCMP_EQUAL("cloud queued 0.. the device is not connected\n", spans().c_str());
  STRCMP_EQUAL("ready, for pump-7: the device is not connected", reason().c_str());
  CHECK(api::explanation_of(task).chosen.empty());
  CHECK_FALSE(api::explanation_of(task).candidates[0].eligible);
  CHECK_FALSE(api::path_of(task, "cloud").ended.has_value());
}

TEST(DispatchedPath, one_that_was_lost_says_that_it_is_tried_again) {
  DispatchedAttempt& lost = attempt(0ms, 5ms);
  lost.ended = kNoon + 40ms;
  lost.problem = "lost";
  is(TaskState::waiting, 40ms);
  task.task.reason = WaitReason::backoff;
  task.task.last_failure = FailureClass::lost;
  STRCMP_EQUAL(
      "cloud queued 0..5 not counted: lost\nlink queued 5..40 not counted: lost\n"
      "cloud queued 40..\n",
      spans().c_str());
  STRCMP_CONTAINS("waiting, for pump-7: it is tried again", reason().c_str());
  STRCMP_CONTAINS("lost", reason().c_str());
}

TEST(DispatchedPath, one_that_is_away_is_on_its_way_until_the_device_says_that_it_runs) {
  attempt(0ms, 5ms);
  is(TaskState::leased, 5ms);
  STRCMP_EQUAL("cloud queued 0..5\nlink queued 5..\n", spans().c_str());
  STRCMP_CONTAINS("leased, for pump-7: it was offered", reason().c_str());
  is(TaskState::running, 9ms);
  STRCMP_EQUAL("cloud queued 0..5\nlink queued 5..9\nedge run 9..\n", spans().c_str());
  STRCMP_EQUAL("running, for pump-7: the device runs it", reason().c_str());
  CHECK(api::explanation_of(task).chosen == "pump-7");
}

TEST(DispatchedPath, one_that_succeeded_shows_its_time_at_the_device_and_how_far_that_may_be_off) {
  ran(attempt(0ms, 5ms), 15ms, 30ms, 31ms, 36ms);
  is(TaskState::succeeded, 36ms);
  STRCMP_EQUAL("cloud queued 0..5\nlink queued 5..15\nedge run 15..30\nlink answer 31..36\n",
               spans().c_str());
  const TaskPath path = api::path_of(task, "cloud");
  CHECK(path.skew == 5ms);
  CHECK(*path.ended == kNoon + 36ms);
  STRCMP_EQUAL("", path.problem.c_str());
  // The whole is told by its owner.
  const auto told = api::otlp_of(path, "1").at("resourceSpans").as_array();
  CHECK_EQUAL(2, told.size());
  const auto& cloud = told.at(1);
  STRCMP_EQUAL("spillway-cloud",
               cloud.at_pointer("/resource/attributes/0/value/stringValue").as_string().c_str());
  STRCMP_EQUAL("echo", cloud.at_pointer("/scopeSpans/0/spans/0/name").as_string().c_str());
}

TEST(DispatchedPath, one_that_did_not_succeed_says_why_not) {
  is(TaskState::expired, 60ms);
  STRCMP_EQUAL("cloud queued 0..60 not counted: expired\n", spans().c_str());
  STRCMP_EQUAL("expired", api::path_of(task, "cloud").problem.c_str());
  DispatchedAttempt& failed = attempt(0ms, 5ms);
  ran(failed, 15ms, 30ms, 31ms, 36ms);
  failed.problem = "error";
  // The clock went on between the answer and what it led to.
  is(TaskState::failed, 36ms + 7us);
  task.task.last_failure = FailureClass::error;
  task.result.emplace().error.emplace().message = "no such column";
  STRCMP_EQUAL(
      "cloud queued 0..5 not counted: error\nlink queued 5..15 not counted: error\n"
      "edge run 15..30 not counted: error\nlink answer 31..36 not counted: error\n",
      spans().c_str());
  CHECK_EQUAL(5u, exported());
  STRCMP_EQUAL("failed, for pump-7: no such column", reason().c_str());
}

TEST(DispatchedPath, one_that_is_cancelled_while_it_runs_ran_until_then) {
  is(TaskState::cancelled, 30ms);
  DispatchedAttempt& stopped = attempt(1ms, 2ms);
  stopped.began = kNoon + 5ms;
  stopped.run_ended = stopped.ended = kNoon + 30ms;
  stopped.problem = "cancelled";
  STRCMP_EQUAL(
      "cloud queued 1..2 not counted: cancelled\n"
      "link queued 2..5 not counted: cancelled\n"
      "edge run 5..30 not counted: cancelled\n",
      spans().c_str());
}

TEST(DispatchedPath, one_that_is_cancelled_between_attempts_waited_since_the_last_one) {
  DispatchedAttempt& failed = attempt(0ms, 5ms);
  ran(failed, 15ms, 30ms, 31ms, 36ms);
  failed.problem = "error";
  is(TaskState::cancelled, 50ms);
  STRCMP_CONTAINS(
      "link answer 31..36 not counted: error\ncloud queued 36..50 not counted: cancelled\n",
      spans().c_str());
  CHECK_EQUAL(6u, exported());
  // While it was over it did not wait.
  happened(45ms, "retried", 1);
  STRCMP_CONTAINS("cloud queued 45..50 not counted: cancelled\n", spans().c_str());
}

TEST(DispatchedPath, an_attempt_ended_as_it_did_whatever_became_of_its_task_later) {
  // Stopped with its task, which was tried again.
  DispatchedAttempt& first = attempt(0ms, 5ms);
  first.ended = kNoon + 20ms;
  first.problem = "interrupted";
  is(TaskState::ready, 30ms);
  happened(5ms, "granted", 1);
  happened(20ms, "cancelled", 1);
  happened(30ms, "retried", 1);
  STRCMP_CONTAINS("link queued 5..20 not counted: cancelled\n", spans().c_str());
  // Taken back before its task was cancelled.
  DispatchedAttempt& second = attempt(30ms, 31ms);
  second.ended = kNoon + 36ms;
  second.problem = "cancelled";
  is(TaskState::cancelled, 41ms);
  happened(31ms, "granted", 2);
  happened(36ms, "offered_back", 2);
  happened(41ms, "cancelled", 2);
  STRCMP_EQUAL(
      "cloud queued 0..5 not counted: cancelled\nlink queued 5..20 not counted: cancelled\n"
      "cloud queued 30..31 not counted: interrupted\nlink queued 31..36 not counted: interrupted\n"
      "cloud queued 36..41 not counted: cancelled\n",
      spans().c_str());
  // Events that are kept no longer say nothing.
  task.events.erase(task.events.begin(), task.events.end() - 1);
  STRCMP_CONTAINS("link queued 31..36 not counted: cancelled\n", spans().c_str());
}
