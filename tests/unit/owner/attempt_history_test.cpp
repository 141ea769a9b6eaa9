#include "common/owner/attempt_history.h"

#include "common/wire/codec.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;
using lifecycle::OwnerTask;

namespace {

constexpr TaskId kTask{Origin{7}, 3};

NodeTime at(Duration time) { return NodeTime(time); }

OwnerTask in(TaskState state, std::uint32_t epoch, Duration since, PlaceId place) {
  OwnerTask task;
  task.state = state;
  task.epoch = Epoch{epoch};
  task.since = at(since);
  if (place != kNowhere) task.live.push_back({.epoch = Epoch{epoch}, .place = place});
  return task;
}

OwnerTask ready(std::uint32_t epoch, Duration since) {
  return in(TaskState::ready, epoch, since, kNowhere);
}

OwnerTask running(std::uint32_t epoch, Duration since, PlaceId place = kHere) {
  return in(TaskState::running, epoch, since, place);
}

}  // namespace

TEST_GROUP(AttemptHistory) {
  owner::AttemptHistory history;
  Places places;

  bool note(const OwnerTask& was, const OwnerTask& is, FailureClass failure) {
    lifecycle::OwnerStep step;
    step.next = is;
    step.failure = failure;
    if (failure != FailureClass::none) step.failed = was.epoch;
    return history.note(was, step, places);
  }

  TaskResult told() const {
    TaskResult result;
    history.tell(result);
    return result;
  }
  // What a row looks like that holds the history so far.
  store::TaskRow row_with(const OwnerTask& task) const {
    store::TaskRow row;
    row.seq = kTask.seq;
    row.created = at(1s);
    row.task = task;
    row.result = history.encode(kTask);
    return row;
  }
};

TEST(AttemptHistory, each_grant_begins_an_attempt_that_waited_since_its_task_was_ready) {
  CHECK_TRUE(history.last() == nullptr);
  CHECK_FALSE(note(ready(0, 1s), running(1, 2s), FailureClass::none));
  CHECK_TRUE(history.last()->epoch == Epoch{1});
  CHECK_TRUE(history.last()->place == kHereName);
  CHECK_TRUE(history.last()->times.queued == at(1s));
  CHECK_TRUE(history.last()->times.started == at(2s));
}

TEST(AttemptHistory, is_to_be_kept_when_an_attempt_ended_and_its_task_did_not) {
  note(ready(0, 1s), running(1, 2s), FailureClass::none);
  CHECK_TRUE(note(running(1, 2s), ready(1, 3s), FailureClass::error));
  CHECK_TRUE(history.last()->failure == FailureClass::error);
  note(ready(1, 3s), running(2, 4s), FailureClass::none);
  const OwnerTask failed = in(TaskState::failed, 2, 5s, kNowhere);
  CHECK_FALSE(note(running(2, 4s), failed, FailureClass::error));
  // Asked for again: the row's result goes, what was tried stays.
  CHECK_TRUE(note(failed, ready(2, 9s), FailureClass::none));
  LONGS_EQUAL(2, told().attempts.size());
}

TEST(AttemptHistory, a_restart_tells_the_same_to_the_microsecond) {
  note(ready(0, 1s), running(1, 2s), FailureClass::none);
  history.ran_here({1}, at(3s), at(4s), at(5s), 250ms);
  note(running(1, 2s), ready(1, 5s), FailureClass::error);
  const TaskResult before = told();
  history = owner::AttemptHistory::of(row_with(ready(1, 5s)), places);
  CHECK_TRUE(told() == before);
  CHECK_TRUE(told().cost.cpu == 250ms);
  CHECK_TRUE(told().attempts[0].times.run_ended == at(4s));
}

TEST(AttemptHistory, an_attempt_that_was_out_at_the_restart_is_told_from_its_row) {
  note(ready(0, 1s), running(1, 2s), FailureClass::none);
  note(running(1, 2s), ready(1, 5s), FailureClass::crash);
  history = owner::AttemptHistory::of(row_with(running(2, 6s, kCloud)), places);
  LONGS_EQUAL(2, told().attempts.size());
  CHECK_TRUE(history.last()->epoch == Epoch{2});
  CHECK_TRUE(history.last()->place == kCloudName);
  CHECK_TRUE(history.last()->times.started == at(6s));

  store::TaskRow first = row_with(running(1, 2s));
  first.result = nullptr;
  history = owner::AttemptHistory::of(first, places);
  LONGS_EQUAL(1, told().attempts.size());
  CHECK_TRUE(history.last()->times.queued == at(1s));
}

TEST(AttemptHistory, a_spoiled_row_begins_it_anew) {
  store::TaskRow row = row_with(ready(4, 1s));
  row.result = std::make_shared<const Bytes>(Bytes{1, 2, 3});
  history = owner::AttemptHistory::of(row, places);
  CHECK_TRUE(history.last() == nullptr);
}

TEST(AttemptHistory, an_epoch_that_a_lessee_knows_from_elsewhere_begins_no_attempt) {
  note(ready(0, 1s), in(TaskState::leased, 1, 2s, kCloud), FailureClass::none);
  // The NACK told of epoch 40, from where grants go on.
  note(in(TaskState::leased, 1, 2s, kCloud), ready(40, 3s), FailureClass::refused);
  LONGS_EQUAL(1, told().attempts.size());
  CHECK_TRUE(history.last()->failure == FailureClass::refused);
}

TEST(AttemptHistory, keeps_the_last_attempts_only) {
  for (std::uint32_t epoch = 1; epoch <= kMaxAttemptsKept + 5; ++epoch) {
    note(ready(epoch - 1, 1s), running(epoch, 2s), FailureClass::none);
    note(running(epoch, 2s), ready(epoch, 3s), FailureClass::lost);
  }
  LONGS_EQUAL(kMaxAttemptsKept, told().attempts.size());
  CHECK_TRUE(told().attempts[0].epoch == Epoch{6});
  CHECK_TRUE(history.last()->epoch == Epoch{kMaxAttemptsKept + 5});
}

TEST(AttemptHistory, the_last_attempt_at_each_place_stays_as_long_as_there_is_room) {
  note(ready(0, 1s), in(TaskState::leased, 1, 2s, kCloud), FailureClass::none);
  note(in(TaskState::leased, 1, 2s, kCloud), ready(1, 3s), FailureClass::lost);
  for (std::uint32_t epoch = 2; epoch <= kMaxAttemptsKept + 5; ++epoch) {
    note(ready(epoch - 1, 1s), running(epoch, 2s), FailureClass::none);
    note(running(epoch, 2s), ready(epoch, 3s), FailureClass::lost);
  }
  LONGS_EQUAL(kMaxAttemptsKept, told().attempts.size());
  CHECK_TRUE(told().attempts[0].epoch == Epoch{1});
  CHECK_TRUE(told().attempts[1].epoch == Epoch{7});
  CHECK_TRUE(history.may_speak(kCloudName, Epoch{1}));
}

TEST(AttemptHistory, a_place_may_speak_of_what_it_was_granted_and_of_what_is_told_no_longer) {
  CHECK_TRUE(history.may_speak("pump-7", Epoch{3}));  // nothing is known
  for (std::uint32_t epoch = 1; epoch <= kMaxAttemptsKept + 5; ++epoch) {
    note(ready(epoch - 1, 1s), running(epoch, 2s), FailureClass::none);
    note(running(epoch, 2s), ready(epoch, 3s), FailureClass::lost);
  }
  CHECK_TRUE(history.may_speak(kHereName, Epoch{1}));
  CHECK_TRUE(history.may_speak(kHereName, Epoch{20}));
  CHECK_FALSE(history.may_speak(kCloudName, Epoch{1}));
  CHECK_FALSE(history.may_speak(kCloudName, Epoch{20}));
}

TEST(AttemptHistory, half_of_what_a_lessee_does_not_account_for_is_travel_each_way) {
  note(ready(0, 1s), running(1, 2s, kCloud), FailureClass::none);
  // Ten seconds away, six of them there: two each way.
  history.ran_there({1}, at(2s), at(12s), {6s, 1s, 1s, 3s, 2s});
  const AttemptTimes& times = history.last()->times;
  CHECK_TRUE(times.input_fetched == at(6s));
  CHECK_TRUE(times.run_started == at(6s));
  CHECK_TRUE(times.run_ended == at(9s));
  CHECK_TRUE(times.sent == at(10s));
  CHECK_TRUE(times.accepted == at(12s));
  CHECK_TRUE(told().cost.cpu == 2s);
}

TEST(AttemptHistory, a_lessee_that_claims_more_time_than_passed_is_not_believed_beyond_now) {
  note(ready(0, 1s), running(1, 2s, kCloud), FailureClass::none);
  history.ran_there({1}, at(2s), at(3s), {1h, 0s, 0s, 1h, 0s});
  const AttemptTimes& times = history.last()->times;
  CHECK_TRUE(times.sent == at(3s));
  CHECK_TRUE(times.run_ended == at(3s));
}

TEST(AttemptHistory, an_attempt_that_ends_with_its_task_or_makes_way_was_stopped_then) {
  for (const TaskState end : {TaskState::cancelled, TaskState::expired, TaskState::ready}) {
    history = {};
    note(ready(0, 1s), running(1, 2s), FailureClass::none);
    history.began_here({1}, at(3s));
    note(running(1, 2s), in(end, 1, 5s, kNowhere), FailureClass::none);
    CHECK_TRUE(history.last()->failure == FailureClass::interrupted);
    const AttemptTimes& times = history.last()->times;
    CHECK_TRUE(times.run_started == at(3s));
    CHECK_TRUE(times.run_ended == at(5s));
    CHECK_TRUE(times.accepted == at(5s));
    CHECK_TRUE(times.sent == NodeTime{});  // there was no answer
  }
}

TEST(AttemptHistory, one_that_said_it_runs_elsewhere_ran_until_it_was_given_up) {
  note(ready(0, 1s), in(TaskState::leased, 1, 2s, kCloud), FailureClass::none);
  history.began_there({1}, at(3s));
  note(running(1, 3s, kCloud), ready(1, 9s), FailureClass::none);
  const AttemptTimes& times = history.last()->times;
  CHECK_TRUE(times.run_started == at(3s));
  CHECK_TRUE(times.run_ended == at(9s));
  CHECK_TRUE(times.sent == NodeTime{});
  CHECK_TRUE(times.accepted == at(9s));
}

TEST(AttemptHistory, one_of_which_nothing_was_heard_has_an_end_and_no_run) {
  note(ready(0, 1s), running(1, 2s, kCloud), FailureClass::none);
  note(running(1, 2s, kCloud), ready(1, 9s), FailureClass::lost);
  CHECK_TRUE(history.last()->failure == FailureClass::lost);
  CHECK_TRUE(history.last()->times.accepted == at(9s));
  CHECK_TRUE(history.last()->times.run_started == NodeTime{});
  CHECK_TRUE(history.last()->times.run_ended == NodeTime{});
}

TEST(AttemptHistory, a_late_success_is_that_of_its_own_attempt_and_the_live_one_was_stopped) {
  note(ready(0, 1s), running(1, 2s, kCloud), FailureClass::none);
  note(running(1, 2s, kCloud), ready(1, 3s), FailureClass::lost);
  note(ready(1, 3s), running(2, 4s), FailureClass::none);
  note(running(2, 4s), in(TaskState::succeeded, 2, 5s, kNowhere), FailureClass::none);
  history.won(Epoch{1});
  CHECK_TRUE(told().attempts[0].failure == FailureClass::none);
  CHECK_TRUE(told().attempts[1].failure == FailureClass::interrupted);
}
