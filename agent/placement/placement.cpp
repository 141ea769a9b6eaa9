#include "agent/placement/placement.h"

#include <algorithm>
#include <cmath>

#include "agent/placement/assess.h"

namespace spillway::placement {
namespace {

constexpr std::size_t kMaxKinds = 4096;

double seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

// A part of a score: the median, and the spread above it weighted by ρ.
double weighed(const Estimate& e, double risk) { return e.median + risk * (e.high - e.median); }

// Silence teaches, too: what has not been acknowledged for a while will take about as long again.
Estimate at_least(Estimate e, double floor) {
  return {std::max(e.median, floor), std::max(e.high, floor)};
}

// S = C(q50) + ρ(C(q95) − C(q50)).
double score(const Cost& cost, const Policy& policy) {
  return weighed({cost.median(), cost.high()}, policy.risk);
}

// A deadline bars the place that would miss it, unless the other would, too: then trying is better
// than waiting for certain expiry.
void apply_deadline(Assessment& a, double deadline) {
  const bool local_late = a.local.cost.median() > deadline;
  const bool cloud_late = a.cloud.cost.median() > deadline;
  if (!a.local.open() || !a.cloud.open() || local_late == cloud_late) return;
  (local_late ? a.local : a.cloud).bar = Bar::misses_deadline;
}

}  // namespace

Estimate queue_wait(std::uint64_t tasks, double run_seconds, std::uint32_t workers) {
  if (workers == 0 || tasks < workers) return {};
  const double each = run_seconds / static_cast<double>(tasks);
  const double wait = each * static_cast<double>(tasks - workers + 1) / workers;
  return {wait, wait};
}

Placement::Placement(Policy policy)
    : policy_(policy), link_(policy.assumed_rtt, double(policy.assumed_bandwidth)) {}

Assessment Placement::bars(const TaskSpec& spec, const Place& local, const Place& cloud) const {
  Assessment a;
  a.local.bar = local_bar(spec, local, cloud, kCreditPatience);
  a.cloud.bar = cloud_bar(spec, cloud);
  return a;
}

Assessment Placement::assess(const Candidate& task, const Place& local, const Place& cloud,
                             bool is_its_turn, NodeTime now) const {
  Assessment a = bars(*task.spec, local, cloud);
  weigh(a, task, local, cloud, is_its_turn, now);
  return a;
}

void Placement::weigh(Assessment& a, const Candidate& task, const Place& local, const Place& cloud,
                      bool is_its_turn, NodeTime now) const {
  const TaskSpec& spec = *task.spec;
  a.local.cost.run = run_time(spec.kind.name, kHere, task.work, now);
  if (local.idle == 0) a.local.cost.wait = local.queue;
  if (!is_its_turn) {
    a.local.cost.wait.median += task.backlog_local;
    a.local.cost.wait.high += task.backlog_local;
  }
  a.local.cost.score = score(a.local.cost, policy_);

  const Estimate rtt = link_.round_trip(now);
  const Estimate bytes_over = link_.transfer(task.input_bytes + cloud.queued_bytes, now);
  a.cloud.cost.run = run_time(spec.kind.name, kCloud, task.work, now);
  a.cloud.cost.wait = cloud.queue;
  a.cloud.cost.transfer = at_least({bytes_over.median + rtt.median, bytes_over.high + rtt.high},
                                   seconds(cloud.unacknowledged));
  a.cloud.cost.score = score(a.cloud.cost, policy_);

  if (task.deadline_in) apply_deadline(a, seconds(*task.deadline_in));
  // Each loss in a row doubles what the next transfer must gain; after four it stays here.
  a.margin = std::max(policy_.margin * a.local.cost.score, 2 * rtt.median) *
             std::exp2(std::min(task.losses, 30U));
}

Explanation Placement::explain(const Candidate& task, const Place& local, const Place& cloud,
                               NodeTime now) const {
  const Assessment a = assess(task, local, cloud, false, now);
  const Story story{task, local, cloud, a};
  const auto nowhere = no_place(task, local, cloud);
  return explanation(story, "", nowhere ? *nowhere : why_waiting(story), now);
}

std::optional<Explanation> Placement::offer_local(const Candidate& task, const Place& local,
                                                  const Place& cloud, NodeTime now) const {
  // Most of a queue that waits for the cloud ends here, before anything is predicted.
  Assessment a = bars(*task.spec, local, cloud);
  if (!a.local.open()) return std::nullopt;
  weigh(a, task, local, cloud, true, now);
  if (!a.local.open() || (a.pays() && cloud.idle > 0)) return std::nullopt;
  const Story story{task, local, cloud, a};
  return explanation(story, kHereName, why_local(story), now);
}

std::optional<std::pair<std::size_t, Explanation>> Placement::pick_for_cloud(
    std::span<const Candidate> ready, const Place& local, const Place& cloud, NodeTime now) const {
  if (!cloud.reachable || cloud.idle == 0) return std::nullopt;
  // Experiments are made one at a time, with a task that is waiting anyway.
  const bool may_experiment = cloud.outstanding == 0 && cloud.queued_bytes == 0;
  std::optional<std::size_t> best, experiment;
  double best_gain = 0, best_hope = 0;
  for (std::size_t i = 0; i < std::min(ready.size(), kScan); ++i) {
    const Assessment a = assess(ready[i], local, cloud, false, now);
    if (a.only_cloud()) {
      best = i;
      break;
    }
    if (a.pays() && (!best || a.gain() > best_gain)) {
      best = i;
      best_gain = a.gain();
    }
    if (!may_experiment || !a.local.open() || !a.cloud.open()) continue;
    const double hope = a.local.cost.score - optimistic_cloud(ready[i], a, now);
    if (hope > a.margin && hope > best_hope) {
      experiment = i;
      best_hope = hope;
    }
  }
  const auto chosen = best ? best : experiment;
  if (!chosen) return std::nullopt;
  const Candidate& task = ready[*chosen];
  const Assessment a = assess(task, local, cloud, false, now);
  const Story story{task, local, cloud, a};
  std::string dominant = best ? why_cloud(story) : why_experiment(link_.bandwidth_age(now));
  return {{*chosen, explanation(story, kCloudName, std::move(dominant), now)}};
}

// S_cloud with every learned part believed only as far as its age allows. Running locally teaches
// nothing about the cloud, so a place once found slow would otherwise never be tried again.
double Placement::optimistic_cloud(const Candidate& task, const Assessment& a, NodeTime now) const {
  const Cost& cost = a.cloud.cost;
  const Learned* known = learned(task.spec->kind.name, kCloud);
  const double run_age = known != nullptr ? seconds(now - known->last) : seconds(now - NodeTime{});
  const Estimate rtt = link_.round_trip(now);
  const Estimate bytes_over = link_.transfer(task.input_bytes, now);
  const double doubted = (1 - trust(run_age)) * weighed(cost.run, policy_.risk) +
                         (1 - trust(link_.round_trip_age(now))) * weighed(rtt, policy_.risk) +
                         (1 - trust(link_.bandwidth_age(now))) * weighed(bytes_over, policy_.risk);
  return cost.score - doubted;
}

std::optional<std::string> Placement::withdraw(const Candidate& task, const Place& local,
                                               const Place& cloud, NodeTime now) const {
  const double late = seconds(cloud.unacknowledged);
  if (late <= link_.transfer(cloud.queued_bytes, now).high + link_.round_trip(now).high) return {};
  const Assessment a = assess(task, local, cloud, false, now);
  if (!a.local.open() || late <= a.local.cost.score + a.margin) return {};
  return why_withdrawn({task, local, cloud, a});
}

std::optional<std::string> Placement::no_place(const Candidate& task, const Place& local,
                                               const Place& cloud) const {
  const TaskSpec& spec = *task.spec;
  const Bar here = capability(spec, local);
  if (here == Bar::none) return std::nullopt;
  const Bar there = cloud_bar_ever(spec, cloud);
  if (there == Bar::none) return std::nullopt;
  return "no place can run it: " + bar_text(here, spec, local) + "; " +
         bar_text(there, spec, cloud);
}

void Placement::fill_backlog(std::span<Candidate> ready, const Place& local, NodeTime now) const {
  double ahead = 0, run = 0;
  const Candidate* before = nullptr;
  for (Candidate& task : ready) {
    task.backlog_local = ahead / std::max(local.workers, 1U);
    // Neighbours are often alike.
    const bool alike =
        before && before->work == task.work && before->spec->kind.name == task.spec->kind.name;
    if (!alike) run = run_time(task.spec->kind.name, kHere, task.work, now).median;
    ahead += run;
    before = &task;
  }
}

const Placement::Learned* Placement::learned(std::string_view kind, PlaceId place) const {
  const auto found = kinds_.find(kind);
  if (found == kinds_.end() || place == kNowhere) return nullptr;
  const Learned& learned = found->second[place == kHere ? 0 : 1];
  return learned.model.samples() > 0 ? &learned : nullptr;
}

Estimate Placement::run_time(std::string_view kind, PlaceId place, double work,
                             NodeTime now) const {
  const Learned* known = learned(kind, place);
  if (known == nullptr) {
    known = learned(kind, place == kHere ? kCloud : kHere);
  }
  if (known == nullptr) return RunTimeModel().predict(work, 0);
  return known->model.predict(work, seconds(now - known->last));
}

void Placement::learn_run(const std::string& kind, PlaceId place, double work, Duration ran,
                          NodeTime now) {
  if (place == kNowhere || (kinds_.size() >= kMaxKinds && !kinds_.contains(kind))) return;
  Learned& learned = kinds_[kind][place == kHere ? 0 : 1];
  // A run too short for the clock took about half a tick.
  learned.model.learn(work, std::max(seconds(ran), 5e-7));
  learned.last = now;
}

}  // namespace spillway::placement
