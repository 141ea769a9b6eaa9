#include "cloud/ctl/device_columns.h"

#include <cctype>

#include "cloud/fleet/device_metrics.h"

namespace spillway::ctl {
namespace {

As as_of(cloud::Unit unit) {
  switch (unit) {
    case cloud::Unit::ratio: return As::percent;
    case cloud::Unit::celsius: return As::celsius;
    case cloud::Unit::seconds: return As::seconds;
    case cloud::Unit::bytes: return As::bytes;
    case cloud::Unit::count: break;
  }
  return As::plain;
}

}  // namespace

std::vector<Column> device_columns() {
  std::vector<Column> columns = {{"DEVICE", "id"},
                                 {"HEALTH", "health"},
                                 {"REASONS", "reasons", As::list},
                                 {"SINCE", "since", As::age},
                                 {"SEEN", "last_seen", As::age}};
  for (const cloud::DeviceMetric& metric : cloud::kDeviceMetrics) {
    std::string title(metric.title);
    for (char& c : title) c = char(std::toupper(static_cast<unsigned char>(c)));
    columns.push_back({std::move(title), metric.field, as_of(metric.unit),
                       metric.shown == cloud::DeviceMetric::Shown::wide});
  }
  columns.insert(columns.end(), {{"GROUP", "group", As::plain, true},
                                 {"LABELS", "labels", As::list, true},
                                 {"VERSION", "version", As::plain, true},
                                 {"MACHINE", "machine", As::plain, true}});
  return columns;
}

std::string device_sort_words() {
  std::string words = "name, health, since, last_seen";
  for (const cloud::DeviceMetric& metric : cloud::kDeviceMetrics) {
    words += ", " + std::string(metric.name);
  }
  return words + "; with - before it, downwards";
}

}  // namespace spillway::ctl
