#include <string>
#include <vector>

#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using wire::TaskOp;

TEST_GROUP(People) {
  AgentWorld world;
  void setup() override { world.boot(); }
  void teardown() override { CHECK_EQUAL(0, world.agent.disk.broken.size()); }

  std::uint64_t add_later(std::chrono::milliseconds wait = 1h) {
    TaskSpec spec = echo();
    spec.not_before = wait;
    return world.add(spec);
  }
};

TEST(People, a_held_task_runs_only_when_released) {
  const std::uint64_t running = world.add(echo());
  const std::uint64_t held = world.add(echo());
  CHECK(world.op(TaskOp::hold, held)->got<wire::Done>() != nullptr);
  world.succeed(running);
  world.advance(1min);
  CHECK_FALSE(world.runs(held));
  CHECK(world.op(TaskOp::release, held)->got<wire::Done>() != nullptr);
  CHECK(world.runs(held));
}

TEST(People, an_answer_waits_for_the_commit) {
  const std::uint64_t seq = add_later();
  auto asked = world.ask(wire::TaskRequest{TaskOp::cancel, seq});
  while (world.agent.turn() || world.agent.store().execute()) {
    CHECK(asked->answers.empty());
    if (world.state(seq) == TaskState::cancelled) break;
    world.agent.store().answer();
  }
  world.settle();
  CHECK(asked->got<wire::Done>() != nullptr);
}

TEST(People, what_runs_cannot_be_held) {
  const std::uint64_t seq = world.add(echo());
  CHECK(world.op(TaskOp::hold, seq)->refused() == Code::conflict);
}

TEST(People, cancel_stops_a_running_task_and_its_late_end_changes_nothing) {
  const std::uint64_t seq = world.add(echo());
  CHECK(world.op(TaskOp::cancel, seq)->got<wire::Done>() != nullptr);
  CHECK(world.state(seq) == TaskState::cancelled);
  CHECK(world.agent.runner().running().begin()->second.told_to_stop);
  world.succeed(seq);
  CHECK(world.state(seq) == TaskState::cancelled);
  CHECK(world.runs(world.add(echo())));
}

TEST(People, cancel_is_answered_the_same_again_and_a_succeeded_task_stays_so) {
  const std::uint64_t waiting = add_later();
  world.op(TaskOp::cancel, waiting);
  CHECK(world.op(TaskOp::cancel, waiting)->got<wire::Done>() != nullptr);
  const std::uint64_t done = world.add(echo());
  world.succeed(done);
  CHECK(world.op(TaskOp::cancel, done)->refused() == Code::conflict);
  CHECK(world.op(TaskOp::retry, done)->refused() == Code::conflict);
}

TEST(People, P2_retry_revives_a_failed_task_with_a_higher_epoch_and_leaves_an_event) {
  const std::uint64_t seq = world.add(echo());
  world.agent.runner().fail(seq, fail(Code::invalid_argument, "no"));
  world.settle();
  CHECK(world.state(seq) == TaskState::failed);
  CHECK(world.op(TaskOp::retry, seq)->got<wire::Done>() != nullptr);
  CHECK(world.runs(seq));
  CHECK_EQUAL(2, world.row(seq).epoch.value);
  bool audited = false;
  for (const store::EventRow& event : world.agent.disk.at(seq).events) {
    audited = audited || event.kind == store::EventKind::retried;
  }
  CHECK(audited);
  world.succeed(seq, "at last");
  STRCMP_EQUAL("at last", std::string(as_text(world.result(seq).value.bytes)).c_str());
}

TEST(People, a_retry_whose_task_is_purged_meanwhile_is_told_so_and_costs_nothing_else) {
  const std::uint64_t seq = world.add(echo());
  world.agent.runner().fail(seq, fail(Code::invalid_argument, "no"));
  world.settle();
  auto retried = world.ask(wire::TaskRequest{TaskOp::retry, seq});
  CHECK(world.agent.store().execute());
  CHECK(world.agent.store().answer());
  auto another = world.submit(echo());
  world.agent.disk.tasks.erase(seq);
  world.agent.disk.purged.insert(seq);
  world.settle();
  CHECK(retried->refused() == Code::not_found);
  CHECK(world.op(TaskOp::retry, seq)->refused() == Code::not_found);
  const std::uint64_t other = world.first(*another).id.seq;
  world.succeed(other);
  CHECK(world.state(other) == TaskState::succeeded);
}

TEST(People, a_task_that_the_disk_holds_otherwise_goes_on_from_there) {
  const std::uint64_t first = world.add(echo());
  const std::uint64_t seq = world.add(echo());
  const std::uint64_t third = world.add(echo());
  world.agent.disk.tasks.at(seq).row.task.epoch = Epoch{7};
  CHECK(world.op(TaskOp::hold, seq)->refused() == Code::conflict);
  world.agent.disk.broken.clear();
  world.succeed(first);
  CHECK(world.runs(seq));
  CHECK_EQUAL(8, world.row(seq).epoch.value);
  world.succeed(seq);
  world.succeed(third);
  CHECK(world.state(seq) == TaskState::succeeded);
  CHECK(world.state(third) == TaskState::succeeded);
}

TEST(People, a_retried_task_does_not_overtake_what_it_comes_after) {
  const std::uint64_t parent = world.add(echo());
  TaskSpec spec = echo("child");
  spec.after = {world.id(parent)};
  const std::uint64_t child = world.add(spec);
  world.op(TaskOp::cancel, child);
  CHECK(world.op(TaskOp::retry, child)->refused() == Code::conflict);
  world.succeed(parent);
  CHECK(world.op(TaskOp::retry, child)->got<wire::Done>() != nullptr);
  CHECK(world.runs(child));
}

TEST(People, a_retried_task_still_keeps_its_not_before) {
  const std::uint64_t seq = add_later();
  CHECK(world.op(TaskOp::cancel, seq)->got<wire::Done>() != nullptr);
  world.advance(20min);
  CHECK(world.op(TaskOp::retry, seq)->got<wire::Done>() != nullptr);
  CHECK(world.state(seq) == TaskState::waiting);
  CHECK(world.row(seq).reason == WaitReason::not_before);
  world.agent.crash();
  world.boot();
  world.advance(39min);
  CHECK(world.state(seq) == TaskState::waiting);
  world.advance(2min);
  CHECK(world.runs(seq));
  world.op(TaskOp::cancel, seq);
  CHECK(world.op(TaskOp::retry, seq)->got<wire::Done>() != nullptr);
  CHECK(world.runs(seq));
}

TEST(People, nobody_finds_a_task_that_is_not_there) {
  for (const TaskOp op : {TaskOp::cancel, TaskOp::retry, TaskOp::hold, TaskOp::release}) {
    CHECK(world.op(op, 99)->refused() == Code::not_found);
  }
  for (const wire::RequestBody& body : std::vector<wire::RequestBody>{
           wire::ShowRequest{99}, wire::WhyRequest{99}, wire::WaitRequest{99}}) {
    auto asked = world.ask(body);
    world.settle();
    CHECK(asked->refused() == Code::not_found);
  }
}

TEST(People, a_whole_id_of_another_store_is_no_task_of_this_one) {
  const std::uint64_t seq = world.add(echo());
  const Origin mine = world.id(seq).origin, other{0xaa};
  for (const wire::RequestBody& body : std::vector<wire::RequestBody>{
           wire::ShowRequest{seq, other}, wire::WhyRequest{seq, other},
           wire::WaitRequest{seq, other}, wire::EventsRequest{seq, other},
           wire::TaskRequest{TaskOp::cancel, seq, other},
           wire::TaskRequest{TaskOp::cancel, 99, mine}}) {
    auto asked = world.ask(body);
    world.settle();
    CHECK(asked->refused() == Code::not_found);
  }
  auto none = world.ask(wire::ShowRequest{99, other});
  STRCMP_CONTAINS("there is no task 00000000000000aa-99", none->got<Error>()->message.c_str());
  CHECK(world.state(seq) == TaskState::running);
  auto cancelled = world.ask(wire::TaskRequest{TaskOp::cancel, seq, mine});
  world.settle();
  CHECK(cancelled->got<wire::Done>() != nullptr);
}

TEST(People, wait_is_answered_with_the_value_whenever_it_began) {
  // The wait begins after so many steps of the task's end.
  for (int when = 0; when < 10; ++when) {
    AgentWorld fresh;
    fresh.boot();
    const std::uint64_t seq = fresh.add(echo());
    fresh.agent.runner().succeed(seq, to_bytes("value"));
    for (int step = 0; step < when; ++step) {
      (void)(fresh.agent.turn() || fresh.agent.step());
    }
    auto asked = fresh.ask(wire::WaitRequest{seq});
    fresh.settle();
    CHECK_EQUAL(1, asked->answers.size());
    const TaskView* view = asked->got<TaskView>();
    CHECK(view != nullptr && view->result.has_value());
    STRCMP_EQUAL("value", std::string(as_text(view->result->value.bytes)).c_str());
  }
}

TEST(People, wait_is_not_answered_before_the_result_is_on_disk) {
  const std::uint64_t seq = world.add(echo());
  auto asked = world.ask(wire::WaitRequest{seq});
  world.settle();
  world.agent.runner().succeed(seq, to_bytes("value"));
  world.agent.turn();
  CHECK(asked->answers.empty());
  world.agent.store().execute();
  CHECK(asked->answers.empty());
  CHECK(world.state(seq) == TaskState::succeeded);
  world.settle();
  CHECK_EQUAL(1, asked->answers.size());
}

TEST(People, a_dropped_ticket_is_not_answered) {
  const std::uint64_t seq = world.add(echo());
  auto asked = world.ask(wire::WaitRequest{seq});
  world.settle();
  asked->ticket.reset();
  world.succeed(seq);
  CHECK(asked->answers.empty());
}

TEST(People, show_tells_the_whole_story) {
  const std::uint64_t seq = world.add(echo("hello"));
  world.succeed(seq, "olleh");
  auto asked = world.ask(wire::ShowRequest{seq});
  world.settle();
  const TaskView& view = *asked->got<TaskView>();
  CHECK(view.spec.has_value());
  CHECK(view.result->placement.chosen == kHereName);
  CHECK_EQUAL(1, view.result->attempts.size());
  STRCMP_EQUAL("accepted", view.events.front().what.c_str());
  STRCMP_EQUAL("granted", view.events.at(1).what.c_str());
  STRCMP_EQUAL("succeeded", view.events.back().what.c_str());
}

TEST(People, show_tells_of_a_large_input_its_size_once_its_task_has_succeeded) {
  const std::uint64_t done = world.add(echo(std::string(2000, 'x')));
  world.succeed(done);
  const std::uint64_t small = world.add(echo("hello"));
  world.succeed(small);
  const std::uint64_t failed = world.add(echo(std::string(2000, 'y')));
  world.agent.runner().fail(failed, fail(Code::invalid_argument, "no"));
  world.settle();
  const auto input = [this](std::uint64_t seq) {
    auto asked = world.ask(wire::ShowRequest{seq});
    world.settle();
    return asked->got<TaskView>()->spec->input;
  };
  CHECK(input(done).bytes.empty());
  CHECK_EQUAL(2000, input(done).not_kept);
  CHECK(input(small).bytes == to_bytes("hello"));
  // What failed may be asked for again.
  CHECK_EQUAL(2000, input(failed).bytes.size());
  world.op(wire::TaskOp::retry, failed);
  CHECK(world.runs(failed));
}

TEST(People, P14_every_placement_has_a_stored_explanation_with_its_alternatives) {
  const std::uint64_t seq = world.add(echo());
  world.agent.crash();
  world.boot();
  world.advance(10s);
  std::size_t granted = 0;
  for (const store::EventRow& event : world.agent.disk.at(seq).events) {
    if (event.kind != store::EventKind::granted) continue;
    auto explanation = wire::decode_explanation(event.detail);
    CHECK(explanation.ok());
    CHECK(explanation->epoch == event.epoch);
    CHECK(explanation->chosen == kHereName);
    CHECK_EQUAL(2, explanation->candidates.size());
    CHECK_FALSE(explanation->dominant.empty());
    ++granted;
  }
  CHECK_EQUAL(2, granted);
}

TEST(People, why_gives_the_one_reason_and_what_will_change_it) {
  const std::uint64_t running = world.add(echo());
  const std::uint64_t ready = world.add(echo());
  const std::uint64_t later = add_later();
  for (const std::uint64_t seq : {running, ready, later}) {
    auto asked = world.ask(wire::WhyRequest{seq});
    world.settle();
    const WhyReport* why = asked->got<WhyReport>();
    CHECK(why != nullptr);
    CHECK_FALSE(why->dominant.empty());
    CHECK_FALSE(why->next.empty());
    CHECK_FALSE(why->explanation.candidates.empty());
    if (seq == later) CHECK(why->next_in.has_value());
  }
}

TEST(People, listeners_hear_what_happens_once_it_is_durable) {
  auto all = world.ask(wire::EventsRequest{});
  const std::uint64_t seq = world.add(echo());
  world.succeed(seq);
  std::vector<std::string> heard;
  for (const wire::AnswerBody& answer : all->answers) {
    heard.push_back(std::get<EventView>(answer).what);
  }
  CHECK_EQUAL(3, heard.size());
  STRCMP_EQUAL("accepted", heard[0].c_str());
  STRCMP_EQUAL("granted", heard[1].c_str());
  STRCMP_EQUAL("succeeded", heard[2].c_str());
}

TEST(People, drain_answers_once_nothing_runs_and_refuses_new_tasks_meanwhile) {
  const std::uint64_t running = world.add(echo());
  const std::uint64_t ready = world.add(echo());
  auto one = world.ask(wire::DrainRequest{});
  auto two = world.ask(wire::DrainRequest{});
  world.settle();
  CHECK(one->answers.empty());
  CHECK(world.refusal(echo()) == Code::busy);
  world.succeed(running);
  CHECK(one->got<wire::Done>() != nullptr);
  CHECK(two->got<wire::Done>() != nullptr);
  CHECK_FALSE(world.runs(ready));
  world.ask(wire::DrainRequest{false});
  world.settle();
  CHECK(world.runs(ready));
}

TEST(People, who_waits_for_a_drain_that_is_taken_back_is_told) {
  world.add(echo());
  auto drain = world.ask(wire::DrainRequest{});
  world.settle();
  world.ask(wire::DrainRequest{false});
  world.settle();
  CHECK(drain->refused() == Code::conflict);
}
