#include "cloud/fleetsim/behaviour.h"

#include <fstream>

#include "tests/unit/store/temp_folder.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::fleetsim;
using wire::Metric;

namespace {

wire::Metrics metrics_of(const Behaviour& device) {
  wire::Telemetry measured;
  device.measure(measured);
  return measured.metrics;
}

}  // namespace

TEST_GROUP(Behaviour){};

TEST(Behaviour, the_same_seed_lives_the_same_life) {
  Behaviour a(7, {}, nullptr), b(7, {}, nullptr), c(8, {}, nullptr);
  bool differs = false;
  for (int i = 1; i < 1000; ++i) {
    a.advance(i * 10.0);
    b.advance(i * 10.0);
    c.advance(i * 10.0);
    CHECK(metrics_of(a) == metrics_of(b));
    CHECK_EQUAL(a.reachable(), b.reachable());
    differs = differs || !(metrics_of(a) == metrics_of(c));
  }
  CHECK(differs);
}

TEST(Behaviour, habits_show) {
  Habits habits;
  habits.hot = habits.lossy = habits.slow_clock = habits.on_battery = 1;
  habits.restarts = 3;
  Behaviour device(3, habits, nullptr);
  std::int64_t hottest = 0;
  bool away = false;
  for (int i = 1; i < 1000; ++i) {
    device.advance(i * 10.0);
    hottest = std::max(hottest, metrics_of(device).get(Metric::temperature_mc));
    away = away || !device.reachable();
  }
  CHECK(hottest >= 80'000);
  CHECK(away);
  CHECK(metrics_of(device).get(Metric::lost) > 0);
  CHECK(metrics_of(device).get(Metric::on_battery) == 1);
  CHECK(device.behind() > Duration::zero());
  CHECK(device.starts() > 1);
}

TEST(Behaviour, counters_rise_and_begin_again_with_a_restart) {
  Habits habits;
  habits.restarts = 2;
  Behaviour device(5, habits, nullptr);
  std::int64_t before = 0;
  std::uint32_t starts = 1;
  for (int i = 1; i < 2000; ++i) {
    device.advance(i * 10.0);
    std::int64_t done = metrics_of(device).get(Metric::done_local);
    if (device.starts() == starts) CHECK(done >= before);
    starts = device.starts();
    before = done;
  }
  CHECK(starts > 1);
}

TEST(Behaviour, a_recorded_link_is_followed_and_its_gaps_are_outages) {
  TempFolder folder;
  std::ofstream(folder.file("a.csv")) << "t_s,capacity_kbit_s,rtt_ms,loss_pct\n"
                                         "0,8000,50,0\n1,8000,60,2\n2,0,0,100\n6,8000,70,0\n";
  Result<LinkTrace> trace = read_link_trace(folder.file("a.csv"));
  CHECK(trace.ok());
  CHECK_EQUAL(7U, trace->loss.size());
  CHECK(trace->capacity[0] == 1e6F);
  CHECK(trace->loss[4] == 1.0F);
  Behaviour device(1, {}, std::make_shared<const LinkTrace>(*trace));
  int away = 0;
  for (int i = 1; i <= 7000; ++i) {
    device.advance(i);
    away += !device.reachable();
  }
  CHECK(away > 2000);
  CHECK(away < 6500);
}

TEST(Behaviour, files_that_are_no_link_are_refused) {
  TempFolder folder;
  CHECK(read_link_trace(folder.file("none.csv")).error().code == Code::not_found);
  for (const char* text :
       {"", "heading\n", "heading\n1,2\n", "heading\n1,-2,3,4\n", "heading\nx,y,z,w\n"}) {
    std::ofstream(folder.file("bad.csv")) << text;
    CHECK(read_link_trace(folder.file("bad.csv")).error().code == Code::invalid_argument);
  }
}
