#include <algorithm>
#include <limits>

#include "cloud/fleet/fleet_state.h"
#include "common/wire/codec.h"

namespace spillway::cloud {
namespace {

using namespace std::chrono_literals;
using wire::Metric;

constexpr Duration kSweepEvery = 1s;
constexpr Duration kFadeEvery = 10s;
constexpr Duration kSampleEvery = 10s;
constexpr Duration kSaveEvery = 500ms;
constexpr Duration kRetrySave = 1s;
constexpr Duration kPruneEvery = 30s;
constexpr std::size_t kPruneSlice = 2048;
// Rows that may wait for a store that cannot write; then the oldest measurements are let go.
constexpr std::size_t kMaxWaiting = 50'000;
// Fleets up to this size are looked through for every change that is told.
constexpr std::size_t kSmallFleet = 5000;

}  // namespace

void Fleet::State::sweep() {
  if (!link_up) return;
  NodeTime time = now();
  for (Slot slot = 0; slot < due.size(); ++slot) {
    if (due[slot] > time) continue;
    due[slot] = kNever;
    Device& device = table.at(slot);
    bool asleep = !device.presence.online && device.ended == SessionEnd::goodbye;
    table.discount(device);
    PresenceStep step = on_silence(device.presence);
    table.count(device);
    if (step != PresenceStep::went && !asleep) continue;
    went(slot, SessionEnd::heartbeats_missed);
    refresh(slot);
    watch(slot);
  }
}

// A device that is there is judged with each frame; of one that is away, too, what happened is over
// some time.
void Fleet::State::fade() {
  const auto said = [this](Reason reason) { return table.reasons()[std::size_t(reason)] > 0; };
  if (std::ranges::none_of(kPassing, said)) return;
  for (Slot slot = 0; slot < table.slots(); ++slot) {
    if (!table.used(slot)) continue;
    const Device& device = table.at(slot);
    const auto has = [&device](Reason reason) { return device.reasons.has(reason); };
    if (device.presence.online || std::ranges::none_of(kPassing, has)) continue;
    refresh(slot);
    watch(slot);
  }
}

void Fleet::State::sample() {
  pace.scan(table);
  FleetSummary sum = summary();
  FleetPoint point{sum.at, {}};
  auto set = [&](FleetSeries series, double value) {
    point.value[std::size_t(series)] = float(value);
  };
  auto seconds = [](Duration time) { return double(time.count()) / 1e6; };
  auto of = [&](Health health) { return double(sum.health[std::size_t(health)]); };
  set(FleetSeries::online, double(sum.online));
  set(FleetSeries::operational, of(Health::operational));
  set(FleetSeries::degraded, of(Health::degraded));
  set(FleetSeries::disconnected, of(Health::disconnected));
  set(FleetSeries::updating, of(Health::updating));
  set(FleetSeries::backlog, double(sum.backlog));
  set(FleetSeries::backlog_oldest, seconds(sum.backlog_oldest));
  set(FleetSeries::done_local, sum.done_local);
  set(FleetSeries::done_cloud, sum.done_cloud);
  set(FleetSeries::offload, sum.offload);
  set(FleetSeries::local_p50, seconds(sum.local.p50));
  set(FleetSeries::local_p95, seconds(sum.local.p95));
  set(FleetSeries::cloud_p50, seconds(sum.cloud.p50));
  set(FleetSeries::cloud_p95, seconds(sum.cloud.p95));
  set(FleetSeries::cloud_queue, double(sum.cloud_queue));
  set(FleetSeries::duplicates, double(sum.duplicates));
  set(FleetSeries::lost, double(sum.lost));
  set(FleetSeries::messages, sum.messages);
  FleetHistory::Closed closed = history.add(point);
  if (closed.minute) commits.batch().fleet_minutes.push_back(*closed.minute);
  if (closed.quarter) commits.batch().fleet_quarters.push_back(*closed.quarter);
  auto ask = [&](const AlertEngine::Watched& watched) {
    return std::optional(double(point.value[watched.index]));
  };
  take(engine.observe(AlertEngine::kFleet, "", ask, now()));
  pace.end_span();
}

FleetSummary Fleet::State::summary() const {
  FleetSummary sum;
  sum.at = wall();
  sum.devices = table.size();
  sum.online = table.online();
  sum.health = table.health();
  sum.reasons = table.reasons();
  sum.cloud_queue = load.queue;
  sum.cloud_queue_oldest = load.oldest;
  sum.cloud_restored = load.restored;
  sum.duplicates = totals.duplicates;
  sum.failed = totals.failed;
  sum.firing = book.firing(sum.at);
  pace.fill(sum, now());
  sum.history_dropped = upkeep.dropped_rows;
  sum.store_problem = upkeep.store_problem;
  return sum;
}

DeviceRecord Fleet::State::record_of(const Device& device) const {
  DeviceRecord record;
  record.id = device.id;
  record.name = std::string(device.name.view());
  record.presence = device.presence;
  record.health = device.health;
  record.reasons = device.reasons;
  record.ended = device.ended;
  record.first_seen = device.first_seen;
  record.last_seen = device.last_seen;
  record.since = device.since;
  record.lost_at = device.memory.lost_at;
  record.restored_at = device.memory.restored_at;
  record.revision = device.revision;
  record.lost = device.metrics.get(Metric::lost);
  record.marks = device.said();
  if (device.birth) record.birth = wire::encode(*device.birth);
  return record;
}

void Fleet::State::bound_batch() {
  auto& waiting = commits.batch().minutes;
  if (waiting.size() > kMaxWaiting) {
    upkeep.dropped_rows += waiting.size() - kMaxWaiting;
    waiting.erase(waiting.begin(), waiting.end() - std::ptrdiff_t(kMaxWaiting));
  }
  auto& happened = commits.batch().events;
  if (happened.size() > kMaxWaiting) {
    upkeep.dropped_rows += happened.size() - kMaxWaiting;
    happened.erase(happened.begin(), happened.end() - std::ptrdiff_t(kMaxWaiting));
  }
  auto& sessions = commits.batch().sessions;
  if (sessions.size() > 4 * kMaxWaiting) {
    upkeep.dropped_rows += sessions.size() - 4 * kMaxWaiting;
    sessions.erase(sessions.begin(), sessions.end() - std::ptrdiff_t(4 * kMaxWaiting));
  }
}

// Hands over what changed since the last commit. While one is under way, or fails, it gathers on,
// and what only happened (history, events, sessions) is bounded; the rest is not given up.
void Fleet::State::save() {
  if (!store) {
    for (Slot slot : dirty) table.at(slot).dirty = false;
    dirty.clear();
    commits.batch() = {};
    return;
  }
  bound_batch();
  if (commits.busy()) return;
  gather();
  commits.flush();
}

void Fleet::State::gather() {
  FleetBatch& batch = commits.batch();
  for (Slot slot : dirty) {
    Device& device = table.at(slot);
    device.dirty = false;
    batch.devices.push_back(record_of(device));
  }
  dirty.clear();
  batch.totals = totals;
  batch.totals.next_alert = book.next_alert;
  batch.totals.next_silence = book.next_silence;
  batch.now = now();
  batch.wall = wall();
}

void Fleet::State::on_saved() {
  upkeep.retry_save = kNever;
  if (std::exchange(upkeep.store_problem, {}).empty()) return;
  if (options.report)
    options.report("the fleet's store writes again; nothing is left to be stored");
  news.on_summary();
}

// What was asked for stays as it is: a bar that cannot be stored is better than none.
void Fleet::State::on_save_failed(const Error& error) {
  upkeep.retry_save = now() + kRetrySave;
  if (upkeep.store_problem.empty() && options.alarm) {
    options.alarm(
        std::string("the fleet's store cannot write: what operators do holds, and is lost at a "
                    "restart unless it can before; ") +
        (error.code == Code::corrupt
             ? "its file is damaged, and a restart goes on with what can be read of it: "
             : "make room on the disk, or let the cloud write in its state_dir: ") +
        error.message);
  }
  upkeep.store_problem = error.message;
  news.on_summary();
  const Error told = fail(Code::unavailable,
                          "it holds from now on, but cannot be stored, which is tried again; a "
                          "restart before that loses it: " +
                              error.message);
  for (const auto& one : std::exchange(upkeep.askers, {})) std::exchange(*one, nullptr)(told);
}

void Fleet::State::prune() {
  for (std::uint64_t id : book.expire_silences(wall())) {
    commits.batch().dropped_silences.push_back(id);
  }
  if (!store || upkeep.pruning) return;
  upkeep.pruning = true;
  FleetRetention keep;
  keep.bytes = options.max_disk;
  keep.share(table.size());
  const auto pruned = [this](const Result<std::uint64_t>& removed) {
    upkeep.pruning = false;
    if (removed && *removed >= kPruneSlice) upkeep.prune = {};
  };
  store->prune(keep, wall(), kPruneSlice, gate.pass(pruned));
}

NodeTime Fleet::cycle() {
  State& state = inside();
  State::Upkeep& next = state.upkeep;
  NodeTime time = state.now();
  auto due = [&](NodeTime& at, Duration every) {
    if (time < at) return false;
    at = time + every;
    return true;
  };
  if (due(next.sweep, kSweepEvery)) state.sweep();
  if (due(next.fade, kFadeEvery)) state.fade();
  state.take(state.engine.on_time(time));
  if (due(next.sample, kSampleEvery)) state.sample();
  if (due(next.publish, state.options.change_interval)) {
    if (state.table.size() <= kSmallFleet) state.pace.scan(state.table);
    state.news.publish(state.table, [&state] { return state.summary(); });
  }
  if (due(next.prune, kPruneEvery)) state.prune();
  if (time >= next.retry_save) {
    next.retry_save = kNever;
    state.commits.retry();
  }
  if (due(next.save, kSaveEvery)) state.save();
  return std::min({next.sweep, next.fade, next.sample, next.publish, next.prune, next.save,
                   next.retry_save, state.engine.next_time()});
}

void Fleet::flush() {
  State& state = inside();
  for (State::Slot slot = 0; slot < state.table.slots(); ++slot) {
    if (!state.table.used(slot)) continue;
    Device& device = state.table.at(slot);
    if (!device.history) continue;
    if (auto block = device.history->cut()) state.keep_block(device, *block);
  }
  state.commits.retry();
  if (!state.store || !state.commits.busy()) return state.save();
  // Behind what is under way, whose answer may come too late for another.
  state.gather();
  state.store->commit(std::exchange(state.commits.batch(), {}), {});
}

}  // namespace spillway::cloud
