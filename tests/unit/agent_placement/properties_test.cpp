#include <cmath>

#include "tests/unit/agent_placement/world.h"

#include <CppUTest/TestHarness.h>

namespace spillway::placement {
namespace {

const NodeTime kNow = at(10'000);
const char* const kKinds[] = {"echo", "spin", "stats.window"};

// Truth, and a placement that has learned it exactly.
struct World {
  double unit[3][2];  // seconds per unit of work, by kind, local and cloud
  double rtt, bandwidth;
  Policy policy;
  Placement placement;

  explicit World(Dice& dice) : World(dice, random_policy(dice)) {}
  World(Dice& dice, Policy p) : policy(p), placement(p) {
    rtt = dice.uniform(0.001, 0.3);
    bandwidth = std::exp(dice.uniform(std::log(1e4), std::log(1e7)));
    teach_link(placement.link(), rtt, bandwidth, kNow);
    for (std::size_t k = 0; k < 3; ++k) {
      unit[k][0] = std::exp(dice.uniform(std::log(1e-3), std::log(1.0)));
      unit[k][1] = unit[k][0] * std::exp(dice.uniform(-2, 1));
      teach_kind(placement, kKinds[k], kHere, unit[k][0], kNow);
      teach_kind(placement, kKinds[k], kCloud, unit[k][1], kNow);
    }
  }
  static Policy random_policy(Dice& dice) {
    Policy p;
    p.risk = dice.uniform(0, 1);
    p.margin = dice.uniform(0, 0.3);
    return p;
  }
};

Place random_place(Dice& dice, Place place) {
  place.memory = (1 + dice.below(8)) << 28;
  if (dice.chance(0.7)) place.tags = {"arm"};
  if (dice.chance(0.3)) place.tags.emplace_back("gpu");
  if (dice.chance(0.2)) place.kinds.erase(place.kinds.begin());
  place.queue.median = dice.uniform(0, 2);
  place.queue.high = place.queue.median * dice.uniform(1, 3);
  return place;
}

TaskSpec random_spec(Dice& dice, std::size_t kind) {
  TaskSpec spec;
  spec.kind.name = kKinds[kind];
  if (dice.chance(0.2)) spec.needs.tags = {dice.chance(0.5) ? "arm" : "gpu"};
  if (dice.chance(0.2)) spec.needs.memory = (1 + dice.below(8)) << 28;
  if (dice.chance(0.2)) spec.data = DataScope::edge_only;
  if (dice.chance(0.3)) spec.prefer = dice.chance(0.5) ? Prefer::local : Prefer::cloud;
  if (dice.chance(0.2)) spec.on_disconnect = OnDisconnect::wait;
  return spec;
}

struct Case {
  std::vector<std::size_t> kinds;
  std::vector<TaskSpec> specs;
  std::vector<Candidate> ready;
  Place local, cloud;

  Case(Dice& dice, std::size_t n) : local(local_place()), cloud(cloud_place()) {
    local = random_place(dice, local);
    local.idle = dice.chance(0.5) ? 1 : 0;
    cloud = random_place(dice, cloud);
    cloud.reachable = dice.chance(0.9);
    cloud.outstanding = 1;
    cloud.queued_bytes = dice.below(100'000);
    for (std::size_t i = 0; i < n; ++i) {
      kinds.push_back(dice.below(3));
      specs.push_back(random_spec(dice, kinds.back()));
    }
    for (const TaskSpec& spec : specs) {
      Candidate c = candidate(spec, dice.uniform(1, 40), dice.below(65'536));
      c.backlog_local = dice.uniform(0, 3);
      if (dice.chance(0.2)) c.losses = static_cast<std::uint32_t>(dice.below(5));
      if (dice.chance(0.2)) c.deadline_in = from_seconds(dice.uniform(0.1, 4));
      ready.push_back(c);
    }
  }
};

// The rules of placement over again, from the truth and without the code under test: what each
// place costs a task, and which places may have it.
struct Truth {
  double local = 0, cloud = 0, margin = 0;
  double local_done = 0, cloud_done = 0;  // seconds, by the medians
  bool local_open = false, cloud_open = false;
};

bool able(const TaskSpec& spec, const Place& place) {
  bool ok = spec.needs.memory <= place.memory && spec.needs.cpu <= place.workers;
  for (const auto& tag : spec.needs.tags) {
    ok = ok && std::count(place.tags.begin(), place.tags.end(), tag) > 0;
  }
  return ok && std::count(place.kinds.begin(), place.kinds.end(), spec.kind) > 0;
}

Truth truth_of(const World& w, const Case& c, std::size_t i, bool is_its_turn) {
  const Candidate& task = c.ready[i];
  const TaskSpec& spec = *task.spec;
  const double bytes = static_cast<double>(task.input_bytes);
  const double run_here = w.unit[c.kinds[i]][0] * task.work;
  const double run_there = w.unit[c.kinds[i]][1] * task.work;
  const bool core_is_free = c.local.idle > 0;
  const double wait =
      (core_is_free ? 0 : c.local.queue.median) + (is_its_turn ? 0 : task.backlog_local);
  const double wait_risk =
      core_is_free ? 0 : w.policy.risk * (c.local.queue.high - c.local.queue.median);
  const double transfer = w.rtt + (bytes + static_cast<double>(c.cloud.queued_bytes)) / w.bandwidth;
  const double c_local = wait + run_here;
  const double c_cloud = c.cloud.queue.median + transfer + run_there;

  Truth t;
  t.local_done = c_local;
  t.cloud_done = c_cloud;
  t.local = c_local + wait_risk;
  t.cloud = c_cloud + w.policy.risk * (c.cloud.queue.high - c.cloud.queue.median);
  t.margin = std::max(w.policy.margin * t.local, 2 * w.rtt) * std::pow(2, task.losses);

  const bool may_leave = spec.data == DataScope::any && spec.prefer != Prefer::local;
  const bool could_leave = may_leave && able(spec, c.cloud);
  t.cloud_open = could_leave && c.cloud.reachable;
  const bool insists =
      could_leave && (c.cloud.reachable ? spec.prefer == Prefer::cloud
                                        : spec.on_disconnect != OnDisconnect::run_local);
  t.local_open = able(spec, c.local) && !insists;
  if (task.deadline_in && t.local_open && t.cloud_open) {
    const double limit = std::chrono::duration<double>(*task.deadline_in).count();
    if (c_local > limit && c_cloud <= limit) t.local_open = false;
    if (c_cloud > limit && c_local <= limit) t.cloud_open = false;
  }
  return t;
}

// Learned numbers are exact to about 1e-4; cases closer to a tie than that decide nothing.
bool near(double a, double b) {
  return std::abs(a - b) < 2e-3 * (1e-3 + std::abs(a) + std::abs(b));
}

bool is_a_toss_up(const Candidate& task, const Truth& t) {
  if (near(t.local - t.cloud, t.margin)) return true;
  if (!task.deadline_in) return false;
  const double limit = std::chrono::duration<double>(*task.deadline_in).count();
  return near(t.local_done, limit) || near(t.cloud_done, limit);
}

bool explains(const Explanation& e, std::string_view chosen) {
  if (e.chosen != chosen || e.dominant.empty() || e.candidates.size() != 2) return false;
  if (e.candidates[0].place != kHereName || e.candidates[1].place != kCloudName) {
    return false;
  }
  for (const auto& c : e.candidates) {
    if (c.reason.empty() || !std::isfinite(c.score) || c.pessimistic < c.wait) return false;
    if (c.place == chosen && (!c.eligible || c.reason != e.dominant)) return false;
  }
  return e.at == kNow && e.dominant.find('\n') == std::string::npos;
}

}  // namespace

TEST_GROUP(Properties){};

TEST(Properties, P12_one_task_goes_where_brute_force_over_true_costs_would_put_it) {
  Dice dice(12);
  int decided = 0, tossed = 0, cloud = 0;
  for (int round = 0; round < 40; ++round) {
    World w(dice);
    for (int i = 0; i < 200; ++i) {
      const Case c(dice, 1);
      const Truth t = truth_of(w, c, 0, true);
      if (is_a_toss_up(c.ready[0], t)) {
        ++tossed;
        continue;
      }
      const bool best_is_cloud = t.cloud_open && (!t.local_open || t.cloud + t.margin < t.local);
      const bool best_is_local = t.local_open && !best_is_cloud;
      const auto here = w.placement.offer_local(c.ready[0], c.local, c.cloud, kNow);
      CHECK_EQUAL(best_is_local, here.has_value());
      if (best_is_cloud) {
        Candidate now = c.ready[0];
        now.backlog_local = 0;
        CHECK(w.placement.pick_for_cloud({&now, 1}, c.local, c.cloud, kNow).has_value());
        ++cloud;
      }
      ++decided;
    }
  }
  CHECK(decided > 7000);
  CHECK(tossed < 400);
  CHECK(cloud > 500);
}

TEST(Properties, P12_the_uplink_takes_the_task_that_minimises_the_total_true_cost) {
  Dice dice(13);
  int decided = 0, sent = 0;
  for (int round = 0; round < 40; ++round) {
    World w(dice);
    for (int k = 0; k < 100; ++k) {
      const Case c(dice, 1 + dice.below(20));
      std::vector<Truth> truths;
      bool toss_up = false;
      for (std::size_t i = 0; i < c.ready.size(); ++i) {
        truths.push_back(truth_of(w, c, i, false));
        toss_up = toss_up || is_a_toss_up(c.ready[i], truths.back());
      }
      // Every possible action: send nothing, or send any one that may go and is worth it; the rest
      // runs here. A task that only the cloud may run goes first.
      std::optional<std::size_t> best;
      double here = 0;
      for (const Truth& t : truths) here += t.local;
      double best_total = here;
      bool forced = false;
      for (std::size_t i = 0; i < truths.size() && !forced; ++i) {
        const Truth& t = truths[i];
        if (!t.cloud_open) continue;
        const double total = here - t.local + t.cloud;
        forced = !t.local_open;
        if (!forced && t.local - t.cloud <= t.margin) continue;
        if (!forced && best && near(total - here, best_total - here)) toss_up = true;
        if (!forced && best && total >= best_total) continue;
        best = i;
        best_total = total;
      }
      if (toss_up && !forced) continue;
      const auto picked = w.placement.pick_for_cloud(c.ready, c.local, c.cloud, kNow);
      CHECK_EQUAL(best.has_value(), picked.has_value());
      if (best) CHECK_EQUAL(*best, picked->first);
      ++decided;
      sent += best ? 1 : 0;
    }
  }
  CHECK(decided > 3000);
  CHECK(sent > 1000);
}

TEST(Properties, P11_edge_only_data_is_never_sent_by_any_path) {
  Dice dice(11);
  World w(dice);
  for (int i = 0; i < 20'000; ++i) {
    Case c(dice, 1 + dice.below(4));
    for (TaskSpec& spec : c.specs) spec.data = DataScope::edge_only;
    c.cloud.outstanding = 0;
    c.cloud.queued_bytes = 0;
    c.local.reachable = dice.chance(0.5);
    if (dice.chance(0.3)) c.local.kinds.clear();
    const NodeTime now = kNow + std::chrono::hours(dice.below(1000));
    CHECK_FALSE(w.placement.pick_for_cloud(c.ready, c.local, c.cloud, now).has_value());
    const Explanation e = w.placement.explain(c.ready[0], c.local, c.cloud, now);
    CHECK_FALSE(e.candidates[1].eligible);
  }
}

TEST(Properties, P13_disconnected_nothing_that_may_run_here_is_kept_waiting) {
  Dice dice(14);
  World w(dice);
  for (int i = 0; i < 20'000; ++i) {
    Case c(dice, 1);
    c.cloud.reachable = false;
    const TaskSpec& spec = c.specs[0];
    const bool required = !able(spec, c.local) ||
                          (spec.on_disconnect != OnDisconnect::run_local && able(spec, c.cloud) &&
                           spec.data == DataScope::any && spec.prefer != Prefer::local);
    CHECK_EQUAL(!required, w.placement.offer_local(c.ready[0], c.local, c.cloud, kNow).has_value());
    CHECK_FALSE(w.placement.pick_for_cloud(c.ready, c.local, c.cloud, kNow).has_value());
  }
}

TEST(Properties, P14_every_decision_is_explained_with_its_alternatives) {
  Dice dice(15);
  World w(dice);
  int local = 0, cloud = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Case c(dice, 1 + dice.below(4));
    if (const auto e = w.placement.offer_local(c.ready[0], c.local, c.cloud, kNow)) {
      CHECK(explains(*e, kHereName));
      ++local;
    }
    if (const auto p = w.placement.pick_for_cloud(c.ready, c.local, c.cloud, kNow)) {
      CHECK(explains(p->second, kCloudName));
      ++cloud;
    }
    CHECK(explains(w.placement.explain(c.ready[0], c.local, c.cloud, kNow), ""));
  }
  CHECK(local > 1000);
  CHECK(cloud > 1000);
}

}  // namespace spillway::placement
