#include <algorithm>

#include "agent/node/node.h"

namespace spillway::agent {
namespace {

// How long a task of the cloud stands back behind this device's own before a core is kept for it.
constexpr Duration kPatience = std::chrono::seconds(5);
constexpr std::uint32_t kBlockingLimit = 4;
constexpr std::size_t kTombstones = 1000;

}  // namespace

void Node::make_lessee(const ledger::LedgerRecovered& leased) {
  lessee::Options options;
  options.boot = options_.boot;
  options.here = "the device";
  options.tags = options_.tags;
  options.memory = options_.memory;
  options.max_queue = options_.max_leased;
  options.blocking = kBlockingLimit;
  options.tombstones = kTombstones;
  lessee::Parts parts;
  parts.clock = parts_.clock;
  parts.ledger = parts_.ledger;
  parts.runner = parts_.runner;
  parts.kind = [this](const std::string& name) {
    return takes(name) ? parts_.kinds->find(name) : nullptr;
  };
  parts.random = parts_.random;
  parts.wake = parts_.wake;
  parts.report = parts_.report;
  parts.up = [this] { return session_ && session_->up(); };
  parts.send_ack = [this](const std::string&, wire::Item item) {
    send_up(std::move(item), &DeviceSession::send_ack);
  };
  parts.send_result = [this](const std::string&, wire::Item item) {
    send_up(std::move(item), &DeviceSession::send_result);
  };
  parts.may_start = [this](const lessee::HeldTask&) { return may_start_leased(); };
  lessee_ = std::make_unique<lessee::Lessee>(std::move(options), std::move(parts), leased);
}

void Node::send_up(wire::Item item, void (DeviceSession::*send)(wire::Item)) {
  if (session_) (*session_.*send)(std::move(item));
}

bool Node::takes(const std::string& kind) const {
  return std::find(options_.takes.begin(), options_.takes.end(), kind) != options_.takes.end();
}

// Cores that are not this device's own now: with tasks of the cloud on them, or kept for one.
std::uint32_t Node::leased_cores() const {
  return lessee_ ? lessee_->running() + (leased_is_due() ? 1 : 0) : 0;
}

bool Node::leased_is_due() const {
  return lessee_->queued() > 0 && lessee_->running() == 0 && lessee_->waited() >= kPatience;
}

// Asked after this device's own tasks have taken what they want: half of the cores at most, so that
// the others are there for what comes next.
bool Node::may_start_leased() const {
  const std::uint32_t width = parts_.runner->width();
  return lessee_->running() < std::max(1U, width / 2) && running_ + lessee_->running() < width;
}

NodeTime Node::cycle_leased() {
  if (!lessee_) return kNever;
  const std::uint32_t before = lessee_->running();
  NodeTime next = lessee_->cycle();
  // Two time lines, each from where its store last saw it.
  if (next != kNever) next = now() + (next - lessee_->now());
  if (lessee_->running() != before) parts_.wake();
  const bool waits =
      lessee_->queued() > 0 && lessee_->running() == 0 && lessee_->waited() < kPatience;
  return waits ? std::min(next, now() + (kPatience - lessee_->waited())) : next;
}

}  // namespace spillway::agent
