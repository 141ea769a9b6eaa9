#include "agent/node/stories.h"

#include "agent/node/requests.h"
#include "common/wire/codec.h"

namespace spillway::agent {
namespace {

// Tasks whose data stay on the device are not told of (P11).
bool may_be_told(const TaskSpec& spec) { return spec.data != DataScope::edge_only; }

// The attempts alone: a value may be the task's secret, and is large.
Bytes attempts_of(Bytes encoded) {
  Result<TaskResult> result = wire::decode_result(encoded);
  if (!result) return {};
  result->value = {};
  result->digest = {};
  if (result->error) result->error->message.clear();
  return wire::encode(*result);
}

}  // namespace

Stories::Stories(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
                 const ClockWatch& clock, const CloudPlace& cloud,
                 const std::unique_ptr<DeviceSession>& session)
    : options_(options),
      parts_(parts),
      owner_(owner),
      clock_(clock),
      cloud_(cloud),
      session_(session) {}

wire::TaskStory Stories::story_of(const owner::OwnedTask& task, Bytes history) const {
  wire::TaskStory story;
  story.id = owner_.id_of(task.seq);
  story.kind = task.spec->kind.name;
  story.trace = task.spec->trace;
  story.state = task.state.state;
  story.created = task.created;
  story.line = clock_.wall_of(NodeTime{});
  if (history.size() <= wire::kMaxHistory) story.history = std::move(history);
  if (task.explanation.candidates.empty()) return story;
  Bytes why = wire::encode(task.explanation);
  if (why.size() <= wire::kMaxWhy) story.why = std::move(why);
  return story;
}

void Stories::on_ended(const owner::OwnedTask& task) {
  if (!session_ || !cloud_.online() || options_.link.metered || !may_be_told(*task.spec)) return;
  if (!sample_.take(owner_.now())) return;
  Bytes history = *task.history.encode(owner_.id_of(task.seq));
  owner_.journal().after(
      [this, story = story_of(task, std::move(history))] { session_->send_event(story); });
}

void Stories::reply(const wire::Command& command) {
  const auto refuse = [this, token = command.token](Code code, const std::string& why) {
    session_->send_reply(wire::CommandReply{token, code, why});
  };
  if (!owner_.own(command.task)) {
    return refuse(Code::not_found, "task " + to_string(command.task) + " is not of this store");
  }
  const auto look = [this, refuse, command](const Result<store::TaskDetail>& found) {
    if (!found) return refuse(found.error().code, found.error().message);
    const owner::OwnedTask* known = owner_.find(command.task.seq);
    owner::OwnedTask task = known ? *known : *owner_.read(found->row);
    if (!may_be_told(*task.spec)) {
      return refuse(Code::denied, "it is marked edge_only: nothing of it leaves the device");
    }
    recall_explanation(task, found->events);
    const bool ended = is_terminal(task.state.state) && found->row.result;
    session_->send_reply(story_of(
        task, attempts_of(ended ? *found->row.result : *task.history.encode(command.task))));
    session_->send_reply(wire::CommandReply{command.token, std::nullopt, {}});
    parts_.wake();
  };
  parts_.store->find(command.task.seq, gate_.pass(look));
}

}  // namespace spillway::agent
