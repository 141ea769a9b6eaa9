#include "tests/unit/cloud_fleet/fleet_rig.h"

using namespace spillway;
using namespace spillway::cloud;
using namespace std::chrono_literals;
using wire::Metric;

TEST_GROUP_BASE(Fleet, FleetRig){};

namespace {

wire::Presence birth_of(std::uint64_t boot, std::uint64_t number, std::vector<Origin> lives,
                        Origin store = Origin{1}) {
  wire::Presence presence = birth(boot, true, boot);
  presence.lineage = {store, number, std::move(lives)};
  return presence;
}

// A disk that takes nothing, and does not say so.
struct StuckStore final : FleetStore {
  void commit(sqlite::SharedBatch<FleetBatch>, Done<void>) override {}
  void history(std::uint32_t, SeriesQuery, Done<std::vector<DevicePoint>>) override {}
  void sessions(std::uint32_t, std::uint32_t, Done<std::vector<SessionView>>) override {}
  void events(std::uint32_t, std::uint64_t, std::uint32_t,
              Done<std::vector<EventRecord>>) override {}
  void prune(FleetRetention, Wall, std::size_t, Done<std::uint64_t>) override {}
};

}  // namespace

TEST(Fleet, history_that_waits_too_long_for_the_disk_is_let_go_and_counted) {
  StuckStore stuck;
  begin(&stuck);
  for (int i = 0; i < 1000; ++i) fleet->on_presence("pump-" + std::to_string(i), birth(1));
  pass(1s);
  CHECK_EQUAL(0, fleet->summary().history_dropped);
  for (std::uint64_t session = 2; session < 16; ++session) {
    for (int i = 0; i < 1000; ++i) {
      fleet->on_presence("pump-" + std::to_string(i), birth(session));
      fleet->on_presence("pump-" + std::to_string(i), birth(session, false));
    }
  }
  pass(1s);
  CHECK(fleet->summary().history_dropped > 0);
}

TEST(Fleet, a_device_whose_store_goes_on_from_an_earlier_copy_is_told_apart_from_a_restart) {
  CHECK(fleet->on_presence("pump-1", birth_of(1, 5, {{50}, {40}})) == LifeChange::none);
  CHECK(fleet->on_presence("pump-1", birth_of(2, 6, {{60}, {50}})) == LifeChange::none);
  CHECK_FALSE(fleet->device("pump-1")->row.reasons.has(Reason::restored));
  CHECK(fleet->on_presence("pump-1", birth_of(3, 6, {{61}, {50}})) == LifeChange::restored);
  CHECK(fleet->device("pump-1")->row.reasons.has(Reason::restored));
  CHECK(fleet->on_presence("pump-1", birth_of(4, 2, {{8}, {7}}, Origin{7})) == LifeChange::another);
  // From a program that tells nothing nothing is learned.
  CHECK(fleet->on_presence("pump-1", birth(5, true, 5)) == LifeChange::none);
  CHECK(fleet->on_presence("pump-1", birth_of(6, 3, {{9}, {8}}, Origin{7})) == LifeChange::none);
}

TEST(Fleet, what_is_known_of_a_devices_life_outlasts_a_restart) {
  TempFolder folder;
  Answers answers;
  auto opened = SqliteFleetStore::open(folder.file("fleet.db"), answers.poster(), {});
  CHECK_OK(opened);
  begin(opened->store.get());
  fleet->on_presence("pump-1", birth_of(1, 5, {{50}, {40}}));
  fleet->on_presence("pump-1", birth_of(2, 5, {{51}, {40}}));
  fleet->flush();
  fleet.reset();
  opened->store.reset();
  opened = SqliteFleetStore::open(folder.file("fleet.db"), answers.poster(), {});
  CHECK_OK(opened);
  begin(opened->store.get(), std::move(opened->recovered));
  CHECK(fleet->on_presence("pump-1", birth_of(3, 6, {{60}, {51}})) == LifeChange::none);
  CHECK(fleet->device("pump-1")->row.reasons.has(Reason::restored));
  CHECK(fleet->on_presence("pump-1", birth_of(4, 6, {{66}, {50}})) == LifeChange::restored);
  fleet.reset();
}

TEST(Fleet, two_processes_that_speak_as_one_device_raise_one_alert_and_are_no_restored_store) {
  fleet->on_presence("pump-1", birth_of(1, 5, {{50}, {40}}));
  fleet->on_presence("pump-1", birth_of(2, 5, {{51}, {40}}));
  CHECK(fleet->on_presence("pump-1", birth_of(1, 5, {{50}, {40}})) == LifeChange::none);
  fleet->on_cloned("pump-1");
  const std::vector<Alert> alerts = fleet->alerts({});
  CHECK_EQUAL(1, alerts.size());
  STRCMP_EQUAL("cloned", alerts.front().rule.c_str());
  CHECK(alerts.front().severity == Severity::critical);
  // Each takes the other's connection: still one alert.
  fleet->on_presence("pump-1", birth(2, false, 2));
  pass(5s);
  fleet->on_presence("pump-1", birth_of(2, 5, {{51}, {40}}));
  fleet->on_cloned("pump-1");
  CHECK_EQUAL(1, fleet->alerts({}).size());
}

TEST(Fleet, copies_of_a_device_that_speak_in_turn_are_no_stores_made_anew) {
  const auto speak = [this](std::uint64_t copy, std::uint64_t session, bool in_doubt) {
    wire::Presence said = birth_of(copy, 5, {Origin{40 + copy}}, Origin{copy});
    said.session = session;
    return fleet->on_presence("pump-1", said, in_doubt);
  };
  CHECK(speak(1, 1, false) == LifeChange::none);
  CHECK(speak(2, 1, false) == LifeChange::another);
  CHECK(speak(3, 1, false) == LifeChange::another);
  CHECK(speak(1, 2, true) == LifeChange::none);
  CHECK(speak(2, 2, true) == LifeChange::none);
  CHECK(fleet->device("pump-1")->row.reasons.has(Reason::restored));
  fleet->on_cloned("pump-1");
  const cloud::Reasons reasons = fleet->device("pump-1")->row.reasons;
  CHECK(reasons.has(Reason::cloned));
  CHECK_FALSE(reasons.has(Reason::restored));
  // Later it is as before: what is heard is judged by the life that was heard last.
  CHECK(speak(2, 3, false) == LifeChange::none);
  CHECK(speak(9, 4, false) == LifeChange::another);
}

TEST(Fleet, a_wipe_while_copies_speak_in_turn_is_said_for_an_hour_however_long_they_go_on) {
  const auto speak = [this](std::uint64_t boot, Origin store, bool in_doubt) {
    return fleet->on_presence("pump-1", birth_of(boot, 5, {Origin{40 + boot}}, store), in_doubt);
  };
  const auto says = [this](Reason reason) {
    return fleet->device("pump-1")->row.reasons.has(reason);
  };
  (void)speak(1, Origin{1}, false);
  (void)speak(2, Origin{1}, true);
  fleet->on_cloned("pump-1");
  CHECK(speak(3, Origin{3}, false) == LifeChange::another);
  for (int turn = 0; turn < 20; ++turn) {
    (void)speak(turn % 2 == 0 ? 2 : 3, turn % 2 == 0 ? Origin{1} : Origin{3}, true);
    fleet->on_cloned("pump-1");
    CHECK(says(Reason::cloned));
    CHECK(says(Reason::restored));
    clock.advance(2min);
  }
  clock.advance(21min);
  fleet->on_cloned("pump-1");
  CHECK(says(Reason::cloned));
  CHECK_FALSE(says(Reason::restored));
}

TEST(Fleet, a_device_that_was_made_anew_is_heard_under_a_session_number_of_its_life_before) {
  fleet->on_presence("pump-1", birth(1, true, 5));
  for (int i = 0; i < 5; ++i) frame("pump-1", 1);
  fleet->on_presence("pump-1", birth(1, true, 6));
  seq = 0;
  for (int i = 0; i < 4; ++i) {
    pass(10s);
    frame("pump-1", 1);
  }
  CHECK(health("pump-1") == Health::operational);
  CHECK(fleet->device("pump-1")->row.last_seen == clock.wall_time());
}

TEST(Fleet, a_device_appears_with_its_birth_and_is_dead_after_three_heartbeats) {
  fleet->on_presence("pump-1", birth(1));
  CHECK(health("pump-1") == Health::operational);
  frame("pump-1", 1);
  pass(30s);
  CHECK(health("pump-1") == Health::operational);
  pass(3s);
  CHECK(health("pump-1") == Health::disconnected);
  CHECK(fleet->device("pump-1")->row.reasons.has(Reason::heartbeats_missed));
  CHECK_EQUAL(0U, fleet->summary().online);
  frame("pump-1", 1);
  CHECK(health("pump-1") == Health::operational);
}

TEST(Fleet, a_late_will_never_marks_a_live_device_dead) {
  fleet->on_presence("pump-1", birth(1));
  frame("pump-1", 2);
  fleet->on_presence("pump-1", birth(1, false));
  CHECK(health("pump-1") == Health::operational);
  fleet->on_presence("pump-1", birth(2, false));
  CHECK(health("pump-1") == Health::disconnected);
}

TEST(Fleet, nobody_is_missed_while_the_cloud_has_no_link) {
  fleet->on_presence("pump-1", birth(1));
  fleet->on_link(false);
  pass(5min);
  CHECK(health("pump-1") == Health::operational);
  fleet->on_link(true);
  pass(30s);
  CHECK(health("pump-1") == Health::operational);
  pass(15s);
  CHECK(health("pump-1") == Health::disconnected);
}

TEST(Fleet, a_goodbye_is_sleep_until_it_lasts_too_long) {
  fleet->on_presence("pump-1", birth(1));
  wire::Presence goodbye = birth(1, false);
  goodbye.graceful = true;
  fleet->on_presence("pump-1", goodbye);
  CHECK(health("pump-1") == Health::sleeping);
  pass(1h);
  CHECK(health("pump-1") == Health::sleeping);
  clock.advance(24h);
  pass(2s);
  CHECK(health("pump-1") == Health::disconnected);
}

TEST(Fleet, a_frame_that_comes_twice_or_late_changes_nothing) {
  fleet->on_presence("pump-1", birth(1));
  metrics.set(Metric::cpu_permille, 500);
  frame("pump-1", 1);
  metrics.set(Metric::cpu_permille, 100);
  seq -= 1;
  frame("pump-1", 1);
  CHECK_EQUAL(500, fleet->device("pump-1")->row.metrics.get(Metric::cpu_permille));
}

TEST(Fleet, hostile_frames_and_too_many_devices_are_turned_away) {
  options.max_devices = 10;
  begin();
  fleet->on_telemetry("pump-1", as_bytes("no telemetry"));
  CHECK_EQUAL(0U, fleet->summary().devices);
  for (int i = 0; i < 50; ++i) fleet->on_presence("pump-" + std::to_string(i), birth(1));
  CHECK_EQUAL(10U, fleet->summary().devices);
}

TEST(Fleet, the_summary_adds_up_what_devices_report) {
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t i = 0; i < 10; ++i) {
      metrics.set(Metric::queued_band2, 5);
      metrics.set(Metric::outbox_age_ms, std::int64_t(1000 * i));
      metrics.set(Metric::done_local, round * 20);
      metrics.set(Metric::done_cloud, round * 10);
      metrics.set(Metric::local_p50_us, 1000);
      metrics.set(Metric::local_p95_us, 4000);
      metrics.set(Metric::duplicates, round);
      frame("pump-" + std::to_string(i), 1);
    }
    pass(5s);
  }
  FleetSummary sum = fleet->summary();
  CHECK_EQUAL(10U, sum.devices);
  CHECK_EQUAL(10U, sum.online);
  CHECK_EQUAL(50U, sum.backlog);
  CHECK(sum.backlog_oldest == 9s);
  CHECK_EQUAL(20U, sum.duplicates);
  DOUBLES_EQUAL(1.0 / 3, sum.offload, 0.01);
  DOUBLES_EQUAL(40, sum.done_local, 0.1);
  DOUBLES_EQUAL(1000, double(sum.local.p50.count()), 100);
  CHECK_FALSE(fleet->series({}).empty());
}

TEST(Fleet, changes_are_told_together_and_only_when_something_changed) {
  std::vector<FleetChange> told;
  auto subscription = fleet->subscribe([&](const FleetChange& change) { told.push_back(change); });
  fleet->on_presence("pump-1", birth(1));
  fleet->on_presence("pump-2", birth(1));
  frame("pump-1", 1);
  pass(1s);
  CHECK_EQUAL(1U, told.size());
  CHECK_EQUAL(2U, told[0].devices.size());
  CHECK_EQUAL(6U, told[0].events.size());  // first seen, connected, operational: twice
  CHECK_EQUAL(2U, told[0].summary.online);
  pass(3s);
  CHECK_EQUAL(1U, told.size());
  frame("pump-1", 1);
  pass(1s);
  CHECK_EQUAL(2U, told.size());
  CHECK_EQUAL(told[0].id + 1, told[1].id);
  subscription.reset();
  frame("pump-1", 1);
  pass(2s);
  CHECK_EQUAL(2U, told.size());
}

TEST(Fleet, a_change_is_bounded_and_says_that_there_is_more) {
  options.max_change = 20;
  begin();
  FleetChange last;
  auto subscription = fleet->subscribe([&](const FleetChange& change) { last = change; });
  for (int i = 0; i < 100; ++i) frame("pump-" + std::to_string(i), 1);
  pass(1s);
  CHECK_EQUAL(20U, last.devices.size());
  CHECK(last.more);
}

TEST(Fleet, an_alert_fires_can_be_acknowledged_and_ends) {
  fleet->on_presence("pump-1", birth(1));
  metrics.set(Metric::lost, 0);
  frame("pump-1", 1);
  metrics.set(Metric::lost, 3);
  frame("pump-1", 1);
  std::vector<Alert> alerts = fleet->alerts({});
  CHECK_EQUAL(1U, alerts.size());
  STRCMP_EQUAL("data_lost", alerts[0].rule.c_str());
  CHECK(alerts[0].severity == Severity::critical);
  CHECK_EQUAL(1U, fleet->summary().firing);
  bool done = false;
  fleet->acknowledge(alerts[0].id, "ann", "known", [&](const Result<void>& ok) { done = ok.ok(); });
  CHECK(done);
  STRCMP_EQUAL("ann", fleet->alerts({})[0].acknowledged_by.c_str());
  clock.advance(61min);
  frame("pump-1", 1);
  CHECK_FALSE(fleet->alerts({})[0].firing);
}

TEST(Fleet, operators_change_devices_against_a_revision) {
  fleet->on_presence("pump-1", birth(1));
  Result<void> answer;
  auto done = [&](Result<void> result) { answer = std::move(result); };
  std::uint64_t revision = fleet->device("pump-1")->revision;
  DeviceChange change;
  change.group = "roof";
  change.labels = {{"b=2", "a=1", "a=1"}};
  change.by = "ann";
  fleet->change("pump-1", change, revision, done);
  CHECK(answer.ok());
  CHECK_EQUAL(2U, fleet->device("pump-1")->row.labels.size());
  fleet->change("pump-1", change, revision, done);
  CHECK(answer.error().code == Code::conflict);
  fleet->change("pump-9", change, {}, done);
  CHECK(answer.error().code == Code::not_found);
  change.labels = {{"nonsense"}};
  fleet->change("pump-1", change, {}, done);
  CHECK(answer.error().code == Code::invalid_argument);
  DeviceChange aside;
  aside.quarantined = true;
  aside.note = "smells";
  fleet->change("pump-1", aside, {}, done);
  CHECK(health("pump-1") == Health::quarantined);
  STRCMP_EQUAL("smells", fleet->device("pump-1")->note.c_str());
  fleet->expect("pump-2", {}, done);
  CHECK(health("pump-2") == Health::never_seen);
  // Forgotten it would be let in when it comes again.
  fleet->forget("pump-1", "ann", done);
  CHECK(answer.error().code == Code::conflict);
  CHECK(health("pump-1") == Health::quarantined);
  aside.quarantined = false;
  fleet->change("pump-1", aside, {}, done);
  fleet->forget("pump-1", "ann", done);
  CHECK_FALSE(fleet->device("pump-1").ok());
}

TEST(Fleet, series_of_a_device_have_its_samples) {
  for (int i = 0; i < 30; ++i) {
    metrics.set(Metric::cpu_permille, 10 * i);
    frame("pump-1", 1);
    pass(10s);
  }
  std::vector<DevicePoint> points;
  auto take = [&](const Result<std::vector<DevicePoint>>& got) { points = *got; };
  fleet->device_series("pump-1", {}, take);
  CHECK_EQUAL(12U, points.size());
  DOUBLES_EQUAL(0.29, double(points.back().mean[0]), 0.002);
  fleet->device_series("pump-1", {Resolution::minute, {}, Duration::max()}, take);
  CHECK(points.size() >= 4);
}

TEST_GROUP_BASE(FleetOnDisk, FleetOnDiskRig){};

TEST(FleetOnDisk, what_is_known_of_a_device_outlives_a_restart) {
  open();
  fleet->on_presence("pump-1", birth(7));
  metrics.set(Metric::lost, 5);
  frame("pump-1", 7);
  DeviceChange change;
  change.group = "roof";
  change.labels = {{"a=1", "b=2"}};
  CHECK_OK(wait<void>([&](auto done) { fleet->change("pump-1", change, {}, std::move(done)); }));
  fleet->on_loss("pump-1", {{"events", "disk_budget", 5, 1s, 2s, true}});
  fleet->on_presence("pump-1", birth(7, false));
  save();
  DeviceView before = *fleet->device("pump-1");
  open();
  DeviceView after = *fleet->device("pump-1");
  CHECK(after.row.health == Health::disconnected);
  CHECK(after.row.reasons.has(Reason::will));
  CHECK(after.row.since == before.row.since);
  CHECK(after.row.labels == before.row.labels);
  CHECK_EQUAL(7U, after.session);
  CHECK_EQUAL(before.revision, after.revision);
  STRCMP_EQUAL("1.0", after.row.version.c_str());
  CHECK_EQUAL(5U, fleet->summary().lost);
  CHECK_EQUAL(1U, fleet->losses("pump-1").size());
  CHECK(fleet->losses("pump-1").front().at_least);
  fleet->on_presence("pump-1", birth(7));  // late
  CHECK(health("pump-1") == Health::disconnected);
}

TEST(FleetOnDisk, who_was_there_before_a_restart_has_time_to_be_heard) {
  open();
  fleet->on_presence("pump-1", birth(7));
  save();
  clock.advance(1h);
  open();
  CHECK(health("pump-1") == Health::operational);
  pass(30s);
  CHECK(health("pump-1") == Health::operational);
  pass(15s);
  CHECK(health("pump-1") == Health::disconnected);
}

TEST(FleetOnDisk, minutes_and_quarters_go_to_the_disk_and_come_back) {
  open();
  for (int i = 0; i < 6 * 40; ++i) {
    metrics.set(Metric::cpu_permille, i);
    frame("pump-1", 1);
    clock.advance(10s);
    (void)fleet->cycle();
  }
  save();
  Wall start = 1'700'000'000s;
  SeriesQuery query{Resolution::minute, start, Duration::max()};
  auto minutes = wait<std::vector<DevicePoint>>(
      [&](auto done) { fleet->device_series("pump-1", query, std::move(done)); });
  CHECK_OK(minutes);
  CHECK(minutes->size() >= 38);
  for (std::size_t i = 1; i < minutes->size(); ++i) {
    CHECK(minutes->at(i).at == minutes->at(i - 1).at + 1min);
  }
  query.resolution = Resolution::quarter;
  auto quarters = wait<std::vector<DevicePoint>>(
      [&](auto done) { fleet->device_series("pump-1", query, std::move(done)); });
  CHECK_OK(quarters);
  CHECK(quarters->size() >= 2);
  open();
  CHECK(fleet->series({Resolution::minute, {}, Duration::max()}).size() >= 38);
}

TEST(FleetOnDisk, alerts_rules_and_silences_outlive_a_restart) {
  open();
  metrics.set(Metric::lost, 0);
  frame("pump-1", 1);
  metrics.set(Metric::lost, 3);
  frame("pump-1", 1);
  CHECK_OK(wait<void>([&](auto done) { fleet->drop_rule("hot", std::move(done)); }));
  AlertRule rule;
  rule.id = "busy";
  rule.subject = "cpu_permille";
  rule.value = 900.5;
  CHECK_OK(wait<void>([&](auto done) { fleet->put_rule(rule, std::move(done)); }));
  Silence silence;
  silence.rule = "disk_low";
  silence.until = clock.wall_time() + 1h;
  auto id = wait<std::uint64_t>([&](auto done) { fleet->silence(silence, std::move(done)); });
  CHECK_OK(id);
  save();
  std::vector<AlertRule> rules = fleet->rules();
  open();
  CHECK(fleet->rules() == rules);
  CHECK_EQUAL(1U, fleet->silences().size());
  std::vector<Alert> alerts = fleet->alerts({});
  CHECK_EQUAL(1U, alerts.size());
  CHECK(alerts[0].firing);
  CHECK_OK(wait<void>([&](auto done) { fleet->end_silence(*id, std::move(done)); }));
  open();
  CHECK(fleet->silences().empty());
}

TEST(FleetOnDisk, a_forgotten_device_is_gone_with_what_was_its_own) {
  open();
  fleet->on_presence("pump-1", birth(1));
  fleet->on_presence("pump-2", birth(1));
  save();
  CHECK_OK(wait<void>([&](auto done) { fleet->forget("pump-2", "ann", std::move(done)); }));
  open();
  CHECK_EQUAL(1U, fleet->summary().devices);
  fleet->on_presence("pump-2", birth(1));
  auto sessions = wait<std::vector<SessionView>>(
      [&](auto done) { fleet->sessions("pump-2", 10, std::move(done)); });
  CHECK_OK(sessions);
  CHECK(sessions->size() <= 1);
}

TEST(FleetOnDisk, a_loud_device_pushes_out_only_its_own_and_nothing_that_people_did) {
  open();
  fleet->on_presence("pump-1", birth(1));
  save();
  for (std::uint64_t session = 1; session <= 2000; ++session) {
    fleet->on_presence("loud", birth(session));
    if (session == 1) {
      CHECK_OK(wait<void>([&](auto done) { fleet->change("loud", {}, {}, std::move(done)); }));
    }
  }
  fleet->flush();
  FleetRetention few;
  few.events_rows = 1000;
  few.sessions_rows = 100;
  few.share(2);
  std::uint64_t removed = 1;
  while (removed > 0) {
    auto one = answers.ask<std::uint64_t>(
        [&](auto done) { store->prune(few, clock.wall_time(), 256, std::move(done)); });
    CHECK_OK(one);
    removed = *one;
  }
  auto events = [&](std::uint32_t device) {
    return answers.ask<std::vector<EventRecord>>(
        [&](auto done) { store->events(device, ~0ULL, 1000, std::move(done)); });
  };
  const auto loud = events(2);
  CHECK_EQUAL(501U, loud->size());
  CHECK(loud->back().event.kind == FleetEventKind::operator_action);
  std::vector<FleetEventKind> kinds;
  const auto quiet = events(1);
  for (const EventRecord& record : *quiet) kinds.push_back(record.event.kind);
  CHECK((kinds == std::vector{FleetEventKind::operator_action, FleetEventKind::health_changed,
                              FleetEventKind::connected, FleetEventKind::first_seen}));
  auto sessions = [&](std::uint32_t device) {
    return answers.ask<std::vector<SessionView>>(
        [&](auto done) { store->sessions(device, 1000, std::move(done)); });
  };
  CHECK_EQUAL(50U, sessions(2)->size());
  CHECK_EQUAL(1U, sessions(1)->size());
}

TEST(FleetOnDisk, over_the_budget_of_its_bytes_the_oldest_go) {
  open();
  for (std::uint64_t session = 1; session <= 2000; ++session) {
    fleet->on_presence("pump-1", birth(session));
  }
  save();
  FleetRetention little;
  little.bytes = 1;
  auto removed = answers.ask<std::uint64_t>(
      [&](auto done) { store->prune(little, clock.wall_time(), 256, std::move(done)); });
  CHECK_OK(removed);
  CHECK_EQUAL(2U * 256, *removed);
}

TEST(FleetOnDisk, history_stays_inside_its_retention) {
  open();
  fleet->on_presence("pump-1", birth(1));
  for (std::uint64_t session = 2; session < 2002; ++session) {
    fleet->on_presence("pump-1", birth(session));
  }
  save();
  FleetRetention few;
  few.events_rows = 100;
  few.sessions_rows = 50;
  Wall wall = clock.wall_time();
  for (int round = 0; round < 40; ++round) {
    auto removed = answers.ask<std::uint64_t>(
        [&](auto done) { store->prune(few, wall, 256, std::move(done)); });
    CHECK_OK(removed);
    CHECK(*removed <= 4 * 256);
  }
  auto events = answers.ask<std::vector<EventRecord>>(
      [&](auto done) { store->events(0, ~0ULL, 1000, std::move(done)); });
  CHECK_OK(events);
  CHECK_EQUAL(100U + 1, events->size());  // and what an operator did
  auto sessions = answers.ask<std::vector<SessionView>>(
      [&](auto done) { store->sessions(1, 1000, std::move(done)); });
  CHECK_OK(sessions);
  CHECK_EQUAL(50U, sessions->size());
  CHECK_EQUAL(2001U, sessions->at(0).session);
}
