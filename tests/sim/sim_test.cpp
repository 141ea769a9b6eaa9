#include "tests/sim/campaign.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::sim;

TEST_GROUP(Sim){static Report run(Variant variant, std::uint64_t schedules){Campaign campaign;
campaign.variant = variant;
campaign.schedules = schedules;
return run_campaign(campaign);
}
static void check_rejected(Variant variant) {
  const Report report = run(variant, 2000);
  CHECK_TRUE(report.failure.has_value());
  World world(variant);
  const Outcome again = world.run(report.failure->seed, report.failure->limits);
  STRCMP_EQUAL(report.failure->what.c_str(), again.failure.c_str());
  UNSIGNED_LONGS_EQUAL(report.failure->events, again.events);
  CHECK_TRUE(!report.failure->log.empty());
  World sound(Variant::good);
  STRCMP_EQUAL("", sound.run(report.failure->seed, {}).failure.c_str());
}
}
;

TEST(Sim, one_hundred_thousand_schedules_keep_P1_to_P8_and_P10) {
  const Report report = run(Variant::good, 100'000);
  UT_PRINT(summary(report).c_str());
  if (report.failure) FAIL(describe(*report.failure, Variant::good).c_str());
  UNSIGNED_LONGS_EQUAL(100'000, report.schedules);
  STRCMP_EQUAL_TEXT("", report.stats.missing().c_str(), "situations that never occurred");
}

TEST(Sim, rejects_an_owner_that_fences_by_id_only) { check_rejected(Variant::fence_by_id); }

TEST(Sim, rejects_an_owner_that_trusts_state_alone) { check_rejected(Variant::trust_state); }

TEST(Sim, rejects_an_owner_that_answers_before_it_commits) { check_rejected(Variant::ack_early); }

TEST(Sim, rejects_a_lessee_that_fences_by_id_only) { check_rejected(Variant::obey_by_id); }

TEST(Sim, rejects_a_lessee_that_accepts_before_it_commits) {
  check_rejected(Variant::accept_early);
}

TEST(Sim, the_same_seed_gives_the_same_schedule) {
  World one(Variant::good), two(Variant::good);
  two.run(1, {});
  STRCMP_EQUAL(one.run(7, {}, true).log.c_str(), two.run(7, {}, true).log.c_str());
}

TEST(Sim, P1_P5_P6_P7_P9_hold_in_ten_thousand_schedules_of_whole_agents_and_cloud_replicas) {
  Campaign campaign;
  campaign.nodes = true;
  campaign.schedules = 10'000;
  const Report report = run_campaign(campaign);
  UT_PRINT(summary(report).c_str());
  if (report.failure) FAIL(describe(*report.failure, Variant::good).c_str());
  UNSIGNED_LONGS_EQUAL(10'000, report.schedules);
  // Nothing was left out, neither place sat idle, and crashes poison few.
  UNSIGNED_LONGS_EQUAL(14, report.nodes.faults.size());
  CHECK_TRUE(report.nodes.in_cloud > report.nodes.accepted / 20);
  CHECK_TRUE(report.nodes.to_devices > report.nodes.accepted / 4);
  CHECK_TRUE(report.nodes.in_cloud < report.nodes.accepted / 2);
  CHECK_TRUE(report.nodes.poisoned < report.nodes.accepted / 100);
}

TEST(Sim, the_same_seed_gives_the_same_schedule_of_whole_nodes) {
  Nodes one, two;
  two.run(1, {});
  const std::string log = one.run(7, {}, true).log;
  STRCMP_CONTAINS("FAULT", log.c_str());
  STRCMP_EQUAL(log.c_str(), two.run(7, {}, true).log.c_str());
}

TEST(Sim, a_schedule_of_whole_nodes_can_be_cut_short) {
  Nodes nodes;
  LONGS_EQUAL(10, nodes.run(3, {2, 10}).events);
  CHECK_TRUE(nodes.run(3, {}).events > 10);
}
