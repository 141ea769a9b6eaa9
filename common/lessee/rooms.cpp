#include "common/lessee/rooms.h"

#include <algorithm>
#include <utility>

namespace spillway::lessee {
namespace {

constexpr Duration kEvery = std::chrono::milliseconds(50);
constexpr std::uint32_t kTold = 100;  // lessors, in kEvery
constexpr Duration kDelayThatMatters = std::chrono::milliseconds(5);

template <class Value>
bool moved(Value now, Value told, Value least) {
  const Value by = now > told ? now - told : told - now;
  return by > std::max(Value(told / 5), least);
}

bool differ(const wire::Credits& now, const wire::Credits& told) {
  return moved(now.offers, told.offers, 0U) || now.workers != told.workers ||
         moved<std::uint64_t>(now.rate, told.rate, 0) ||
         moved(now.queue_delay, told.queue_delay, kDelayThatMatters);
}

}  // namespace

void Rooms::forget(Lessor& lessor) {
  if (!std::exchange(lessor.untold, true)) newcomers_.push_back(&lessor);
}

void Rooms::tell(const wire::Credits& room, NodeTime now) {
  if (!parts_.up()) return;
  const bool all = now >= next_ && differ(room, told_);
  if (all) {
    told_ = room;
    next_ = now + kEvery * (1 + table_.online() / kTold);
  }
  for (Lessor* lessor : std::exchange(newcomers_, {})) {
    lessor->untold = false;
    if (!all) tell(*lessor);
  }
  if (!all) return;
  for (auto& [name, lessor] : table_.lessors()) tell(lessor);
}

void Rooms::tell(Lessor& lessor) {
  if (!lessor.online || parts_.send_ack(lessor.name, told_)) return;
  lessor.untold = true;
  newcomers_.push_back(&lessor);
}

}  // namespace spillway::lessee
