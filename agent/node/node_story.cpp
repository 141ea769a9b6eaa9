#include "agent/node/node.h"
#include "common/wire/codec.h"

namespace spillway::agent {
namespace {

// Nothing of what they work on leaves the device, and of them nothing is told (P11).
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

wire::TaskStory Node::story_of(const owner::OwnedTask& task, Bytes history) const {
  wire::TaskStory story;
  story.id = id_of(task.seq);
  story.kind = task.spec->kind;
  story.trace = task.spec->trace;
  story.state = task.state.state;
  story.created = task.created;
  story.line = wall_of(NodeTime{});
  if (history.size() <= wire::kMaxHistory) story.history = std::move(history);
  if (task.explanation.candidates.empty()) return story;
  Bytes why = wire::encode(task.explanation);
  if (why.size() <= wire::kMaxWhy) story.why = std::move(why);
  return story;
}

// A task that ended, once that is on disk: of a sample, and not where bytes cost.
void Node::tell_story(const owner::OwnedTask& task) {
  if (!session_ || !there_.online() || options_.metered || !may_be_told(*task.spec)) return;
  if (!stories_.take(now())) return;
  journal().after([this, story = story_of(task, *task.history.encode(id_of(task.seq)))] {
    session_->send_event(story);
  });
}

// Asked for by an operator: the story goes ahead of the reply, in the same lane.
void Node::reply_with_story(const wire::Command& command) {
  const auto refuse = [this, token = command.token](Code code, const std::string& why) {
    session_->send_reply(wire::CommandReply{token, code, why});
  };
  if (!owner_.own(command.task)) {
    return refuse(Code::not_found, "task " + to_string(command.task) + " is not of this store");
  }
  parts_.store->find(
      command.task.seq, gate_.pass([this, refuse, command](const Result<store::TaskDetail>& found) {
        if (!found) return refuse(found.error().code, found.error().message);
        owner::OwnedTask task = read(found->row);
        if (owner::OwnedTask* known = owner_.find(command.task.seq)) task = *known;
        if (!may_be_told(*task.spec)) {
          return refuse(Code::denied, "it is marked edge_only: nothing of it leaves the device");
        }
        for (const store::EventRow& event : found->events) {
          if (event.kind != store::EventKind::granted) continue;
          if (auto stored = wire::decode_explanation(event.detail)) task.explanation = *stored;
        }
        const bool ended = is_terminal(task.state.state) && found->row.result;
        session_->send_reply(story_of(
            task, attempts_of(ended ? *found->row.result : *task.history.encode(id_of(task.seq)))));
        session_->send_reply(wire::CommandReply{command.token, std::nullopt, {}});
        parts_.wake();
      }));
}

}  // namespace spillway::agent
