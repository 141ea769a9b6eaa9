#include <algorithm>

#include "cloud/fleet/fleet.h"
#include "cloud/fleet/fleet_store.h"
#include "tests/unit/cloud_node/cloud_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using lifecycle::LeaseState;

// Two devices that name their tasks alike: one uses the other's origin, whyever.
TEST_GROUP(Namesakes) {
  CloudWorld world{2};
  void setup() override {
    world.boot();
    world.other.connect();
    world.settle();
    world.birth_of("pump-8");
    world.other.forget();
  }
  void teardown() override {
    for (const std::string& rule : world.cloud.disk.broken) FAIL(rule.c_str());
  }

  void say_of_other(wire::Item item, wire::Channel channel = wire::Channel::ack) {
    world.other.send(world.up("pump-8", channel), {std::move(item)});
    world.settle();
  }
  // Each its own input.
  void offer_both(std::uint32_t epoch = 1) {
    world.say_offer(world.offer(1, epoch, world.spec("of 7")));
    say_of_other(world.offer(1, epoch, world.spec("of 8")), wire::Channel::task);
  }
  void accept_both() {
    offer_both();
    CHECK(world.device.take<wire::Accept>().size() == 1);
    const auto accepted = world.other.take<wire::Accept>();
    CHECK_EQUAL(1, accepted.size());
    CHECK(accepted.front().id == world.id(1));
    CHECK_EQUAL(2, world.cloud.runner().running().size());
  }
  // Each with its input as its value.
  void run_all() {
    while (!world.cloud.runner().running().empty()) {
      const auto& [key, running] = *world.cloud.runner().running().begin();
      world.cloud.runner().succeed(ManualRunner::Key(key), running.request.spec.input.bytes.copy());
      world.settle();
    }
  }
  // The value of the only result; it must be under the name that both use.
  std::string value(Peer & peer, std::uint32_t epoch = 1) {
    const auto results = peer.take<wire::ResultItem>();
    if (results.size() != 1) return std::to_string(results.size()) + " results";
    CHECK(results.front().id == world.id(1));
    CHECK_EQUAL(epoch, results.front().epoch.value);
    return std::string(as_text(results.front().value.bytes));
  }
  const ledger::LedgerRow& row(const std::string& device) const {
    const auto& rows = world.cloud.disk.rows;
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [&](const auto& one) { return one.second.device == device; });
    CHECK(found != rows.end());
    return found->second;
  }
  LeaseState state(const std::string& device) const { return row(device).task.state; }
  wire::ResultAck taken(std::uint32_t epoch = 1) const {
    return {world.id(1), Epoch{epoch}, wire::ResultVerdict::accepted};
  }
};

TEST(Namesakes, P2_each_has_a_row_and_a_run_of_its_own_and_gets_its_own_result) {
  accept_both();
  CHECK_EQUAL(2, world.cloud.disk.rows.size());
  run_all();
  STRCMP_EQUAL("of 7", value(world.device).c_str());
  STRCMP_EQUAL("of 8", value(world.other).c_str());
  offer_both();
  STRCMP_EQUAL("of 7", value(world.device).c_str());
  STRCMP_EQUAL("of 8", value(world.other).c_str());
}

TEST(Namesakes, the_acknowledgement_of_one_leaves_the_result_of_the_other) {
  accept_both();
  run_all();
  say_of_other(taken());
  CHECK(state("pump-8") == LeaseState::answered);
  CHECK(state("pump-7") == LeaseState::done);
  world.device.forget();
  world.other.forget();
  world.restart();
  STRCMP_EQUAL("of 7", value(world.device).c_str());
  CHECK(world.other.take<wire::ResultItem>().empty());
  world.say(taken());
  CHECK(state("pump-7") == LeaseState::answered);
}

TEST(Namesakes, what_one_cancels_runs_on_for_the_other) {
  accept_both();
  world.say(wire::Cancel{world.id(1), Epoch{1}});
  CHECK(state("pump-7") == LeaseState::answered);
  CHECK(state("pump-8") == LeaseState::running);
  const auto stopped = [this](const std::string& input) {
    for (const auto& [key, running] : world.cloud.runner().running()) {
      if (as_text(running.request.spec.input.bytes) == input) return running.told_to_stop;
    }
    return false;
  };
  CHECK(stopped("of 7"));
  CHECK_FALSE(stopped("of 8"));
  say_of_other(wire::BeatAck{world.id(1), Epoch{1}, false, 1});
  CHECK(state("pump-8") == LeaseState::answered);
}

TEST(Namesakes, each_is_heard_of_its_own_alone_and_keeps_its_own_lease) {
  accept_both();
  world.device.forget();
  world.other.forget();
  world.advance(10s);
  const auto beats = world.other.take<wire::Beat>();
  CHECK_EQUAL(1, beats.size());
  CHECK(beats.front().id == world.id(1));
  CHECK_EQUAL(1, world.device.take<wire::Beat>().size());
  say_of_other(world.offer(1, 5, world.spec("of 8")), wire::Channel::task);
  CHECK_EQUAL(5, row("pump-8").task.epoch.value);
  CHECK_EQUAL(1, row("pump-7").task.epoch.value);
}

TEST(Namesakes, a_restart_finds_both_as_they_were) {
  accept_both();
  run_all();
  world.device.forget();
  world.other.forget();
  world.restart();
  STRCMP_EQUAL("of 7", value(world.device).c_str());
  STRCMP_EQUAL("of 8", value(world.other).c_str());
  world.say(taken());
  say_of_other(taken());
  world.restart();
  offer_both(2);
  CHECK_EQUAL(1, world.device.take<wire::Accept>().size());
  CHECK_EQUAL(1, world.other.take<wire::Accept>().size());
  CHECK_EQUAL(2, world.cloud.disk.rows.size());
  run_all();
  STRCMP_EQUAL("of 7", value(world.device, 2).c_str());
  STRCMP_EQUAL("of 8", value(world.other, 2).c_str());
}

TEST(Namesakes, a_tombstone_that_memory_forgot_stays_its_owners) {
  world.cloud.options.tombstones = 0;
  world.restart();
  world.say_offer(world.offer(1, 1, world.spec("of 7")));
  run_all();
  world.say(taken());
  CHECK(state("pump-7") == LeaseState::answered);
  // The task's owner offers until it is answered.
  for (const std::uint32_t epoch : {1, 2}) {
    say_of_other(world.offer(1, epoch, world.spec("of 8")), wire::Channel::task);
  }
  CHECK(state("pump-7") == LeaseState::answered);
  CHECK_EQUAL(1, world.other.take<wire::Accept>().size());
  run_all();
  STRCMP_EQUAL("of 8", value(world.other, 2).c_str());
}

TEST(Namesakes, what_is_forgotten_of_one_is_not_forgotten_of_the_other) {
  accept_both();
  run_all();
  say_of_other(taken());
  world.other.forget();
  world.advance(25h);
  CHECK_EQUAL(1, world.cloud.disk.rows.size());
  CHECK(state("pump-7") == LeaseState::done);
  say_of_other(world.offer(1, 2, world.spec("of 8")), wire::Channel::task);
  CHECK_EQUAL(1, world.other.take<wire::Accept>().size());
  world.device.forget();
  world.birth(7);
  STRCMP_EQUAL("of 7", value(world.device).c_str());
}

TEST(Namesakes, those_who_watch_see_two_tasks_and_hear_the_story_of_each_from_its_device) {
  cloud::Fleet fleet{{}, world.clock, nullptr};
  fleet.start({});
  world.cloud.fleet = &fleet;
  world.restart();
  accept_both();
  const TaskId second = row("pump-8").id;
  CHECK(second != world.id(1));
  STRCMP_EQUAL("pump-7", fleet.task(world.id(1))->device.c_str());
  STRCMP_EQUAL("pump-8", fleet.task(second)->device.c_str());
  world.other.forget();
  world.cloud.node().ask_story(second, [](const Result<std::string>&) {});
  world.settle();
  const auto asked = world.other.take<wire::Command>();
  CHECK_EQUAL(1, asked.size());
  CHECK(asked.front().task == world.id(1));
  wire::TaskStory story;
  story.id = world.id(1);
  story.kind = "echo";
  say_of_other(story, wire::Channel::rsp);
  STRCMP_EQUAL("pump-8", fleet.story(second)->device.c_str());
  POINTERS_EQUAL(nullptr, fleet.story(world.id(1)));
  CHECK(world.cloud.node().cancel(second));
  world.settle();
  CHECK(state("pump-7") == LeaseState::running);
  CHECK_EQUAL(1, world.other.take<wire::ResultItem>().size());
  world.cloud.crash();
}
