#include "cloud/node/node.h"

// What operators bar devices from.
namespace spillway::cloud {
namespace {

constexpr Duration kAskAgain = std::chrono::minutes(1);
constexpr std::size_t kAllDevices = 1'000'000;

wire::Standing standing_of(Health health) {
  if (health == Health::revoked) return wire::Standing::revoked;
  return health == Health::quarantined ? wire::Standing::quarantined : wire::Standing::welcome;
}

}  // namespace

bool is_barred(Health health) { return standing_of(health) != wire::Standing::welcome; }

void Node::heed(const FleetChange& change) {
  bool moved = change.more;
  for (const DeviceRow& row : change.devices) {
    const auto known = barred_.find(row.name);
    const wire::Standing was = known == barred_.end() ? wire::Standing::welcome : known->second;
    moved = moved || standing_of(row.health) != was;
  }
  if (moved) read_bars();
}

// Reads whom the fleet has barred, also at a start. What a barred device has running or queued here
// is stopped, and what it was given to run; its owner finds the leases expired and has the tasks
// still.
void Node::read_bars() {
  std::map<std::string, wire::Standing> now_barred;
  for (const Health health : {Health::quarantined, Health::revoked}) {
    DeviceFilter filter;
    filter.health = {health};
    for (std::string& name : parts_.fleet->names(filter, kAllDevices)) {
      now_barred.emplace(std::move(name), standing_of(health));
    }
  }
  const auto before = std::exchange(barred_, std::move(now_barred));
  std::vector<std::pair<std::string, wire::Cancel>> stopped;
  lessee_.each([&](const lessee::HeldTask& task) {
    if (barred_.contains(task.owner)) {
      stopped.emplace_back(task.owner, wire::Cancel{task.offered, task.state.epoch});
    }
  });
  for (const auto& [device, cancel] : stopped) lessee_.on(device, cancel);
  for (const auto& [device, standing] : barred_) {
    const auto known = before.find(device);
    if (known == before.end() || known->second != standing) tell_standing(device);
    if (known != before.end()) continue;
    parts_.report(device +
                  " was quarantined or revoked: its work is stopped, what it says dropped");
    if (dispatch_) dispatch_->on_barred(device);
  }
  // Results that it was not told meanwhile are sent again.
  for (const auto& [device, standing] : before) {
    const Result<DeviceView> known = parts_.fleet->device(device);
    if (barred_.contains(device)) continue;
    parts_.report(device + " was released");
    tell_standing(device);
    if (!known || !known->row.online) continue;
    lessee_.on_owner_gone(device);
    lessee_.on_heard(device);
  }
  parts_.wake();
}

// A device that is away hears of it at its next birth.
void Node::tell_standing(const std::string& device) {
  if (!connected()) return;
  const auto known = barred_.find(device);
  wire::StandingNotice notice;
  if (known != barred_.end()) notice = {known->second, kAskAgain};
  session_->send_ack(device, notice);
}

// True when nothing else may happen to the item.
bool Node::drop_barred(const std::string& device, const wire::Item& item) {
  if (!barred_.contains(device)) return false;
  if (std::holds_alternative<wire::ResultAck>(item) || std::holds_alternative<wire::Cancel>(item)) {
    return false;
  }
  // Told at its birth and when it changes, and never again because it was released.
  if (std::holds_alternative<wire::Credits>(item)) return false;
  barred_messages_ += 1;
  if (const auto* offer = std::get_if<wire::Offer>(&item)) {
    session_->send_ack(
        device, wire::Nack{offer->id, offer->epoch, lifecycle::NackReason::barred, kAskAgain});
  }
  return true;
}

}  // namespace spillway::cloud
