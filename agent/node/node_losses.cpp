#include "agent/node/node.h"

namespace spillway::agent {

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
