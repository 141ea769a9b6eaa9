#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/unit/cloud_node/cloud_world.h"

#include <CppUTest/TestHarness.h>

namespace spillway::test {

using cloud::Submitted;
using Names = std::vector<std::string>;

// Tasks that the cloud owns and a device, played by hand, leases.
struct DispatchedRig : Utest {
  CloudWorld world;
  void setup() override { world.boot(); }
  void teardown() override {
    for (const std::string& rule : world.cloud.dispatched.broken) FAIL(rule.c_str());
  }

  cloud::Dispatch& dispatch() { return *world.cloud.node().dispatch(); }
  TaskId id(std::uint64_t seq) const { return world.cloud.dispatched.id_of(seq); }
  TaskState state(std::uint64_t seq) const { return world.cloud.dispatched.state(seq); }
  TaskResult result(std::uint64_t seq) const {
    auto result = wire::decode_result(*world.cloud.dispatched.at(seq).row.result);
    return result ? *result : TaskResult{};
  }

  void introduce(Peer& device, const std::string& name, std::uint32_t room,
                 std::uint64_t session = 1) {
    if (!device.up()) device.connect();
    world.settle();
    wire::Presence presence;
    presence.online = true;
    presence.session = session;
    presence.kinds = {{"echo", 1, true}, {"secret", 1, false}};
    device.publish(world.up(name, wire::Channel::state), wire::encode(presence), true);
    device.send(world.up(name, wire::Channel::ack), {wire::Credits{room, {}, 1, 1 << 30}});
    world.settle();
  }
  void introduce(std::uint32_t room = 4) { introduce(world.device, "pump-7", room); }
  void leave() {
    wire::Presence presence;
    presence.session = 1;
    world.device.publish(world.up("pump-7", wire::Channel::state), wire::encode(presence), true);
    world.settle();
  }

  Result<Submitted> submit(cloud::Submission submission) {
    std::optional<Result<Submitted>> answer;
    dispatch().submit(std::move(submission), [&](const Result<Submitted>& made) { answer = made; });
    world.settle();
    CHECK(answer.has_value());
    return answer ? *answer : fail(Code::internal, "no answer");
  }
  Result<Submitted> submit(const std::string& input = "x") {
    return submit({world.spec(input), Names({"pump-7"}), ""});
  }
  template <class T, class Ask>
  Result<T> ask(Ask start) {
    std::optional<Result<T>> answer;
    start([&](Result<T> given) { answer = std::move(given); });
    world.settle();
    return answer ? *answer : fail(Code::internal, "no answer");
  }
  Code cancelled(std::uint64_t seq) {
    auto done = ask<void>([&](auto answer) { dispatch().cancel(id(seq), answer); });
    return done ? Code::internal : done.error().code;
  }

  wire::Offer offer() {
    auto offers = world.device.take<wire::Offer>();
    CHECK_EQUAL(1, offers.size());
    return offers.empty() ? wire::Offer{} : offers.front();
  }
  wire::ResultItem success(std::uint64_t seq, std::uint32_t epoch, const std::string& value = "v") {
    return success_of(id(seq), Epoch{epoch}, value);
  }
  void say_result(const wire::ResultItem& item) { world.say(item, wire::Channel::result); }
  wire::ResultVerdict verdict() {
    auto acks = world.device.take<wire::ResultAck>();
    CHECK_EQUAL(1, acks.size());
    return acks.empty() ? wire::ResultVerdict::stale : acks.front().verdict;
  }
};

}  // namespace spillway::test
