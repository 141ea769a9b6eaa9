#include "cloud/fleet/task_path.h"

#include "cloud/fleet/story_book.h"
#include "common/wire/codec.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;
using namespace std::chrono_literals;

TEST_GROUP(TaskPath) {
  static constexpr Wall kNoon = std::chrono::hours(24 * 20'000);
  // The device's clock is a minute behind, and its time line began an hour before noon.
  static constexpr Duration kBehind = 60s;
  const TaskId id{Origin{0xaa}, 7};
  std::optional<OffloadedTask> seen;
  ToldStory told;
  TaskResult history;

  void setup() override {
    seen.emplace();
    seen->id = id;
    seen->device = told.device = "pump-7";
    seen->kind = told.story.kind = "echo";
    seen->epoch = Epoch{2};
    told.story.id = history.id = id;
    told.story.state = history.outcome = TaskState::succeeded;
    told.story.line = kNoon - 1h - kBehind;
    told.story.created = at(0ms);
  }
  static NodeTime at(Duration after_noon) { return NodeTime(1h + after_noon); }
  void attempt(std::uint32_t epoch, const std::string& place, FailureClass failure,
               AttemptTimes times) {
    history.attempts.push_back({Epoch{epoch}, place, failure, times});
  }
  TaskPath path() {
    told.story.history = wire::encode(history);
    return path_of(seen, &told, "cloud");
  }
  static const PathSpan* find(const TaskPath& path, Lane lane, SpanPart part, unsigned epoch) {
    for (const PathSpan& span : path.spans) {
      if (span.lane == lane && span.part == part && span.epoch.value == epoch) return &span;
    }
    return nullptr;
  }
};

TEST(TaskPath, the_devices_clock_is_set_by_the_round_trip_and_what_is_left_is_the_skew) {
  attempt(2, kCloudName, FailureClass::none,
          {at(10ms), at(20ms), at(55ms), at(55ms), at(75ms), at(80ms), at(120ms)});
  seen->accepted = kNoon + 50ms;
  seen->started = kNoon + 60ms;
  seen->ended = kNoon + 80ms;
  const TaskPath shown = path();
  // Out 30 ms less a minute, back 40 ms and a minute: 35 each way.
  CHECK(shown.skew == 35ms);
  const PathSpan* queued = find(shown, Lane::edge, SpanPart::queued, 2);
  CHECK(queued != nullptr);
  CHECK(queued->from == kNoon + 5ms);
  CHECK(*queued->to == kNoon + 15ms);
  const PathSpan* out = find(shown, Lane::link, SpanPart::queued, 2);
  CHECK(out->from == kNoon + 15ms && *out->to == kNoon + 50ms);
  const PathSpan* back = find(shown, Lane::link, SpanPart::answer, 2);
  CHECK(back->from == kNoon + 80ms && *back->to == kNoon + 115ms);
  const PathSpan* run = find(shown, Lane::cloud, SpanPart::run, 2);
  CHECK(run->from == *seen->started && run->to == seen->ended);
  STRCMP_EQUAL("cloud", run->host.c_str());
  CHECK(shown.began == kNoon - 5ms);
  CHECK(*shown.ended == kNoon + 115ms);
}

TEST(TaskPath, an_attempt_that_did_not_count_is_a_ghost_and_says_why) {
  attempt(1, kHereName, FailureClass::timeout,
          {at(0ms), at(1ms), at(1ms), at(1ms), at(9ms), at(9ms), at(10ms)});
  attempt(2, kCloudName, FailureClass::none,
          {at(10ms), at(20ms), at(55ms), at(55ms), at(75ms), at(80ms), at(120ms)});
  seen->accepted = kNoon + 50ms;
  const TaskPath shown = path();
  const PathSpan* ghost = find(shown, Lane::edge, SpanPart::run, 1);
  CHECK(ghost && ghost->ghost);
  STRCMP_EQUAL("timeout", ghost->note.c_str());
  CHECK_FALSE(find(shown, Lane::edge, SpanPart::queued, 2)->ghost);
  CHECK_FALSE(find(shown, Lane::cloud, SpanPart::queued, 2)->ghost);
}

TEST(TaskPath, what_ran_on_the_device_alone_is_shown_by_its_own_clock) {
  seen.reset();
  attempt(1, kHereName, FailureClass::none,
          {at(0ms), at(5ms), at(6ms), at(6ms), at(26ms), at(26ms), at(27ms)});
  const TaskPath shown = path();
  CHECK(shown.skew == 0ms);
  CHECK_EQUAL(3U, shown.spans.size());
  for (const PathSpan& span : shown.spans) CHECK(span.lane == Lane::edge && !span.ghost);
  CHECK(*shown.ended - shown.began == 27ms);
}

TEST(TaskPath, what_was_cancelled_or_expired_did_not_succeed_and_shows_what_had_run) {
  for (const TaskState end : {TaskState::cancelled, TaskState::expired}) {
    told.story.state = end;
    seen->failure = FailureClass::interrupted;
    seen->accepted = kNoon + 50ms;
    seen->started = kNoon + 60ms;
    seen->ended = kNoon + 3060ms;
    history.attempts.clear();
    attempt(2, kCloudName, FailureClass::interrupted,
            {at(10ms), at(20ms), {}, {}, {}, {}, at(3040ms)});
    const TaskPath there = path();
    STRCMP_EQUAL(std::string(to_string(end)).c_str(), there.problem.c_str());
    const PathSpan* run = find(there, Lane::cloud, SpanPart::run, 2);
    CHECK(run->ghost && run->to == seen->ended);
    STRCMP_EQUAL(there.problem.c_str(), run->note.c_str());
    // When the owner gave it up is not when an answer came.
    POINTERS_EQUAL(nullptr, find(there, Lane::link, SpanPart::answer, 2));
    CHECK(there.skew == kBehind + 30ms);

    seen.reset();
    history.attempts.clear();
    attempt(1, kHereName, FailureClass::interrupted,
            {at(0ms), at(5ms), at(6ms), at(6ms), at(1606ms), {}, at(1606ms)});
    const TaskPath here = path();
    STRCMP_EQUAL(std::string(to_string(end)).c_str(), here.problem.c_str());
    run = find(here, Lane::edge, SpanPart::run, 1);
    CHECK(run && run->ghost && *run->to - run->from == 1600ms);
    POINTERS_EQUAL(nullptr, find(here, Lane::edge, SpanPart::answer, 1));
    CHECK(*here.ended - here.began == 1606ms);
    seen.emplace();
    seen->id = id;
    seen->device = "pump-7";
    seen->epoch = Epoch{2};
  }
}

TEST(TaskPath, a_task_did_not_succeed_whose_owner_says_so_whatever_its_attempts_say) {
  seen.reset();
  told.story.state = TaskState::cancelled;
  // An attempt of a device that does not note how such a one ended, nor when.
  attempt(1, kHereName, FailureClass::none, {at(0ms), at(5ms), {}, {}, {}, {}, {}});
  CHECK(path().spans.front().ghost);
  STRCMP_EQUAL("cancelled", path().problem.c_str());
  history.attempts.clear();
  told.story.state = TaskState::failed;
  STRCMP_EQUAL("failed", path().problem.c_str());
  attempt(1, kHereName, FailureClass::poison, {at(0ms), at(5ms), {}, {}, {}, {}, at(9ms)});
  STRCMP_EQUAL("poison", path().problem.c_str());
  told.story.state = TaskState::running;
  CHECK(path().problem.empty());
  told.story.state = TaskState::succeeded;
  CHECK(path().problem.empty());
}

TEST(TaskPath, of_a_late_success_the_attempt_that_was_stopped_for_it_is_the_ghost) {
  attempt(2, kCloudName, FailureClass::none, {at(10ms), at(20ms), {}, {}, {}, {}, at(70ms)});
  attempt(3, kHereName, FailureClass::interrupted,
          {at(80ms), at(81ms), at(82ms), at(82ms), at(90ms), {}, at(90ms)});
  seen->accepted = kNoon + 50ms;
  seen->started = kNoon + 60ms;
  seen->ended = kNoon + 80ms;
  const TaskPath shown = path();
  CHECK_FALSE(find(shown, Lane::cloud, SpanPart::run, 2)->ghost);
  CHECK(find(shown, Lane::edge, SpanPart::run, 3)->ghost);
  CHECK(shown.problem.empty());
}

TEST(TaskPath, without_a_story_what_the_cloud_saw_is_all_there_is) {
  seen->accepted = kNoon;
  const TaskPath shown = path_of(seen, nullptr, "cloud");
  CHECK_EQUAL(1U, shown.spans.size());
  CHECK_FALSE(shown.spans.front().to.has_value());
  CHECK_FALSE(shown.ended.has_value());
  CHECK(shown.trace == trace_of("", id));
}

TEST(TaskPath, where_the_cloud_does_not_know_any_more_how_it_went_it_shows_nothing_of_it) {
  seen->accepted = kNoon;
  seen->state = lifecycle::LeaseState::answered;
  const TaskPath shown = path_of(seen, nullptr, "cloud");
  CHECK(shown.spans.empty());
  CHECK(shown.began == kNoon);
  CHECK_FALSE(shown.ended.has_value());
}

TEST(TaskPath, whatever_a_device_tells_is_shown_without_harm) {
  for (const std::int64_t far : {INT64_MAX, INT64_MIN, std::int64_t(-1)}) {
    history.attempts.clear();
    told.story.line = Duration(far);
    told.story.created = NodeTime(Duration(far));
    const NodeTime when{Duration(far)};
    attempt(2, kCloudName, FailureClass::none, {when, at(0ms), when, when, when, when, when});
    seen->accepted = kNoon;
    seen->ended = kNoon + 1s;
    for (const PathSpan& span : path().spans) CHECK(!span.to || *span.to >= span.from);
  }
  told.story.history = to_bytes("nonsense");
  CHECK(path_of(seen, &told, "cloud").spans.size() == 1);
}

TEST_GROUP(StoryBook) {
  StoryBook book;
  void tell(const std::string& device, std::uint64_t seq, TaskState state = TaskState::running) {
    wire::TaskStory story;
    story.id = {Origin{1}, seq};
    story.state = state;
    book.note(device, story, 1s);
  }
  const ToldStory* find(std::uint64_t seq) { return book.find({Origin{1}, seq}); }
};

TEST(StoryBook, a_device_that_tells_much_pushes_out_its_own_stories_only) {
  tell("pump-7", 1);
  for (std::uint64_t seq = 100; seq < 10'000; ++seq) tell("chatter", seq);
  CHECK(find(1) != nullptr);
  CHECK(find(9'999) != nullptr);
  POINTERS_EQUAL(nullptr, find(9'999 - StoryBook::kOfOne));
}

TEST(StoryBook, the_newest_of_many_devices_are_kept) {
  for (std::uint64_t seq = 1; seq <= StoryBook::kAtMost + 1; ++seq) {
    tell("pump-" + std::to_string(seq), seq);
  }
  POINTERS_EQUAL(nullptr, find(1));
  CHECK(find(2) != nullptr);
}

TEST(StoryBook, a_task_is_its_devices_to_tell_of) {
  tell("pump-7", 1);
  tell("forger", 1, TaskState::failed);
  CHECK(find(1)->story.state == TaskState::running);
  tell("pump-7", 1, TaskState::succeeded);
  CHECK(find(1)->story.state == TaskState::succeeded);
}
