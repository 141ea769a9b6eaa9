#include "agent/telemetry/system_probe.h"

#include <filesystem>
#include <fstream>

#include "tests/unit/store/temp_folder.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::agent;
using wire::Metric;

TEST_GROUP(SystemProbe) {
  TempFolder machine;

  void put(const std::string& path, const std::string& text) {
    std::filesystem::path file = machine.path() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  ProbeOptions options() const { return {machine.path(), machine.path(), ""}; }
};

TEST(SystemProbe, reads_what_a_small_board_has) {
  put("/proc/stat", "cpu 100 0 0 100 0 0 0 0\ncpu0 100 0 0 100 0 0 0 0\n");
  put("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n");
  put("/sys/class/thermal/thermal_zone0/temp", "48000\n");
  put("/sys/class/thermal/thermal_zone1/temp", "61500\n");
  put("/sys/class/thermal/thermal_zone2/temp", "-274000\n");
  put("/sys/class/power_supply/ac/type", "Mains\n");
  put("/sys/class/power_supply/bat/type", "Battery\n");
  put("/sys/class/power_supply/bat/capacity", "37\n");
  put("/sys/class/power_supply/bat/status", "Discharging\n");
  put("/proc/net/route", "h\nwwan0\t00000000\t0\t0\t0\t0\t1\t00000000\n");
  put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq", "600000\n");
  put("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "1500000\n");
  put("/agent.db", std::string(5000, 'x'));
  SystemProbe probe(options());
  wire::Telemetry first, second;
  probe.measure(first);
  CHECK_FALSE(first.metrics.has(Metric::cpu_permille));
  put("/proc/stat", "cpu 130 0 0 170 0 0 0 0\ncpu0 130 0 0 170 0 0 0 0\n");
  probe.measure(second);
  const wire::Metrics& metrics = second.metrics;
  CHECK_EQUAL(300, metrics.get(Metric::cpu_permille));
  CHECK_EQUAL(1U, second.cores.size());
  CHECK_EQUAL(30, second.cores[0]);
  CHECK_EQUAL(750 * 1024, metrics.get(Metric::memory_used));
  CHECK_EQUAL(61'500, metrics.get(Metric::temperature_mc));
  CHECK_EQUAL(1, metrics.get(Metric::throttled));
  CHECK_EQUAL(370, metrics.get(Metric::battery_permille));
  CHECK_EQUAL(1, metrics.get(Metric::on_battery));
  CHECK_EQUAL(std::int64_t(wire::LinkType::cellular), metrics.get(Metric::link_type));
  CHECK_EQUAL(5000, metrics.get(Metric::store_bytes));
  CHECK(metrics.get(Metric::disk_total) > 0);
  const wire::Metrics bounds = probe.heat_and_charge();
  for (Metric metric : {Metric::temperature_mc, Metric::throttled, Metric::battery_permille}) {
    CHECK_EQUAL(metrics.get(metric), bounds.get(metric));
  }
  CHECK_FALSE(bounds.has(Metric::memory_used));
  CHECK_FALSE(second.kernel.empty());
}

TEST(SystemProbe, leaves_out_what_a_machine_does_not_have) {
  SystemProbe probe(options());
  wire::Telemetry empty;
  probe.measure(empty);
  for (Metric metric : {Metric::cpu_permille, Metric::memory_total, Metric::temperature_mc,
                        Metric::battery_permille, Metric::link_type, Metric::store_bytes,
                        Metric::certificate_expires_s}) {
    CHECK_FALSE(empty.metrics.has(metric));
  }
}

TEST(SystemProbe, the_real_machine_answers) {
  SystemProbe probe({"", machine.path(), ""});
  wire::Telemetry real;
  probe.measure(real);
  CHECK(real.metrics.get(Metric::memory_total) > 0);
  CHECK(real.metrics.get(Metric::memory_used) > 0);
  CHECK(real.metrics.has(Metric::clock_source));
}
