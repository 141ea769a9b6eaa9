#include "agent/telemetry/worker_bound.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::agent;
using wire::Metric;

namespace {

wire::Metrics machine(std::initializer_list<std::pair<Metric, std::int64_t>> values) {
  wire::Metrics metrics;
  for (const auto& [metric, value] : values) metrics.set(metric, value);
  return metrics;
}

}  // namespace

TEST_GROUP(WorkerBound) { WorkerBound bound; };

TEST(WorkerBound, a_machine_that_knows_nothing_uses_all) { CHECK_EQUAL(4U, bound.of(4, {})); }

TEST(WorkerBound, halves_in_the_heat_until_it_is_well_below) {
  CHECK_EQUAL(4U, bound.of(4, machine({{Metric::temperature_mc, 84'999}})));
  CHECK_EQUAL(2U, bound.of(4, machine({{Metric::temperature_mc, 85'000}})));
  CHECK_EQUAL(2U, bound.of(4, machine({{Metric::temperature_mc, 75'000}})));
  CHECK_EQUAL(4U, bound.of(4, machine({{Metric::temperature_mc, 74'999}})));
}

TEST(WorkerBound, halves_while_the_processor_is_throttled_and_never_to_none) {
  CHECK_EQUAL(1U, bound.of(3, machine({{Metric::throttled, 1}})));
  CHECK_EQUAL(1U, bound.of(1, machine({{Metric::throttled, 1}})));
  CHECK_EQUAL(3U, bound.of(3, machine({{Metric::throttled, 0}})));
}

TEST(WorkerBound, keeps_one_on_the_rest_of_a_battery_that_is_being_used) {
  CHECK_EQUAL(1U, bound.of(4, machine({{Metric::battery_permille, 199}, {Metric::on_battery, 1}})));
  CHECK_EQUAL(4U, bound.of(4, machine({{Metric::battery_permille, 199}, {Metric::on_battery, 0}})));
  CHECK_EQUAL(4U, bound.of(4, machine({{Metric::battery_permille, 200}, {Metric::on_battery, 1}})));
}
