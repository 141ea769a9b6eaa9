#include "cloud/fleet/fleet_state.h"
#include "common/wire/codec.h"

namespace spillway::cloud {

void Fleet::State::adopt(const DeviceRecord& record) {
  if (table.find(record.name) != DeviceTable::kNone) return;
  Slot slot = table.add(record.name);
  Device& device = table.at(slot);
  table.discount(device);
  device.id = record.id;
  device.presence = record.presence;
  device.health = record.health;
  device.reasons = record.reasons;
  device.ended = record.ended;
  device.first_seen = record.first_seen;
  device.last_seen = record.last_seen;
  device.since = record.since;
  device.revision = record.revision;
  device.memory.lost_at = record.lost_at;
  device.memory.restored_at = record.restored_at;
  device.memory.reasons = record.reasons;
  if (record.lost > 0) device.metrics.set(wire::Metric::lost, record.lost);
  bool plain = record.marks.group.empty() && record.marks.labels.empty() &&
               !record.marks.quarantined && !record.marks.revoked && record.marks.note.empty();
  if (!plain) device.marks = std::make_unique<DeviceMarks>(record.marks);
  if (Result<wire::Presence> birth = wire::decode_presence(record.birth)) {
    device.birth = births.get(std::string(as_text(record.birth)), *std::move(birth));
  }
  table.count(device);
  by_id[device.id] = slot;
  due.resize(table.slots(), kNever);
  // A device that was there has as long as any to be heard, once there is a link to be heard by.
  due[slot] = device.presence.online ? now() + device.patience() : kNever;
}

void Fleet::State::bar_again(const std::string& name) {
  const Slot slot = table.find(name);
  if (slot == DeviceTable::kNone) return;
  note(&table.at(slot), FleetEventKind::operator_action,
       std::string(table.at(slot).said().revoked ? "revoked" : "quarantined") +
           " as before: the fleet's store did not say so any more");
  heed_bar(slot);
  refresh(slot);
  touch(slot, true);
}

void Fleet::State::restore(FleetRecovered recovered) {
  timeline.emplace(*clock, recovered.last_seen);
  totals = recovered.totals;
  book.next_alert = totals.next_alert;
  book.next_silence = totals.next_silence;
  for (const DeviceRecord& record : recovered.devices) adopt(record);
  for (LossRecord& loss : recovered.losses) {
    auto found = by_id.find(loss.device);
    if (found == by_id.end()) continue;
    auto& losses = table.at(found->second).losses;
    if (!losses) losses = std::make_unique<std::vector<LossTotal>>();
    losses->push_back(std::move(loss.total));
  }
  for (EventRecord& event : recovered.events) events.push_back(std::move(event));
  bool first = !recovered.rules;
  for (AlertRule& rule : recovered.rules ? *recovered.rules : default_rules()) {
    if (first) commits.batch().rules.push_back(rule);
    take(engine.put(std::move(rule)));
  }
  for (Silence& silence : recovered.silences) book.restore_silence(std::move(silence));
  for (const std::string& doubt : recovered.doubts) {
    note(nullptr, FleetEventKind::operator_action, doubt);
  }
  for (const std::string& name : recovered.barred) bar_again(name);
  for (AlertRecord& record : recovered.alerts) {
    auto found = by_id.find(record.device);
    std::string group = found == by_id.end() ? "" : table.at(found->second).said().group;
    // How many are in a crowd is found out anew.
    if (record.alert.firing && record.crowd) {
      record.alert.firing = false;
      record.alert.resolved = wall();
    }
    if (record.alert.firing) engine.restore(record.alert.rule, record.device);
    book.restore({record.device, record.crowd, std::move(group), std::move(record.alert)});
  }
  history.restore(Resolution::minute, recovered.fleet_minutes);
  history.restore(Resolution::quarter, recovered.fleet_quarters);
  pace.scan(table);
}

}  // namespace spillway::cloud
