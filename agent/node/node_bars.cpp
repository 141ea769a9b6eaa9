#include "agent/node/node.h"

// What operators of the cloud bar this device from.
namespace spillway::agent {
namespace {

std::string refusal_of(wire::Standing standing) {
  const std::string who = "the cloud refuses this device: an operator has ";
  switch (standing) {
    case wire::Standing::welcome: break;  // it did not say
    case wire::Standing::quarantined: return who + "quarantined it";
    case wire::Standing::revoked: return who + "revoked it";
  }
  return who + "quarantined or revoked it";
}

}  // namespace

// Until it is asked again, the cloud is no place for anything. `why` is empty when it did not say.
void Node::note_barred(const std::string& why, Duration ask_again) {
  cloud_.refuses = why.empty() ? refusal_of(wire::Standing::welcome) : why;
  cloud_.refuses_until = now() + ask_again;
  const bool news = why.empty() ? cloud_.said_refusal.empty() : cloud_.said_refusal != why;
  if (!news) return;
  cloud_.said_refusal = cloud_.refuses;
  parts_.report(cloud_.refuses);
}

void Node::let_in() {
  forget_bar();
  if (!std::exchange(cloud_.said_refusal, "").empty()) {
    parts_.report("the cloud takes this device's tasks again");
  }
}

// Of a session that is over: the next one tells it again.
void Node::forget_bar() {
  cloud_.refuses.clear();
  cloud_.refuses_until = {};
}

// A hint. Who does not hear it learns the same from the answers to its offers.
void Node::on(const wire::StandingNotice& notice) {
  if (notice.standing == wire::Standing::welcome) {
    let_in();
  } else {
    note_barred(refusal_of(notice.standing), notice.ask_again);
    take_back_from_cloud();
  }
  parts_.wake();
}

// The cloud stops what it had of this device, so that nobody has to wait for leases to end. But a
// task whose effects happen once is given to nobody else before its lease is over: the notice may
// be wrong.
void Node::take_back_from_cloud() {
  std::vector<std::uint64_t> there;
  table_.for_each([&there](const LiveTask& task) {
    if (task.state.place == PlaceKind::cloud) there.push_back(task.seq);
  });
  for (std::uint64_t seq : there) {
    LiveTask* task = table_.find(seq);
    if (!task) continue;
    const lifecycle::OwnerTask& state = task->state;
    if (state.offer_pending) {
      on_barred(*task, state.epoch);
    } else if (task->policy.effects != Effects::once) {
      apply(*task,
            lifecycle::on_failure(state, task->policy, state.epoch, FailureClass::lost, tick()),
            {cloud_.refuses, Code::unavailable});
    }
  }
}

// Its offer was, or would be, refused. No task has to wait for that: it is the cloud that is no
// place for any.
void Node::on_barred(LiveTask& task, Epoch epoch) {
  if (task.state.epoch != epoch) return;
  apply(task, lifecycle::withdraw(task.state, task.policy, tick()),
        {cloud_.refuses, Code::unavailable});
}

}  // namespace spillway::agent
