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
  remove_store();
  write("fleet.db", "");
}
void write(const std::string& name, const std::string& text) {
  std::ofstream(folder.file(name)) << text;
}
FleetRecovered recovered(std::uint64_t start = 0, bool first = false) {
  SqliteFleetStore::Options file;
  file.start = start;
  file.first = first;
  auto opened = SqliteFleetStore::open(folder.file("fleet.db"), answers.poster(), file);
  CHECK_OK(opened);
  return std::move(opened->recovered);
}
// A start that came to its first commit.
std::string started(
    std::uint64_t start, bool first = false, const std::function<void()>& before_it = [] {}) {
  SqliteFleetStore::Options file;
  file.start = start;
  file.first = first;
  auto opened = SqliteFleetStore::open(folder.file("fleet.db"), answers.poster(), file);
  CHECK_OK(opened);
  before_it();
  bool committed = false;
  opened->store->commit(FleetBatch{}, [&](const Result<void>& done) { committed = done.ok(); });
  answers.run_one();
  CHECK(committed);
  return all(opened->recovered);
}
static std::string all(const FleetRecovered& found) {
  std::string text;
  for (const std::string& doubt : found.doubts) text += doubt + "\n";
  return text;
}
void remove_store() {
  close();
  for (const char* suffix : {"", "-wal", "-shm"}) {
    fs::remove(folder.file(std::string("fleet.db") + suffix));
  }
}
std::string content(const std::string& name) {
  std::ifstream file(folder.file(name));
  return {std::istreambuf_iterator<char>(file), {}};
}
std::string aside() {
  for (const auto& entry : fs::directory_iterator(folder.file(""))) {
    std::string name = entry.path().filename();
    if (name.starts_with("bars.damaged-")) return name;
  }
  return "";
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

// A version that does not know the file may have lifted it, or the store may be an earlier copy.
TEST(Bars, hold_when_only_the_file_has_them_and_it_is_said_who_they_are_and_how_to_let_them_in) {
  bar_two();
  copy("bars", "earlier");
  set("pump-1", {.revoked = false});
  close();
  copy("earlier", "bars");
  const std::string said = all(recovered());
  STRCMP_CONTAINS(
      "kept out as the file bars says, though fleet.db does not: pump-1; spwctl device "
      "release",
      said.c_str());
  CHECK(said.find("pump-2") == said.npos);
  open();
  CHECK(health("pump-1") == Health::revoked);
  CHECK(health("pump-2") == Health::quarantined);
}

TEST(Bars, hold_when_only_the_store_has_them_and_that_is_said) {
  close();
  copy("bars", "earlier");
  open();
  bar_two();
  close();
  copy("earlier", "bars");
  STRCMP_CONTAINS("as fleet.db says, though the file bars does not: pump-1, pump-2;",
                  started(0).c_str());
  CHECK_EQUAL(2, read_bars(folder.file("bars")).bars.size());
}

// A forgotten device's changes are counted anew.
TEST(Bars, of_a_device_that_was_forgotten_and_came_again_outweigh_an_earlier_copy) {
  for (const char* group : {"a", "b", "c"}) set("pump-1", {.group = group});
  close();
  copy("fleet.db", "copy");
  open();
  CHECK_OK(wait<void>([&](auto done) { fleet->forget("pump-1", "ops", std::move(done)); }));
  fleet->on_presence("pump-1", birth(1));
  set("pump-1", {.revoked = true});
  close();
  const std::string bars = content("bars");
  copy("copy", "fleet.db");
  const FleetRecovered found = recovered();
  CHECK_EQUAL(1, found.barred.size());
  STRCMP_CONTAINS("though fleet.db does not: pump-1", all(found).c_str());
  fs::remove(folder.file("bars"));
  copy("copy", "fleet.db");
  write("bars", bars);
  open();
  CHECK(health("pump-1") == Health::revoked);
  CHECK(read_bars(folder.file("bars")).bars.at("pump-1").revoked);
  // For those who look later.
  save();
  open();
  const auto events =
      *wait<std::vector<FleetEvent>>([&](auto done) { fleet->events({}, std::move(done)); });
  CHECK(std::any_of(events.begin(), events.end(), [](const FleetEvent& event) {
    return event.device.empty() && event.detail.starts_with("kept out as the file bars says");
  }));
}

TEST(Bars, with_a_flipped_bit_or_without_their_end_are_kept_aside_and_said) {
  bar_two();
  close();
  const std::string good = content("bars");
  CHECK(read_bars(folder.file("bars")).whole);
  std::string flipped = good;
  flipped[flipped.find("pump-1") + 5] ^= 2;
  const std::string bad[] = {flipped, good.substr(0, good.find("pump-2")),
                             good.substr(0, good.find("# crc32c")), ""};
  for (const std::string& text : bad) {
    write("bars", text);
    const std::string said = started(0);
    STRCMP_CONTAINS("the file bars was not whole", said.c_str());
    const std::string name = aside();
    STRCMP_CONTAINS(name.c_str(), said.c_str());
    CHECK_TRUE(sqlite::is_set_aside(name));
    STRCMP_EQUAL(text.c_str(), content(name).c_str());
    fs::remove(folder.file(name));
    CHECK(read_bars(folder.file("bars")).whole);
    CHECK(read_bars(folder.file("bars")).bars.at("pump-1").revoked);
  }
  CHECK(all(recovered()).empty());
}

TEST(Bars, that_an_earlier_version_wrote_are_read_without_a_checksum) {
  write("old",
        "# Devices that operators keep out: name, revision, how. Written by spillway-cloud.\n"
        "pump-1 2 revoked\nend 1\n");
  CHECK(read_bars(folder.file("old")).whole);
  CHECK(read_bars(folder.file("old")).bars.at("pump-1").revoked);
}

TEST(Bars, whatever_file_is_missing_or_earlier_the_start_says_so_and_what_may_be_gone) {
  close();
  CHECK(started(1).empty());
  copy("fleet.db", "copy");
  (void)started(2);
  CHECK(started(3).empty());
  copy("copy", "fleet.db");
  fs::remove(folder.file("bars"));
  std::string said = started(4);
  STRCMP_CONTAINS("fleet.db is an earlier copy", said.c_str());
  STRCMP_CONTAINS("the file bars was missing", said.c_str());
  STRCMP_CONTAINS("may be let in again", said.c_str());
  CHECK(aside().empty());
  CHECK(started(5).empty());
  fs::remove(folder.file("bars"));
  STRCMP_CONTAINS("the file bars was missing", started(6).c_str());
  remove_store();
  said = started(7);
  STRCMP_CONTAINS("fleet.db was missing", said.c_str());
  CHECK(said.find("bars was") == said.npos);
  remove_store();
  fs::remove(folder.file("bars"));
  said = started(8);
  STRCMP_CONTAINS("fleet.db was missing", said.c_str());
  STRCMP_CONTAINS("Nor does fleet.db know", said.c_str());
  // A new cloud has nothing to say.
  remove_store();
  fs::remove(folder.file("bars"));
  CHECK(started(1, true).empty());
}

TEST(Bars, that_a_start_cannot_write_are_written_with_the_first_commit_that_can) {
  copy("bars", "earlier");
  bar_two();
  close();
  copy("earlier", "bars");
  fs::create_directory(folder.file("bars.new"));
  const auto make_room = [this] { fs::remove(folder.file("bars.new")); };
  STRCMP_CONTAINS("though the file bars does not: pump-1, pump-2",
                  started(0, false, make_room).c_str());
  CHECK_EQUAL(2, read_bars(folder.file("bars")).bars.size());
}

TEST(Bars, what_a_start_finds_is_found_again_until_there_is_a_commit) {
  bar_two();
  close();
  fs::remove(folder.file("bars"));
  for (int killed = 0; killed < 3; ++killed) {
    STRCMP_CONTAINS("the file bars was missing", all(recovered(7)).c_str());
  }
  STRCMP_CONTAINS("the file bars was missing", started(7).c_str());
  CHECK(started(8).empty());
}

TEST(Bars, that_cannot_be_read_stop_the_start) {
  bar_two();
  close();
  fs::remove(folder.file("bars"));
  fs::create_directory(folder.file("bars"));
  auto opened = SqliteFleetStore::open(folder.file("fleet.db"), answers.poster(), {});
  CHECK_FALSE(opened.ok());
  STRCMP_CONTAINS("bars: who is kept out cannot be read", opened.error().message.c_str());
}

TEST(Bars, a_count_of_starts_that_went_back_is_said_of_the_store_that_has_it) {
  close();
  for (const std::uint64_t start : {1, 2, 3}) CHECK(started(start).empty());
  // Killed before the ledger had written it.
  CHECK(started(3).empty());
  STRCMP_CONTAINS("ledger.db is an earlier copy, or began anew", started(1).c_str());
  CHECK(started(2).empty());
}

TEST(Bars, of_a_version_without_the_file_are_in_it_from_the_first_start_on) {
  bar_two();
  close();
  fs::remove(folder.file("bars"));
  STRCMP_CONTAINS("the file bars was missing", started(0).c_str());
  lose_store();
  LONGS_EQUAL(2, recovered().barred.size());
}

TEST(Bars, are_in_doubt_when_neither_the_store_nor_their_file_is_whole) {
  bar_two();
  close();
  CHECK(all(recovered()).empty());
  lose_store();
  CHECK(all(recovered()).find("may be let in") == std::string::npos);
  lose_store();
  fs::remove(folder.file("bars"));
  STRCMP_CONTAINS("Nor does fleet.db know", all(recovered()).c_str());
  lose_store();
  write("bars", "pump-1 3 revoked\npump-2 3 quar");
  const FleetRecovered found = recovered();
  STRCMP_CONTAINS("Nor does fleet.db know", all(found).c_str());
  LONGS_EQUAL(1, found.barred.size());  // what can be read of it holds
  STRCMP_EQUAL("pump-1", found.barred.front().c_str());
}

TEST(Bars, that_cannot_be_written_hold_and_everybody_is_told_so_until_they_are) {
  std::vector<std::string> alarms, reports;
  options.alarm = [&](const std::string& text) { alarms.push_back(text); };
  options.report = [&](const std::string& text) { reports.push_back(text); };
  open();
  fs::remove(folder.file("bars"));
  fs::create_directory(folder.file("bars.new"));  // nothing can be written in its place
  for (const char* device : {"pump-1", "pump-2"}) {
    const Result<void> told = wait<void>(
        [&](auto done) { fleet->change(device, {.revoked = true}, {}, std::move(done)); });
    CHECK(told.error().code == Code::unavailable);
    STRCMP_CONTAINS("holds from now on, but cannot be stored", told.error().message.c_str());
    CHECK(health(device) == Health::revoked);
  }
  CHECK_EQUAL(1, alarms.size());
  STRCMP_CONTAINS("bars.new", fleet->summary().store_problem.c_str());
  fs::remove(folder.file("bars.new"));
  CHECK(reports.empty());
  set("pump-3", {.group = "field"});
  CHECK_EQUAL(1, reports.size());
  CHECK(fleet->summary().store_problem.empty());
  const FoundBars found = read_bars(folder.file("bars"));
  CHECK(found.whole);
  CHECK(found.bars.at("pump-1").revoked);
  CHECK(found.bars.at("pump-2").revoked);
  open();
  CHECK(health("pump-2") == Health::revoked);
}

TEST(Bars, that_could_not_be_written_are_tried_again_at_the_end_with_all_that_waits) {
  fs::create_directory(folder.file("bars.new"));
  const DeviceChange change{.group = "field", .revoked = true};
  CHECK_FALSE(
      wait<void>([&](auto done) { fleet->change("pump-1", change, {}, std::move(done)); }).ok());
  fs::remove(folder.file("bars.new"));
  fleet->flush();
  open();
  CHECK(health("pump-1") == Health::revoked);
  STRCMP_EQUAL("field", fleet->device("pump-1")->row.group.c_str());
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
