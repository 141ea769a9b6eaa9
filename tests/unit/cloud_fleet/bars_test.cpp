#include <filesystem>
#include <fstream>

#include "cloud/fleet/bar_file.h"
#include "common/sqlite/store_file.h"
#include "tests/unit/cloud_fleet/fleet_rig.h"

using namespace spillway;
using namespace spillway::cloud;
namespace fs = std::filesystem;

// What operators keep out stays out, whatever becomes of the fleet's store.
TEST_GROUP_BASE(Bars, FleetOnDiskRig){void setup() override{FleetOnDiskRig::setup();
open();
fleet->on_presence("pump-1", birth(1));
fleet->on_presence("pump-2", birth(1));
fleet->on_presence("pump-3", birth(1));
save();
}
void close() {
  fleet.reset();
  store.reset();
}
void set(const std::string& device, const DeviceChange& change) {
  CHECK_OK(wait<void>([&](auto done) { fleet->change(device, change, {}, std::move(done)); }));
}
void bar_two() {
  set("pump-1", {.revoked = true, .note = "stolen"});
  set("pump-2", {.quarantined = true});
}
void copy(const std::string& from, const std::string& to) {
  fs::copy_file(folder.file(from), folder.file(to), fs::copy_options::overwrite_existing);
}
void lose_store() {
  close();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    fs::remove(folder.file(std::string("fleet.db") + suffix));
  }
  write("fleet.db", "");
}
void write(const std::string& name, const std::string& text) {
  std::ofstream(folder.file(name)) << text;
}
FleetRecovered recovered() {
  auto opened = SqliteFleetStore::open(folder.file("fleet.db"), answers.poster(), {});
  CHECK_OK(opened);
  return std::move(opened->recovered);
}
}
;

TEST(Bars, hold_when_nothing_of_the_store_is_left) {
  bar_two();
  lose_store();
  open();
  CHECK(health("pump-1") == Health::revoked);
  CHECK(health("pump-2") == Health::quarantined);
  CHECK_FALSE(fleet->device("pump-3").ok());
  fleet->on_presence("pump-1", birth(1));
  CHECK(health("pump-1") == Health::revoked);
  CHECK_FALSE(fleet->device("pump-1")->row.online);
  const auto events = *wait<std::vector<FleetEvent>>(
      [&](auto done) { fleet->events({.device = "pump-1"}, std::move(done)); });
  CHECK(std::any_of(events.begin(), events.end(), [](const FleetEvent& event) {
    return event.detail.find("revoked as before") != std::string::npos;
  }));
  // And again, from the new store.
  save();
  open();
  CHECK(health("pump-1") == Health::revoked);
}

TEST(Bars, hold_when_an_earlier_copy_of_the_store_is_put_back) {
  close();
  copy("fleet.db", "copy");
  open();
  bar_two();
  close();
  copy("copy", "fleet.db");
  open();
  CHECK(health("pump-1") == Health::revoked);
  CHECK(health("pump-2") == Health::quarantined);
  CHECK(health("pump-3") != Health::quarantined);
}

TEST(Bars, that_were_lifted_stay_lifted) {
  bar_two();
  set("pump-1", {.revoked = false});
  open();
  CHECK(health("pump-1") != Health::revoked);
  CHECK(health("pump-2") == Health::quarantined);
  lose_store();
  open();
  CHECK_FALSE(fleet->device("pump-1").ok());
  CHECK(health("pump-2") == Health::quarantined);
}

TEST(Bars, that_a_version_without_the_file_lifted_stay_lifted) {
  bar_two();
  copy("bars", "earlier");
  set("pump-1", {.revoked = false});
  close();
  copy("earlier", "bars");
  open();
  CHECK(health("pump-1") != Health::revoked);
  CHECK(health("pump-2") == Health::quarantined);
}

TEST(Bars, of_a_version_without_the_file_are_in_it_from_the_first_start_on) {
  bar_two();
  close();
  fs::remove(folder.file("bars"));
  CHECK(recovered().barred.empty());
  lose_store();
  LONGS_EQUAL(2, recovered().barred.size());
}

TEST(Bars, are_in_doubt_when_neither_the_store_nor_their_file_is_whole) {
  bar_two();
  close();
  CHECK_FALSE(recovered().bars_in_doubt);
  lose_store();
  CHECK_FALSE(recovered().bars_in_doubt);
  lose_store();
  fs::remove(folder.file("bars"));
  CHECK(recovered().bars_in_doubt);
  lose_store();
  write("bars", "pump-1 3 revoked\npump-2 3 quar");
  const FleetRecovered found = recovered();
  CHECK(found.bars_in_doubt);
  LONGS_EQUAL(1, found.barred.size());  // what can be read of it holds
  STRCMP_EQUAL("pump-1", found.barred.front().c_str());
}

TEST(Bars, are_written_before_an_operator_is_told) {
  fs::remove(folder.file("bars"));
  fs::create_directory(folder.file("bars.new"));  // nothing can be written in its place
  std::optional<Result<void>> told;
  fleet->change("pump-1", {.revoked = true}, {}, [&](const Result<void>& done) { told = done; });
  for (int i = 0; i < 3; ++i) {
    pass(2s);
    answers.run_one();
  }
  CHECK_FALSE(told);
  fs::remove(folder.file("bars.new"));
  while (!told) {
    pass(1s);
    if (!told) answers.run_one();
  }
  CHECK_OK(*told);
  const FoundBars found = read_bars(folder.file("bars"));
  CHECK(found.whole);
  CHECK(found.bars.at("pump-1").revoked);
}

TEST(Bars, are_carried_over_with_groups_labels_and_rules_from_a_damaged_store) {
  bar_two();
  set("pump-3", {.group = "field", .labels = std::vector<std::string>{"site=north"}});
  CHECK_OK(wait<void>([&](auto done) {
    AlertRule rule;
    rule.id = "mine";
    rule.title = "mine";
    rule.subject = "hot";
    fleet->put_rule(rule, std::move(done));
  }));
  close();
  sqlite::mark_damaged(folder.file("fleet.db"));
  fs::remove(folder.file("bars"));
  open();
  CHECK(health("pump-1") == Health::revoked);
  STRCMP_EQUAL("stolen", fleet->device("pump-1")->note.c_str());
  STRCMP_EQUAL("field", fleet->device("pump-3")->row.group.c_str());
  STRCMP_EQUAL("site=north", fleet->device("pump-3")->row.labels.front().c_str());
  const auto rules = fleet->rules();
  CHECK(std::any_of(rules.begin(), rules.end(),
                    [](const AlertRule& rule) { return rule.id == "mine"; }));
  // New ones get numbers of their own, and the next start finds a store that is whole.
  fleet->on_presence("pump-4", birth(1));
  save();
  close();
  const FleetRecovered found = recovered();
  CHECK_FALSE(found.quarantined);
  LONGS_EQUAL(4, found.devices.size());
}
