#include <algorithm>
#include <string>
#include <vector>

#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(Submit) {
  AgentWorld world;
  void setup() override { world.boot(); }
  void teardown() override { CHECK_EQUAL(0, world.agent.disk.broken.size()); }

  static TaskSpec keyed(const std::string& key) {
    TaskSpec spec = echo();
    spec.idempotency_key = key;
    return spec;
  }
  TaskSpec after(const std::vector<std::uint64_t>& parents) {
    TaskSpec spec = echo("child");
    for (std::uint64_t parent : parents) spec.after.push_back(world.id(parent));
    return spec;
  }
  std::uint64_t add_held() {
    TaskSpec spec = echo("parent");
    spec.not_before = 1h;
    return world.add(spec);
  }
};

TEST(Submit, is_answered_once_the_task_is_on_disk_and_not_before) {
  auto asked = world.submit(echo());
  world.agent.turn();
  CHECK(asked->answers.empty());
  CHECK(world.agent.store().execute());
  CHECK(asked->answers.empty());
  CHECK_EQUAL(1, world.agent.disk.tasks.size());
  CHECK(world.agent.store().answer());
  CHECK_EQUAL(1, world.first(*asked).id.seq);
}

TEST(Submit, user_code_starts_after_running_is_on_disk) {
  world.submit(echo());
  while (world.agent.runner().started().empty()) {
    const bool moved = world.agent.turn() || world.agent.step();
    CHECK(moved);
    if (!world.agent.runner().started().empty()) break;
  }
  CHECK(world.state(1) == TaskState::running);
  CHECK(world.row(1).live[0].boot == world.agent.options.boot);
}

TEST(Submit, P9_a_crash_forgets_only_what_was_not_acknowledged) {
  const std::uint64_t kept = world.add(echo());
  auto lost = world.submit(echo());
  world.agent.turn();
  world.agent.crash();
  CHECK(lost->answers.empty());
  world.boot();
  CHECK_EQUAL(1, world.agent.disk.tasks.size());
  CHECK(world.agent.disk.tasks.contains(kept));
}

TEST(Submit, the_same_key_names_the_same_task_also_after_a_restart) {
  const std::uint64_t seq = world.add(keyed("k"));
  world.agent.crash();
  world.boot();
  auto again = world.submit(keyed("k"));
  world.settle();
  CHECK_EQUAL(seq, world.first(*again).id.seq);
  CHECK(world.first(*again).existing);
  CHECK_EQUAL(1, world.agent.disk.tasks.size());
}

TEST(Submit, the_same_key_at_the_same_time_makes_one_task) {
  auto one = world.submit(keyed("k"));
  auto two = world.submit(keyed("k"));
  auto three = world.ask(wire::SubmitRequest{{wire::encode(keyed("k")), wire::encode(keyed("k"))}});
  world.settle();
  CHECK_EQUAL(1, world.agent.disk.tasks.size());
  CHECK_FALSE(world.first(*one).existing);
  CHECK(world.first(*two).existing);
  CHECK_EQUAL(world.first(*one).id.seq, world.first(*two).id.seq);
  CHECK_EQUAL(1, three->got<wire::Submitted>()->each[1].id.seq);
}

TEST(Submit, the_same_key_makes_one_task_while_the_first_still_looks_for_its_parents) {
  const std::uint64_t parent = add_held();
  TaskSpec spec = after({parent});
  spec.idempotency_key = "k";
  auto one = world.submit(spec);
  auto two = world.submit(spec);
  auto three = world.submit(spec);
  world.settle();
  CHECK_EQUAL(2, world.agent.disk.tasks.size());
  CHECK_EQUAL(world.first(*one).id.seq, world.first(*two).id.seq);
  CHECK_EQUAL(world.first(*one).id.seq, world.first(*three).id.seq);
}

TEST(Submit, the_same_key_with_another_wish_is_a_conflict_that_names_the_task) {
  TaskSpec spec = keyed("k");
  spec.input.bytes = Bytes(30'000, 'x');
  TaskSpec other = spec;
  other.input.bytes = Bytes(30'000, 'y');
  auto one = world.submit(spec);
  auto meanwhile = world.submit(other);
  world.settle();
  CHECK(world.first(*one).error == std::nullopt);
  CHECK(world.first(*meanwhile).error->code == Code::conflict);
  other = spec;
  other.kind.name = "slow";
  TaskSpec longer = spec;
  longer.input.bytes = Bytes(30'001, 'x');
  for (const TaskSpec& wish : {other, longer}) {
    auto refused = world.submit(wish);
    world.settle();
    CHECK(world.first(*refused).error->code == Code::conflict);
    STRCMP_CONTAINS(to_string(world.first(*one).id).c_str(),
                    world.first(*refused).error->message.c_str());
  }
  spec.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  auto again = world.submit(spec);
  world.settle();
  CHECK(world.first(*again).existing);
  CHECK_EQUAL(1, world.agent.disk.tasks.size());
}

TEST(Submit, a_key_stands_for_its_wish_longer_than_the_task_is_kept) {
  TaskSpec spec = keyed("k");
  spec.retention = 1min;
  const std::uint64_t first = world.add(spec);
  world.succeed(first);
  world.advance(2min);
  CHECK(world.agent.disk.tasks.empty());
  world.agent.crash();
  world.boot();
  TaskSpec other = spec;
  other.kind.name = "slow";
  auto refused = world.submit(other);
  auto again = world.submit(spec);
  world.settle();
  CHECK(world.first(*refused).error->code == Code::conflict);
  CHECK(world.first(*again).existing);
  CHECK_EQUAL(first, world.first(*again).id.seq);
  CHECK(world.agent.disk.tasks.empty());
}

TEST(Submit, a_key_of_a_version_that_did_not_keep_what_it_stands_for_names_its_task) {
  const std::uint64_t first = world.add(keyed("k"));
  world.agent.disk.keys.at("k").first.wish.reset();
  CHECK_EQUAL(first, world.add(keyed("k")));
}

TEST(Submit, a_parent_that_is_named_twice_is_waited_for_once) {
  const std::uint64_t parent = add_held();
  const std::uint64_t child = world.add(after({parent, parent, parent}));
  CHECK(world.state(child) == TaskState::waiting);
  world.advance(1h);
  world.succeed(parent);
  world.succeed(child);
  CHECK(world.state(child) == TaskState::succeeded);
}

TEST(Submit, a_key_goes_to_the_next_one_when_the_first_is_refused) {
  const std::uint64_t parent = add_held();
  world.op(wire::TaskOp::cancel, parent);
  TaskSpec spec = after({parent});
  spec.idempotency_key = "k";
  auto refused = world.submit(spec);
  auto taken = world.submit(keyed("k"));
  world.settle();
  CHECK(world.first(*refused).error.has_value());
  CHECK_FALSE(world.first(*taken).error.has_value());
  CHECK_FALSE(world.first(*taken).existing);
}

TEST(Submit, a_key_whose_window_has_passed_makes_a_new_task) {
  TaskSpec spec = keyed("k");
  spec.idempotency_window = 1min;
  const std::uint64_t first = world.add(spec);
  world.advance(61s);
  CHECK(world.add(spec) != first);
}

TEST(Submit, what_cannot_be_done_is_refused_with_the_reason) {
  TaskSpec unknown = echo();
  unknown.kind.name = "ecko";
  CHECK(world.refusal(unknown) == Code::not_found);
  TaskSpec blob = echo();
  blob.input = {{{}, BlobRef{{}, 1'000'000}}, std::nullopt, 0};
  CHECK(world.refusal(blob) == Code::unsupported);
  TaskSpec other = echo();
  other.kind.version = 2;
  CHECK(world.refusal(other) == Code::not_found);
  TaskSpec result = echo();
  result.input = {{}, TaskId{Origin{1}, 1}, 0};
  CHECK(world.refusal(result) == Code::unsupported);
  TaskSpec shown = echo();
  shown.input = {{}, std::nullopt, 2000};
  CHECK(world.refusal(shown) == Code::invalid_argument);
  CHECK(world.refusal(after({99})) == Code::not_found);
  auto garbage = world.ask(wire::SubmitRequest{{to_bytes("no spec at all")}});
  world.settle();
  CHECK(world.first(*garbage).error->code == Code::corrupt);
  auto nothing = world.ask(wire::SubmitRequest{});
  CHECK(nothing->refused() == Code::invalid_argument);
  CHECK(world.agent.disk.tasks.empty());
}

TEST(Submit, one_bad_task_of_a_batch_does_not_touch_the_others) {
  auto asked = world.ask(
      wire::SubmitRequest{{wire::encode(echo()), to_bytes("garbage"), wire::encode(echo())}});
  world.settle();
  const auto& each = asked->got<wire::Submitted>()->each;
  CHECK_EQUAL(1, each[0].id.seq);
  CHECK(each[1].error.has_value());
  CHECK_EQUAL(2, each[2].id.seq);
}

TEST(Submit, a_store_that_cannot_write_makes_the_agent_busy_and_loses_nothing) {
  world.agent.store().fail_commits(fail(Code::io, "disk full"));
  auto pending = world.submit(echo());
  world.settle();
  CHECK(pending->answers.empty());
  auto busy = world.submit(echo());
  CHECK(world.first(*busy).error->code == Code::busy);
  CHECK(world.first(*busy).error->retry_after.has_value());
  CHECK(!world.agent.node().view().store_problem.empty());
  CHECK_EQUAL(0, world.agent.runner().started().size());
  world.agent.store().fail_commits(std::nullopt);
  world.advance(1s);
  CHECK_EQUAL(1, world.first(*pending).id.seq);
  CHECK(world.runs(1));
  CHECK(world.agent.node().view().store_problem.empty());
  CHECK(world.add(echo()) != 0);
}

TEST(Submit, unfinished_tasks_are_limited) {
  world.agent.crash();
  world.agent.options.budget.of(DataClass::tasks).items = 3;
  world.boot();
  for (int i = 0; i < 3; ++i) CHECK(world.add(echo()) != 0);
  CHECK(world.refusal(echo()) == Code::busy);
  world.succeed(1);
  CHECK(world.add(echo()) != 0);
}

TEST(Submit, a_task_runs_after_all_it_comes_after_succeeded) {
  const std::uint64_t running = world.add(echo());
  const std::uint64_t held = add_held();
  const std::uint64_t child = world.add(after({running, held}));
  CHECK(world.row(child).reason == WaitReason::deps);
  world.succeed(running);
  CHECK(world.state(child) == TaskState::waiting);
  world.advance(1h);
  world.succeed(held);
  CHECK(world.runs(child));
  world.succeed(child);
  CHECK(world.state(child) == TaskState::succeeded);
}

TEST(Submit, a_failing_parent_fails_all_that_come_after_it) {
  const std::uint64_t parent = world.add(echo());
  const std::uint64_t child = world.add(after({parent}));
  const std::uint64_t grandchild = world.add(after({child}));
  world.agent.runner().fail(parent, fail(Code::invalid_argument, "bad input"));
  world.settle();
  CHECK(world.state(parent) == TaskState::failed);
  CHECK(world.state(child) == TaskState::failed);
  CHECK(world.result(child).error->failure == FailureClass::dependency);
  CHECK(world.state(grandchild) == TaskState::failed);
  CHECK(world.refusal(after({parent})) == Code::conflict);
}

TEST(Submit, a_parent_that_ended_well_is_not_waited_for) {
  const std::uint64_t parent = world.add(echo());
  world.succeed(parent);
  const std::uint64_t child = world.add(after({parent}));
  CHECK(world.runs(child));
}

TEST(Submit, a_parent_that_ends_while_its_child_is_being_accepted_releases_it) {
  // At every possible instant: the parent ends after so many steps.
  for (int when = 0; when < 12; ++when) {
    AgentWorld fresh(2);
    fresh.boot();
    const std::uint64_t parent = fresh.add(echo());
    TaskSpec other = echo();
    other.not_before = 1h;
    const std::uint64_t on_disk = fresh.add(other);
    TaskSpec spec = echo("child");
    spec.after = {fresh.id(parent), fresh.id(on_disk)};
    auto asked = fresh.submit(spec);
    for (int step = 0; step < when; ++step) {
      (void)(fresh.agent.turn() || fresh.agent.step());
    }
    fresh.succeed(parent);
    const std::uint64_t child = fresh.first(*asked).id.seq;
    CHECK(fresh.state(child) == TaskState::waiting);
    fresh.advance(1h);
    fresh.succeed(on_disk);
    CHECK(fresh.runs(child));
    CHECK_EQUAL(0, fresh.agent.disk.broken.size());
  }
}

TEST(Submit, P5_a_child_is_released_although_the_disk_failed_to_say_who_waits) {
  for (unsigned every = 1; every < 6; ++every) {
    AgentWorld fresh;
    fresh.boot();
    const std::uint64_t parent = fresh.add(echo());
    TaskSpec spec = echo("child");
    spec.after = {fresh.id(parent)};
    const std::uint64_t child = fresh.add(spec);
    fresh.agent.store().fail_every(every, fail(Code::io, "input/output error"));
    fresh.succeed(parent);
    fresh.agent.store().fail_every(0, {});
    fresh.advance(1min);
    CHECK(fresh.state(parent) == TaskState::succeeded);
    CHECK(fresh.runs(child));
    CHECK_EQUAL(0, fresh.agent.disk.broken.size());
  }
}

TEST(Submit, a_crash_between_a_parents_end_and_its_childs_release_loses_neither) {
  for (int when = 0; when < 12; ++when) {
    AgentWorld fresh;
    fresh.boot();
    const std::uint64_t parent = fresh.add(echo());
    TaskSpec spec = echo("child");
    spec.after = {fresh.id(parent)};
    const std::uint64_t child = fresh.add(spec);
    fresh.agent.runner().succeed(parent, to_bytes("value"));
    for (int step = 0; step < when; ++step) {
      (void)(fresh.agent.turn() || fresh.agent.step());
    }
    fresh.agent.crash();
    fresh.boot();
    fresh.advance(1min);
    if (fresh.runs(parent)) fresh.succeed(parent);
    CHECK(fresh.state(parent) == TaskState::succeeded);
    fresh.advance(1min);
    CHECK(fresh.runs(child));
    CHECK_EQUAL(0, fresh.agent.disk.broken.size());
  }
}

TEST(Submit, a_child_in_the_batch_in_which_its_parent_ends_does_not_stop_the_store) {
  // Ids are numbers in order, so a client can name a parent before it was answered.
  TaskSpec parent = echo("parent");
  parent.deadline = 1ms;
  auto asked = world.ask(wire::SubmitRequest{{wire::encode(parent), wire::encode(after({1}))}});
  world.clock.advance(1s);
  world.settle();
  CHECK_EQUAL(2, asked->got<wire::Submitted>()->each.size());
  CHECK(world.state(1) == TaskState::expired);
  CHECK(world.state(2) == TaskState::failed);
  CHECK(world.add(echo()) != 0);
}

TEST(Submit, cancelled_and_retried_before_the_commit_a_task_runs) {
  auto asked = world.submit(echo());
  world.ask(wire::TaskRequest{wire::TaskOp::cancel, 1});
  world.ask(wire::TaskRequest{wire::TaskOp::retry, 1});
  world.settle();
  CHECK(world.runs(1));
  CHECK(world.agent.disk.at(1).row.keep_until == kNever);
}

TEST(Submit, args_that_the_kind_does_not_declare_are_refused_before_the_task_is_kept) {
  TaskSpec spec = echo();
  spec.kind.name = "slow";
  for (const Labels& args : {Labels{{"limt", "3"}}, Labels{{"limit", "10"}}}) {
    spec.args = args;
    CHECK(world.refusal(spec) == Code::invalid_argument);
  }
  CHECK_EQUAL(0, world.agent.disk.tasks.size());
  spec.args = {{"limit", "9"}};
  CHECK_EQUAL(1, world.add(spec));
}
