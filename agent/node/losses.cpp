#include "agent/node/losses.h"

#include <algorithm>

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

void Losses::look() {
  if (!std::exchange(moved_, false)) return;
  read([this](const Result<store::LossTable>& table) {
    if (!table) return;
    lost_ = unsent_ = 0;
    at_least_ = false;
    for (const LossRow& row : table->rows) {
      *lost_ += is_lost(row.key) ? row.count : 0;
      *unsent_ += row.key.data == DataClass::telemetry ? row.count : 0;
      at_least_ |= is_lost(row.key) && row.at_least;
    }
  });
}

void Losses::read(std::function<void(const Result<store::LossTable>&)> use) {
  const auto take = [use = std::move(use),
                     waiting = owner_.journal().unwritten()](Result<store::LossTable> table) {
    if (table) add(*table, waiting());
    use(table);
  };
  parts_.store->losses(gate_.pass(take));
}

void Losses::on_sample_lost() {
  if (unsent_) *unsent_ += 1;
}

void Losses::on_committed() {
  reporter_.on_written(owner_.now());
  moved_ = true;
}

void Losses::report() {
  reporter_.on_look(owner_.now());
  const auto take = [this](const Result<store::LossTable>& table) {
    if (!table || !session_) return;
    auto report = reporter_.report(*table, owner_.lives().counts(), owner_.now(),
                                   [this](NodeTime instant) { return clock_.wall_of(instant); });
    if (report) session_->send_event(*std::move(report));
    parts_.wake();
  };
  parts_.store->losses(gate_.pass(take));
}

void Losses::on(const wire::LossAck& item) {
  if (item.origin != owner_.lives().counts()) return;
  const std::vector<LossRow> known = reporter_.on_ack(item, owner_.now());
  for (const LossRow& row : known) owner_.journal().reported(row);
  if (known.size() == wire::kMaxLossEntries) {
    owner_.journal().after([this] { reporter_.look_now(owner_.now()); });
  }
  parts_.wake();
}

}  // namespace spillway::agent
