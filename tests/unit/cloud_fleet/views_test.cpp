#include "cloud/fleet/views.h"

#include <set>

#include <CppUTest/TestHarness.h>

using namespace spillway::cloud;

namespace {

template <class E>
void check_names(std::size_t count, std::optional<E> (*find)(std::string_view)) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(seen.insert(to_string(E(i))).second);
    CHECK(find(to_string(E(i))) == E(i));
  }
  CHECK_FALSE(find("no_such").has_value());
}

}  // namespace

TEST_GROUP(FleetNames){};

TEST(FleetNames, every_value_is_found_by_its_name) {
  check_names<Health>(kHealths, health_of);
  check_names<Reason>(kReasons, reason_of);
  check_names<DeviceSort>(kPlainSorts + kDeviceMetrics.size(), device_sort_of);
  check_names<DeviceSeries>(kDeviceSeries, device_series_of);
  check_names<FleetSeries>(kFleetSeries, fleet_series_of);
  check_names<Severity>(3, severity_of);
}

TEST(FleetNames, a_set_of_reasons_holds_what_was_set) {
  Reasons reasons;
  CHECK(reasons.none());
  reasons.set(Reason::goodbye);
  reasons.set(Reason::hot);
  CHECK(reasons.has(Reason::hot));
  CHECK(reasons.has(Reason::goodbye));
  CHECK_FALSE(reasons.has(Reason::will));
  reasons.set(Reason::hot, false);
  CHECK_FALSE(reasons.has(Reason::hot));
}
