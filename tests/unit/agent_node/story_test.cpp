#include <vector>

#include "agent/node/story_sample.h"
#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(NodeStory) {
  AgentWorld world{1, true};
  void setup() override {
    world.boot();
    world.cloud_up();
  }
  std::vector<wire::TaskStory> told() {
    world.settle();
    return world.cloud.take<wire::TaskStory>();
  }
  wire::CommandReply ask(TaskId task) {
    world.say(wire::Command{9, wire::CommandKind::story, 0, task}, wire::Channel::rpc);
    const auto replies = world.cloud.take<wire::CommandReply>();
    CHECK_EQUAL(1U, replies.size());
    return replies.front();
  }
  std::uint64_t run_here(TaskSpec spec) {
    spec.prefer = Prefer::local;
    const std::uint64_t seq = world.add(spec);
    world.succeed(seq);
    return seq;
  }
};

TEST(NodeStory, tells_of_a_task_that_ran_here_where_its_time_went_and_why_it_went_there) {
  const std::uint64_t seq = run_here(echo("secret"));
  const auto stories = told();
  CHECK_EQUAL(1U, stories.size());
  const wire::TaskStory& story = stories.front();
  CHECK(story.id == world.id(seq));
  STRCMP_EQUAL("echo", story.kind.c_str());
  CHECK(story.state == TaskState::succeeded);
  CHECK(story.line + story.created.time_since_epoch() > std::chrono::hours(24 * 20'000));
  const auto history = wire::decode_result(story.history);
  CHECK(history.ok());
  CHECK_EQUAL(1U, history->attempts.size());
  CHECK(history->attempts.front().place == kHereName);
  CHECK(history->value.bytes.empty());
  const auto why = wire::decode_explanation(story.why);
  CHECK(why.ok());
  CHECK(why->chosen == kHereName);
  CHECK_FALSE(why->dominant.empty());
}

TEST(NodeStory, a_burst_is_sampled_and_a_day_is_told_in_a_few_thousand_stories) {
  unsigned taken = 0;
  agent::StorySample sample;
  NodeTime now{};  // of a new store
  for (unsigned i = 0; i < 10'000; ++i) taken += sample.take(now) ? 1 : 0;
  CHECK_EQUAL(agent::StorySample::kAtOnce, taken);
  for (unsigned i = 0; i < 86'400; ++i) taken += sample.take(now += 1s) ? 1 : 0;
  CHECK_EQUAL(agent::StorySample::kAtOnce + 8'640, taken);
}

TEST(NodeStory, a_task_whose_data_must_not_leave_is_not_told_of_even_when_asked) {
  TaskSpec spec = echo("secret");
  spec.data = DataScope::edge_only;
  const std::uint64_t seq = run_here(spec);
  CHECK(told().empty());
  CHECK(ask(world.id(seq)).failure == Code::denied);
  CHECK(told().empty());
}

TEST(NodeStory, what_is_asked_for_is_told_ahead_of_the_reply_without_the_value) {
  const std::uint64_t seq = run_here(echo("secret"));
  (void)told();
  CHECK_FALSE(ask(world.id(seq)).failure.has_value());
  const auto stories = told();
  CHECK_EQUAL(1U, stories.size());
  CHECK(stories.front().id == world.id(seq));
  CHECK(wire::decode_result(stories.front().history)->value.bytes.empty());
  CHECK_FALSE(stories.front().why.empty());
}

TEST(NodeStory, an_offer_carries_the_traceparent_its_task_came_with_or_one_of_its_own) {
  const std::string given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  std::vector<std::string> traces;
  for (const std::string& trace : {given, std::string()}) {
    TaskSpec spec = echo();
    spec.prefer = Prefer::cloud;
    spec.trace = trace;
    CHECK(world.add(spec) != 0);
    traces.push_back(world.broker.seen().back().traceparent);
    for (const mqtt::Publication& seen : world.broker.seen()) {
      if (seen.topic.ends_with("/up/task")) traces.back() = seen.traceparent;
    }
  }
  STRCMP_EQUAL("00-0af7651916cd43dd8448eb211c80319c-", traces[0].substr(0, 36).c_str());
  CHECK(traces[0] != given);  // a span of its own is the parent there
  CHECK_EQUAL(given.size(), traces[1].size());
  CHECK(traces[1].substr(0, 36) != traces[0].substr(0, 36));
}

TEST(NodeStory, what_is_no_traceparent_is_refused_at_submit) {
  TaskSpec spec = echo();
  spec.trace = "00-abc";
  CHECK(world.refusal(spec) == Code::invalid_argument);
}
