#include "common/lessee/beats.h"

#include <algorithm>

namespace spillway::lessee {
namespace {

constexpr Duration kLate = std::chrono::milliseconds(100);
constexpr Duration kLeast = std::chrono::seconds(1);  // between two rounds
constexpr Duration kRemembered = std::chrono::seconds(80);

Duration pace_of(const HeldTask& task) {
  return std::clamp(task.terms.lease / 3, kLeast, BeatPace::kMost);
}

}  // namespace

void Beats::on_lease(const HeldTask& task) {
  const NodeTime next = timeline_.now() + pace_of(task);
  BeatPace& pace = table_.lessor(task.owner).beats;
  pace.next = std::min(pace.next, next);
  next_ = std::min(next_, next);
}

void Beats::on_timers() {
  const NodeTime now = timeline_.now();
  if (now >= next_) {
    begin_round(now);
    send_round();
  } else if (now >= late_) {
    send_round();
  }
}

// Of those who would be due before another round may begin; away or not, their time goes on.
void Beats::begin_round(NodeTime now) {
  round_ += 1;
  for (auto& [name, lessor] : table_.lessors()) {
    if (lessor.beats.next < now + kLeast) lessor.beats = {now + BeatPace::kMost, round_};
  }
  table_.each([&](const HeldTask& task) {
    BeatPace& pace = table_.lessor(task.owner).beats;
    if (pace.round == round_) pace.next = std::min(pace.next, now + pace_of(task));
  });
  next_ = now + BeatPace::kMost;
  for (const auto& [name, lessor] : table_.lessors()) next_ = std::min(next_, lessor.beats.next);
  sent_[round_] = now;
  while (sent_.begin()->second + kRemembered < now) sent_.erase(sent_.begin());
}

// To those that their lessor's round has not reached yet; there may be no room for all.
void Beats::send_round() {
  late_ = kNever;
  if (!parts_.up()) return;
  table_.each([this](HeldTask& task) {
    const Lessor& lessor = table_.lessor(task.owner);
    const std::uint64_t round = lessor.beats.round;
    if (task.unsaved > 0 || task.beaten == round || !lessor.online) return;
    wire::Beat beat{task.offered, task.state.epoch, task.state.state, round};
    if (parts_.send_ack(task.owner, beat)) {
      task.beaten = round;
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
