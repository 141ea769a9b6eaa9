#include "cloud/fleet/health.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;
using namespace std::chrono_literals;
using wire::Metric;

TEST_GROUP(Health) {
  HealthPolicy policy;
  HealthMemory memory;
  wire::Metrics metrics;
  HealthFacts facts;

  void setup() override {
    facts.seen = facts.online = true;
    facts.metrics = &metrics;
    facts.wall = 1'700'000'000s;
  }
  Verdict verdict() { return judge(memory, facts, policy); }
  bool has(Reason reason) { return verdict().reasons.has(reason); }
};

TEST(Health, a_device_that_says_nothing_bad_is_operational) {
  CHECK(verdict().health == Health::operational);
  CHECK(verdict().reasons.none());
}

TEST(Health, what_operators_said_comes_first_then_absence) {
  facts.online = false;
  facts.ended = Reason::will;
  CHECK(verdict().health == Health::disconnected);
  CHECK(has(Reason::will));
  facts.ended = Reason::goodbye;
  CHECK(verdict().health == Health::sleeping);
  facts.seen = false;
  CHECK(verdict().health == Health::never_seen);
  facts.quarantined = true;
  CHECK(verdict().health == Health::quarantined);
  facts.revoked = true;
  CHECK(verdict().health == Health::revoked);
}

TEST(Health, a_store_that_was_put_back_is_said_for_an_hour) {
  memory.restored_at = facts.wall;
  CHECK(has(Reason::restored));
  CHECK(verdict().health == Health::degraded);
  facts.wall += 61min;
  CHECK_FALSE(has(Reason::restored));
}

TEST(Health, a_cloned_identity_is_said_also_between_two_connections_until_it_is_long_quiet) {
  memory.cloned_at = facts.wall;
  CHECK(has(Reason::cloned));
  facts.online = false;
  facts.ended = Reason::will;
  CHECK(has(Reason::cloned));
  facts.wall += 11min;
  CHECK_FALSE(has(Reason::cloned));
}

TEST(Health, an_update_is_said_ahead_of_complaints_but_keeps_them) {
  metrics.set(Metric::updating, 1);
  metrics.set(Metric::temperature_mc, 90'000);
  CHECK(verdict().health == Health::updating);
  CHECK(has(Reason::hot));
}

TEST(Health, heat_begins_at_one_threshold_and_ends_at_a_lower_one) {
  metrics.set(Metric::temperature_mc, 79'000);
  CHECK_FALSE(has(Reason::hot));
  metrics.set(Metric::temperature_mc, 80'000);
  CHECK(has(Reason::hot));
  CHECK(verdict().health == Health::degraded);
  metrics.set(Metric::temperature_mc, 76'000);
  CHECK(has(Reason::hot));
  metrics.set(Metric::temperature_mc, 74'000);
  CHECK_FALSE(has(Reason::hot));
  metrics.set(Metric::throttled, 1);
  CHECK(has(Reason::hot));
}

TEST(Health, a_battery_is_low_only_while_it_is_used) {
  metrics.set(Metric::battery_permille, 100);
  CHECK_FALSE(has(Reason::battery_low));
  metrics.set(Metric::on_battery, 1);
  CHECK(has(Reason::battery_low));
}

TEST(Health, loss_or_delay_make_a_link_poor) {
  metrics.set(Metric::loss_permille, 100);
  CHECK(has(Reason::link_poor));
  metrics.set(Metric::loss_permille, 0);
  CHECK_FALSE(has(Reason::link_poor));
  metrics.set(Metric::rtt_us, 3'000'000);
  CHECK(has(Reason::link_poor));
}

TEST(Health, a_clock_is_wrong_when_unset_or_far_off) {
  metrics.set(Metric::clock_source, std::int64_t(wire::ClockSource::unset));
  CHECK(has(Reason::clock_wrong));
  metrics.set(Metric::clock_source, std::int64_t(wire::ClockSource::ntp));
  CHECK_FALSE(has(Reason::clock_wrong));
  facts.clock_off = 2min;
  CHECK(has(Reason::clock_wrong));
}

TEST(Health, a_certificate_complains_two_weeks_ahead) {
  metrics.set(Metric::certificate_expires_s, 1'700'000'000 + 20 * 86'400);
  CHECK_FALSE(has(Reason::certificate_expiring));
  metrics.set(Metric::certificate_expires_s, 1'700'000'000 + 13 * 86'400);
  CHECK(has(Reason::certificate_expiring));
}

TEST(Health, a_disk_is_low_by_its_share) {
  metrics.set(Metric::disk_total, 1000);
  CHECK_FALSE(has(Reason::disk_low));  // how much is free is not known
  metrics.set(Metric::disk_free, 100);
  CHECK_FALSE(has(Reason::disk_low));
  metrics.set(Metric::disk_free, 40);
  CHECK(has(Reason::disk_low));
}

TEST(Health, failures_count_by_their_share_once_there_are_some) {
  wire::Metrics was;
  was.set(Metric::failed, 0);
  was.set(Metric::done_local, 0);
  metrics = was;
  metrics.set(Metric::failed, 4);
  note_frame(memory, was, metrics, facts.wall);
  CHECK_FALSE(has(Reason::tasks_failing));  // too few
  was = metrics;
  metrics.set(Metric::failed, 10);
  note_frame(memory, was, metrics, facts.wall);
  CHECK(has(Reason::tasks_failing));
  was = metrics;
  metrics.set(Metric::done_local, 200);
  note_frame(memory, was, metrics, facts.wall);
  CHECK_FALSE(has(Reason::tasks_failing));
}

TEST(Health, lost_data_is_shown_for_an_hour) {
  wire::Metrics was;
  was.set(Metric::lost, 7);
  metrics.set(Metric::lost, 8);
  note_frame(memory, was, metrics, facts.wall);
  CHECK(has(Reason::data_lost));
  facts.wall += 59min;
  CHECK(has(Reason::data_lost));
  facts.wall += 2min;
  CHECK_FALSE(has(Reason::data_lost));
}

TEST(Health, a_flood_is_shown_for_five_minutes_after_its_last_message) {
  memory.flooded_at = facts.wall;
  CHECK(has(Reason::flooding));
  facts.wall += 4min;
  CHECK(has(Reason::flooding));
  facts.wall += 2min;
  CHECK_FALSE(has(Reason::flooding));
}

TEST(Health, a_flood_is_shown_also_of_a_device_that_is_not_connected) {
  memory.flooded_at = facts.wall;
  facts.online = false;
  facts.ended = Reason::goodbye;
  CHECK(has(Reason::flooding));
}

TEST(Health, a_backlog_grows_when_it_did_for_three_minutes) {
  note_minute(memory, 100, policy);
  note_minute(memory, 150, policy);
  note_minute(memory, 200, policy);
  CHECK_FALSE(has(Reason::backlog_growing));
  note_minute(memory, 300, policy);
  CHECK(has(Reason::backlog_growing));
  note_minute(memory, 300, policy);
  CHECK(has(Reason::backlog_growing));  // it stands, but has not begun to fall
  note_minute(memory, 200, policy);
  CHECK_FALSE(has(Reason::backlog_growing));
}

TEST(Health, a_small_backlog_may_grow) {
  for (int i = 0; i < 10; ++i) note_minute(memory, i * 4, policy);
  CHECK_FALSE(has(Reason::backlog_growing));
}

TEST(Health, a_counter_that_starts_again_rises_from_zero) {
  wire::Metrics was, is;
  is.set(Metric::done_local, 50);
  CHECK_EQUAL(0, rise(Metric::done_local, was, is));  // the first we hear of it
  was.set(Metric::done_local, 40);
  CHECK_EQUAL(10, rise(Metric::done_local, was, is));
  was.set(Metric::done_local, 90);
  CHECK_EQUAL(50, rise(Metric::done_local, was, is));
}
