#include <algorithm>
#include <vector>

#include "common/wire/telemetry.h"
#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using wire::Metric;

TEST_GROUP(NodeTelemetry) {
  AgentWorld world{1, true};
  void setup() override {
    world.agent.options.telemetry = 10s;
    world.boot();
    world.cloud_up();
  }
  std::vector<wire::Telemetry> frames() {
    std::vector<wire::Telemetry> frames;
    for (const mqtt::Publication& seen : world.broker.seen()) {
      if (!seen.topic.ends_with("/up/tel")) continue;
      CHECK_EQUAL(0, seen.qos);
      CHECK_FALSE(seen.retained);
      auto frame = wire::decode_telemetry(seen.payload);
      CHECK(frame.ok());
      frames.push_back(*frame);
    }
    return frames;
  }
  void cut() {
    world.broker.cut("pump-7");
    world.broker.refuse("pump-7");
  }
  std::vector<LossView> seen() {
    const auto asked = world.ask(wire::StatusRequest{});
    world.settle();
    const auto* view = asked->got<NodeView>();
    CHECK(view != nullptr);
    return view->losses;
  }
};

TEST(NodeTelemetry, a_frame_follows_the_birth_and_then_one_each_interval) {
  CHECK_EQUAL(1U, frames().size());
  world.advance(35s);
  std::vector<wire::Telemetry> all = frames();
  CHECK_EQUAL(4U, all.size());
  CHECK(all[0].whole);
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK_EQUAL(i + 1, all[i].seq);
    CHECK_EQUAL(all[0].session, all[i].session);
    CHECK(all[i].interval == 10s);
  }
}

TEST(NodeTelemetry, a_new_connection_begins_a_new_session_with_a_whole_frame) {
  std::uint64_t before = frames().back().session;
  world.broker.cut("pump-7");
  world.advance(40s);
  std::vector<wire::Telemetry> all = frames();
  CHECK(all.back().session > before);
  auto first = std::find_if(all.begin(), all.end(), [&](const wire::Telemetry& frame) {
    return frame.session == all.back().session;
  });
  CHECK(first->whole);
  CHECK_EQUAL(1U, first->seq);
}

TEST(NodeTelemetry, what_tasks_did_is_in_the_next_frame) {
  std::uint64_t seq = world.add(echo());
  CHECK(seq != 0);
  world.advance(10s);
  wire::Metrics busy = frames().back().metrics;
  CHECK_EQUAL(1, busy.get(Metric::accepted));
  CHECK_EQUAL(1, busy.get(Metric::running_local));
  world.agent.runner().succeed(seq, to_bytes("done"));
  world.advance(10s);
  wire::Metrics done = frames().back().metrics;
  CHECK_EQUAL(1, done.get(Metric::done_local));
  CHECK_EQUAL(0, done.get(Metric::running_local));
  DOUBLES_EQUAL(10e6, double(done.get(Metric::local_p50_us)), 1.5e6);
}

TEST(NodeTelemetry, nothing_is_sent_when_it_is_off) {
  world.agent.crash();
  world.agent.options.telemetry = Duration::zero();
  std::size_t before = frames().size();
  world.boot();
  world.advance(60s);
  CHECK_EQUAL(before, frames().size());
}

TEST(NodeTelemetry, what_is_measured_is_told_on_the_device_also_without_a_link) {
  AgentWorld alone{1, false};
  std::vector<wire::Metrics> told;
  alone.agent.options.telemetry = 10s;
  alone.agent.measured = [&](const wire::Metrics& metrics) { told.push_back(metrics); };
  alone.boot();
  alone.advance(25s);
  CHECK_EQUAL(3, told.size());
  CHECK(told.back().has(Metric::queued_band2));
  CHECK_FALSE(told.back().has(Metric::bytes_up));
}

TEST(NodeTelemetry, P23_samples_that_found_no_link_are_counted_as_lost) {
  const std::size_t sent = frames().size();
  cut();
  world.advance(1h);
  CHECK_EQUAL(sent, frames().size());
  world.agent.node().stop();
  world.settle();
  const std::uint64_t lost = world.agent.disk.lost(DataClass::telemetry, LossCause::offline);
  CHECK(lost >= 350 && lost <= 361);
}

TEST(NodeTelemetry, P23_samples_that_reach_a_broker_without_a_cloud_are_counted_as_lost) {
  wire::Presence gone;
  gone.session = 5;
  gone.boot = BootId{77};
  world.cloud.publish(std::string(wire::kCloudState), wire::encode(gone), true);
  world.settle();
  world.advance(1min);
  LONGS_EQUAL(1, seen().size());
  UNSIGNED_LONGS_EQUAL(6, seen().front().count);
  world.cloud_up(100, 6);
  world.advance(1min);
  UNSIGNED_LONGS_EQUAL(6, seen().front().count);
}

TEST(NodeTelemetry, P23_a_dropped_sample_is_seen_at_once_with_when_the_first_and_the_last_was) {
  world.advance(9min);  // one period
  cut();
  world.advance(10s);
  LONGS_EQUAL(1, seen().size());
  UNSIGNED_LONGS_EQUAL(1, seen().front().count);
  CHECK(seen().front().first == seen().front().last);
  world.advance(20s);
  LONGS_EQUAL(1, seen().size());
  UNSIGNED_LONGS_EQUAL(3, seen().front().count);
  CHECK(seen().front().last - seen().front().first == 20s);
  UNSIGNED_LONGS_EQUAL(0, world.agent.disk.lost(DataClass::telemetry, LossCause::offline));
}

TEST(NodeTelemetry, P23_what_is_told_on_the_device_has_the_samples_that_were_dropped) {
  std::vector<wire::Metrics> told;
  world.agent.crash();
  world.agent.measured = [&](const wire::Metrics& metrics) { told.push_back(metrics); };
  world.boot();
  world.cloud_up();
  cut();
  world.advance(31s);
  CHECK(told.size() >= 4);
  const auto lost = [&](std::size_t back) {
    return told[told.size() - 1 - back].find(Metric::samples_lost).value_or(-1);
  };
  CHECK_EQUAL(3, lost(0));
  CHECK_EQUAL(2, lost(1));
}

TEST(NodeTelemetry, P23_a_kill_takes_along_the_count_of_five_minutes_at_most) {
  cut();
  world.advance(1h);
  const std::uint64_t writes = world.agent.disk.commits;
  const std::vector<LossView> before = seen();
  world.agent.crash();
  const std::uint64_t kept = world.agent.disk.lost(DataClass::telemetry, LossCause::offline);
  std::uint64_t all = 0;
  for (const LossView& loss : before) all += loss.count;
  CHECK(all >= 359 && all <= 361);
  CHECK(kept + 31 >= all);
  CHECK(writes <= 20);  // and the disk is not written for each
  // Where one life ends and the next begins nothing was measured: that is no loss.
  world.clock.advance(1h);
  world.boot();
  world.settle();
  std::uint64_t then = 0;
  for (const LossView& loss : seen()) then += loss.count;
  CHECK(then <= kept + 1);
}

TEST(NodeTelemetry, P23_whatever_is_written_takes_the_count_along) {
  cut();
  world.advance(30s);
  CHECK(world.add(echo()) != 0);
  UNSIGNED_LONGS_EQUAL(3, world.agent.disk.lost(DataClass::telemetry, LossCause::offline));
}

TEST(NodeTelemetry, P23_the_cloud_hears_of_dropped_samples_as_soon_as_the_link_is_back) {
  cut();
  world.advance(40s);
  world.cloud.take<wire::LossReport>();
  world.broker.allow("pump-7");
  world.advance(31s);
  const auto reports = world.cloud.take<wire::LossReport>();
  CHECK(!reports.empty());
  LONGS_EQUAL(1, reports[0].entries.size());
  const wire::LossEntry& entry = reports[0].entries[0];
  CHECK(entry.key.data == DataClass::telemetry && entry.key.cause == LossCause::offline);
  CHECK(entry.count >= 4);
  // Each sample is produced once, whether it was sent or not; the newest are not written yet.
  const std::uint64_t all = frames().size() + entry.count;
  CHECK(reports.back().produced[3] <= all && reports.back().produced[3] + 5 >= all);
}

TEST(NodeTelemetry, P23_tasks_and_results_that_gave_way_are_in_the_next_frame) {
  CHECK_EQUAL(0, frames().back().metrics.find(Metric::lost).value_or(-1));
  const auto lose = [&](DataClass data, LossCause cause, std::uint64_t count) {
    const LossKey key{data, cause, {}};
    world.agent.disk.losses[key] = LossRow{key, {}, {}, count, 0};
  };
  lose(DataClass::tasks, LossCause::items, 5);
  lose(DataClass::results, LossCause::disk_budget, 2);
  // Asked for, or made good by the next sample.
  lose(DataClass::results, LossCause::retention, 100);
  lose(DataClass::tasks, LossCause::deadline, 200);
  lose(DataClass::tasks, LossCause::draining, 400);
  lose(DataClass::telemetry, LossCause::offline, 800);
  CHECK(world.add(echo()) != 0);
  world.advance(20s);
  CHECK_EQUAL(7, frames().back().metrics.get(Metric::lost));
}

TEST(NodeTelemetry, P23_that_nobody_knows_how_much_a_damaged_store_lost_is_in_the_next_frame) {
  const auto unknown = [this] {
    return frames().back().metrics.find(Metric::lost_at_least).value_or(-1);
  };
  CHECK_EQUAL(0, unknown());
  const LossKey key{DataClass::tasks, LossCause::store, {}};
  world.agent.disk.losses[key] = LossRow{key, {}, {}, 1, 0, true};
  CHECK(world.add(echo()) != 0);
  world.advance(20s);
  CHECK_EQUAL(1, unknown());
}

TEST(NodeTelemetry, what_is_not_among_those_lost_does_not_make_their_number_a_least_one) {
  const LossKey key{DataClass::telemetry, LossCause::store, {}};
  world.agent.disk.losses[key] = LossRow{key, {}, {}, 1, 0, true};
  CHECK(world.add(echo()) != 0);
  world.advance(20s);
  std::int64_t unsent = 0;
  for (const wire::Telemetry& frame : frames()) {
    CHECK_EQUAL(0, frame.metrics.find(Metric::lost).value_or(0));
    CHECK_EQUAL(0, frame.metrics.find(Metric::lost_at_least).value_or(0));
    unsent = std::max(unsent, frame.metrics.find(Metric::samples_lost).value_or(0));
  }
  CHECK_EQUAL(1, unsent);
}

TEST(NodeTelemetry, echoes_that_stay_without_an_answer_are_shown_as_loss) {
  const auto loss = [this] {
    return frames().back().metrics.find(Metric::loss_permille).value_or(-1);
  };
  world.advance(5min);
  const auto probes = world.cloud.take<wire::Echo>();
  CHECK(probes.size() > 5);
  CHECK(loss() > 300);  // nobody answered one
  for (int i = 0; i < 40; ++i) {
    world.advance(30s);
    for (const wire::Echo& probe : world.cloud.take<wire::Echo>()) {
      world.say(wire::Echo{probe.token, true, {}});
    }
  }
  CHECK(loss() < 50);
}
