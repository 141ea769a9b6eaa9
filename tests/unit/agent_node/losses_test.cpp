#include "agent/node/loss_reporter.h"
#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

// What the device tells the cloud of its losses; the cloud is played by hand.
TEST_GROUP(AgentLosses) {
  AgentWorld world{1, true};
  std::vector<wire::LossReport> reports;

  void setup() override {
    world.agent.options.budget.of(DataClass::tasks).items = 2;
    world.clock.step_wall(std::chrono::hours(24 * 20'777));
    world.boot();
  }
  void lose(int tasks) {
    while (world.add(echo()) != 0) {
    }
    for (int i = 1; i < tasks; ++i) CHECK_EQUAL(0, world.add(echo()));
  }
  std::size_t hear() {
    reports = world.cloud.take<wire::LossReport>();
    return reports.size();
  }
  void acknowledge() { world.say(wire::LossAck{world.agent.disk.origin, reports.back().number}); }
  std::uint64_t known() const {
    std::uint64_t sum = 0;
    for (const auto& [key, row] : world.agent.disk.losses) sum += row.reported;
    return sum;
  }
};

TEST(AgentLosses, P23_what_was_lost_while_the_link_was_down_is_told_when_it_is_up) {
  lose(5);
  world.cloud_up();
  LONGS_EQUAL(1, hear());
  CHECK(reports[0].origin == world.agent.disk.origin);
  UNSIGNED_LONGS_EQUAL(7, reports[0].produced[0]);
  LONGS_EQUAL(1, reports[0].entries.size());
  CHECK(reports[0].entries[0].key.cause == LossCause::items);
  UNSIGNED_LONGS_EQUAL(5, reports[0].entries[0].count);
  UNSIGNED_LONGS_EQUAL(5, reports[0].entries[0].total);
  CHECK(reports[0].entries[0].first >= std::chrono::hours(24 * 20'777));
}

TEST(AgentLosses, P10_a_report_is_repeated_until_the_cloud_has_it_and_then_no_more) {
  lose(3);
  world.cloud_up();
  LONGS_EQUAL(1, hear());
  world.advance(11s);
  LONGS_EQUAL(2, hear());
  UNSIGNED_LONGS_EQUAL(0, known());
  acknowledge();
  UNSIGNED_LONGS_EQUAL(3, known());
  world.advance(10min);
  LONGS_EQUAL(0, hear());
}

TEST(AgentLosses, P7_an_ack_of_an_older_report_or_of_another_store_changes_nothing) {
  lose(3);
  world.cloud_up();
  CHECK(hear() > 0);
  world.say(wire::LossAck{Origin{99}, reports.back().number});
  world.say(wire::LossAck{world.agent.disk.origin, reports.back().number + 7});
  UNSIGNED_LONGS_EQUAL(0, known());
}

TEST(AgentLosses, P23_more_losses_are_told_with_their_sum) {
  lose(3);
  world.cloud_up();
  hear();
  acknowledge();
  lose(4);
  world.advance(30s);
  CHECK(hear() > 0);
  UNSIGNED_LONGS_EQUAL(7, reports[0].entries[0].count);
  acknowledge();
  UNSIGNED_LONGS_EQUAL(7, known());
}

TEST(AgentLosses, P23_a_restart_in_between_neither_forgets_nor_counts_twice) {
  lose(3);
  world.cloud_up();
  hear();
  world.agent.crash();
  world.boot();
  world.advance(60s);
  CHECK(hear() > 0);
  UNSIGNED_LONGS_EQUAL(3, reports.back().entries[0].total);
  acknowledge();
  world.agent.crash();
  world.boot();
  world.advance(60s);
  CHECK(hear() > 0);
  for (const wire::LossReport& report : reports) {
    UNSIGNED_LONGS_EQUAL(1, report.entries.size());
    UNSIGNED_LONGS_EQUAL(3, report.entries[0].total);
  }
}

TEST(AgentLosses, P23_a_cloud_that_lost_its_ledger_hears_the_sums_again_when_the_link_is_up) {
  lose(3);
  world.cloud_up();
  hear();
  acknowledge();
  world.broker.cut(world.agent.options.device);
  world.advance(60s);
  CHECK(hear() > 0);
  UNSIGNED_LONGS_EQUAL(1, reports.back().entries.size());
  UNSIGNED_LONGS_EQUAL(3, reports.back().entries[0].total);
  acknowledge();
  world.advance(10min);
  LONGS_EQUAL(0, hear());
}

TEST(AgentLosses, P23_without_losses_what_was_produced_is_told_at_most_once_a_minute) {
  world.cloud_up();
  LONGS_EQUAL(1, hear());
  CHECK(reports[0].entries.empty());
  acknowledge();
  for (int i = 0; i < 60; ++i) {
    const std::uint64_t seq = world.add(echo());
    if (world.runs(seq)) world.succeed(seq);
    world.advance(5s);
    if (hear() > 0) acknowledge();
  }
  CHECK(world.agent.disk.next_seq > 20);
}

TEST(AgentLosses, many_periods_are_told_in_several_reports) {
  for (int period = 0; period < 150; ++period) {
    lose(1);
    world.advance(std::chrono::minutes(10));
  }
  world.cloud_up();
  std::size_t told = 0;
  for (int i = 0; i < 10 && hear() > 0; ++i) {
    CHECK(reports.back().entries.size() <= wire::kMaxLossEntries);
    told += reports.back().entries.size();
    acknowledge();
  }
  UNSIGNED_LONGS_EQUAL(world.agent.disk.losses.size(), told);
  CHECK(told > 2 * wire::kMaxLossEntries);
}

TEST(AgentLosses, P23_what_is_lost_while_the_disk_fails_waits_for_it_without_keeping_a_core_busy) {
  lose(2);
  world.agent.store().fail_commits(fail(Code::io, "disk full"));
  world.advance(90s);
  lose(3);
  world.clock.advance(90s);
  for (int i = 0; i < 20; ++i) {
    world.agent.turn();
    world.agent.step();
  }
  CHECK(world.agent.next() > world.agent.node().now());
  world.agent.store().fail_commits({});
  world.advance(90s);
  std::uint64_t kept = 0;
  for (const auto& [key, row] : world.agent.disk.losses) kept += row.count;
  UNSIGNED_LONGS_EQUAL(5, kept);
}

TEST(AgentLosses, P23_what_is_shown_of_losses_never_goes_back_while_the_disk_fails) {
  const auto shown = [this] {
    const auto asked = world.ask(wire::StatusRequest{});
    world.turn();
    std::uint64_t count = 0;
    for (const LossView& loss : asked->got<NodeView>()->losses) count += loss.count;
    return count;
  };
  lose(2);
  world.advance(90s);
  world.agent.store().fail_commits(fail(Code::io, "disk full"));
  std::uint64_t before = shown();
  UNSIGNED_LONGS_EQUAL(2, before);
  for (int i = 0; i < 40; ++i) {
    if (i < 5) lose(1);
    world.clock.advance(3s);
    const std::uint64_t after = shown();
    CHECK(after >= before);
    before = after;
  }
  UNSIGNED_LONGS_EQUAL(7, before);
  world.agent.store().fail_commits({});
  for (int i = 0; i < 40; ++i) {
    world.clock.advance(500ms);
    UNSIGNED_LONGS_EQUAL(7, shown());
  }
  UNSIGNED_LONGS_EQUAL(7, world.agent.disk.lost(DataClass::tasks, LossCause::items) +
                              world.agent.disk.lost(DataClass::tasks, LossCause::store));
}

TEST(AgentLosses, P23_that_a_damaged_store_lost_an_unknown_number_is_told_as_such) {
  const LossKey key{DataClass::tasks, LossCause::store, {}};
  world.agent.disk.losses[key] = LossRow{key, NodeTime(1s), NodeTime(1s), 1, 0, true};
  world.cloud_up();
  LONGS_EQUAL(1, hear());
  LONGS_EQUAL(1, reports[0].entries.size());
  CHECK(reports[0].entries[0].at_least);
}

TEST(AgentLosses, P23_a_loss_ends_no_sooner_than_it_began_however_the_wall_clock_is_read) {
  agent::LossReporter reporter;
  reporter.on_link_up(NodeTime{});
  store::LossTable table;
  LossRow row;
  row.key = {DataClass::events, LossCause::items, NodeTime{}};
  row.first = row.last = NodeTime(1s);
  row.count = 1;
  table.rows.push_back(row);
  Duration wall = std::chrono::hours(24 * 20'777);
  auto report =
      reporter.report(table, Origin{1}, NodeTime(2s), [&wall](NodeTime) { return wall -= 1us; });
  LONGS_EQUAL(1, report->entries.size());
  CHECK(report->entries[0].last >= report->entries[0].first);
}

TEST(AgentLosses, numbers_that_a_salvage_skipped_are_no_tasks_that_were_accepted) {
  CHECK(world.add(echo()) != 0);
  world.agent.crash();
  world.agent.disk.next_seq += 1'000'000;
  world.boot();
  CHECK(world.add(echo()) > 1'000'000);
  const auto asked = world.ask(wire::StatusRequest{});
  world.settle();
  UNSIGNED_LONGS_EQUAL(2, asked->got<NodeView>()->accepted);
}
