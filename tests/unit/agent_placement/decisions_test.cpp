#include "tests/unit/agent_placement/world.h"

#include <CppUTest/TestHarness.h>

namespace spillway::placement {
namespace {
const NodeTime kNow = at(10'000);
}

// `spin` takes 25 ms a unit here and there; the link has 10 ms round trips and 1 MB/s.
TEST_GROUP(Decisions) {
  Placement placement{Policy{}};
  Place local = local_place();
  Place cloud = cloud_place();
  TaskSpec spec = spin();

  void setup() override {
    teach_kind(placement, "spin", kHere, 0.025, kNow);
    teach_kind(placement, "spin", kCloud, 0.025, kNow);
    teach_link(placement.link(), 0.01, 1e6, kNow);
  }
  void busy(double seconds) {
    local.idle = 0;
    local.queue = {seconds, seconds};
  }
  std::optional<Explanation> offer(const Candidate& c) {
    return placement.offer_local(c, local, cloud, kNow);
  }
  std::optional<std::pair<std::size_t, Explanation>> pick(std::vector<Candidate> ready) {
    placement.fill_backlog(ready, local, kNow);
    return placement.pick_for_cloud(ready, local, cloud, kNow);
  }
  bool goes_to_cloud(const Candidate& c) { return pick({c}).has_value(); }
};

TEST(Decisions, a_free_core_takes_what_the_cloud_would_not_finish_sooner) {
  const auto e = offer(candidate(spec));
  CHECK(e.has_value());
  CHECK(e->chosen == kHereName);
  STRCMP_EQUAL("a local worker is free and finishes it in 25 ms; the cloud would need 35 ms",
               e->dominant.c_str());
}

TEST(Decisions, a_deep_backlog_sends_the_task_that_would_wait_longest) {
  busy(0.01);
  const std::vector<Candidate> ready(40, candidate(spec, 4));
  const auto sent = pick(ready);
  CHECK(sent.has_value());
  CHECK_EQUAL(39U, sent->first);
  STRCMP_EQUAL("2 local workers are busy for 2.0 s; the cloud finishes it in 0.11 s",
               sent->second.dominant.c_str());
}

TEST(Decisions, a_short_queue_stays) {
  busy(0.01);
  CHECK_FALSE(pick({candidate(spec)}).has_value());
}

TEST(Decisions, only_the_first_64_ready_tasks_are_looked_at) {
  busy(0.01);
  const auto sent = pick(std::vector<Candidate>(300, candidate(spec)));
  CHECK(sent.has_value());
  CHECK_EQUAL(63U, sent->first);
}

TEST(Decisions, a_slow_link_gets_a_task_only_when_that_pays) {
  busy(0.5);
  teach_link(placement.link(), 0.3, 10e3, kNow);
  CHECK_FALSE(goes_to_cloud(candidate(spec, 1, 60'000)));
  busy(30);
  CHECK(goes_to_cloud(candidate(spec, 1, 60'000)));
}

TEST(Decisions, bytes_already_queued_on_the_link_count) {
  busy(1);
  CHECK(goes_to_cloud(candidate(spec)));
  cloud.queued_bytes = 2'000'000;
  CHECK_FALSE(goes_to_cloud(candidate(spec)));
}

TEST(Decisions, a_queue_in_the_cloud_counts) {
  busy(1);
  cloud.queue = {0.99, 0.99};
  CHECK_FALSE(goes_to_cloud(candidate(spec)));
}

TEST(Decisions, silence_on_the_link_counts_as_if_it_went_on_as_long_again) {
  busy(1);
  cloud.unacknowledged = std::chrono::milliseconds(100);
  CHECK(goes_to_cloud(candidate(spec)));
  cloud.unacknowledged = std::chrono::seconds(2);
  CHECK_FALSE(goes_to_cloud(candidate(spec)));
}

TEST(Decisions, an_offer_comes_back_when_the_link_is_silent_for_longer_than_a_run_here_takes) {
  busy(0.2);
  cloud.queued_bytes = 20'000;
  cloud.unacknowledged = std::chrono::milliseconds(20);
  CHECK_FALSE(placement.withdraw(candidate(spec), local, cloud, kNow).has_value());
  cloud.unacknowledged = std::chrono::milliseconds(200);  // late, but a core is not sooner
  CHECK_FALSE(placement.withdraw(candidate(spec), local, cloud, kNow).has_value());
  cloud.unacknowledged = std::chrono::seconds(1);
  STRCMP_EQUAL("the cloud has not taken it for 1.0 s; this device finishes it in 0.22 s",
               placement.withdraw(candidate(spec), local, cloud, kNow)->c_str());
  spec.prefer = Prefer::cloud;
  CHECK_FALSE(placement.withdraw(candidate(spec), local, cloud, kNow).has_value());
}

TEST(Decisions, no_credits_no_offer) {
  busy(10);
  cloud.idle = 0;
  CHECK_FALSE(goes_to_cloud(candidate(spec)));
}

TEST(Decisions, a_core_is_left_to_others_when_the_cloud_is_much_faster) {
  teach_kind(placement, "spin", kCloud, 0.001, kNow);
  const Candidate heavy = candidate(spec, 40);
  CHECK_FALSE(offer(heavy).has_value());
  CHECK(goes_to_cloud(heavy));
  cloud.idle = 0;
  CHECK(offer(heavy).has_value());
  STRCMP_EQUAL("a local worker is free and the cloud has no room now",
               offer(heavy)->dominant.c_str());
}

TEST(Decisions, each_loss_makes_the_cloud_less_likely_and_four_rule_it_out) {
  busy(1);
  Candidate c = candidate(spec);
  CHECK(goes_to_cloud(c));
  c.losses = 4;
  CHECK_FALSE(goes_to_cloud(c));
  busy(1000);
  CHECK_FALSE(goes_to_cloud(c));
}

TEST(Decisions, a_kind_unknown_here_goes_to_the_cloud_and_never_starts_here) {
  local.kinds = {{"echo", 0, {}}};
  CHECK_FALSE(offer(candidate(spec)).has_value());
  const auto sent = pick({candidate(spec)});
  CHECK(sent.has_value());
  STRCMP_EQUAL("this device does not run the kind spin", sent->second.dominant.c_str());
}

TEST(Decisions, a_version_that_only_the_cloud_has_goes_there_and_never_starts_here) {
  cloud.kinds = {{"spin", 2, {}}};
  local.kinds = {{"spin", 1, {}}};
  spec.kind.version = 2;
  CHECK_FALSE(offer(candidate(spec)).has_value());
  const auto sent = pick({candidate(spec)});
  CHECK(sent.has_value());
  STRCMP_EQUAL("this device does not run the kind spin@2", sent->second.dominant.c_str());
}

TEST(Decisions, needs_bar_a_place_and_name_what_it_lacks) {
  busy(10);
  spec.needs.tags = {"gpu"};
  CHECK_FALSE(goes_to_cloud(candidate(spec)));
  CHECK_FALSE(offer(candidate(spec)).has_value());
  STRCMP_EQUAL("no place can run it: this device lacks the tag gpu; the cloud lacks the tag gpu",
               placement.no_place(candidate(spec), local, cloud)->c_str());
  cloud.tags = {"arm", "gpu"};
  CHECK(goes_to_cloud(candidate(spec)));
  CHECK_FALSE(placement.no_place(candidate(spec), local, cloud).has_value());
  spec.needs.memory = 16ULL << 30;
  CHECK_FALSE(goes_to_cloud(candidate(spec)));
  spec.needs.memory = 0;
  spec.needs.cpu = 5;
  CHECK_FALSE(goes_to_cloud(candidate(spec)));
}

TEST(Decisions, a_cloud_never_seen_may_yet_be_able_so_the_task_is_not_given_up) {
  local.kinds = {{"echo", 0, {}}};
  cloud = cloud_away();
  cloud.kinds.clear();
  CHECK_FALSE(placement.no_place(candidate(spec), local, cloud).has_value());
  cloud.id = kNowhere;
  CHECK(contains(*placement.no_place(candidate(spec), local, cloud), "there is no other place"));
}

TEST(Decisions, a_deadline_bars_the_place_that_would_miss_it) {
  busy(0.02);
  Candidate c = candidate(spec);
  c.deadline_in = from_seconds(0.04);
  const auto sent = pick({c});
  CHECK(sent.has_value());
  STRCMP_EQUAL("only the cloud meets its deadline: 35 ms there, 45 ms here",
               sent->second.dominant.c_str());
  local.idle = 1;
  CHECK(offer(c).has_value());
}

TEST(Decisions, a_deadline_both_places_miss_bars_neither) {
  Candidate c = candidate(spec);
  c.deadline_in = from_seconds(0.001);
  CHECK(offer(c).has_value());
}

TEST(Decisions, a_deadline_the_cloud_would_miss_keeps_the_task_here) {
  busy(1.0);
  cloud.queue = {0.9, 0.9};
  teach_kind(placement, "spin", kCloud, 0.2, kNow);
  Candidate c = candidate(spec);
  c.deadline_in = from_seconds(1.05);
  CHECK_FALSE(goes_to_cloud(c));
}

TEST(Decisions, prefer_cloud_waits_for_the_uplink_instead_of_taking_a_free_core) {
  spec.prefer = Prefer::cloud;
  CHECK_FALSE(offer(candidate(spec)).has_value());
  CHECK(goes_to_cloud(candidate(spec)));
  cloud.idle = 0;
  cloud.starved = std::chrono::seconds(4);
  CHECK_FALSE(offer(candidate(spec)).has_value());
  cloud.starved = std::chrono::seconds(6);
  const auto e = offer(candidate(spec));
  CHECK(e.has_value());
  CHECK(contains(e->dominant, "no room for 6.0 s"));
}

TEST(Decisions, prefer_local_keeps_the_cloud_out_whatever_it_costs) {
  busy(1000);
  spec.prefer = Prefer::local;
  CHECK_FALSE(goes_to_cloud(candidate(spec)));
}

TEST(Decisions, an_old_measurement_allows_one_task_to_try_again) {
  teach_link(placement.link(), 0.3, 2e3, kNow);
  const Candidate c = candidate(spec, 1, 60'000);  // 30 s of upload
  busy(5);
  CHECK_FALSE(goes_to_cloud(c));
  const std::vector<Candidate> ready{c};
  const NodeTime later = kNow + std::chrono::hours(1);
  cloud.outstanding = 1;
  CHECK_FALSE(placement.pick_for_cloud(ready, local, cloud, later).has_value());
  cloud.outstanding = 0;
  const auto sent = placement.pick_for_cloud(ready, local, cloud, later);
  CHECK(sent.has_value());
  CHECK(contains(sent->second.dominant, "not measured for 60 min"));
}

TEST(Decisions, a_free_core_is_never_left_idle_for_an_experiment) {
  teach_link(placement.link(), 0.3, 2e3, kNow);
  CHECK(placement
            .offer_local(candidate(spec, 40, 60'000), local, cloud, kNow + std::chrono::hours(1000))
            .has_value());
}

TEST(Decisions, a_task_refused_by_the_core_is_taken_by_the_uplink) {
  Dice dice(7);
  int refused = 0;
  for (int i = 0; i < 5000; ++i) {
    teach_kind(placement, "echo", kCloud, 0.001, kNow);
    spec.kind.name = dice.chance(0.5) ? "spin" : "echo";
    Candidate c = candidate(spec, dice.uniform(1, 400), dice.below(100'000));
    c.losses = static_cast<std::uint32_t>(dice.below(4));
    cloud.queue.median = dice.uniform(0, 1);
    cloud.queue.high = cloud.queue.median * 2;
    if (dice.chance(0.5)) teach_kind(placement, "spin", kCloud, 0.005, kNow);
    if (offer(c)) continue;
    ++refused;
    busy(dice.uniform(0, 2));
    CHECK(goes_to_cloud(c));
    local = local_place();
  }
  CHECK(refused > 100);
}

TEST(Decisions, backlog_counts_the_predicted_work_ahead_per_worker) {
  std::vector<Candidate> ready{candidate(spec, 2), candidate(spec, 4), candidate(spec, 1)};
  placement.fill_backlog(ready, local, kNow);
  DOUBLES_EQUAL(0, ready[0].backlog_local, 1e-9);
  DOUBLES_EQUAL(0.025, ready[1].backlog_local, 1e-4);
  DOUBLES_EQUAL(0.075, ready[2].backlog_local, 1e-4);
}

TEST(Decisions, a_kind_never_run_in_the_cloud_is_taken_to_run_there_as_here) {
  Placement fresh{Policy{}};
  teach_kind(fresh, "spin", kHere, 0.025, kNow);
  DOUBLES_EQUAL(0.25, fresh.run_time("spin", kCloud, 10, kNow).median, 0.001);
}

TEST(Decisions, queue_wait_is_nothing_while_a_worker_is_free) {
  DOUBLES_EQUAL(0, queue_wait(0, 0, 2).median, 0);
  DOUBLES_EQUAL(0, queue_wait(1, 5, 2).median, 0);
  DOUBLES_EQUAL(0.5, queue_wait(2, 2, 2).median, 1e-12);
  DOUBLES_EQUAL(4.5, queue_wait(10, 10, 2).median, 1e-12);
  DOUBLES_EQUAL(0, queue_wait(10, 10, 0).median, 0);
}

TEST(Decisions, P13_disconnected_every_task_that_can_run_here_takes_a_free_core) {
  cloud = cloud_away();
  for (const Prefer prefer : {Prefer::automatic, Prefer::local, Prefer::cloud}) {
    for (const DataScope data : {DataScope::any, DataScope::edge_only}) {
      spec.prefer = prefer;
      spec.data = data;
      CHECK(offer(candidate(spec)).has_value());
      CHECK_FALSE(goes_to_cloud(candidate(spec)));
    }
  }
}

TEST(Decisions, P13_disconnected_only_a_task_that_requires_the_cloud_waits_for_it) {
  cloud = cloud_away();
  spec.on_disconnect = OnDisconnect::wait;
  CHECK_FALSE(offer(candidate(spec)).has_value());
  const Explanation e = placement.explain(candidate(spec), local, cloud, kNow);
  STRCMP_EQUAL(
      "waits for the cloud: it asked to wait while the cloud is away (on_disconnect = wait), and "
      "the cloud is not available (the link is down since 3 s)",
      e.dominant.c_str());
  // The wish binds only what could run there.
  spec.data = DataScope::edge_only;
  CHECK(offer(candidate(spec)).has_value());
  spec.data = DataScope::any;
  cloud.kinds = {{"echo", 0, {}}};
  CHECK(offer(candidate(spec)).has_value());
  cloud.id = kNowhere;
  CHECK(offer(candidate(spec)).has_value());
}

TEST(Decisions, explains_a_waiting_task_without_deciding) {
  busy(1.8);
  const Explanation e = placement.explain(candidate(spec), local, cloud, kNow);
  CHECK(e.chosen.empty());
  STRCMP_EQUAL(
      "2 local workers are busy for 1.8 s; the cloud would finish it in 35 ms, next in line for "
      "the uplink",
      e.dominant.c_str());
  CHECK(contains(placement.explain(candidate(spec), local, cloud_away(), kNow).dominant,
                 "the cloud is not available (the link is down since 3 s)"));
  cloud.queue = {5, 5};
  CHECK(contains(placement.explain(candidate(spec), local, cloud, kNow).dominant,
                 "the cloud would need 5.0 s"));
}

}  // namespace spillway::placement
