#include "agent/node/node.h"

namespace spillway::agent {
namespace {

// What somebody who gave a task would miss. A deadline and an operator's drain were asked for, and
// of telemetry the next sample says more.
bool is_lost(const LossKey& key) {
  const bool asked_for = key.cause == LossCause::deadline || key.cause == LossCause::draining;
  return is_missed(key.cause) && !asked_for && key.data != DataClass::telemetry;
}

}  // namespace

// For the next sample, and only when something was written since.
void Node::look_for_losses() {
  if (!std::exchange(ledger_moved_, false)) return;
  parts_.store->losses(
      [this, alive = std::weak_ptr(alive_)](const Result<store::LossTable>& table) {
        if (alive.expired() || !table) return;
        lost_ = 0;
        for (const LossRow& row : table->rows) *lost_ += is_lost(row.key) ? row.count : 0;
      });
}

void Node::report_losses() {
  losses_.on_look(now());
  parts_.store->losses(
      [this, alive = std::weak_ptr(alive_)](const Result<store::LossTable>& table) {
        if (alive.expired() || !table || !session_) return;
        auto report = losses_.report(*table, lives_.counts(), now(),
                                     [this](NodeTime instant) { return wall_of(instant); });
        if (report) session_->send_event(*std::move(report));
        parts_.wake();
      });
}

void Node::on(const wire::LossAck& item) {
  if (item.origin != lives_.counts()) return;
  const std::vector<LossRow> known = losses_.on_ack(item, now());
  for (const LossRow& row : known) journal_.reported(row);
  if (known.size() == wire::kMaxLossEntries) {
    journal_.after([this] { losses_.look_now(now()); });
  }
  parts_.wake();
}

}  // namespace spillway::agent
