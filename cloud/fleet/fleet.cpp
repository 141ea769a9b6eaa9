#include "cloud/fleet/fleet.h"

#include <algorithm>

#include "cloud/fleet/fleet_state.h"
#include "common/wire/codec.h"

namespace spillway::cloud {
namespace {

constexpr std::uint32_t kMaxPage = 1000;
constexpr std::size_t kMaxLosses = 64;  // classes and causes of one device

Error unknown(const std::string& name) {
  return fail(Code::not_found, "no device '" + name.substr(0, 64) + "' is known");
}

std::string detail_of(LifeChange change) {
  switch (change) {
    case LifeChange::none: return "";
    case LifeChange::restored: return "its state was restored from an earlier copy";
    case LifeChange::another: return "its state was made anew";
  }
  return "";
}

void append(std::vector<DevicePoint>& into, const std::vector<DevicePoint>& from,
            const SeriesQuery& query) {
  for (const DevicePoint& point : from) {
    bool later = into.empty() || point.at > into.back().at;
    if (later && point.at >= query.from && point.at < query.until) into.push_back(point);
  }
}

}  // namespace

Fleet::Fleet(FleetOptions options, const Clock& clock, FleetStore* store)
    : state_(std::make_unique<State>(std::move(options), clock, store)) {}

Fleet::~Fleet() = default;

void Fleet::start(FleetRecovered recovered) { inside().restore(std::move(recovered)); }

NodeTime Fleet::now() const { return inside().now(); }
const std::string& Fleet::store_problem() const { return inside().upkeep.store_problem; }
void Fleet::set_load(CloudLoad load) { inside().load = load; }

// In this order, each from what the one before left: presence by session numbers, where a stale
// word changes nothing else; what a birth tells of life, restart and version; the rows of sessions;
// and last what follows from it all: the clock of silence, an operator's bar, health, alerts. The
// table's totals leave the device out while its presence changes.
LifeChange Fleet::on_presence(const std::string& name, const wire::Presence& said, bool in_doubt) {
  State& state = inside();
  state.pace.on_message(state.now());
  State::Slot slot = state.find_or_add(name);
  if (slot == DeviceTable::kNone) return LifeChange::none;
  Device& device = state.table.at(slot);
  const PresenceState was = device.presence;
  std::uint64_t before = was.session;
  state.table.discount(device);
  PresenceStep step = on_state(device.presence, said);
  state.table.count(device);
  if (step == PresenceStep::stale) return LifeChange::none;
  // Another life counts its frames anew, also under a session number that was used before.
  if (said.online && was.boot != said.boot) device.frames.latest = 0;
  // Sessions are told apart by number and boot: the numbers of a store that was made anew begin
  // again.
  const bool reborn =
      was.boot != device.presence.boot && was.boot != BootId{} && !device.frames.unborn;
  const bool anew = device.presence.session != before || reborn;
  device.frames.unborn = false;
  // The broker keeps the birth of a session that an operator has ended.
  const bool over = device.ended && is_bar(*device.ended) && !anew;
  if (over && step == PresenceStep::came) {
    state.set_online(slot, false);
    step = PresenceStep::same;
  }
  LifeChange change = LifeChange::none;
  if (said.online) {
    change = on_life(device.presence, was, said);
    if (in_doubt) change = LifeChange::none;
    if (change != LifeChange::none) note_restored(device.memory, state.policy, state.wall());
    if (was.boot != said.boot && before != 0 && was.boot != BootId{}) {
      state.note(&device, FleetEventKind::restarted, detail_of(change));
    }
    if (device.birth && device.birth->version != said.version) {
      state.note(&device, FleetEventKind::version_changed,
                 device.birth->version + " to " + said.version);
    }
    // What differs from birth to birth of equal devices is kept elsewhere.
    wire::Presence birth = said;
    birth.session = 1;
    birth.boot = {};
    birth.lineage = {};
    device.birth = state.births.get(std::string(as_text(wire::encode(birth))), birth);
  }
  if (step == PresenceStep::came) state.came(slot, before, anew);
  if (step == PresenceStep::went) {
    if (device.presence.session != before) state.came(slot, before, true);
    state.went(slot, said.graceful ? SessionEnd::goodbye : SessionEnd::will);
  }
  state.hear(slot);
  state.heed_bar(slot);
  state.refresh(slot);
  state.watch(slot);
  return change;
}

void Fleet::on_cloned(const std::string& name) {
  State& state = inside();
  State::Slot slot = state.find_known(name);
  if (slot == DeviceTable::kNone) return;
  note_cloned(state.table.at(slot).memory, state.wall());
  state.refresh(slot);
  state.watch(slot);
}

void Fleet::on_telemetry(const std::string& name, ByteView bytes) {
  State& state = inside();
  Result<wire::Telemetry> frame = wire::decode_telemetry(bytes);
  if (!frame) return;
  state.pace.on_message(state.now());
  State::Slot slot = state.find_or_add(name);
  if (slot == DeviceTable::kNone) return;
  Device& device = state.table.at(slot);
  std::uint64_t before = device.presence.session;
  state.table.discount(device);
  PresenceStep step = on_frame(device.presence, frame->session);
  state.table.count(device);
  if (step == PresenceStep::stale) return;
  if (step == PresenceStep::came) {
    const bool anew = device.presence.session != before;
    device.frames.unborn = device.frames.unborn || anew;
    state.came(slot, before, anew);
  }
  if (frame->seq > device.frames.latest) state.take_frame(slot, *frame);
}

void Fleet::on_loss(const std::string& name, std::vector<LossTotal> totals) {
  State& state = inside();
  State::Slot slot = state.find_or_add(name);
  if (slot == DeviceTable::kNone) return;
  Device& device = state.table.at(slot);
  if (totals.size() > kMaxLosses) totals.resize(kMaxLosses);
  for (const LossTotal& total : totals) state.commits.batch().losses.push_back({device.id, total});
  device.losses = std::make_unique<std::vector<LossTotal>>(std::move(totals));
  state.touch(slot, true);
}

void Fleet::on_flooding(const std::string& name) {
  State& state = inside();
  State::Slot slot = state.table.find(name);
  if (slot == DeviceTable::kNone) return;
  Device& device = state.table.at(slot);
  // A device that floods is not judged again for each message.
  if (state.wall() - device.memory.flooded_at < std::chrono::seconds(1)) return;
  device.memory.flooded_at = state.wall();
  state.refresh(slot);
  state.watch(slot);
}

void Fleet::on_link(bool up) {
  State& state = inside();
  if (std::exchange(state.link_up, up) == up || !up) return;
  // Retained births and the next heartbeats need their time to come in.
  NodeTime earliest = state.now() + std::chrono::seconds(40);
  for (NodeTime& due : state.due) {
    if (due != kNever) due = std::max(due, earliest);
  }
}

void Fleet::on_task(const OffloadedTask& task) {
  inside().tasks.note(task);
  inside().news.on_task(task);
}

FleetSummary Fleet::summary() const { return inside().summary(); }
std::vector<FleetPoint> Fleet::series(const SeriesQuery& query) const {
  return inside().history.read(query);
}
DevicePage Fleet::devices(const DeviceQuery& query) const {
  DeviceQuery bounded = query;
  bounded.limit = std::clamp(query.limit, 1U, kMaxPage);
  return inside().table.page(bounded);
}
DeviceFacets Fleet::facets(const DeviceFilter& filter) const {
  return inside().table.facets(filter);
}
std::uint64_t Fleet::count(const DeviceFilter& filter) const {
  return inside().table.count(filter);
}
std::vector<std::string> Fleet::names(const DeviceFilter& filter, std::size_t limit) const {
  return inside().table.names(filter, limit);
}

bool Fleet::has(const std::string& device, Reason reason) const {
  const State::Slot slot = inside().table.find(device);
  return slot != DeviceTable::kNone && inside().table.at(slot).reasons.has(reason);
}

Result<DeviceView> Fleet::device(const std::string& name) const {
  State::Slot slot = inside().table.find(name);
  if (slot == DeviceTable::kNone) return unknown(name);
  const Device& device = inside().table.at(slot);
  DeviceView view;
  view.row = row_of(device);
  view.revision = device.revision;
  view.first_seen = device.first_seen;
  view.session = device.presence.session;
  if (device.birth) view.birth = *device.birth;
  view.birth.session = device.presence.session;
  view.birth.boot = device.presence.boot;
  if (device.kernel) view.kernel = *device.kernel;
  view.cores = device.cores;
  view.measured = device.measured;
  view.measured_there = device.measured_there;
  view.note = device.said().note;
  if (device.update) view.update = *device.update;
  return view;
}

std::vector<LossTotal> Fleet::losses(const std::string& name) const {
  State::Slot slot = inside().table.find(name);
  if (slot == DeviceTable::kNone || !inside().table.at(slot).losses) return {};
  return *inside().table.at(slot).losses;
}

void Fleet::device_series(const std::string& name, const SeriesQuery& query,
                          Done<std::vector<DevicePoint>> done) const {
  State& state = inside();
  State::Slot slot = state.table.find(name);
  if (slot == DeviceTable::kNone) return done(unknown(name));
  const Device& device = state.table.at(slot);
  std::vector<DevicePoint> fresh, points;
  if (device.history && query.resolution == Resolution::sample) device.history->samples(fresh);
  if (device.history && query.resolution == Resolution::minute) device.history->minutes(fresh);
  if (!state.store || query.resolution == Resolution::sample) {
    append(points, fresh, query);
    return done(std::move(points));
  }
  state.store->history(device.id, query,
                       [query, fresh = std::move(fresh),
                        done = std::move(done)](Result<std::vector<DevicePoint>> stored) mutable {
                         if (stored) append(*stored, fresh, query);
                         done(std::move(stored));
                       });
}

void Fleet::sessions(const std::string& name, std::uint32_t limit,
                     Done<std::vector<SessionView>> done) const {
  State& state = inside();
  State::Slot slot = state.table.find(name);
  if (slot == DeviceTable::kNone) return done(unknown(name));
  const Device& device = state.table.at(slot);
  if (state.store) {
    return state.store->sessions(device.id, std::min(limit, kMaxPage), std::move(done));
  }
  std::vector<SessionView> present;
  if (device.presence.session != 0) {
    present.push_back({device.presence.session, device.first_seen, {}, device.ended});
  }
  done(std::move(present));
}

void Fleet::events(const EventQuery& query, Done<std::vector<FleetEvent>> done) const {
  State& state = inside();
  std::uint32_t limit = std::clamp(query.limit, 1U, kMaxPage);
  State::Slot slot = state.table.find(query.device);
  if (!query.device.empty() && slot == DeviceTable::kNone) return done(unknown(query.device));
  std::uint32_t of = query.device.empty() ? 0 : state.table.at(slot).id;
  std::vector<FleetEvent> found;
  for (auto record = state.events.rbegin(); record != state.events.rend(); ++record) {
    if (found.size() == limit) break;
    if (record->event.id >= query.before || (of != 0 && record->device != of)) continue;
    found.push_back(record->event);
  }
  if (found.size() == limit || !state.store) return done(std::move(found));
  std::uint64_t before = found.empty() ? query.before : found.back().id;
  if (!state.events.empty()) before = std::min(before, state.events.front().event.id);
  auto rest = std::uint32_t(limit - found.size());
  state.store->events(of, before, rest,
                      [found = std::move(found),
                       done = std::move(done)](Result<std::vector<EventRecord>> older) mutable {
                        if (!older) return done(older.error());
                        for (EventRecord& record : *older) found.push_back(std::move(record.event));
                        done(std::move(found));
                      });
}

TaskPage Fleet::tasks(const TaskQuery& query) const {
  TaskQuery bounded = query;
  bounded.limit = std::clamp(query.limit, 1U, kMaxPage);
  return inside().tasks.page(bounded);
}
std::optional<OffloadedTask> Fleet::task(TaskId id) const { return inside().tasks.find(id); }
void Fleet::on_story(const std::string& device, wire::TaskStory story) {
  const std::optional<OffloadedTask> seen = inside().tasks.find(story.id);
  if (seen && seen->device != device) return;
  inside().stories.note(device, std::move(story), inside().clock->wall_time());
}
const ToldStory* Fleet::story(TaskId id) const { return inside().stories.find(id); }
std::vector<KindTotals> Fleet::kinds() const { return inside().tasks.kinds(); }

Fleet::Subscription Fleet::subscribe(Listener listener) {
  return inside().news.subscribe(std::move(listener));
}

}  // namespace spillway::cloud
