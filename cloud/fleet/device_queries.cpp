#include <algorithm>
#include <map>

#include "cloud/fleet/device_table.h"

namespace spillway::cloud {
namespace {

constexpr std::size_t kMaxFacets = 50;

bool has_label(const std::vector<std::string>& labels, std::string_view wanted) {
  return std::any_of(labels.begin(), labels.end(), [&](std::string_view label) {
    return label == wanted || (label.starts_with(wanted) && label.size() > wanted.size() &&
                               label[wanted.size()] == '=');
  });
}

bool marks_pass(const DeviceMarks& marks, const DeviceFilter& filter) {
  if (!filter.group.empty() && marks.group != filter.group) return false;
  return std::all_of(filter.labels.begin(), filter.labels.end(),
                     [&](const std::string& label) { return has_label(marks.labels, label); });
}

bool birth_passes(const wire::Presence* birth, const DeviceFilter& filter) {
  if (filter.kind.empty() && filter.tag.empty() && filter.version.empty()) return true;
  if (!birth) return false;
  if (!filter.version.empty() && birth->version != filter.version) return false;
  if (!filter.tag.empty() &&
      std::find(birth->tags.begin(), birth->tags.end(), filter.tag) == birth->tags.end()) {
    return false;
  }
  return filter.kind.empty() ||
         std::any_of(birth->kinds.begin(), birth->kinds.end(),
                     [&](const wire::KindInfo& kind) { return kind.name == filter.kind; });
}

std::int64_t value_of(const Device& device, DeviceSort sort) {
  switch (sort) {
    case DeviceSort::name: return 0;
    case DeviceSort::health: return std::int64_t(device.health);
    case DeviceSort::since: return device.since.count();
    case DeviceSort::last_seen: return device.last_seen.count();
  }
  return kDeviceMetrics[std::size_t(sort) - kPlainSorts].read(device.metrics).value_or(0);
}

// Most frequent first, then by value; so that equal fleets give equal lists.
std::vector<Facet> most_frequent(const std::map<std::string_view, std::uint64_t>& counts) {
  std::vector<Facet> facets;
  facets.reserve(counts.size());
  for (const auto& [value, count] : counts) facets.push_back({std::string(value), count});
  std::stable_sort(facets.begin(), facets.end(),
                   [](const Facet& a, const Facet& b) { return a.count > b.count; });
  if (facets.size() > kMaxFacets) facets.resize(kMaxFacets);
  return facets;
}

}  // namespace

bool passes(const Device& device, const DeviceFilter& filter) {
  if (filter.online && *filter.online != device.presence.online) return false;
  auto is = [&](Health health) { return device.health == health; };
  if (!filter.health.empty() && std::none_of(filter.health.begin(), filter.health.end(), is)) {
    return false;
  }
  auto has = [&](Reason reason) { return device.reasons.has(reason); };
  if (!filter.reasons.empty() && std::none_of(filter.reasons.begin(), filter.reasons.end(), has)) {
    return false;
  }
  if (!filter.text.empty() && device.name.view().find(filter.text) == std::string_view::npos) {
    return false;
  }
  return marks_pass(device.said(), filter) && birth_passes(device.birth.get(), filter);
}

DeviceRow row_of(const Device& device) {
  DeviceRow row;
  row.name = std::string(device.name.view());
  row.health = device.health;
  row.reasons = device.reasons;
  row.since = device.since;
  row.last_seen = device.last_seen;
  row.online = device.presence.online;
  row.group = device.said().group;
  row.labels = device.said().labels;
  if (device.birth) {
    row.version = device.birth->version;
    row.machine = device.birth->machine;
  }
  row.metrics = device.metrics;
  return row;
}

DevicePage DeviceTable::page(const DeviceQuery& query) const {
  return query.sort == DeviceSort::name ? page_by_name(query) : page_by_value(query);
}

DevicePage DeviceTable::page_by_name(const DeviceQuery& query) const {
  sort_names();
  DevicePage page;
  auto look = [&](Slot slot) {
    const Device& device = at(slot);
    if (!passes(device, query.filter)) return;
    ++page.matching;
    if (query.after) {
      int order = device.name.view().compare(query.after->name);
      if (query.descending ? order >= 0 : order <= 0) return;
    }
    if (page.devices.size() < query.limit) {
      page.devices.push_back(row_of(device));
    } else if (!page.next) {
      page.next = DevicePosition{0, page.devices.empty() ? "" : page.devices.back().name};
    }
  };
  if (query.descending) {
    std::for_each(by_name_.rbegin(), by_name_.rend(), look);
  } else {
    std::for_each(by_name_.begin(), by_name_.end(), look);
  }
  return page;
}

DevicePage DeviceTable::page_by_value(const DeviceQuery& query) const {
  struct Place {
    std::int64_t value;
    const Device* device;
  };
  // Equal values go by name, upwards either way: the position behind a page is exact.
  auto before = [&](const Place& a, const Place& b) {
    if (a.value != b.value) return query.descending ? a.value > b.value : a.value < b.value;
    return a.device->name.view() < b.device->name.view();
  };
  DevicePage page;
  std::vector<Place> places;
  each([&](const Device& device) {
    if (!passes(device, query.filter)) return;
    ++page.matching;
    std::int64_t value = value_of(device, query.sort);
    if (query.after) {
      std::int64_t there = query.after->value;
      bool behind = query.descending ? value < there : value > there;
      if (value == there) behind = device.name.view() > query.after->name;
      if (!behind) return;
    }
    places.push_back({value, &device});
  });
  std::size_t size = std::min<std::size_t>(query.limit, places.size());
  std::partial_sort(places.begin(), places.begin() + std::ptrdiff_t(size), places.end(), before);
  for (std::size_t i = 0; i < size; ++i) page.devices.push_back(row_of(*places[i].device));
  if (size > 0 && size < places.size()) {
    page.next = DevicePosition{places[size - 1].value, page.devices.back().name};
  }
  return page;
}

DeviceFacets DeviceTable::facets(const DeviceFilter& filter) const {
  DeviceFacets facets;
  std::map<std::string_view, std::uint64_t> groups, versions;
  each([&](const Device& device) {
    if (!passes(device, filter)) return;
    facets.health[std::size_t(device.health)] += 1;
    for (std::size_t i = 0; i < kReasons; ++i) facets.reasons[i] += device.reasons.has(Reason(i));
    if (!device.said().group.empty()) groups[device.said().group] += 1;
    if (device.birth && !device.birth->version.empty()) versions[device.birth->version] += 1;
  });
  facets.groups = most_frequent(groups);
  facets.versions = most_frequent(versions);
  return facets;
}

std::uint64_t DeviceTable::count(const DeviceFilter& filter) const {
  std::uint64_t matching = 0;
  each([&](const Device& device) { matching += passes(device, filter); });
  return matching;
}

std::vector<std::string> DeviceTable::names(const DeviceFilter& filter, std::size_t limit) const {
  sort_names();
  std::vector<std::string> names;
  for (Slot slot : by_name_) {
    if (names.size() == limit) break;
    if (passes(at(slot), filter)) names.emplace_back(at(slot).name.view());
  }
  return names;
}

}  // namespace spillway::cloud
