#include "cloud/fleet/health.h"

#include <algorithm>

namespace spillway::cloud {
namespace {

using wire::Metric;
using wire::Metrics;

// One sample in so many fades: at ten seconds a frame, half of it is gone after four minutes.
constexpr float kFade = 0.97F;
constexpr double kDay = 86'400;

bool is_lately(Wall at, Duration shown, Wall wall) { return at > Wall{} && wall - at < shown; }

// What happened to a device lately, whether or not it is there: a goodbye takes back nothing of
// that, copies end each other's connection, and what floods may be anything.
void tell_lately(Reasons& reasons, const HealthMemory& memory, const HealthFacts& facts,
                 const HealthPolicy& policy) {
  const auto set = [&](Reason reason, Wall at, Duration shown) {
    reasons.set(reason, is_lately(at, shown, facts.wall));
  };
  set(Reason::data_lost, memory.lost_at, policy.lost_shown);
  set(Reason::restored, memory.restored_at, policy.restored_shown);
  set(Reason::cloned, memory.cloned_at, policy.cloned_shown);
  set(Reason::flooding, memory.flooded_at, policy.flooding_shown);
}

bool above(bool already, double value, const Threshold& threshold) {
  return value >= (already ? threshold.ends : threshold.begins);
}
bool below(bool already, double value, const Threshold& threshold) {
  return value <= (already ? threshold.ends : threshold.begins);
}

bool is_hot(bool already, const Metrics& metrics, const HealthPolicy& policy) {
  if (metrics.get(Metric::throttled) != 0) return true;
  std::optional<std::int64_t> heat = metrics.find(Metric::temperature_mc);
  return heat && above(already, double(*heat) / 1000, policy.hot);
}

bool is_battery_low(bool already, const Metrics& metrics, const HealthPolicy& policy) {
  std::optional<std::int64_t> left = metrics.find(Metric::battery_permille);
  return left && metrics.get(Metric::on_battery) != 0 &&
         below(already, double(*left) / 1000, policy.battery);
}

bool is_link_poor(bool already, const Metrics& metrics, const HealthPolicy& policy) {
  return above(already, double(metrics.get(Metric::loss_permille)) / 1000, policy.loss) ||
         above(already, double(metrics.get(Metric::rtt_us)) / 1e6, policy.rtt);
}

bool is_clock_wrong(bool already, const HealthFacts& facts, const HealthPolicy& policy) {
  const Metrics& metrics = *facts.metrics;
  std::optional<std::int64_t> source = metrics.find(Metric::clock_source);
  double off = std::max(double(facts.clock_off.count()) / 1e6,
                        double(metrics.get(Metric::clock_error_us)) / 1e6);
  return (source && *source == std::int64_t(wire::ClockSource::unset)) ||
         above(already, off, policy.clock);
}

bool is_certificate_expiring(bool already, const HealthFacts& facts, const HealthPolicy& policy) {
  std::optional<std::int64_t> expires = facts.metrics->find(Metric::certificate_expires_s);
  double left = expires ? double(*expires) - double(facts.wall.count()) / 1e6 : 0;
  return expires && below(already, left / kDay, policy.certificate);
}

bool is_disk_low(bool already, const Metrics& metrics, const HealthPolicy& policy) {
  std::int64_t total = metrics.get(Metric::disk_total);
  return total > 0 && metrics.has(Metric::disk_free) &&
         below(already, double(metrics.get(Metric::disk_free)) / double(total), policy.disk);
}

bool is_failing(bool already, const HealthMemory& memory, const HealthPolicy& policy) {
  bool enough = already || memory.failed >= policy.failures;
  return enough && memory.ended > 0 && above(already, memory.failed / memory.ended, policy.failing);
}

Reasons complaints(const HealthMemory& memory, const HealthFacts& facts,
                   const HealthPolicy& policy) {
  const Metrics& metrics = *facts.metrics;
  auto had = [&](Reason reason) { return memory.reasons.has(reason); };
  Reasons now;
  auto set = [&](Reason reason, bool on) { now.set(reason, on); };
  set(Reason::backlog_growing, memory.growing >= policy.growing_minutes);
  set(Reason::hot, is_hot(had(Reason::hot), metrics, policy));
  set(Reason::battery_low, is_battery_low(had(Reason::battery_low), metrics, policy));
  set(Reason::link_poor, is_link_poor(had(Reason::link_poor), metrics, policy));
  set(Reason::clock_wrong, is_clock_wrong(had(Reason::clock_wrong), facts, policy));
  set(Reason::certificate_expiring,
      is_certificate_expiring(had(Reason::certificate_expiring), facts, policy));
  set(Reason::disk_low, is_disk_low(had(Reason::disk_low), metrics, policy));
  set(Reason::tasks_failing, is_failing(had(Reason::tasks_failing), memory, policy));
  tell_lately(now, memory, facts, policy);
  return now;
}

Verdict offline(const HealthMemory& memory, const HealthFacts& facts, const HealthPolicy& policy) {
  Verdict verdict{Health::disconnected, {}};
  tell_lately(verdict.reasons, memory, facts, policy);
  if (facts.ended) verdict.reasons.set(*facts.ended);
  if (facts.ended == Reason::goodbye) verdict.health = Health::sleeping;
  return verdict;
}

}  // namespace

std::int64_t rise(Metric counter, const Metrics& was, const Metrics& is) {
  if (!is.has(counter)) return 0;
  // The first report of a device says how far it had come before anyone listened.
  if (!was.has(counter)) return 0;
  std::int64_t now = std::max<std::int64_t>(is.get(counter), 0);
  std::int64_t before = std::max<std::int64_t>(was.get(counter), 0);
  return now >= before ? now - before : now;
}

void hold_losses(const HealthMemory& memory, const Metrics& was, Metrics& is,
                 const HealthPolicy& policy, Wall wall) {
  if (!is_lately(memory.cloned_at, policy.cloned_shown, wall)) return;
  if (is.get(Metric::lost) < was.get(Metric::lost)) is.set(Metric::lost, was.get(Metric::lost));
}

void note_frame(HealthMemory& memory, const Metrics& was, const Metrics& is, Wall wall) {
  auto failed = float(rise(Metric::failed, was, is) + rise(Metric::expired, was, is));
  auto done = float(rise(Metric::done_local, was, is) + rise(Metric::done_cloud, was, is));
  memory.failed = memory.failed * kFade + failed;
  memory.ended = memory.ended * kFade + failed + done;
  if (rise(Metric::lost, was, is) > 0) memory.lost_at = wall;
}

void note_restored(HealthMemory& memory, const HealthPolicy& policy, Wall wall) {
  memory.restored_at = wall;
  memory.restored_surely = is_lately(memory.cloned_at, policy.cloned_shown, wall);
}

void note_cloned(HealthMemory& memory, Wall wall) {
  memory.cloned_at = wall;
  if (!memory.restored_surely) memory.restored_at = {};
}

void note_minute(HealthMemory& memory, double backlog, const HealthPolicy& policy) {
  auto now = float(backlog);
  bool more = memory.backlog >= 0 && now > memory.backlog * 1.02F && now >= float(policy.backlog);
  bool less = now < memory.backlog * 0.98F || now < float(policy.backlog);
  if (more && memory.growing < policy.growing_minutes) ++memory.growing;
  if (less) memory.growing = 0;
  memory.backlog = now;
}

Verdict judge(HealthMemory& memory, const HealthFacts& facts, const HealthPolicy& policy) {
  if (facts.revoked) return {Health::revoked, {}};
  if (facts.quarantined) return {Health::quarantined, {}};
  if (!facts.seen) return {Health::never_seen, {}};
  if (!facts.online) return offline(memory, facts, policy);
  memory.reasons = complaints(memory, facts, policy);
  if (facts.metrics->get(Metric::updating) != 0) return {Health::updating, memory.reasons};
  Health health = memory.reasons.none() ? Health::operational : Health::degraded;
  return {health, memory.reasons};
}

}  // namespace spillway::cloud
