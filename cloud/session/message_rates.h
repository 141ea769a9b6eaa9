#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "common/wire/messages.h"
#include "common/wire/topics.h"
#include "spillway/time.h"

namespace spillway::cloud {

// How much a device may send of each class: more than any does, and too little to keep the cloud
// busy with one of them. A message is charged to its channel before it is read, and each of its
// items to the class of its type, whatever channel it came in. What is beyond is not looked at; the
// life cycle sends again what matters. Pure; one thread.
class MessageRates {
 public:
  struct Limit {
    double per_second = 0, burst = 0;
  };
  enum class ItemClass : std::uint8_t {
    offer,
    result,
    ack,     // of the life of a task, a few for each
    hint,    // credits, probes
    loss,    // reports
    story,   // of a task
    update,  // of the firmware
    reply,   // to a command
    other,   // what only the cloud sends, and what is said once a connection
  };
  static ItemClass class_of(const wire::Item& item);

  static constexpr std::size_t kChannels = static_cast<std::size_t>(wire::Channel::rpc) + 1;
  static constexpr std::size_t kItemClasses = static_cast<std::size_t>(ItemClass::other) + 1;

  struct Limits {
    std::array<Limit, kChannels> messages;
    std::array<Limit, kItemClasses> items;

    Limit& of(wire::Channel channel) { return messages[static_cast<std::size_t>(channel)]; }
    Limit& of(ItemClass one) { return items[static_cast<std::size_t>(one)]; }
  };
  // Where a device may have `held` attempts accepted here and not done: it may offer all of them
  // again, at once, after a restart.
  static Limits limits(std::uint32_t held);

  explicit MessageRates(const Limits& limits) : limits_(limits) {}
  void set_limits(const Limits& limits) { limits_ = limits; }

  // Whether one more may be taken up. Once an item may not, nothing else of its message is: each
  // refusal is of one message.
  bool take(const std::string& device, wire::Channel channel, NodeTime now);
  bool take(const std::string& device, const wire::Item& item, NodeTime now);
  std::uint64_t refused() const { return refused_; }  // messages

 private:
  struct Bucket {
    double used = 0;  // leaking away
    NodeTime at{};
  };
  struct Device {
    std::array<Bucket, kChannels> messages;
    std::array<Bucket, kItemClasses> items;
  };
  bool take(Bucket& bucket, const Limit& limit, NodeTime now);

  Limits limits_;
  std::unordered_map<std::string, Device> devices_;
  std::uint64_t refused_ = 0;
};

}  // namespace spillway::cloud
