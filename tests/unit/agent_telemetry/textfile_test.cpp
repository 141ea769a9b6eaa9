#include "agent/telemetry/textfile.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::agent;

TEST_GROUP(Textfile) {
  test::TempDir directory{"spillway-textfile"};
  static wire::Metrics everything() {
    wire::Metrics metrics;
    for (std::size_t i = 0; i < wire::kMetrics; ++i) {
      metrics.set(wire::Metric(i), std::int64_t(i) * 1000);
    }
    return metrics;
  }
  static bool says(const std::string& text, const std::string& line) {
    return text.find(line + "\n") != std::string::npos;
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

TEST(Textfile, values_are_in_base_units_and_absent_ones_are_left_out) {
  wire::Metrics metrics;
  metrics.set(wire::Metric::temperature_mc, 51'500);
  metrics.set(wire::Metric::rtt_us, 21'000);
  metrics.set(wire::Metric::done_cloud, 7);
  const std::string text = prometheus_text(metrics, "1.2.3");
  CHECK(says(text, "spillway_agent_info{version=\"1.2.3\"} 1"));
  CHECK(says(text, "spillway_agent_temperature_celsius 51.5"));
  CHECK(says(text, "spillway_agent_link_round_trip_seconds 0.021"));
  CHECK(says(text, "spillway_agent_tasks_done_total{place=\"cloud\"} 7"));
  CHECK(text.find("place=\"local\"") == std::string::npos);
  CHECK(text.find("battery") == std::string::npos);
}

TEST(Textfile, promtool_finds_nothing_wrong_with_it) {
  const std::string path = directory.path() + "/spillway.prom";
  CHECK(replace_file(path, prometheus_text(everything(), "1.2.3")).ok());
  auto promtool = test::Process::start({.argv = {"promtool", "check", "metrics"},
                                        .input = path,
                                        .output = path + ".said",
                                        .errors = path + ".said"});
  CHECK(promtool.ok());
  const auto ended = promtool->wait(std::chrono::seconds(30));
  CHECK_TEXT(ended && ended->ok(), content(path + ".said").c_str());
  STRCMP_EQUAL("", content(path + ".said").c_str());
}

TEST(Textfile, the_file_is_replaced_as_a_whole) {
  const std::string path = directory.path() + "/spillway.prom";
  CHECK(replace_file(path, "old\n").ok());
  CHECK(replace_file(path, "new\n").ok());
  STRCMP_EQUAL("new\n", content(path).c_str());
  CHECK_FALSE(std::filesystem::exists(path + ".tmp"));
}

TEST(Textfile, everybody_may_read_it_whatever_the_umask_and_it_goes_with_the_agent) {
  const std::string path = directory.path() + "/spillway.prom";
  const mode_t before = ::umask(0077);
  const Status written = replace_file(path, "x\n");
  ::umask(before);
  CHECK(written.ok());
  LONGS_EQUAL(0644, static_cast<int>(std::filesystem::status(path).permissions()));
  remove_file(path);
  CHECK_FALSE(std::filesystem::exists(path));
  remove_file(path);
}

TEST(Textfile, a_folder_that_is_missing_is_named) {
  const Status status = replace_file(directory.path() + "/none/spillway.prom", "x\n");
  CHECK(!status);
  CHECK(status.error().message.find("/none/spillway.prom") != std::string::npos);
}
