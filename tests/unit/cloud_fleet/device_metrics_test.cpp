#include "cloud/fleet/device_metrics.h"

#include <cmath>
#include <set>

#include "cloud/fleet/device_table.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;
using wire::Metric;

namespace {

std::string_view ending_of(Unit unit) {
  switch (unit) {
    case Unit::ratio: return "_ratio";
    case Unit::celsius: return "_celsius";
    case Unit::seconds: return "_s";
    case Unit::bytes: return "_bytes";
    case Unit::count: break;
  }
  return "";
}

wire::Metrics all_metrics(std::int64_t value) {
  wire::Metrics metrics;
  for (std::size_t i = 0; i < wire::kMetrics; ++i) metrics.set(Metric(i), value);
  return metrics;
}

const DeviceMetric& metric_called(std::string_view name) {
  for (const DeviceMetric& metric : kDeviceMetrics) {
    if (metric.name == name) return metric;
  }
  FAIL("there is no such metric");
  return kDeviceMetrics.front();
}

}  // namespace

TEST_GROUP(DeviceMetrics){};

TEST(DeviceMetrics, each_has_names_of_its_own_and_its_field_ends_with_the_unit) {
  std::set<std::string_view> names, fields, titles;
  for (const DeviceMetric& metric : kDeviceMetrics) {
    CHECK(names.insert(metric.name).second);
    CHECK(fields.insert(metric.field).second);
    CHECK(titles.insert(metric.title).second);
    CHECK(metric.field.ends_with(ending_of(metric.unit)));
    CHECK(metric.scale == 1 || (metric.unit != Unit::count && metric.unit != Unit::bytes));
  }
}

TEST(DeviceMetrics, are_read_from_a_frame_in_their_units) {
  wire::Metrics metrics = all_metrics(1);
  metrics.set(Metric::temperature_mc, 51'500);
  metrics.set(Metric::memory_used, 300);
  metrics.set(Metric::memory_total, 1000);
  metrics.set(Metric::outbox_age_ms, 1500);
  DOUBLES_EQUAL(51.5, *metric_called("temperature").value(metrics), 1e-9);
  DOUBLES_EQUAL(0.3, *metric_called("memory").value(metrics), 1e-9);
  DOUBLES_EQUAL(1.5, *metric_called("oldest").value(metrics), 1e-9);
  DOUBLES_EQUAL(5, *metric_called("backlog").value(metrics), 1e-9);
}

TEST(DeviceMetrics, what_was_not_told_is_unknown_or_none) {
  for (const DeviceMetric& metric : kDeviceMetrics) {
    CHECK(metric.value({}).value_or(0) == 0);
  }
  CHECK_FALSE(metric_called("temperature").value({}).has_value());
  CHECK_FALSE(metric_called("memory").value({}).has_value());
  CHECK(metric_called("lost").value({}).has_value());
}

TEST(DeviceMetrics, devices_are_sorted_by_each) {
  DeviceTable table;
  const std::int64_t values[] = {20, 300, 1};
  for (std::int64_t value : values) {
    Device& device = table.at(table.add("dev-" + std::to_string(value)));
    device.metrics = all_metrics(value);
    device.metrics.set(Metric::memory_total, 1000);
  }
  for (const DeviceMetric& metric : kDeviceMetrics) {
    auto sort = device_sort_of(metric.name);
    CHECK(sort.has_value());
    const DevicePage page = table.page({{}, *sort, true, {}, 10});
    STRCMP_EQUAL("dev-300", page.devices.front().name.c_str());
    STRCMP_EQUAL("dev-1", page.devices.back().name.c_str());
  }
}
