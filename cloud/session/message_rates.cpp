#include "cloud/session/message_rates.h"

#include <algorithm>

namespace spillway::cloud {
namespace {

using Limit = MessageRates::Limit;
using ItemClass = MessageRates::ItemClass;

// Limits on messages: reading one costs about as much as receiving it. A lone item is a message of
// its own, and a busy link fills them, so that of what tasks need no device sends more than this.
constexpr Limit kWork{5'000, 20'000};
constexpr Limit kPresence{2, 120};
constexpr Limit kTelemetry{50, 500};
constexpr Limit kRest{20, 400};

// Limits on items. What one device alone brings at its fastest, as the benchmark `offload` has it,
// is below 20,000 offers a second, which the cloud keeps up with; the burst is a second of that.
// Its acknowledgements cost a look-up each, and are up to two a task.
constexpr double kOffers = 20'000;
constexpr double kAcks = 2 * kOffers;
// Credits are told at most twenty times a second; probes are rarer.
constexpr Limit kHints{40, 400};
// A report of losses follows the acknowledgement of the one before, and holds 64 entries; only the
// newest of a device waits for a commit.
constexpr Limit kLosses{20, 400};
// The sample has eight at once and one in ten seconds; else people ask for them.
constexpr Limit kStories{20, 400};
// Looked at every two seconds while an update runs, and told at each birth. A phase that is not the
// one before is an event in the fleet's store.
constexpr Limit kUpdates{2, 120};
constexpr Limit kReplies{20, 400};  // one to each command
constexpr Limit kOthers{2, 120};    // as births are

struct ClassOf {
  ItemClass operator()(const wire::Offer&) const { return ItemClass::offer; }
  ItemClass operator()(const wire::ResultItem&) const { return ItemClass::result; }
  ItemClass operator()(const wire::Accept&) const { return ItemClass::ack; }
  ItemClass operator()(const wire::Nack&) const { return ItemClass::ack; }
  ItemClass operator()(const wire::Beat&) const { return ItemClass::ack; }
  ItemClass operator()(const wire::BeatAck&) const { return ItemClass::ack; }
  ItemClass operator()(const wire::ResultAck&) const { return ItemClass::ack; }
  ItemClass operator()(const wire::Cancel&) const { return ItemClass::ack; }
  ItemClass operator()(const wire::Credits&) const { return ItemClass::hint; }
  ItemClass operator()(const wire::Echo&) const { return ItemClass::hint; }
  ItemClass operator()(const wire::LossReport&) const { return ItemClass::loss; }
  ItemClass operator()(const wire::TaskStory&) const { return ItemClass::story; }
  ItemClass operator()(const wire::UpdateReport&) const { return ItemClass::update; }
  ItemClass operator()(const wire::CommandReply&) const { return ItemClass::reply; }
  template <class Other>
  ItemClass operator()(const Other&) const {
    return ItemClass::other;
  }
};

}  // namespace

ItemClass MessageRates::class_of(const wire::Item& item) { return std::visit(ClassOf(), item); }

MessageRates::Limits MessageRates::limits(std::uint32_t held) {
  using wire::Channel;
  Limits limits;
  limits.messages.fill(kRest);
  for (const Channel channel : {Channel::task, Channel::ack, Channel::result}) {
    limits.of(channel) = kWork;
  }
  limits.of(Channel::state) = kPresence;
  limits.of(Channel::tel) = kTelemetry;

  // Twice: the restart may come while they are sent.
  const double again = std::max(kOffers, 2.0 * held);
  limits.of(ItemClass::offer) = {kOffers, again};
  limits.of(ItemClass::result) = {kOffers, again};
  limits.of(ItemClass::ack) = {kAcks, 2 * again};
  limits.of(ItemClass::hint) = kHints;
  limits.of(ItemClass::loss) = kLosses;
  limits.of(ItemClass::story) = kStories;
  limits.of(ItemClass::update) = kUpdates;
  limits.of(ItemClass::reply) = kReplies;
  limits.of(ItemClass::other) = kOthers;
  return limits;
}

bool MessageRates::take(Bucket& bucket, const Limit& limit, NodeTime now) {
  const double passed = double((now - bucket.at).count()) / 1e6;
  bucket.used = std::max(0.0, bucket.used - std::max(0.0, passed) * limit.per_second);
  bucket.at = now;
  if (bucket.used + 1 > limit.burst) {
    refused_ += 1;
    return false;
  }
  bucket.used += 1;
  return true;
}

bool MessageRates::take(const std::string& device, wire::Channel channel, NodeTime now) {
  const auto at = static_cast<std::size_t>(channel);
  return take(devices_[device].messages[at], limits_.messages[at], now);
}

bool MessageRates::take(const std::string& device, const wire::Item& item, NodeTime now) {
  const auto at = static_cast<std::size_t>(class_of(item));
  return take(devices_[device].items[at], limits_.items[at], now);
}

}  // namespace spillway::cloud
