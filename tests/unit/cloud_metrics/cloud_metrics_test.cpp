#include "cloud/metrics/cloud_metrics.h"

#include <set>
#include <sstream>

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;

TEST_GROUP(CloudMetrics) {
  CloudMetrics metrics;
  void setup() override {
    metrics.version = "1.2.3";
    metrics.attempts = {{"done", 5}};
    metrics.kinds = {{"echo", 3, 2, 1, {}}};
    metrics.fleet.health[std::size_t(Health::degraded)] = 4;
    metrics.fleet.local.p95 = std::chrono::milliseconds(250);
  }
  bool has(const std::string& line) const {
    return prometheus_text(metrics).find("\n" + line + "\n") != std::string::npos;
  }
};

TEST(CloudMetrics, what_is_known_is_there_in_base_units) {
  CHECK(has("spillway_build_info{version=\"1.2.3\"} 1"));
  CHECK(has("spillway_fleet_devices{health=\"degraded\"} 4"));
  CHECK(has("spillway_cloud_attempts_total{what=\"done\"} 5"));
  CHECK(has("spillway_cloud_kind_attempts_total{kind=\"echo\",outcome=\"failed\"} 1"));
  CHECK(has("spillway_fleet_task_latency_seconds{place=\"local\",percentile=\"95\"} 0.25"));
}

TEST(CloudMetrics, every_metric_has_help_and_type_once_and_counters_end_in_total) {
  std::istringstream lines(prometheus_text(metrics));
  std::set<std::string> helped, typed;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string hash, what, name, type;
    words >> hash >> what >> name >> type;
    if (hash != "#") continue;
    CHECK((what == "HELP" ? helped : typed).insert(name).second);
    if (what == "TYPE") CHECK_EQUAL(type == "counter", name.ends_with("_total"));
  }
  CHECK(helped == typed);
  CHECK(helped.size() > 20);
}
