#include "common/lessee/beats.h"

#include <algorithm>

namespace spillway::lessee {
namespace {

constexpr Duration kEvery = std::chrono::seconds(10);  // a third of the default lease
constexpr Duration kLate = std::chrono::milliseconds(100);
constexpr std::size_t kRounds = 8;

}  // namespace

void Beats::on_timers() {
  const NodeTime now = timeline_.now();
  if (now >= next_) {
    next_ = now + kEvery;
    late_ = kNever;
    if (!parts_.up()) return;
    sent_[++round_] = now;
    while (sent_.size() > kRounds) sent_.erase(sent_.begin());
    send_round();
  }
  if (now >= late_) send_round();
}

// To those that it has not reached yet; there may be no room for all.
void Beats::send_round() {
  late_ = kNever;
  if (!parts_.up()) return;
  table_.each([this](HeldTask& task) {
    if (task.unsaved > 0 || task.beaten == round_ || !table_.lessor(task.owner).online) return;
    wire::Beat beat{task.offered, task.state.epoch, task.state.state, round_};
    if (parts_.send_ack(task.owner, beat)) {
      task.beaten = round_;
    } else {
      late_ = timeline_.now() + kLate;
    }
  });
}

std::optional<NodeTime> Beats::sent(std::uint64_t round) const {
  const auto found = sent_.find(round);
  return found == sent_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace spillway::lessee
