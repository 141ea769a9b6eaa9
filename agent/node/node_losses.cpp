#include <algorithm>

#include "agent/node/node.h"

namespace spillway::agent {
namespace {

// What somebody who gave a task would miss. A deadline and an operator's drain were asked for, and
// of telemetry the next sample says more.
bool is_lost(const LossKey& key) {
  const bool asked_for = key.cause == LossCause::deadline || key.cause == LossCause::draining;
  return is_missed(key.cause) && !asked_for && key.data != DataClass::telemetry;
}

void add(store::LossTable& table, const store::LossTable& more) {
  for (const LossRow& row : more.rows) {
    const auto at = std::lower_bound(
        table.rows.begin(), table.rows.end(), row,
        [](const LossRow& one, const LossRow& other) { return one.key < other.key; });
    if (at == table.rows.end() || at->key != row.key) {
      table.rows.insert(at, row);
      continue;
    }
    at->first = std::min(at->first, row.first);
    at->last = std::max(at->last, row.last);
    at->count += row.count;
    at->at_least |= row.at_least;
  }
  for (std::size_t i = 0; i < kDataClasses; ++i) table.produced[i] += more.produced[i];
}

}  // namespace

// For the next sample, and only when something was written since.
void Node::look_for_losses() {
  if (!std::exchange(ledger_moved_, false)) return;
  read_losses([this](const Result<store::LossTable>& table) {
    if (!table) return;
    lost_ = unsent_ = 0;
    lost_at_least_ = false;
    for (const LossRow& row : table->rows) {
      *lost_ += is_lost(row.key) ? row.count : 0;
      *unsent_ += row.key.data == DataClass::telemetry ? row.count : 0;
      lost_at_least_ |= is_lost(row.key) && row.at_least;
    }
  });
}

// With what is counted and waits to be written, also behind a disk that does not take it.
void Node::read_losses(std::function<void(const Result<store::LossTable>&)> use) {
  parts_.store->losses(gate_.pass(
      [use = std::move(use), waiting = journal().unwritten()](Result<store::LossTable> table) {
        if (table) add(*table, waiting());
        use(table);
      }));
}

void Node::report_losses() {
  losses_.on_look(now());
  parts_.store->losses(gate_.pass([this](const Result<store::LossTable>& table) {
    if (!table || !session_) return;
    auto report = losses_.report(*table, owner_.lives().counts(), now(),
                                 [this](NodeTime instant) { return wall_of(instant); });
    if (report) session_->send_event(*std::move(report));
    parts_.wake();
  }));
}

void Node::on(const wire::LossAck& item) {
  if (item.origin != owner_.lives().counts()) return;
  const std::vector<LossRow> known = losses_.on_ack(item, now());
  for (const LossRow& row : known) journal().reported(row);
  if (known.size() == wire::kMaxLossEntries) {
    journal().after([this] { losses_.look_now(now()); });
  }
  parts_.wake();
}

}  // namespace spillway::agent
