#include <string>
#include <vector>

#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using lifecycle::LeaseState;

// Tasks that the cloud, played by hand, has run on this device.
TEST_GROUP(Dispatched) {
  AgentWorld world{2, true};
  void setup() override {
    world.agent.options.takes = {"echo"};
    world.agent.options.dispatched_tasks.held = 4;
    world.boot();
    world.cloud_up();
    world.cloud.forget();
  }
  void teardown() override {
    for (const std::string& rule : world.agent.dispatched.broken) FAIL(rule.c_str());
    for (const std::string& rule : world.agent.disk.broken) FAIL(rule.c_str());
  }

  static TaskId id(std::uint64_t seq) { return {Origin{0xC10D}, seq}; }
  static wire::Offer offer(std::uint64_t seq, std::uint32_t epoch = 1,
                           const TaskSpec& spec = echo()) {
    return offer_of(id(seq), Epoch{epoch}, spec);
  }
  void say_offer(wire::Offer offered) { world.say(std::move(offered), wire::Channel::task); }
  LeaseState state(std::uint64_t seq) const {
    return world.agent.dispatched.at(id(seq)).task.state;
  }
  bool runs(std::uint64_t seq) {
    for (const auto& [key, running] : world.agent.runner().running()) {
      if (key.first == id(seq)) return true;
    }
    return false;
  }
  void end(std::uint64_t seq, std::uint32_t epoch = 1, const std::string& value = "v") {
    world.agent.runner().succeed({id(seq), Epoch{epoch}}, to_bytes(value));
    world.settle();
  }
  std::string nacked() { return world.cloud.nacked(); }
};

TEST(Dispatched, the_birth_names_the_kinds_that_are_taken) {
  const auto& kinds = world.cloud.presences().back().kinds;
  CHECK_EQUAL(2, kinds.size());
  for (const wire::KindInfo& kind : kinds) CHECK_EQUAL(kind.name == "echo", kind.taken);
}

TEST(Dispatched, an_offer_is_accepted_after_the_commit_run_and_answered_until_it_is_acknowledged) {
  world.cloud.send(world.down(wire::Channel::task), {offer(1)});
  world.broker.run();
  world.agent.turn();
  world.broker.run();
  CHECK(world.cloud.take<wire::Accept>().empty());
  world.settle();
  CHECK_EQUAL(1, world.cloud.take<wire::Accept>().size());
  CHECK(runs(1));
  end(1);
  const auto results = world.cloud.take<wire::ResultItem>();
  CHECK_EQUAL(1, results.size());
  CHECK(results.front().digest == crypto::sha256(to_bytes("v")));
  world.advance(6s);
  CHECK_EQUAL(1, world.cloud.take<wire::ResultItem>().size());
  world.say(wire::ResultAck{id(1), Epoch{1}, wire::ResultVerdict::accepted});
  CHECK(state(1) == LeaseState::answered);
  world.advance(20s);
  CHECK(world.cloud.take<wire::ResultItem>().empty());
}

TEST(Dispatched, kinds_and_versions_that_are_not_taken_are_refused) {
  TaskSpec spec = echo();
  spec.kind.name = "slow";
  say_offer(offer(1, 1, spec));
  STRCMP_EQUAL("unknown_kind", nacked().c_str());
  spec = echo();
  spec.kind.version = 2;
  say_offer(offer(2, 1, spec));
  STRCMP_EQUAL("unknown_kind", nacked().c_str());
  CHECK(world.agent.dispatched.rows.empty());
}

TEST(Dispatched, credits_say_how_many_and_more_are_refused) {
  world.agent.crash();
  world.boot();
  world.cloud_up();
  const auto credits = world.cloud.take<wire::Credits>();
  CHECK_FALSE(credits.empty());
  CHECK_EQUAL(4, credits.back().offers);
  for (std::uint64_t seq = 1; seq <= 5; ++seq) say_offer(offer(seq));
  CHECK_EQUAL(4, world.cloud.take<wire::Accept>().size());
  STRCMP_EQUAL("busy", nacked().c_str());
}

TEST(Dispatched, own_tasks_come_first_and_the_clouds_get_half_of_the_cores) {
  for (std::uint64_t seq = 1; seq <= 3; ++seq) say_offer(offer(seq));
  CHECK(runs(1));
  CHECK_FALSE(runs(2));
  TaskSpec own = echo();
  own.prefer = Prefer::local;
  const std::uint64_t first = world.add(own), second = world.add(own);
  CHECK(world.runs(first));
  end(1);
  // The core that fell free is this device's own while it has work for it.
  CHECK(world.runs(second));
  CHECK_FALSE(runs(2));
}

TEST(Dispatched, a_task_of_the_cloud_that_has_the_name_of_an_own_one_runs_beside_it) {
  TaskSpec own = echo();
  own.prefer = Prefer::local;
  const std::uint64_t seq = world.add(own);
  wire::Offer same = offer(1);
  same.id = world.id(seq);
  say_offer(same);
  CHECK_EQUAL(2, world.agent.runner().running().size());
  world.say(wire::Cancel{same.id, same.epoch});
  for (const auto& [key, running] : world.agent.runner().running()) {
    CHECK_EQUAL(key.first != same.id, running.told_to_stop);
  }
  world.succeed(seq);
}

TEST(Dispatched, a_task_of_the_cloud_is_shown_here_by_its_whole_id_and_changed_in_the_cloud) {
  world.add(echo());
  say_offer(offer(1));
  const Origin cloud = id(1).origin;
  auto shown = world.ask(wire::ShowRequest{1, cloud});
  world.settle();
  CHECK(shown->got<TaskView>()->id == id(1));
  CHECK_FALSE(shown->got<TaskView>()->owner.empty());
  std::vector<wire::RequestBody> asked = {wire::WhyRequest{1, cloud}, wire::WaitRequest{1, cloud},
                                          wire::EventsRequest{1, cloud}};
  for (const wire::TaskOp op :
       {wire::TaskOp::cancel, wire::TaskOp::retry, wire::TaskOp::hold, wire::TaskOp::release}) {
    asked.emplace_back(wire::TaskRequest{op, 1, cloud});
  }
  for (const wire::RequestBody& body : asked) {
    auto refused = world.ask(body);
    world.settle();
    CHECK(refused->refused() == Code::conflict);
    STRCMP_CONTAINS(to_string(id(1)).c_str(), refused->got<Error>()->message.c_str());
    STRCMP_CONTAINS("spwctl task", refused->got<Error>()->message.c_str());
  }
  CHECK(world.row(1).state == TaskState::running);
  CHECK(runs(1));
}

TEST(Dispatched, a_task_of_the_cloud_waits_five_seconds_behind_a_backlog_and_not_for_ever) {
  TaskSpec own = echo();
  own.prefer = Prefer::local;
  std::vector<std::uint64_t> backlog;
  backlog.reserve(6);
  for (int i = 0; i < 6; ++i) backlog.push_back(world.add(own));
  say_offer(offer(1));
  world.succeed(backlog[0]);
  CHECK_FALSE(runs(1));
  world.advance(6s);
  world.succeed(backlog[1]);
  CHECK(runs(1));
  // One core, not more.
  CHECK(world.runs(backlog[2]));
}

TEST(Dispatched, P6_after_a_kill_what_was_accepted_runs_and_what_ran_is_a_crash) {
  say_offer(offer(1));
  say_offer(offer(2));
  CHECK(runs(1));
  world.agent.crash();
  world.boot();
  const auto results = world.cloud.take<wire::ResultItem>();
  CHECK_EQUAL(1, results.size());
  CHECK(results.front().failure == FailureClass::crash);
  CHECK(results.front().id == id(1));
  CHECK(runs(2));
}

TEST(Dispatched, a_result_outlives_the_link_and_a_kill) {
  say_offer(offer(1));
  world.broker.cut("pump-7");
  world.broker.refuse("pump-7");
  world.settle();
  end(1, 1, "kept");
  world.agent.crash();
  world.broker.allow("pump-7");
  world.boot();
  world.cloud_up();
  const auto results = world.cloud.take<wire::ResultItem>();
  CHECK_FALSE(results.empty());
  STRCMP_EQUAL("kept", std::string(as_text(results.back().value.bytes)).c_str());
}

TEST(Dispatched, cancel_stops_what_runs) {
  say_offer(offer(1));
  world.say(wire::Cancel{id(1), Epoch{1}}, wire::Channel::task);
  CHECK(state(1) == LeaseState::answered);
  CHECK(world.agent.runner().running().begin()->second.told_to_stop);
}

TEST(Dispatched, a_kind_that_is_taken_no_more_is_handed_back_after_a_restart) {
  say_offer(offer(1));
  say_offer(offer(2));
  world.agent.crash();
  world.agent.options.takes = {"slow"};
  world.agent.unbegun = {id(1)};
  world.boot();
  const auto results = world.cloud.take<wire::ResultItem>();
  CHECK_EQUAL(2, results.size());
  for (const auto& result : results) CHECK(result.failure == FailureClass::interrupted);
  CHECK(world.agent.runner().running().empty());
}

TEST(Dispatched, threads_for_what_blocks_are_kept_for_the_cloud_and_for_the_device) {
  world.agent.crash();
  world.agent.options.takes = {"slow"};
  world.agent.options.dispatched_tasks.held = 20;
  world.boot();
  world.cloud_up();
  TaskSpec slow = echo();
  slow.kind.name = "slow";
  slow.prefer = Prefer::local;
  for (int i = 0; i < 20; ++i) world.add(slow);
  CHECK_EQUAL(12, world.agent.runner().running().size());
  for (std::uint64_t seq = 101; seq <= 120; ++seq) say_offer(offer(seq, 1, slow));
  CHECK_EQUAL(16, world.agent.runner().running().size());
  CHECK(runs(104));
  CHECK_FALSE(runs(105));
}

TEST(Dispatched, a_drain_hands_back_what_has_not_begun_and_waits_for_the_rest) {
  say_offer(offer(1));
  say_offer(offer(2));
  bool drained = false;
  world.agent.node().drain([&] { drained = true; });
  world.settle();
  const auto results = world.cloud.take<wire::ResultItem>();
  CHECK_EQUAL(1, results.size());
  CHECK(results.front().id == id(2));
  CHECK_FALSE(drained);
  end(1);
  CHECK(drained);
  say_offer(offer(3));
  STRCMP_EQUAL("draining", nacked().c_str());
}

TEST(Dispatched, an_operator_of_the_cloud_has_it_drain_and_go_on) {
  const auto ask = [&](std::uint64_t token, wire::CommandKind what) {
    world.say(wire::Command{token, what, 5}, wire::Channel::rpc);
    const auto replies = world.cloud.take<wire::CommandReply>();
    CHECK_EQUAL(1, replies.size());
    CHECK(replies.front().token == token);
    return replies.front();
  };
  CHECK_FALSE(ask(7, wire::CommandKind::drain).failure.has_value());
  CHECK(world.agent.node().view().draining);
  say_offer(offer(1));
  STRCMP_EQUAL("draining", nacked().c_str());
  CHECK_FALSE(ask(8, wire::CommandKind::resume).failure.has_value());
  CHECK_FALSE(world.agent.node().view().draining);
  CHECK(ask(9, wire::CommandKind::logs).failure == Code::unsupported);
}
