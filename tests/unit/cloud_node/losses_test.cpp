#include "tests/unit/cloud_node/cloud_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

TEST_GROUP(CloudLosses) {
  CloudWorld world;
  wire::LossReport report{Origin{7}, 1, {100, 0, 0, 0}, {}};

  void setup() override {
    world.boot();
    wire::LossEntry entry;
    entry.key.cause = LossCause::items;
    entry.count = entry.total = 5;
    report.entries = {entry};
  }
  void tell() { world.say(report, wire::Channel::evt); }
};

TEST(CloudLosses, P10_a_report_is_acknowledged_once_it_is_in_the_ledger) {
  world.cloud.ledger().fail_commits(fail(Code::busy, "full"));
  tell();
  LONGS_EQUAL(0, world.device.take<wire::LossAck>().size());
  world.cloud.ledger().fail_commits(std::nullopt);
  world.advance(2s);
  const auto acks = world.device.take<wire::LossAck>();
  LONGS_EQUAL(1, acks.size());
  CHECK(acks[0] == (wire::LossAck{Origin{7}, 1}));
  LONGS_EQUAL(1, world.cloud.disk.losses["pump-7"].size());
}

TEST(CloudLosses, P23_a_loss_is_said_once_and_again_when_it_grows) {
  tell();
  tell();
  LONGS_EQUAL(1, world.cloud.said("pump-7: tasks missing 5, "));
  report.number = 2;
  report.entries[0].count = report.entries[0].total = 8;
  tell();
  LONGS_EQUAL(1, world.cloud.said("pump-7: tasks missing 8, "));
  LONGS_EQUAL(2, world.cloud.said("missing"));
}

TEST(CloudLosses, reports_that_come_while_one_is_written_are_written_as_one) {
  world.cloud.ledger().fail_commits(fail(Code::busy, "full"));
  for (std::uint64_t number = 1; number <= 100; ++number) {
    report.number = number;
    report.entries[0].count = report.entries[0].total = 5 + number;
    tell();
  }
  world.cloud.ledger().fail_commits(std::nullopt);
  world.advance(2s);
  CHECK(world.device.take<wire::LossAck>().size() <= 2);
  LONGS_EQUAL(1, world.cloud.said("pump-7: tasks missing 105, "));
}

TEST(CloudLosses, a_device_without_losses_is_not_spoken_of) {
  report.entries.clear();
  tell();
  LONGS_EQUAL(1, world.device.take<wire::LossAck>().size());
  LONGS_EQUAL(0, world.cloud.said("pump-7"));
}
