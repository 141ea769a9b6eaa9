#include "common/mqtt/link.h"

#include <algorithm>

namespace spillway::mqtt {
namespace {

constexpr std::uint32_t kMaxDoublings = 20;

}  // namespace

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

void LinkMachine::back_off(NodeTime now, std::uint64_t random) {
  // A connection that is lost as soon as it is made (two clients with one name, a broker in
  // trouble) counts as a failure: it must not be made four times a second for ever.
  if (state_ == LinkState::up && now - since_ >= policy_.backoff_cap) failures_ = 0;
  const auto doublings = std::min(failures_, kMaxDoublings);
  const Duration range = std::min<Duration>(policy_.backoff_cap,
                                            policy_.backoff_base * (std::int64_t{1} << doublings));
  const auto width = static_cast<std::uint64_t>(std::max<std::int64_t>(range.count(), 0)) + 1;
  ++failures_;
  enter(LinkState::down, now,
        now + policy_.floor + Duration(static_cast<std::int64_t>(random % width)));
}

LinkMachine::Ask LinkMachine::start(NodeTime now) {
  if (!stopped_) return {};
  stopped_ = false;
  failures_ = 0;
  return connect(now);
}

LinkMachine::Ask LinkMachine::on_connected(NodeTime now) {
  if (state_ == LinkState::down) return {.disconnect = true};
  if (state_ == LinkState::up) return {};
  enter(LinkState::up, now, kNever);
  window_ = policy_.window;
  return {};
}

LinkMachine::Ask LinkMachine::on_disconnected(NodeTime now, std::uint64_t random) {
  if (state_ != LinkState::down) back_off(now, random);
  return {};
}

LinkMachine::Ask LinkMachine::on_timer(NodeTime now, std::uint64_t random) {
  if (stopped_ || now < timer_) return {};
  if (state_ == LinkState::down) return connect(now);
  if (state_ == LinkState::up) {
    // The timer is not moved by each acknowledgement; it is looked at again when it comes due.
    const NodeTime stalled = progress_ + policy_.publish_stall;
    timer_ = in_flight_ == 0 ? kNever : stalled;
    if (now < timer_) return {};
  }
  back_off(now, random);
  return {.disconnect = true};
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
  if (in_flight_++ > 0) return;
  progress_ = now;
  timer_ = now + policy_.publish_stall;
}

void LinkMachine::on_published(NodeTime now) {
  if (in_flight_ == 0) return;
  --in_flight_;
  progress_ = now;
}

void LinkMachine::limit_window(std::size_t broker_allows) {
  window_ = std::min(policy_.window, broker_allows);
}

}  // namespace spillway::mqtt
