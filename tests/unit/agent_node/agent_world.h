#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/crypto/sha256.h"
#include "common/owner/owner_journal.h"
#include "common/wire/codec.h"
#include "common/wire/topics.h"
#include "tests/support/fakes/agent_side.h"
#include "tests/support/fakes/node_world.h"
#include "tests/support/fakes/peer.h"

namespace spillway::test {

// One request and what was answered so far.
struct Asked {
  std::vector<wire::AnswerBody> answers;
  intake::Api::Ticket ticket;

  template <class T>
  const T* got() const {
    return answers.empty() ? nullptr : std::get_if<T>(&answers.front());
  }
  // The code of an Error answer; `internal` when there is none.
  Code refused() const {
    const Error* error = got<Error>();
    return error ? error->code : Code::internal;
  }
};

inline kinds::KindRegistry test_kinds() {
  kinds::KindRegistry kinds;
  for (const char* name : {"echo", "slow"}) {
    Kind kind = echo_kind(name);
    if (kind.name == "slow") kind.args = {{"limit", KindArg::Type::count, 1, 9}};
    (void)kinds.add(kind);
  }
  return kinds;
}

// An agent node, and the cloud played by hand.
struct AgentWorld {
  ManualClock clock;
  FakeBroker broker;
  kinds::KindRegistry kinds = test_kinds();
  AgentSide agent;
  Peer cloud;
  std::vector<wire::KindInfo> cloud_kinds = {{"cloud.only", 1}, {"echo", 1}};

  explicit AgentWorld(unsigned workers = 1, bool session = false)
      : agent(clock, session ? &broker : nullptr, kinds, workers),
        cloud(broker, "cloud", {"spw/1/+/+/up/#"}) {
    clock.step_wall(std::chrono::hours(24 * 20'600));  // a clock that is set
  }

  void boot() {
    agent.boot();
    settle();
  }
  void turn() {
    while (agent.turn() || (agent.on() && agent.step()) || broker.step()) {
    }
  }
  // Until it rests, also what waits for company in a commit.
  void settle() {
    turn();
    if (!agent.on() || agent.next() > agent.node().now() + owner::OwnerJournal::kMayWait) return;
    clock.advance(agent.next() - agent.node().now());
    turn();
  }
  void advance(Duration by) { pass(*this, agent, by); }

  std::shared_ptr<Asked> ask(wire::RequestBody body) {
    auto asked = std::make_shared<Asked>();
    // The node keeps the reply as long as the ticket lives.
    asked->ticket = agent.node().handle(std::move(body),
                                        [weak = std::weak_ptr(asked)](wire::AnswerBody answer) {
                                          if (auto to = weak.lock())
                                            to->answers.push_back(std::move(answer));
                                        });
    return asked;
  }
  std::shared_ptr<Asked> submit(const TaskSpec& spec) {
    return ask(wire::SubmitRequest{{wire::encode(spec)}});
  }
  static const wire::Submitted::One& first(const Asked& asked) {
    static const wire::Submitted::One none;
    const auto* submitted = asked.got<wire::Submitted>();
    return submitted ? submitted->each.front() : none;
  }
  // Submits and waits until that is settled; the task's number, 0 when refused.
  std::uint64_t add(const TaskSpec& spec) {
    auto asked = submit(spec);
    settle();
    return first(*asked).error ? 0 : first(*asked).id.seq;
  }
  Code refusal(const TaskSpec& spec) {
    auto asked = submit(spec);
    settle();
    return first(*asked).error ? first(*asked).error->code : Code::internal;
  }
  std::shared_ptr<Asked> op(wire::TaskOp what, std::uint64_t seq) {
    auto asked = ask(wire::TaskRequest{what, seq});
    settle();
    return asked;
  }
  TaskId id(std::uint64_t seq) const { return agent.disk.id_of(seq); }
  TaskState state(std::uint64_t seq) const { return agent.disk.state(seq); }
  const lifecycle::OwnerTask& row(std::uint64_t seq) const { return agent.disk.at(seq).row.task; }
  TaskResult result(std::uint64_t seq) const {
    const auto& bytes = agent.disk.at(seq).row.result;
    auto result = bytes ? wire::decode_result(*bytes) : Result<TaskResult>(fail(Code::corrupt, ""));
    return result ? *result : TaskResult{};
  }
  void succeed(std::uint64_t seq, const std::string& value = "done") {
    agent.runner().succeed(seq, to_bytes(value));
    settle();
  }
  bool runs(std::uint64_t seq) const { return const_cast<AgentSide&>(agent).runner().runs(seq); }

  // The cloud's part.
  std::string down(wire::Channel channel) const {
    return wire::to_string({"pump-7", wire::Direction::down, channel});
  }
  void cloud_up(std::uint32_t room = 100, std::uint64_t session = 5) {
    cloud.connect();
    broker.run();
    wire::Presence presence;
    presence.online = true;
    presence.session = session;
    presence.boot = BootId{77};
    presence.workers = 4;
    presence.memory = 1 << 30;
    presence.kinds = cloud_kinds;
    cloud.publish(std::string(wire::kCloudState), wire::encode(presence), true);
    say(wire::Credits{room, {}, 4, 1 << 30});
  }
  void say(wire::Item item, wire::Channel channel = wire::Channel::ack) {
    cloud.send(down(channel), {std::move(item)});
    settle();
  }
  wire::ResultItem success(std::uint64_t seq, std::uint32_t epoch, const std::string& value) const {
    return success_of(id(seq), Epoch{epoch}, value);
  }
  void say_result(wire::ResultItem item) { say(std::move(item), wire::Channel::result); }
};

}  // namespace spillway::test
