#include "cloud/fleet/device_table.h"

#include <algorithm>
#include <random>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;
using wire::Metric;

TEST_GROUP(DeviceTable) {
  DeviceTable table;

  Device& add(const std::string& name, std::int64_t cpu = 0) {
    Device& device = table.at(table.add(name));
    device.metrics.set(Metric::cpu_permille, cpu);
    return device;
  }
  void health(Device & device, Health health) {
    table.discount(device);
    device.health = health;
    table.count(device);
  }
  std::vector<std::string> walk(DeviceQuery query) {
    std::vector<std::string> names;
    for (;;) {
      DevicePage page = table.page(query);
      for (const DeviceRow& row : page.devices) names.push_back(row.name);
      if (!page.next) return names;
      query.after = page.next;
    }
  }
};

TEST(DeviceTable, pages_of_any_sort_give_every_device_once_and_in_order) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 500; ++i) {
    add("dev-" + std::to_string(random() % 1000) + "-" + std::to_string(i),
        std::int64_t(random() % 20));
  }
  const DeviceSort by_cpu = *device_sort_of("cpu");
  for (bool descending : {false, true}) {
    for (DeviceSort sort : {DeviceSort::name, by_cpu, DeviceSort::health}) {
      DeviceQuery query{{}, sort, descending, {}, 37};
      std::vector<std::string> names = walk(query);
      CHECK_EQUAL(table.size(), names.size());
      std::vector<std::string> sorted = names;
      std::sort(sorted.begin(), sorted.end());
      CHECK(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end());
      if (sort != by_cpu) continue;
      for (std::size_t i = 1; i < names.size(); ++i) {
        std::int64_t a = table.at(table.find(names[i - 1])).metrics.get(Metric::cpu_permille);
        std::int64_t b = table.at(table.find(names[i])).metrics.get(Metric::cpu_permille);
        CHECK(descending ? a >= b : a <= b);
      }
    }
  }
}

TEST(DeviceTable, a_walk_by_name_misses_nothing_that_stays_while_others_come_and_go) {
  for (int i = 0; i < 100; ++i) add("stay-" + std::to_string(100 + i));
  DeviceQuery query;
  query.limit = 10;
  std::size_t seen = 0;
  for (int page_number = 0;; ++page_number) {
    DevicePage page = table.page(query);
    for (const DeviceRow& row : page.devices) seen += row.name.starts_with("stay-");
    if (!page.next) break;
    query.after = page.next;
    add("come-" + std::to_string(page_number));
    if (page_number % 2 == 1) table.remove(table.find("come-" + std::to_string(page_number)));
  }
  CHECK_EQUAL(100U, seen);
}

TEST(DeviceTable, filters_let_through_what_they_say) {
  Device& one = add("pump-1");
  health(one, Health::degraded);
  one.reasons.set(Reason::hot);
  one.marks = std::make_unique<DeviceMarks>();
  one.marks->group = "roof";
  one.marks->labels = {"site=berlin", "tier=2"};
  auto birth = std::make_shared<wire::Presence>();
  birth->version = "1.2";
  birth->tags = {"gpu"};
  birth->kinds = {{"echo", 1}};
  one.birth = birth;
  add("pump-2");
  auto count = [&](const DeviceFilter& filter) { return table.count(filter); };
  CHECK_EQUAL(2U, count({}));
  CHECK_EQUAL(1U, count({.health = {Health::degraded, Health::updating}}));
  CHECK_EQUAL(1U, count({.reasons = {Reason::hot}}));
  CHECK_EQUAL(0U, count({.reasons = {Reason::disk_low}}));
  CHECK_EQUAL(1U, count({.group = "roof"}));
  CHECK_EQUAL(1U, count({.labels = {"site=berlin", "tier"}}));
  CHECK_EQUAL(0U, count({.labels = {"site=berlin", "ti"}}));
  CHECK_EQUAL(1U, count({.text = "mp-2"}));
  CHECK_EQUAL(1U, count({.kind = "echo"}));
  CHECK_EQUAL(1U, count({.tag = "gpu"}));
  CHECK_EQUAL(1U, count({.version = "1.2"}));
  CHECK_EQUAL(0U, count({.online = true}));
  DeviceFacets facets = table.facets({});
  CHECK_EQUAL(1U, facets.health[std::size_t(Health::degraded)]);
  CHECK_EQUAL(1U, facets.groups.size());
  STRCMP_EQUAL("roof", facets.groups[0].value.c_str());
}

TEST(DeviceTable, totals_follow_every_change) {
  std::mt19937_64 random(4);
  std::vector<std::string> names;
  names.reserve(200);
  for (int i = 0; i < 200; ++i)
    names.push_back(std::string(add("d-" + std::to_string(i)).name.view()));
  for (int step = 0; step < 5000; ++step) {
    DeviceTable::Slot slot = table.find(names[random() % names.size()]);
    if (slot == DeviceTable::kNone) continue;
    if (random() % 50 == 0) {
      table.remove(slot);
      continue;
    }
    health(table.at(slot), Health(random() % kHealths));
  }
  std::array<std::uint64_t, kHealths> counted{};
  table.each([&](const Device& device) { counted[std::size_t(device.health)] += 1; });
  CHECK(counted == table.health());
}

TEST(DeviceTable, equal_births_are_kept_once) {
  Interned<std::string> pool;
  auto a = pool.get("x", "x");
  auto b = pool.get("x", "x");
  CHECK(a == b);
  for (int i = 0; i < 10'000; ++i) (void)pool.get(std::to_string(i), std::to_string(i));
  CHECK(pool.get("x", "x") == a);
}
