#include <string>
#include <vector>

#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(Offload) {
  AgentWorld world{1, true};
  void setup() override {
    world.boot();
    world.cloud_up();
  }
  void teardown() override { CHECK_EQUAL(0, world.agent.disk.broken.size()); }

  static TaskSpec cloudy() {
    TaskSpec spec = echo();
    spec.prefer = Prefer::cloud;
    return spec;
  }
  // A task whose OFFER the cloud has received.
  std::uint64_t add_offered(const TaskSpec& spec = cloudy()) {
    const std::uint64_t seq = world.add(spec);
    const auto offers = world.cloud.take<wire::Offer>();
    CHECK_EQUAL(1, offers.size());
    return seq;
  }
  std::uint64_t add_accepted() {
    const std::uint64_t seq = add_offered();
    world.say(wire::Accept{world.id(seq), Epoch{1}});
    return seq;
  }
  wire::ResultVerdict verdict() {
    const auto acks = world.cloud.take<wire::ResultAck>();
    CHECK_EQUAL(1, acks.size());
    return acks.front().verdict;
  }
  void cloud_gone() {
    world.broker.cut("cloud");
    wire::Presence gone;
    gone.session = 5;
    world.cloud.connect();
    world.broker.run();
    world.cloud.publish(std::string(wire::kCloudState), wire::encode(gone), true);
    world.settle();
  }
};

TEST(Offload, an_offer_leaves_only_after_the_commit_of_its_grant) {
  world.submit(cloudy());
  while (world.cloud.take<wire::Offer>().empty()) {
    const bool moved = world.agent.turn() || world.broker.step() || world.agent.step();
    CHECK(moved);
  }
  CHECK(world.state(1) == TaskState::leased);
  CHECK_EQUAL(1, world.agent.disk.outbox.size());
}

TEST(Offload, a_result_ends_the_task_and_its_ack_waits_for_the_commit) {
  const std::uint64_t seq = add_accepted();
  world.cloud.send(world.down(wire::Channel::result), {world.success(seq, 1, "from afar")});
  world.broker.run();
  world.agent.turn();
  world.broker.run();
  CHECK(world.cloud.take<wire::ResultAck>().empty());
  world.settle();
  CHECK(verdict() == wire::ResultVerdict::accepted);
  CHECK(world.state(seq) == TaskState::succeeded);
  CHECK(world.result(seq).placement.chosen == kCloudName);
  STRCMP_EQUAL("from afar", std::string(as_text(world.result(seq).value.bytes)).c_str());
}

TEST(Offload, P7_a_repeated_result_is_a_duplicate_and_changes_nothing) {
  const std::uint64_t seq = add_accepted();
  world.say_result(world.success(seq, 1, "first"));
  CHECK(verdict() == wire::ResultVerdict::accepted);
  world.say_result(world.success(seq, 1, "second"));
  CHECK(verdict() == wire::ResultVerdict::duplicate);
  STRCMP_EQUAL("first", std::string(as_text(world.result(seq).value.bytes)).c_str());
}

TEST(Offload, the_ack_of_a_duplicate_waits_for_the_commit_of_the_first) {
  const std::uint64_t seq = add_accepted();
  world.agent.store().fail_commits(fail(Code::io, "disk full"));
  world.say_result(world.success(seq, 1, "value"));
  world.say_result(world.success(seq, 1, "value"));
  world.advance(3s);
  CHECK(world.cloud.take<wire::ResultAck>().empty());
  world.agent.store().fail_commits(std::nullopt);
  world.advance(2s);
  CHECK_EQUAL(2, world.cloud.take<wire::ResultAck>().size());
}

TEST(Offload, P4_a_failure_from_an_epoch_that_is_not_live_changes_nothing) {
  const std::uint64_t seq = add_accepted();
  world.advance(31s);
  world.advance(1s);
  wire::ResultItem failure;
  failure.id = world.id(seq);
  failure.epoch = Epoch{1};
  failure.failure = FailureClass::error;
  world.say_result(failure);
  CHECK(verdict() == wire::ResultVerdict::stale);
  CHECK_EQUAL(0, world.row(seq).attempts);
}

TEST(Offload, a_late_success_of_an_attempt_given_up_counts) {
  const std::uint64_t seq = add_accepted();
  world.advance(31s);
  world.say_result(world.success(seq, 1, "late"));
  CHECK(verdict() == wire::ResultVerdict::accepted);
  CHECK(world.state(seq) == TaskState::succeeded);
  // The success has its own end, and not that of the attempt which was stopped for it.
  const TaskResult result = world.result(seq);
  CHECK_EQUAL(2, result.attempts.size());
  CHECK(result.attempts[0].failure == FailureClass::none);
  CHECK(result.attempts[1].failure == FailureClass::interrupted);
}

TEST(Offload, P1_the_cloud_says_nothing_of_an_attempt_that_runs_here) {
  TaskSpec spec = echo();
  spec.data = DataScope::edge_only;
  const std::uint64_t seq = world.add(spec);
  CHECK(world.runs(seq));
  world.say_result(world.success(seq, 1, "forged"));
  CHECK(verdict() == wire::ResultVerdict::stale);
  CHECK(world.state(seq) == TaskState::running);
}

TEST(Offload, another_cloud_process_is_offered_nothing_on_the_credits_of_the_one_before) {
  cloud_gone();
  wire::Presence back;
  back.online = true;
  back.boot = BootId{78};
  back.session = 6;
  back.kinds = {{"cloud.only", 1}};
  world.cloud.publish(std::string(wire::kCloudState), wire::encode(back), true);
  world.settle();
  TaskSpec only = cloudy();
  only.kind.name = "cloud.only";
  (void)world.add(only);
  CHECK(world.cloud.take<wire::Offer>().empty());
  world.say(wire::Credits{4, {}, 1, 1 << 30});
  CHECK_EQUAL(1, world.cloud.take<wire::Offer>().size());
}

TEST(Offload, P8_silence_past_the_lease_burns_nothing) {
  TaskSpec spec = cloudy();
  spec.retry.max_attempts = 1;
  const std::uint64_t seq = add_offered(spec);
  world.say(wire::Accept{world.id(seq), Epoch{1}});
  for (int i = 0; i < 10; ++i) world.advance(1min);
  CHECK_FALSE(is_terminal(world.state(seq)));
  CHECK_EQUAL(0, world.row(seq).attempts);
  CHECK(world.row(seq).epoch.value > 1);
}

TEST(Offload, beats_renew_the_lease_and_are_told_to_keep_or_stop) {
  const std::uint64_t seq = add_accepted();
  for (std::uint64_t round = 1; round <= 10; ++round) {
    world.advance(20s);
    world.say(wire::Beat{world.id(seq), Epoch{1}, lifecycle::LeaseState::running, round});
    const auto acks = world.cloud.take<wire::BeatAck>();
    CHECK_EQUAL(1, acks.size());
    CHECK(acks.front().keep);
    CHECK_EQUAL(round, acks.front().round);
  }
  CHECK_EQUAL(1, world.row(seq).epoch.value);
  world.op(wire::TaskOp::cancel, seq);
  CHECK_EQUAL(1, world.cloud.take<wire::Cancel>().size());
  world.say(wire::Beat{world.id(seq), Epoch{1}, lifecycle::LeaseState::running, 11});
  CHECK_FALSE(world.cloud.take<wire::BeatAck>().front().keep);
  world.say(wire::Beat{world.id(4711), Epoch{1}, lifecycle::LeaseState::running, 12});
  CHECK_FALSE(world.cloud.take<wire::BeatAck>().front().keep);
}

TEST(Offload, a_nack_brings_the_task_back_after_its_pause) {
  const std::uint64_t seq = add_offered();
  world.say(wire::Nack{world.id(seq), Epoch{1}, lifecycle::NackReason::busy, 2s});
  CHECK(world.row(seq).reason == WaitReason::backoff);
  CHECK(world.agent.disk.outbox.empty());
  world.advance(30s);
  CHECK(world.row(seq).epoch.value >= 2);
}

TEST(Offload, a_device_that_is_barred_says_so_and_asks_again_later) {
  TaskSpec there = cloudy();
  there.on_disconnect = OnDisconnect::wait;
  const std::uint64_t seq = add_offered(there);
  world.say(wire::Nack{world.id(seq), Epoch{1}, lifecycle::NackReason::barred, 60s});
  const auto why = world.ask(wire::WhyRequest{seq});
  const auto status = world.ask(wire::StatusRequest{});
  world.settle();
  CHECK(why->got<WhyReport>());
  bool told = false;
  for (const Candidate& one : why->got<WhyReport>()->explanation.candidates) {
    told = told || one.reason.find("quarantined or revoked") != std::string::npos;
  }
  CHECK(told);
  const NodeView* node = status->got<NodeView>();
  CHECK(node && !node->places.at(1).reachable);
  STRCMP_CONTAINS("quarantined or revoked", node->places.at(1).state.c_str());
  world.cloud.take<wire::Offer>();
  world.advance(50s);
  CHECK_EQUAL(0, world.cloud.take<wire::Offer>().size());
  world.advance(30s);
  const auto again = world.cloud.take<wire::Offer>();
  CHECK(!again.empty());
  world.say(wire::Accept{world.id(seq), again.back().epoch});
  const auto after = world.ask(wire::StatusRequest{});
  world.settle();
  CHECK(after->got<NodeView>()->places.at(1).reachable);
}

TEST(Offload, P10_an_offer_is_repeated_until_it_is_answered) {
  const std::uint64_t seq = add_offered();
  world.advance(6s);
  const auto again = world.cloud.take<wire::Offer>();
  CHECK_EQUAL(1, again.size());
  CHECK_EQUAL(1, again.front().epoch.value);
  CHECK_EQUAL(1, world.agent.disk.outbox.size());
  world.say(wire::Accept{world.id(seq), Epoch{1}});
  CHECK(world.agent.disk.outbox.empty());
  world.advance(10s);
  CHECK(world.cloud.take<wire::Offer>().empty());
}

TEST(Offload, P13_without_the_link_an_unanswered_offer_runs_here) {
  const std::uint64_t seq = add_offered();
  world.broker.refuse("pump-7");
  world.broker.cut("pump-7");
  world.settle();
  CHECK(world.runs(seq));
  CHECK_EQUAL(2, world.row(seq).epoch.value);
  CHECK(world.agent.disk.outbox.empty());
}

TEST(Offload, P13_without_the_cloud_an_unanswered_offer_runs_here) {
  const std::uint64_t seq = add_offered();
  cloud_gone();
  CHECK(world.runs(seq));
}

TEST(Offload, what_must_wait_for_the_cloud_waits_and_what_must_fail_fails) {
  TaskSpec waits = cloudy();
  waits.on_disconnect = OnDisconnect::wait;
  TaskSpec fails = cloudy();
  fails.on_disconnect = OnDisconnect::fail;
  const std::uint64_t waiting = add_offered(waits);
  const std::uint64_t failing = add_offered(fails);
  cloud_gone();
  world.advance(1min);
  CHECK(world.state(waiting) == TaskState::ready);
  CHECK(world.state(failing) == TaskState::failed);
  CHECK(world.result(failing).error->failure == FailureClass::disconnected);
  world.cloud_up();
  world.advance(1s);
  CHECK(world.state(waiting) == TaskState::leased);
}

TEST(Offload, P13_work_the_cloud_has_accepted_goes_on_while_the_link_is_down) {
  const std::uint64_t seq = add_accepted();
  world.broker.cut("pump-7");
  world.advance(1s);
  CHECK(world.state(seq) == TaskState::leased);
  world.say_result(world.success(seq, 1, "value"));
  CHECK(world.state(seq) == TaskState::succeeded);
}

TEST(Offload, P11_data_that_must_stay_is_never_offered) {
  TaskSpec spec = echo("secret-of-the-edge");
  spec.data = DataScope::edge_only;
  std::vector<std::uint64_t> seqs;
  seqs.reserve(20);
  for (int i = 0; i < 20; ++i) seqs.push_back(world.add(spec));
  world.advance(1min);
  for (const std::uint64_t seq : seqs) {
    CHECK(world.runs(seq));
    world.succeed(seq);
    CHECK(world.agent.disk.outbox.empty());
  }
  CHECK(world.cloud.take<wire::Offer>().empty());
  for (const mqtt::Publication& seen : world.broker.seen()) {
    CHECK(as_text(seen.payload).find("secret-of-the-edge") == std::string_view::npos);
  }
}

TEST(Offload, P14_a_placement_in_the_cloud_has_a_stored_explanation) {
  const std::uint64_t seq = add_offered();
  const auto& events = world.agent.disk.at(seq).events;
  CHECK_EQUAL(1, events.size());
  auto explanation = wire::decode_explanation(events.front().detail);
  CHECK(explanation.ok());
  CHECK(explanation->chosen == kCloudName);
  CHECK_EQUAL(2, explanation->candidates.size());
}

TEST(Offload, a_kind_that_only_the_cloud_has_goes_there) {
  TaskSpec spec = echo();
  spec.kind.name = "cloud.only";
  const std::uint64_t seq = add_offered(spec);
  CHECK(world.state(seq) == TaskState::leased);
}

TEST(Offload, a_version_that_only_the_cloud_has_goes_there_over_a_metered_link_too) {
  world.agent.crash();
  world.agent.options.link.metered = true;
  world.cloud_kinds = {{"echo", 2}};
  world.boot();
  world.cloud_up();
  TaskSpec spec = echo();
  spec.kind.version = 2;
  add_offered(spec);
}

TEST(Offload, no_more_is_offered_than_the_cloud_has_room_for) {
  world.say(wire::Credits{3, {}, 4, 1 << 30});
  for (int i = 0; i < 10; ++i) world.add(cloudy());
  CHECK_EQUAL(3, world.cloud.take<wire::Offer>().size());
}

TEST(Offload, a_value_that_does_not_match_its_digest_is_refused_and_not_acknowledged) {
  const std::uint64_t seq = add_accepted();
  wire::ResultItem bad = world.success(seq, 1, "value");
  bad.value.bytes = to_bytes("another value");
  world.say_result(bad);
  CHECK(world.cloud.take<wire::ResultAck>().empty());
  CHECK_FALSE(is_terminal(world.state(seq)));
  CHECK_EQUAL(1, world.agent.node().view().refused_messages);
}

TEST(Offload, a_result_for_nobody_is_answered_so_that_the_cloud_can_forget_it) {
  wire::ResultItem other = world.success(1, 1, "v");
  other.id.origin.value += 1;
  world.say_result(other);
  CHECK(verdict() == wire::ResultVerdict::stale);
  world.say_result(world.success(4711, 1, "v"));
  CHECK(verdict() == wire::ResultVerdict::stale);
}

TEST(Offload, what_an_operator_of_the_cloud_cancelled_is_not_tried_again) {
  const std::uint64_t seq = add_accepted();
  wire::ResultItem failure;
  failure.id = world.id(seq);
  failure.epoch = Epoch{1};
  failure.failure = FailureClass::error;
  failure.code = Code::cancelled;
  failure.message = "an operator of the cloud node cancelled it";
  world.say_result(failure);
  CHECK(world.state(seq) == TaskState::failed);
  STRCMP_EQUAL("an operator of the cloud node cancelled it",
               world.result(seq).error->message.c_str());
}

TEST(Offload, a_failure_that_cannot_succeed_is_final_and_another_is_tried_again) {
  const std::uint64_t hopeless = add_accepted();
  wire::ResultItem failure;
  failure.id = world.id(hopeless);
  failure.epoch = Epoch{1};
  failure.failure = FailureClass::error;
  failure.code = Code::invalid_argument;
  failure.message = "row 3 has no number";
  world.say_result(failure);
  CHECK(verdict() == wire::ResultVerdict::accepted);
  CHECK(world.state(hopeless) == TaskState::failed);
  STRCMP_EQUAL("row 3 has no number", world.result(hopeless).error->message.c_str());
  const std::uint64_t other = add_accepted();
  failure.id = world.id(other);
  failure.code = Code::io;
  world.say_result(failure);
  CHECK_FALSE(is_terminal(world.state(other)));
}

TEST(Offload, after_a_restart_what_the_cloud_has_goes_on) {
  const std::uint64_t seq = add_accepted();
  world.agent.crash();
  world.boot();
  world.advance(1s);
  CHECK(world.state(seq) == TaskState::leased);
  world.say_result(world.success(seq, 1, "value"));
  CHECK(verdict() == wire::ResultVerdict::accepted);
  CHECK(world.state(seq) == TaskState::succeeded);
}

TEST(Offload, after_a_restart_an_unanswered_offer_does_not_wait_for_the_link) {
  const std::uint64_t seq = add_offered();
  world.agent.crash();
  world.broker.refuse("pump-7");
  world.boot();
  CHECK(world.runs(seq));
}

TEST(Offload, drain_takes_unanswered_offers_back_and_offers_nothing) {
  const std::uint64_t seq = add_offered();
  auto drained = world.ask(wire::DrainRequest{});
  world.settle();
  CHECK(drained->got<wire::Done>() != nullptr);
  CHECK(world.state(seq) == TaskState::ready);
  world.advance(1min);
  CHECK(world.cloud.take<wire::Offer>().empty());
}

TEST(Offload, garbage_from_the_cloud_is_refused_counted_and_harmless) {
  const std::uint64_t seq = add_accepted();
  world.cloud.publish(world.down(wire::Channel::ack), to_bytes("garbage"));
  world.cloud.publish(world.down(wire::Channel::result), Bytes(100'000, 0xff));
  world.cloud.publish(std::string(wire::kCloudState), to_bytes("{}"), false);
  world.say(wire::LossReport{Origin{1}, 1, {}, {}});
  CHECK_EQUAL(4, world.agent.node().view().refused_messages);
  CHECK_EQUAL(4, world.agent.refused.size());
  world.say_result(world.success(seq, 1, "value"));
  CHECK(world.state(seq) == TaskState::succeeded);
}

// Offloading by a broker that carries no more than 20,000 bytes at once.
TEST_GROUP_BASE(SmallPackets, TEST_GROUP_CppUTestGroupOffload){
    void setup() override{TEST_GROUP_CppUTestGroupOffload::setup();
mqtt::Granted granted;
granted.maximum_packet = 20'000;
world.agent.transport().grant(granted);
world.broker.cut("pump-7");
world.advance(1s);
world.say(wire::Credits{100, {}, 4, 1 << 30});
world.cloud.take<wire::Offer>();
}
static TaskSpec large() {
  TaskSpec spec = cloudy();
  spec.input.bytes = Bytes(30'000);
  return spec;
}
}
;

TEST(SmallPackets, a_task_that_the_broker_cannot_carry_runs_here_and_why_says_so) {
  const std::uint64_t seq = world.add(large());
  CHECK(world.cloud.take<wire::Offer>().empty());
  CHECK(world.runs(seq));
  auto why = world.ask(wire::WhyRequest{seq});
  world.settle();
  const auto* view = why->got<WhyReport>();
  CHECK(view != nullptr);
  STRCMP_CONTAINS("the broker carries tasks of at most", view->dominant.c_str());
}

TEST(SmallPackets, it_is_said_once_however_many_there_are_and_however_often_the_link_comes_back) {
  for (int i = 0; i < 3; ++i) {
    world.add(large());
    world.broker.cut("pump-7");
    world.advance(1s);
  }
  int said = 0;
  for (const std::string& line : world.agent.reports) {
    said += line.find("the broker carries tasks of at most") != std::string::npos ? 1 : 0;
  }
  CHECK_EQUAL(1, said);
}

TEST(SmallPackets, a_task_that_runs_only_in_the_cloud_waits_and_says_what_for) {
  TaskSpec spec = large();
  spec.kind.name = "cloud.only";
  const std::uint64_t seq = world.add(spec);
  world.advance(60s);
  CHECK(world.cloud.take<wire::Offer>().empty());
  CHECK(world.state(seq) == TaskState::waiting);
  CHECK(world.row(seq).reason == WaitReason::no_place);
}

TEST(SmallPackets, small_tasks_go_in_messages_that_it_carries) {
  for (int i = 0; i < 40; ++i) {
    TaskSpec spec = cloudy();
    spec.input.bytes = Bytes(2'000);
    world.submit(spec);
  }
  world.advance(1s);
  CHECK_EQUAL(40, world.cloud.take<wire::Offer>().size());
}
