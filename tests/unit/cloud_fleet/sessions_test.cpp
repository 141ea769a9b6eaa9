#include "tests/unit/cloud_fleet/fleet_rig.h"

using namespace spillway;
using namespace spillway::cloud;

TEST_GROUP_BASE(SessionHistory, FleetOnDiskRig){// As they are stored, newest first.
                                                std::vector<SessionView> all(){save();
auto sessions = wait<std::vector<SessionView>>(
    [&](auto done) { fleet->sessions("pump-1", 10, std::move(done)); });
CHECK_OK(sessions);
return *sessions;
}
}
;

TEST(SessionHistory, sessions_and_events_can_be_looked_up) {
  open();
  for (std::uint64_t session = 1; session <= 3; ++session) {
    fleet->on_presence("pump-1", birth(session));
    clock.advance(10s);
    fleet->on_presence("pump-1", birth(session, false));
    clock.advance(10s);
  }
  fleet->on_presence("pump-1", birth(4));
  const auto sessions = all();
  CHECK_EQUAL(4U, sessions.size());
  CHECK_FALSE(sessions.at(0).until.has_value());
  CHECK(sessions.at(1).ended == SessionEnd::will);
  CHECK(*sessions.at(1).until - sessions.at(1).from == Wall(10s));
  options.max_events = 3;  // so that the rest comes from the disk
  open();
  auto events = wait<std::vector<FleetEvent>>([&](auto done) {
    fleet->events({"pump-1", ~0ULL, 8}, std::move(done));
  });
  CHECK_OK(events);
  CHECK_EQUAL(8U, events->size());
  for (std::size_t i = 1; i < 8; ++i) CHECK(events->at(i - 1).id > events->at(i).id);
}

TEST(SessionHistory, a_session_that_an_operator_ended_says_so_and_goes_on_once_it_may) {
  const auto mark = [&](bool quarantined, bool revoked) {
    DeviceChange change;
    change.quarantined = quarantined;
    change.revoked = revoked;
    fleet->change("pump-1", change, {}, {});
  };
  const auto newest = [&] { return all().front(); };
  open();
  fleet->on_presence("pump-1", birth(1));
  clock.advance(10s);
  mark(true, false);
  CHECK(newest().ended == SessionEnd::quarantined);
  CHECK(*newest().until - newest().from == Wall(10s));
  CHECK_FALSE(fleet->device("pump-1")->row.online);
  // Neither silence nor a restart, at which the broker tells of its birth again, changes that.
  pass(1min);
  save();
  open();
  fleet->on_presence("pump-1", birth(1));
  CHECK(newest().ended == SessionEnd::quarantined);
  CHECK(*newest().until - newest().from == Wall(10s));
  mark(false, false);
  CHECK_FALSE(newest().ended.has_value());
  CHECK_FALSE(newest().until.has_value());
  CHECK(health("pump-1") == Health::operational);
  // A session that comes while the device is barred is over as it comes.
  mark(false, true);
  fleet->on_presence("pump-1", birth(2));
  UNSIGNED_LONGS_EQUAL(2, newest().session);
  CHECK(newest().ended == SessionEnd::revoked);
  // The device went meanwhile, by itself: so it is away when it is let in.
  fleet->on_presence("pump-1", birth(2, false));
  CHECK(newest().ended == SessionEnd::revoked);
  mark(false, false);
  CHECK(health("pump-1") == Health::disconnected);
}

TEST(SessionHistory, a_session_that_had_ended_before_its_device_was_barred_does_not_come_back) {
  open();
  fleet->on_presence("pump-1", birth(1));
  pass(10min);
  DeviceChange change;
  change.quarantined = true;
  fleet->change("pump-1", change, {}, {});
  save();
  open();
  change.quarantined = false;
  fleet->change("pump-1", change, {}, {});
  CHECK_FALSE(fleet->device("pump-1")->row.online);
  CHECK(health("pump-1") == Health::disconnected);
}

TEST(SessionHistory, a_number_that_comes_again_with_another_boot_is_another_session) {
  open();
  fleet->on_presence("pump-1", birth(1));
  clock.advance(10s);
  fleet->on_presence("pump-1", birth(2));
  clock.advance(10s);
  // The device's state is wiped, and it counts from the beginning again: also in a cloud that was
  // restarted.
  fleet->on_presence("pump-1", birth(1, true, 2));
  save();
  open();
  clock.advance(10s);
  fleet->on_presence("pump-1", birth(2, true, 2));
  clock.advance(10s);
  fleet->on_presence("pump-1", birth(2, true, 3));
  const auto sessions = all();
  CHECK_EQUAL(5, sessions.size());
  const std::uint64_t numbers[] = {2, 2, 1, 2, 1};
  for (std::size_t i = 0; i < 5; ++i) {
    UNSIGNED_LONGS_EQUAL(numbers[i], sessions[i].session);
    if (i == 0) continue;
    CHECK(sessions[i].until == sessions[i - 1].from);
    CHECK(*sessions[i].until - sessions[i].from >= Wall(10s));
  }
  CHECK_FALSE(sessions.front().until.has_value());
  clock.advance(10s);
  fleet->on_presence("pump-1", birth(2, false, 3));
  CHECK(all().front().ended == SessionEnd::will);
  CHECK_EQUAL(5, all().size());
}

TEST(SessionHistory, a_birth_that_a_frame_overtook_is_of_the_session_that_the_frame_began) {
  open();
  fleet->on_presence("pump-1", birth(1));
  frame("pump-1", 2);
  fleet->on_presence("pump-1", birth(2, true, 2));
  const auto sessions = all();
  CHECK_EQUAL(2, sessions.size());
}

TEST(SessionHistory, one_that_comes_with_a_known_number_while_it_is_barred_is_another_one_too) {
  open();
  fleet->on_presence("pump-1", birth(1));
  DeviceChange change;
  change.quarantined = true;
  fleet->change("pump-1", change, {}, {});
  clock.advance(10s);
  fleet->on_presence("pump-1", birth(1, true, 2));
  const auto sessions = all();
  CHECK_EQUAL(2, sessions.size());
  for (const SessionView& session : sessions) CHECK(session.ended == SessionEnd::quarantined);
}

TEST(SessionHistory, what_an_older_version_kept_is_still_there_and_told_apart_from_now_on) {
  open();
  fleet->on_presence("pump-1", birth(1));
  save();
  fleet.reset();
  store.reset();
  {  // as it was
    auto file = sqlite::Database::open(folder.file("fleet.db"), false);
    CHECK_OK(file);
    auto version = file->integer("PRAGMA user_version");
    const std::string before = "ALTER TABLE session DROP COLUMN number; PRAGMA user_version = " +
                               std::to_string(*version - 1);
    CHECK_OK(file->execute(before.c_str()));
  }
  open();
  clock.advance(10s);
  fleet->on_presence("pump-1", birth(1, true, 2));
  const auto sessions = all();
  CHECK_EQUAL(2, sessions.size());
  for (const SessionView& session : sessions) UNSIGNED_LONGS_EQUAL(1, session.session);
}
