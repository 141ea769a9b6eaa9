#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/unit/cloud_node/cloud_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using lifecycle::LeaseState;

TEST_GROUP(CloudNode) {
  CloudWorld world;
  void setup() override { world.boot(); }
  void teardown() override { CHECK_EQUAL(0, world.cloud.disk.broken.size()); }

  void accept(std::uint64_t seq, std::uint32_t epoch = 1) {
    world.say_offer(world.offer(seq, epoch));
    CHECK_EQUAL(1, world.device.take<wire::Accept>().size());
  }
  wire::ResultItem result() {
    auto results = world.device.take<wire::ResultItem>();
    CHECK_EQUAL(1, results.size());
    return results.empty() ? wire::ResultItem{} : results.front();
  }
  void acknowledge(std::uint64_t seq, std::uint32_t epoch = 1) {
    world.say(wire::ResultAck{world.id(seq), Epoch{epoch}, wire::ResultVerdict::accepted});
  }
  // Offered, run and answered.
  void finish(std::uint64_t seq, std::uint32_t epoch = 1) {
    accept(seq, epoch);
    world.succeed(seq);
    result();
    acknowledge(seq, epoch);
    CHECK(world.state(seq) == LeaseState::answered);
  }
};

TEST(CloudNode, accepts_only_after_the_commit) {
  world.device.send(world.up("pump-7", wire::Channel::task), {world.offer(1)});
  world.broker.run();
  world.cloud.turn();
  world.broker.run();
  CHECK(world.device.take<wire::Accept>().empty());
  CHECK(world.cloud.disk.rows.empty());
  world.settle();
  CHECK_EQUAL(1, world.device.take<wire::Accept>().size());
}

TEST(CloudNode, starts_user_code_only_after_running_is_in_the_ledger) {
  world.device.send(world.up("pump-7", wire::Channel::task), {world.offer(1)});
  while (world.cloud.runner().started().empty()) {
    const bool moved = world.broker.step() || world.cloud.turn() || world.cloud.step();
    CHECK(moved);
  }
  CHECK(world.state(1) == LeaseState::running);
}

TEST(CloudNode, sends_a_result_only_after_the_commit_and_again_until_it_is_acknowledged) {
  accept(1);
  world.cloud.runner().succeed(1, to_bytes("value"));
  world.cloud.turn();
  world.broker.run();
  CHECK(world.device.take<wire::ResultItem>().empty());
  world.settle();
  const wire::ResultItem first = result();
  CHECK(first.digest == crypto::sha256(to_bytes("value")));
  world.advance(6s);
  STRCMP_EQUAL("value", std::string(as_text(result().value.bytes)).c_str());
  acknowledge(1);
  CHECK(world.state(1) == LeaseState::answered);
  CHECK(world.cloud.disk.at(world.id(1)).result == nullptr);
  world.advance(1min);
  CHECK(world.device.take<wire::ResultItem>().empty());
}

TEST(CloudNode, P7_a_repeated_offer_is_answered_again_and_runs_once) {
  accept(1);
  accept(1);
  CHECK_EQUAL(1, world.cloud.runner().started().size());
  world.succeed(1);
  result();
  world.say_offer(world.offer(1));
  result();
  acknowledge(1);
  world.say_offer(world.offer(1));
  STRCMP_EQUAL("stale", world.nacked().c_str());
  CHECK_EQUAL(1, world.cloud.runner().started().size());
}

TEST(CloudNode, an_owner_that_forgot_later_attempts_is_told_how_far_they_had_come) {
  accept(1, 7);
  world.say_offer(world.offer(1, 3));
  const auto nacks = world.device.take<wire::Nack>();
  CHECK_EQUAL(1, nacks.size());
  CHECK(nacks.front().reason == lifecycle::NackReason::stale);
  CHECK_EQUAL(7, nacks.front().known.value);
}

TEST(CloudNode, a_higher_epoch_adopts_the_work_and_its_result_carries_it) {
  accept(1, 1);
  accept(1, 2);
  CHECK_EQUAL(1, world.cloud.runner().started().size());
  world.succeed(1);
  CHECK_EQUAL(2, result().epoch.value);
  world.say_offer(world.offer(1, 3));
  CHECK_EQUAL(3, result().epoch.value);
  acknowledge(1, 2);
  CHECK(world.state(1) == LeaseState::done);
  acknowledge(1, 3);
  CHECK(world.state(1) == LeaseState::answered);
  world.say_offer(world.offer(1, 2));
  STRCMP_EQUAL("stale", world.nacked().c_str());
}

TEST(CloudNode, a_tombstone_comes_to_life_with_all_it_needs_also_after_a_restart) {
  finish(1);
  accept(1, 2);
  world.restart();
  world.advance(1s);
  // The task ran when the node was killed.
  CHECK(result().failure == FailureClass::crash);
  wire::Offer again = world.offer(1, 3);
  again.settled = Epoch{2};
  world.device.forget();
  world.say_offer(again);
  CHECK(world.runs(1));
  world.succeed(1, "again");
  CHECK_EQUAL(3, result().epoch.value);
}

TEST(CloudNode, P2_a_result_that_the_disk_spoiled_is_told_as_lost_and_had_again_by_another_run) {
  for (const std::uint64_t seq : {1, 2}) {
    accept(seq);
    world.succeed(seq, "value");
  }
  // Results as their owner would read them, but for one letter; and none at all.
  Bytes other(*world.cloud.disk.at(world.id(1)).result);
  *std::search(other.begin(), other.end(), std::begin("alu"), std::end("alu") - 1) = 'e';
  world.cloud.disk.rows.at(world.id(1)).result = std::make_shared<const Bytes>(other);
  world.cloud.disk.rows.at(world.id(2)).result = std::make_shared<const Bytes>();
  world.device.forget();
  const auto said = [this] {
    const auto& all = world.cloud.alarms;
    return std::count_if(all.begin(), all.end(), [](const std::string& line) {
      return line.starts_with("results were damaged on disk: 2;");
    });
  };
  world.restart();
  const auto lost = world.device.take<wire::ResultItem>();
  CHECK_EQUAL(2, lost.size());
  for (const wire::ResultItem& item : lost) {
    CHECK(item.failure == FailureClass::crash);
    STRCMP_CONTAINS("lost the result", item.message.c_str());
    CHECK(item.value.bytes.empty());
  }
  CHECK_EQUAL(2, world.cloud.node().counters().damaged);
  CHECK_EQUAL(1, said());
  // Both are on disk as lost: another start finds no damage.
  world.restart();
  CHECK_EQUAL(0, world.cloud.node().counters().damaged);
  world.device.forget();
  wire::Offer again = world.offer(1, 2);
  again.settled = Epoch{1};
  world.say_offer(again);
  CHECK(world.runs(1));
  world.succeed(1, "value");
  CHECK_EQUAL(2, result().epoch.value);
}

TEST(CloudNode, the_same_id_with_another_spec_is_refused) {
  accept(1);
  world.say_offer(world.offer(1, 2, world.spec("another")));
  STRCMP_EQUAL("conflict", world.nacked().c_str());
  CHECK(world.runs(1));
}

TEST(CloudNode, another_device_can_neither_cancel_nor_answer) {
  accept(1);
  world.other.connect();
  world.settle();
  world.other.send(world.up("pump-8", wire::Channel::task), {wire::Cancel{world.id(1), Epoch{9}}});
  world.settle();
  CHECK(world.state(1) == LeaseState::running);
  world.succeed(1);
  world.other.send(world.up("pump-8", wire::Channel::ack),
                   {wire::ResultAck{world.id(1), Epoch{1}, wire::ResultVerdict::accepted}});
  world.settle();
  CHECK(world.state(1) == LeaseState::done);
}

TEST(CloudNode, P11_what_is_marked_to_stay_on_its_device_is_neither_kept_nor_run) {
  TaskSpec spec = world.spec("secret");
  spec.data = DataScope::edge_only;
  world.say_offer(world.offer(1, 1, spec));
  STRCMP_EQUAL("malformed", world.nacked().c_str());
  CHECK(world.cloud.disk.rows.empty());
  CHECK_EQUAL(0, world.cloud.runner().started().size());
}

TEST(CloudNode, says_why_it_does_not_take_an_offer) {
  TaskSpec spec = world.spec();
  spec.kind.name = "nobody.has";
  world.say_offer(world.offer(1, 1, spec));
  STRCMP_EQUAL("unknown_kind", world.nacked().c_str());
  spec = world.spec();
  spec.kind.version = 2;
  world.say_offer(world.offer(5, 1, spec));
  STRCMP_EQUAL("unknown_kind", world.nacked().c_str());
  spec = world.spec();
  spec.needs.tags = {"gpu"};
  world.say_offer(world.offer(2, 1, spec));
  STRCMP_EQUAL("needs", world.nacked().c_str());
  wire::Offer late = world.offer(3);
  late.remaining = Duration(0);
  world.say_offer(late);
  STRCMP_EQUAL("expired", world.nacked().c_str());
  wire::Offer garbage = world.offer(4);
  garbage.spec = to_bytes("garbage");
  world.say_offer(garbage);
  STRCMP_EQUAL("malformed", world.nacked().c_str());
  CHECK(world.cloud.disk.rows.empty());
}

TEST(CloudNode, takes_no_more_than_it_gave_credits_for) {
  world.cloud.crash();
  world.cloud.options.max_queue = 3;
  world.boot();
  for (std::uint64_t seq = 1; seq <= 3; ++seq) accept(seq);
  world.say_offer(world.offer(4));
  STRCMP_EQUAL("busy", world.nacked().c_str());
  world.succeed(1);
  world.say_offer(world.offer(4, 2));
  CHECK_EQUAL(1, world.device.take<wire::Accept>().size());
}

TEST(CloudNode, takes_an_offer_that_came_before_it_could_tell_its_room) {
  world.cloud.crash();
  world.cloud.boot();
  while (world.cloud.turn() || world.cloud.step()) {
  }
  world.broker.run();
  world.device.send(world.up("pump-7", wire::Channel::task), {world.offer(1)});
  world.broker.run();
  world.settle();
  STRCMP_EQUAL("", world.nacked().c_str());
  CHECK_EQUAL(1, world.device.take<wire::Accept>().size());
}

TEST(CloudNode, tells_its_room_at_a_birth_and_its_queue_whenever_that_grew) {
  world.birth(2);
  auto credits = world.device.take<wire::Credits>();
  CHECK_EQUAL(1, credits.size());
  CHECK_EQUAL(10'000, credits.front().offers);
  world.advance(10s);
  world.device.forget();
  for (std::uint64_t seq = 1; seq <= 50; ++seq) world.say_offer(world.offer(seq));
  world.advance(1s);
  credits = world.device.take<wire::Credits>();
  CHECK_FALSE(credits.empty());
  CHECK(credits.back().queue_delay > 100ms);
}

TEST(CloudNode, tells_a_thousand_that_come_one_by_one_of_their_room_a_few_times_each) {
  Peer everyone(world.broker, "everyone", {"spw/1/+/+/down/ack"});
  everyone.connect();
  world.settle();
  for (int i = 0; i < 1000; ++i) {
    world.birth_of("pump-" + std::to_string(100 + i));
    world.advance(3ms);
  }
  world.advance(1s);
  const auto credits = everyone.take<wire::Credits>();
  CHECK(credits.size() >= 1000);
  CHECK(credits.size() <= 10'000);
  CHECK(credits.back().offers <= 12);  // 10,000 among 1,001, and a fifth
}

TEST(CloudNode, an_owner_that_returns_hears_its_own_results_again_and_no_other_does) {
  world.other.connect();
  world.birth_of("pump-8");
  world.other.send(world.up("pump-8", wire::Channel::task), {world.offer(1)});
  world.settle();
  world.succeed(1);
  CHECK_EQUAL(1, world.other.take<wire::ResultItem>().size());
  world.birth(2);
  CHECK_EQUAL(0, world.other.take<wire::ResultItem>().size());
  world.birth_of("pump-8", 2);
  CHECK_EQUAL(1, world.other.take<wire::ResultItem>().size());
}

TEST(CloudNode, beats_for_all_it_holds_and_keep_renews_what_is_not_started) {
  accept(1);
  accept(2);
  for (int i = 0; i < 10; ++i) {
    world.advance(10s);
    const auto beats = world.device.take<wire::Beat>();
    CHECK_EQUAL(2, beats.size());
    for (const wire::Beat& beat : beats) {
      world.say(wire::BeatAck{beat.id, beat.epoch, true, beat.round});
    }
  }
  CHECK(world.state(2) == LeaseState::accepted);
}

TEST(CloudNode, a_lease_that_runs_out_drops_what_has_not_started_and_spares_what_runs) {
  accept(1);
  accept(2);
  world.advance(31s);
  CHECK(world.state(1) == LeaseState::running);
  CHECK(world.state(2) == LeaseState::answered);
}

TEST(CloudNode, stop_in_an_answer_to_a_beat_ends_the_work) {
  accept(1);
  world.advance(10s);
  const auto beats = world.device.take<wire::Beat>();
  world.say(wire::BeatAck{world.id(1), Epoch{1}, false, beats.front().round});
  CHECK(world.state(1) == LeaseState::answered);
  CHECK(world.cloud.runner().running().begin()->second.told_to_stop);
  world.succeed(1);
  CHECK(world.device.take<wire::ResultItem>().empty());
}

TEST(CloudNode, cancel_stops_a_run_frees_its_core_and_is_not_reported) {
  accept(1);
  accept(2);
  world.say(wire::Cancel{world.id(1), Epoch{1}}, wire::Channel::task);
  CHECK(world.state(1) == LeaseState::answered);
  world.cloud.runner().fail(1, fail(Code::cancelled, "stopped"));
  world.settle();
  CHECK(world.device.take<wire::ResultItem>().empty());
  CHECK(world.runs(2));
}

TEST(CloudNode, a_run_timeout_is_reported_and_stops_the_body) {
  TaskSpec spec = world.spec();
  spec.run_timeout = 2s;
  world.say_offer(world.offer(1, 1, spec));
  world.advance(2s);
  CHECK(result().failure == FailureClass::timeout);
  CHECK(world.cloud.runner().running().begin()->second.told_to_stop);
}

TEST(CloudNode, a_deadline_that_passes_drops_the_work) {
  wire::Offer offer = world.offer(1);
  offer.remaining = 2s;
  world.say_offer(offer);
  world.advance(2s);
  CHECK(world.state(1) == LeaseState::answered);
}

TEST(CloudNode, P6_what_was_accepted_survives_a_kill_and_runs) {
  accept(1);
  accept(2);
  world.restart();
  world.advance(1s);
  CHECK(result().failure == FailureClass::crash);
  CHECK(world.runs(2));
  world.succeed(2, "value");
  STRCMP_EQUAL("value", std::string(as_text(result().value.bytes)).c_str());
}

TEST(CloudNode, P6_a_result_survives_a_kill_and_is_sent_until_it_is_acknowledged) {
  accept(1);
  world.succeed(1, "value");
  result();
  world.restart();
  world.advance(6s);
  const auto results = world.device.take<wire::ResultItem>();
  CHECK_FALSE(results.empty());
  STRCMP_EQUAL("value", std::string(as_text(results.front().value.bytes)).c_str());
  acknowledge(1);
  CHECK(world.state(1) == LeaseState::answered);
}

TEST(CloudNode, a_failure_that_the_owner_has_not_counted_is_owed_to_its_next_offer) {
  accept(1);
  world.cloud.runner().fail(1, fail(Code::io, "broke"));
  world.settle();
  CHECK(result().failure == FailureClass::error);
  // Called stale by the owner, which has given the attempt up meanwhile.
  world.say(wire::ResultAck{world.id(1), Epoch{1}, wire::ResultVerdict::stale});
  world.say_offer(world.offer(1, 2));
  const wire::ResultItem owed = result();
  CHECK(owed.failure == FailureClass::error);
  CHECK_EQUAL(2, owed.epoch.value);
  wire::Offer settled = world.offer(1, 3);
  settled.settled = Epoch{2};
  world.say_offer(settled);
  CHECK(world.runs(1));
}

TEST(CloudNode, a_ledger_that_cannot_write_refuses_offers_and_recovers) {
  accept(1);
  world.cloud.ledger().fail_commits(fail(Code::io, "disk full"));
  world.succeed(1, "value");
  CHECK(world.device.take<wire::ResultItem>().empty());
  world.say_offer(world.offer(2));
  STRCMP_EQUAL("busy", world.nacked().c_str());
  world.cloud.ledger().fail_commits(std::nullopt);
  world.advance(2s);
  STRCMP_EQUAL("value", std::string(as_text(result().value.bytes)).c_str());
  accept(2, 2);
}

TEST(CloudNode, drain_hands_back_what_has_not_started_and_lets_the_rest_end) {
  accept(1);
  accept(2);
  bool drained = false;
  world.cloud.node().drain([&] { drained = true; });
  world.settle();
  const wire::ResultItem handed_back = result();
  CHECK(handed_back.id == world.id(2));
  CHECK(handed_back.failure == FailureClass::interrupted);
  world.say_offer(world.offer(3));
  STRCMP_EQUAL("draining", world.nacked().c_str());
  CHECK_FALSE(drained);
  world.succeed(1);
  CHECK(drained);
  CHECK(result().failure == FailureClass::none);
}

TEST(CloudNode, tombstones_are_bounded_in_memory_and_in_the_ledger) {
  world.cloud.crash();
  world.cloud.options.tombstones = 10;
  world.boot();
  for (std::uint64_t seq = 1; seq <= 40; ++seq) finish(seq);
  world.advance(1min);
  CHECK(world.cloud.disk.rows.size() <= 10);
  finish(41);
}

TEST(CloudNode, what_ended_so_long_ago_that_the_ledger_forgot_it_is_taken_again) {
  accept(1);
  world.cloud.runner().fail(1, fail(Code::invalid_argument, "no"));
  world.settle();
  result();
  acknowledge(1);
  finish(2);
  world.advance(25h);
  CHECK(world.cloud.disk.rows.empty());
  wire::Offer again = world.offer(1, 2);
  again.settled = Epoch{1};
  world.say_offer(again);
  CHECK_EQUAL(1, world.device.take<wire::Accept>().size());
  world.succeed(1);
  CHECK(result().epoch == Epoch{2});
}

TEST(CloudNode, a_tombstone_that_is_pruned_while_it_comes_to_life_is_written_anew) {
  finish(1);
  world.device.send(world.up("pump-7", wire::Channel::task), {world.offer(1, 2)});
  while (world.broker.step()) {
  }
  world.cloud.disk.rows.clear();
  world.cloud.disk.pruned.insert(world.id(1));
  world.settle();
  CHECK_EQUAL(1, world.device.take<wire::Accept>().size());
  CHECK(world.state(1) == LeaseState::running);
}

TEST(CloudNode, an_attempt_that_the_ledger_holds_otherwise_goes_on_from_there) {
  accept(1);
  accept(2);
  world.cloud.disk.rows.at(world.id(1)).task.epoch = Epoch{7};
  world.succeed(1);
  world.succeed(2);
  world.cloud.disk.broken.clear();
  CHECK(result().id == world.id(2));
  world.say_offer(world.offer(1, 8));
  CHECK_EQUAL(1, world.device.take<wire::Accept>().size());
  CHECK_EQUAL(8, world.cloud.disk.at(world.id(1)).task.epoch.value);
}

TEST(CloudNode, urgent_work_starts_first_then_the_earliest_deadline) {
  accept(1);
  TaskSpec urgent = world.spec();
  urgent.band = Band::urgent;
  wire::Offer soon = world.offer(3);
  soon.remaining = 1min;
  world.say_offer(world.offer(2));
  world.say_offer(soon);
  world.say_offer(world.offer(4, 1, urgent));
  for (const std::uint64_t next : {4U, 3U, 2U}) {
    world.clock.advance(10ms);  // too long a run to be claimed ahead
    world.succeed(world.cloud.runner().running().begin()->first.first.seq);
    CHECK(world.runs(next));
  }
}

TEST(CloudNode, a_value_over_the_limit_is_an_error_that_says_so) {
  accept(1);
  world.succeed(1, std::string(kInlineLimit + 1, 'x'));
  const wire::ResultItem item = result();
  CHECK(item.failure == FailureClass::error);
  CHECK(item.code == Code::unsupported);
}

TEST(CloudNode, results_wait_for_a_device_that_is_away) {
  accept(1);
  world.birth(1, false);
  world.succeed(1, "value");
  world.device.forget();
  world.advance(1min);
  CHECK(world.device.take<wire::ResultItem>().empty());
  world.birth(2);
  STRCMP_EQUAL("value", std::string(as_text(result().value.bytes)).c_str());
}

TEST(CloudNode, garbage_from_a_device_is_refused_counted_and_harmless) {
  accept(1);
  world.device.publish(world.up("pump-7", wire::Channel::task), to_bytes("garbage"));
  world.device.publish(world.up("pump-7", wire::Channel::state), Bytes(50'000, 0xff));
  world.device.publish("spw/1/00/pump-7/up/task", to_bytes("wrong shard"));
  world.say(wire::LossAck{Origin{1}, 1});
  CHECK_EQUAL(4, world.cloud.node().counters().malformed);
  world.succeed(1, "value");
  CHECK(result().failure == FailureClass::none);
}

TEST(CloudNode, a_session_that_is_born_again_and_again_hears_its_results_once) {
  accept(1);
  world.succeed(1);
  result();
  world.device.forget();
  for (int i = 0; i < 100; ++i) world.birth(1);
  CHECK(world.device.items().empty());
  world.birth(2);
  result();
}

TEST(CloudNode, results_wait_in_the_ledger_for_room_and_go_once_each) {
  constexpr std::uint64_t kTasks = 100;
  for (std::uint64_t seq = 1; seq <= kTasks; ++seq) world.say_offer(world.offer(seq));
  world.broker.freeze("cloud");
  const std::string large(60'000, 'x');
  for (std::uint64_t seq = 1; seq <= kTasks; ++seq) world.succeed(seq, large);
  CHECK(world.cloud.node().unsent() > 0);
  CHECK(world.cloud.node().unsent() <= link::Connection::kLaneBytes);
  world.device.forget();
  world.broker.heal("cloud");
  world.settle();
  std::map<std::uint64_t, int> heard;
  for (const auto& item : world.device.take<wire::ResultItem>()) heard[item.id.seq] += 1;
  CHECK_EQUAL(kTasks, heard.size());
  for (const auto& [seq, times] : heard) CHECK_EQUAL(1, times);
}
