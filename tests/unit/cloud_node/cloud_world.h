#pragma once

#include <string>
#include <vector>

#include "common/crypto/sha256.h"
#include "common/wire/codec.h"
#include "common/wire/topics.h"
#include "tests/support/fakes/cloud_side.h"
#include "tests/support/fakes/node_world.h"
#include "tests/support/fakes/peer.h"

namespace spillway::test {

inline kinds::KindRegistry cloud_kinds() {
  kinds::KindRegistry kinds;
  for (const char* name : {"echo", "slow"}) {
    Kind kind = echo_kind(name);
    (void)kinds.add(kind);
    kind.name += ".exact";
    kind.args.emplace();
    (void)kinds.add(kind);
    kind.name += ".everywhere";
    kind.builtin = true;
    (void)kinds.add(kind);
  }
  return kinds;
}

// A cloud node, and devices played by hand.
struct CloudWorld {
  ManualClock clock;
  FakeBroker broker;
  kinds::KindRegistry kinds = cloud_kinds();
  CloudSide cloud;
  Peer device, other;

  explicit CloudWorld(unsigned workers = 1)
      : cloud(clock, broker, kinds, workers),
        device(broker, "pump-7", {prefix("pump-7") + "#", std::string(wire::kCloudState)}),
        other(broker, "pump-8", {prefix("pump-8") + "#"}) {}

  static std::string prefix(const std::string& name) {
    const std::string any = wire::to_string({name, wire::Direction::down, wire::Channel::ack});
    return any.substr(0, any.rfind('/') + 1);
  }
  static std::string up(const std::string& name, wire::Channel channel) {
    return wire::to_string({name, wire::Direction::up, channel});
  }

  void boot() {
    cloud.boot();
    settle();
    if (device.up()) return;
    device.connect();
    settle();
    birth();
    device.forget();
  }
  void birth(std::uint64_t session = 1, bool online = true) { birth_of("pump-7", session, online); }
  void birth_of(const std::string& name, std::uint64_t session = 1, bool online = true) {
    wire::Presence presence;
    presence.online = online;
    presence.session = session;
    device.publish(up(name, wire::Channel::state), wire::encode(presence), true);
    settle();
  }
  void settle() {
    while (cloud.turn() || (cloud.on() && cloud.step()) || broker.step()) {
    }
  }
  void advance(Duration by) { pass(*this, cloud, by); }

  static TaskId id(std::uint64_t seq) { return {Origin{0x5111}, seq}; }
  static TaskSpec spec(const std::string& input = "x") { return echo(input); }
  static wire::Offer offer(std::uint64_t seq, std::uint32_t epoch = 1,
                           const TaskSpec& task = spec()) {
    return offer_of(id(seq), Epoch{epoch}, task);
  }
  void say(wire::Item item, wire::Channel channel = wire::Channel::ack) {
    device.send(up("pump-7", channel), {std::move(item)});
    settle();
  }
  void say_offer(wire::Offer offer) { say(std::move(offer), wire::Channel::task); }
  std::string nacked() { return device.nacked(); }
  void succeed(std::uint64_t seq, const std::string& value = "done") {
    cloud.runner().succeed(seq, to_bytes(value));
    settle();
  }
  lifecycle::LeaseState state(std::uint64_t seq) const { return cloud.disk.at(id(seq)).task.state; }
  bool runs(std::uint64_t seq) { return cloud.runner().runs(seq); }
  void restart() {
    cloud.crash();
    boot();
  }
};

}  // namespace spillway::test
