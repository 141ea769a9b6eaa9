#include "common/link/link.h"

#include <algorithm>
#include <utility>

namespace spillway::link {
namespace {

constexpr std::uint32_t kMaxDoublings = 20;

}  // namespace

LinkPolicy policy_of(const BrokerOptions& broker) {
  LinkPolicy policy;
  policy.backoff_base = broker.reconnect_base;
  policy.backoff_cap = broker.reconnect_cap;
  policy.window = broker.window;
  return policy;
}

void LinkMachine::enter(LinkState state, NodeTime now, NodeTime timer) {
  state_ = state;
  since_ = now;
  timer_ = timer;
  in_flight_ = 0;
}

LinkMachine::Ask LinkMachine::connect(NodeTime now) {
  enter(LinkState::connecting, now, now + policy_.connect_timeout);
  return {.connect = true};
}

void LinkMachine::back_off(NodeTime now, std::uint64_t random, Pace pace) {
  // A connection that is lost as soon as it is made (two clients with one name, a broker in
  // trouble) counts as a failure: it must not be made four times a second for ever.
  if (state_ == LinkState::up && now - since_ >= policy_.backoff_cap) failures_ = 0;
  const auto doublings = std::min(failures_, kMaxDoublings);
  const Duration range = std::min<Duration>(policy_.backoff_cap,
                                            policy_.backoff_base * (std::int64_t{1} << doublings));
  const Duration cap = policy_.backoff_cap;
  const Duration least = pace == Pace::slow ? cap / 2 : Duration::zero();
  const Duration most = pace == Pace::slow ? cap : range;
  const auto width =
      static_cast<std::uint64_t>(std::max<std::int64_t>((most - least).count(), 0)) + 1;
  ++failures_;
  enter(LinkState::down, now,
        now + policy_.floor + least + Duration(static_cast<std::int64_t>(random % width)));
}

std::string_view LinkMachine::fault(NodeTime now) const {
  if (missing_) return "the connection ended without a word";
  if (in_flight_ > 0 && now >= progress_ + policy_.publish_stall) {
    return "the broker stopped acknowledging";
  }
  if (awaiting_ && now >= probed_ + policy_.publish_stall) {
    return "the broker stopped answering";
  }
  return {};
}

NodeTime LinkMachine::next_probe() const {
  // Well before the broker's patience, which is half as long again, is over.
  const NodeTime due = keep_alive_ > Duration::zero() ? said_ + keep_alive_ * 3 / 4 : kNever;
  return awaiting_ ? due : std::min(due, heard_ + policy_.quiet);
}

NodeTime LinkMachine::next_look() const {
  NodeTime look = next_probe();
  if (in_flight_ > 0) look = std::min(look, progress_ + policy_.publish_stall);
  if (awaiting_) look = std::min(look, probed_ + policy_.publish_stall);
  return look;
}

LinkMachine::Ask LinkMachine::start(NodeTime now) {
  if (!stopped_) return {};
  stopped_ = false;
  failures_ = 0;
  return connect(now);
}

LinkMachine::Ask LinkMachine::on_connected(NodeTime now, Duration keep_alive) {
  if (state_ == LinkState::down) return {.disconnect = true};
  if (state_ == LinkState::up) return {};
  window_ = policy_.window;
  heard_ = said_ = now;
  keep_alive_ = keep_alive;
  awaiting_ = missing_ = false;
  enter(LinkState::up, now, kNever);
  timer_ = next_look();
  return {};
}

LinkMachine::Ask LinkMachine::on_disconnected(NodeTime now, std::uint64_t random, Pace pace) {
  if (state_ != LinkState::down) back_off(now, random, pace);
  return {};
}

void LinkMachine::on_missing(NodeTime now) {
  if (state_ != LinkState::up) return;
  missing_ = true;
  timer_ = now;
}

LinkMachine::Ask LinkMachine::on_timer(NodeTime now, std::uint64_t random) {
  if (stopped_ || now < timer_) return {};
  if (state_ == LinkState::down) return connect(now);
  std::string_view why = "the broker did not answer in time";
  if (state_ == LinkState::up && (why = fault(now)).empty()) {
    // The timer is not moved by all that comes and goes; it is looked at again when it comes due.
    const bool probe = now >= next_probe();
    if (probe && !std::exchange(awaiting_, true)) probed_ = now;
    if (probe) said_ = now;
    timer_ = next_look();
    return {.probe = probe};
  }
  back_off(now, random);
  return {.disconnect = true, .because = why};
}

void LinkMachine::hurry(NodeTime now, std::uint64_t random) {
  if (stopped_ || state_ != LinkState::down) return;
  const auto width = static_cast<std::uint64_t>(Duration(policy_.backoff_base).count()) + 1;
  const NodeTime soon = now + policy_.floor + Duration(static_cast<std::int64_t>(random % width));
  timer_ = std::min(timer_, soon);
}

LinkMachine::Ask LinkMachine::stop() {
  const bool was_down = state_ == LinkState::down;
  stopped_ = true;
  enter(LinkState::down, since_, kNever);
  return {.disconnect = !was_down};
}

void LinkMachine::on_publish(NodeTime now) {
  if (state_ != LinkState::up) return;
  said_ = now;
  if (in_flight_++ > 0) return;
  progress_ = now;
  timer_ = std::min(timer_, now + policy_.publish_stall);
}

void LinkMachine::on_published(NodeTime now) {
  if (in_flight_ == 0) return;
  --in_flight_;
  progress_ = now;
  on_heard(now);
}

void LinkMachine::limit_window(std::size_t broker_allows) {
  window_ = std::min(policy_.window, broker_allows);
}

}  // namespace spillway::link
