#include "agent/node/loss_reporter.h"

#include <algorithm>
#include <map>

namespace spillway::agent {
namespace {

constexpr Duration kLookEvery = std::chrono::seconds(10);
constexpr Duration kSendAgain = std::chrono::seconds(5);
// What is only produced, with nothing lost, is no news for so long.
constexpr Duration kProducedEvery = std::chrono::minutes(1);

std::map<std::pair<DataClass, LossCause>, std::uint64_t> totals_of(const store::LossTable& table) {
  std::map<std::pair<DataClass, LossCause>, std::uint64_t> totals;
  for (const LossRow& row : table.rows) totals[{row.key.data, row.key.cause}] += row.count;
  return totals;
}

bool same_kind(const LossKey& a, const LossKey& b) {
  return a.data == b.data && a.cause == b.cause;
}

}  // namespace

void LossReporter::on_link_up(NodeTime now) {
  up_ = true;
  told_ = waiting_ = false;
  due_ = now;
}

void LossReporter::on_link_down() {
  up_ = waiting_ = false;
  due_ = kNever;
}

void LossReporter::on_written(NodeTime now) {
  if (up_) due_ = std::min(due_, std::max(now, looked_ + kLookEvery));
}

void LossReporter::on_look(NodeTime now) {
  looked_ = now;
  due_ = kNever;
}

std::optional<wire::LossReport> LossReporter::report(
    const store::LossTable& table, Origin origin, NodeTime now,
    const std::function<Duration(NodeTime)>& wall_of) {
  if (!up_) return std::nullopt;
  wire::LossReport report;
  report.origin = origin;
  std::copy(std::begin(table.produced), std::end(table.produced), report.produced.begin());
  flying_.clear();
  const auto totals = totals_of(table);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const LossRow& row = table.rows[i];
    // At first one row of every kind is told although it is known, for its total: the cloud may
    // have lost its ledger meanwhile.
    const bool last = i + 1 == table.rows.size() || !same_kind(row.key, table.rows[i + 1].key);
    if (row.count <= row.reported && (told_ || !last)) continue;
    // The wall is asked once: between two looks at it time passes, and the last would come first.
    const Duration from = wall_of(row.first);
    const Duration to = from == Duration::zero() ? from : from + (row.last - row.first);
    report.entries.push_back(
        {row.key, from, to, row.count, totals.at({row.key.data, row.key.cause}), row.at_least});
    flying_.push_back(row);
    if (report.entries.size() == wire::kMaxLossEntries) break;
  }
  const bool produced =
      !told_ || (report.produced != produced_ && now >= told_at_ + kProducedEvery);
  if (report.entries.empty() && !produced) {
    if (report.produced != produced_) due_ = std::min(due_, told_at_ + kProducedEvery);
    return std::nullopt;
  }
  report.number = ++number_;
  produced_ = report.produced;
  waiting_ = true;
  due_ = now + kSendAgain;
  return report;
}

std::vector<LossRow> LossReporter::on_ack(const wire::LossAck& ack, NodeTime now) {
  if (!waiting_ || ack.number != number_) return {};
  waiting_ = false;
  told_ = true;
  told_at_ = now;
  due_ = looked_ + kLookEvery;
  return std::exchange(flying_, {});
}

}  // namespace spillway::agent
