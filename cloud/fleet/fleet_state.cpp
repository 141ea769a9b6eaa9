#include "cloud/fleet/fleet_state.h"

namespace spillway::cloud {
namespace {

std::string describe(Health health, Reasons reasons) {
  std::string text(to_string(health));
  const char* between = ": ";
  for (std::size_t i = 0; i < kReasons; ++i) {
    if (!reasons.has(Reason(i))) continue;
    text += between;
    text += to_string(Reason(i));
    between = ", ";
  }
  return text;
}

// The reason that a device is away, by how its session ended. A barred device's health is another,
// whatever the reasons.
Reason reason_of(SessionEnd end) {
  if (end == SessionEnd::goodbye) return Reason::goodbye;
  return end == SessionEnd::will ? Reason::will : Reason::heartbeats_missed;
}

}  // namespace

Fleet::State::State(FleetOptions given, const Clock& time, FleetStore* behind)
    : options(std::move(given)),
      clock(&time),
      store(behind),
      timeline(NodeTimeline(time, NodeTime{})),
      tasks(options.max_tasks),
      news(options.max_change),
      commits([this](auto batch, auto done) { store->commit(std::move(batch), std::move(done)); },
              {.failed = [this](const Error& error) { on_save_failed(error); },
               .committed = [this] { on_saved(); }}) {}

Fleet::State::Slot Fleet::State::find_or_add(std::string_view name) {
  Slot slot = table.find(name);
  if (slot != DeviceTable::kNone) return slot;
  if (table.size() >= options.max_devices) return DeviceTable::kNone;
  slot = table.add(name);
  Device& device = table.at(slot);
  device.id = totals.next_device++;
  device.since = wall();
  by_id[device.id] = slot;
  due.resize(table.slots(), kNever);
  due[slot] = kNever;
  touch(slot, true);
  return slot;
}

void Fleet::State::touch(Slot slot, bool state_changed) {
  Device& device = table.at(slot);
  if (state_changed && !device.dirty) dirty.push_back(slot);
  device.dirty = device.dirty || state_changed;
  news.on_device(slot, device, state_changed);
}

void Fleet::State::hear(Slot slot) {
  Device& device = table.at(slot);
  device.last_seen = wall();
  due[slot] = device.presence.online ? now() + device.patience() : due[slot];
}

void Fleet::State::came(Slot slot, std::uint64_t session_before, bool anew) {
  Device& device = table.at(slot);
  Wall at = wall();
  if (device.first_seen == Wall{}) {
    device.first_seen = at;
    note(&device, FleetEventKind::first_seen, "");
  }
  if (anew) {
    if (session_before != 0 && !device.ended) close_session(device, session_before, std::nullopt);
    device.frames.latest = 0;
  }
  commits.batch().sessions.push_back({device.id, {device.presence.session, at, {}, {}}, anew});
  note(&device, FleetEventKind::connected, anew ? "" : "heard again");
  device.ended.reset();
  touch(slot, true);
}

void Fleet::State::went(Slot slot, SessionEnd how) {
  Device& device = table.at(slot);
  // Silence first and the will later: the session ended when it fell silent. And what an operator
  // has ended is over, whatever becomes of the connection.
  bool known = device.ended.has_value();
  const bool barred = known && is_bar(*device.ended);
  device.ended = how;
  if ((how != SessionEnd::heartbeats_missed || !known) && !barred) {
    close_session(device, device.presence.session, how);
  }
  if (!known) note(&device, FleetEventKind::disconnected, std::string(to_string(how)));
  due[slot] = how == SessionEnd::goodbye ? now() + std::chrono::hours(24) : kNever;
  touch(slot, true);
}

void Fleet::State::close_session(const Device& device, std::uint64_t session,
                                 std::optional<SessionEnd> how) {
  commits.batch().sessions.push_back({device.id, {session, Wall{}, wall(), how}, false});
}

void Fleet::State::set_online(Slot slot, bool online) {
  Device& device = table.at(slot);
  table.discount(device);
  device.presence.online = online;
  table.count(device);
}

// A session of a device that an operator bars is over at once. Its connection at the broker is not:
// once the device is let in, the session goes on, unless it was heard to end.
void Fleet::State::heed_bar(Slot slot) {
  Device& device = table.at(slot);
  const std::optional<SessionEnd> bar = bar_of(device.said());
  if (bar && device.presence.online) {
    set_online(slot, false);
    went(slot, *bar);
  } else if (!bar && device.ended && is_bar(*device.ended)) {
    set_online(slot, true);
    came(slot, device.presence.session, false);
    due[slot] = now() + device.patience();
  }
}

void Fleet::State::refresh(Slot slot) {
  Device& device = table.at(slot);
  HealthFacts facts;
  facts.seen = device.presence.session != 0;
  facts.online = device.presence.online;
  facts.quarantined = device.said().quarantined;
  facts.revoked = device.said().revoked;
  if (device.ended) facts.ended = reason_of(*device.ended);
  facts.metrics = &device.metrics;
  facts.wall = wall();
  if (device.measured_there != Wall{}) {
    facts.clock_off = device.measured_there > device.measured
                          ? device.measured_there - device.measured
                          : device.measured - device.measured_there;
  }
  Verdict verdict = judge(device.memory, facts, policy);
  if (verdict.health == device.health && verdict.reasons == device.reasons) return;
  bool other = verdict.health != device.health;
  table.discount(device);
  device.health = verdict.health;
  device.reasons = verdict.reasons;
  table.count(device);
  if (other) device.since = facts.wall;
  note(&device, FleetEventKind::health_changed, describe(verdict.health, verdict.reasons));
  touch(slot, true);
}

void Fleet::State::watch(Slot slot) {
  const Device& device = table.at(slot);
  using What = AlertEngine::Watched::What;
  auto ask = [&](const AlertEngine::Watched& watched) -> std::optional<double> {
    switch (watched.what) {
      case What::health: return double(device.health);
      case What::reason: return double(device.reasons.has(Reason(watched.index)));
      case What::metric: {
        auto value = device.metrics.find(wire::Metric(watched.index));
        return value ? std::optional(double(*value)) : std::nullopt;
      }
      case What::series: return std::nullopt;
    }
    return std::nullopt;
  };
  take(engine.observe(device.id, device.said().group, ask, now()));
}

void Fleet::State::note(const Device* device, FleetEventKind kind, std::string detail) {
  EventRecord record;
  record.device = device ? device->id : 0;
  record.event = {totals.next_event++, wall(), device ? std::string(device->name.view()) : "", kind,
                  std::move(detail)};
  news.on_event(record.event);
  commits.batch().events.push_back(record);
  events.push_back(std::move(record));
  if (events.size() > options.max_events) events.pop_front();
}

// Enters what the engine decided into the book, for which each change is an event, stored and told.
void Fleet::State::take(const AlertEngine::Changes& changes) {
  for (const AlertEngine::Change& one : changes) {
    auto found = by_id.find(one.subject);
    const Device* device = found == by_id.end() ? nullptr : &table.at(found->second);
    AlertBook::Entry* entry = nullptr;
    if (one.fired) {
      const AlertRule* rule = engine.rule(one.rule);
      entry = &book.fire(*rule, one, device ? std::string(device->name.view()) : "",
                         device ? device->said().group : "", wall());
    } else {
      entry = book.resolve(one, wall());
    }
    if (!entry) continue;  // so old that it was dropped
    note(device, one.fired ? FleetEventKind::alert_fired : FleetEventKind::alert_resolved,
         entry->alert.title);
    tell_alert(*entry);
  }
}

void Fleet::State::tell_alert(AlertBook::Entry& entry) {
  store_alert(entry);
  news.on_alert(book.shown(entry, wall()));
}

void Fleet::State::store_alert(const AlertBook::Entry& entry) {
  commits.batch().alerts.push_back({entry.subject, entry.crowd, entry.alert});
}

void Fleet::State::remove(Slot slot) {
  Device& device = table.at(slot);
  take(engine.forget(device.id));
  commits.batch().dropped_devices.push_back(device.id);
  by_id.erase(device.id);
  std::erase(dirty, slot);
  due[slot] = kNever;
  table.remove(slot);
  news.on_removed(slot);
}

void Fleet::State::answer(Done<void> done) {
  if (!done) return;
  if (!store) return done({});
  upkeep.askers.push_back(std::make_shared<Done<void>>(std::move(done)));
  commits.after([this, one = upkeep.askers.back()] {
    if (!*one) return;
    upkeep.askers.pop_front();
    (*one)({});
  });
  upkeep.save = {};
  if (options.wake) options.wake();
}

}  // namespace spillway::cloud
