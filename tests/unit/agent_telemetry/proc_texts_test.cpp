#include "agent/telemetry/proc_texts.h"

#include <random>

#include <CppUTest/TestHarness.h>

using namespace spillway::agent;

namespace {

constexpr char kStat[] =
    "cpu  100 0 50 800 50 0 0 0 20 0\n"
    "cpu0 60 0 20 400 20 0 0 0 10 0\n"
    "cpu1 40 0 30 400 30 0 0 0 10 0\n"
    "intr 12345\n";
constexpr char kRoute[] =
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
    "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    "eth0\t0001A8C0\t00000000\t0001\t0\t0\t50\t00FFFFFF\t0\t0\t0\n";

}  // namespace

TEST_GROUP(ProcTexts){};

TEST(ProcTexts, cpu_times_leave_idle_and_waiting_out) {
  auto times = parse_cpu_times(kStat);
  CHECK_EQUAL(3U, times.size());
  CHECK_EQUAL(150U, times[0].busy);
  CHECK_EQUAL(1000U, times[0].total);
  CHECK_EQUAL(80U, times[1].busy);
}

TEST(ProcTexts, a_share_needs_time_to_pass) {
  DOUBLES_EQUAL(0.25, *busy_share({10, 100}, {35, 200}), 1e-9);
  CHECK_FALSE(busy_share({10, 100}, {10, 100}).has_value());
  CHECK_FALSE(busy_share({50, 100}, {10, 200}).has_value());
}

TEST(ProcTexts, fields_are_found_by_their_whole_name) {
  const char* info = "MemTotalX: 5 kB\nMemTotal:       16384 kB\nplain: 7\n";
  CHECK(parse_field(info, "MemTotal") == 16384U * 1024);
  CHECK(parse_field(info, "plain") == 7U);
  CHECK_FALSE(parse_field(info, "Total").has_value());
  CHECK_FALSE(parse_field("big: 18446744073709551615 kB", "big").has_value());
}

TEST(ProcTexts, the_default_route_with_the_smallest_metric_counts) {
  CHECK(default_interface(kRoute) == std::string("eth0"));
  CHECK_FALSE(default_interface("Iface\tDestination\n").has_value());
  CHECK_FALSE(default_interface("").has_value());
}

TEST(ProcTexts, a_number_may_end_in_a_line_break) {
  CHECK(parse_number("-41500\n") == -41500);
  CHECK_FALSE(parse_number("12abc").has_value());
  CHECK_FALSE(parse_number("").has_value());
}

TEST(ProcTexts, no_text_makes_them_crash) {
  std::mt19937_64 random(2);
  std::string all = std::string(kStat) + kRoute;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = all.substr(random() % all.size());
    for (int i = 0; i < 5 && !text.empty(); ++i) text[random() % text.size()] = char(random());
    for (const CpuTimes& times : parse_cpu_times(text)) CHECK(times.busy <= times.total);
    (void)default_interface(text);
    (void)parse_field(text, "cpu");
    (void)parse_number(text);
  }
}
