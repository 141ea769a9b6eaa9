#include "tests/unit/cloud_fleet/fleet_rig.h"

using namespace spillway;
using namespace spillway::cloud;
using namespace std::chrono_literals;
using wire::Metric;

// A loss is told once: its count is a sum that outlives sessions.
TEST_GROUP_BASE(LossAlerts, FleetRig){};

TEST(LossAlerts, a_loss_fires_one_alert_however_often_its_device_goes_and_comes) {
  std::uint64_t session = 1;
  const auto restart = [&](std::int64_t lost) {
    fleet->on_presence("pump-1", birth(session, false, session));
    session += 1;
    fleet->on_presence("pump-1", birth(session, true, session));
    seq = 0;
    metrics.set(Metric::lost, lost);
    frame("pump-1", session);
  };
  restart(0);
  restart(3);
  CHECK_EQUAL(1, fleet->alerts({}).size());
  for (int i = 0; i < 10; ++i) restart(3);
  CHECK_EQUAL(1, fleet->alerts({}).size());
  CHECK(fleet->alerts({})[0].firing);
  clock.advance(61min);
  restart(3);
  CHECK_EQUAL(1, fleet->alerts({}).size());
  CHECK_FALSE(fleet->alerts({})[0].firing);
  restart(4);
  restart(4);
  CHECK_EQUAL(2, fleet->alerts({}).size());
  CHECK(fleet->alerts({})[0].firing);
}

TEST(LossAlerts, an_alert_of_a_loss_ends_in_time_also_when_its_device_has_gone) {
  fleet->on_presence("pump-1", birth(1));
  for (const std::int64_t lost : {0, 3}) {
    metrics.set(Metric::lost, lost);
    frame("pump-1", 1);
  }
  wire::Presence goodbye = birth(1, false);
  goodbye.graceful = true;
  fleet->on_presence("pump-1", goodbye);
  clock.advance(59min);
  pass(10s);
  CHECK(fleet->alerts({})[0].firing);
  clock.advance(1min);
  pass(10s);
  CHECK_FALSE(fleet->alerts({})[0].firing);
  CHECK(health("pump-1") == Health::sleeping);
}

TEST(LossAlerts, copies_of_a_device_that_report_in_turn_lose_nothing_by_that) {
  for (std::uint64_t turn = 1; turn < 20; ++turn) {
    fleet->on_presence("pump-1", birth(turn, true, 1 + turn % 2), turn > 1);
    if (turn == 3) fleet->on_cloned("pump-1");
    metrics.set(Metric::lost, turn % 2 == 0 ? 0 : 3);
    seq = 0;
    if (turn > 2) frame("pump-1", turn);
    pass(1s);
  }
  AlertFilter losses;
  losses.rule = "data_lost";
  CHECK(fleet->alerts(losses).empty());
  metrics.set(Metric::lost, 4);
  frame("pump-1", 19);
  CHECK_EQUAL(1, fleet->alerts(losses).size());
}
