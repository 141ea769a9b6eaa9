#include <algorithm>

#include "agent/node/node.h"

namespace spillway::agent {
namespace {

constexpr std::size_t kLearnBytes = 8 * 1024;      // smaller inputs say nothing of bandwidth
const std::string kCloud = "cloud";                // as an owner
constexpr std::size_t kUsualLargest = 128 * 1024;  // bytes; no task is larger

}  // namespace

void Node::attach(mqtt::Transport& transport, SessionOptions session) {
  session::Hooks hooks;
  hooks.now = [this] { return now(); };
  hooks.random = parts_.random;
  hooks.wall = [this] { return parts_.clock->wall_time(); };
  SessionEvents events{.up =
                           [this] {
                             link_since_ = now();
                             link_problem_.clear();
                             say_largest();
                             next_telemetry_ =
                                 options_.telemetry > Duration::zero() ? now() : kNever;
                           },
                       .down = [this](const Error& reason) { on_link_down(reason); },
                       .cloud = [this](const wire::Presence& presence) { on_cloud(presence); },
                       .item = [this](wire::Item item) { on_item(std::move(item)); },
                       .refused =
                           [this](const std::string& cause, const std::string& detail) {
                             counters_.refused += 1;
                             parts_.refused(cause, detail);
                           },
                       .changed = parts_.wake};
  session_ = std::make_unique<DeviceSession>(transport, std::move(session), std::move(hooks),
                                             std::move(events));
  wire::Presence self;
  self.boot = options_.boot;
  self.version = options_.version;
  set_rate();
  self.workers = parts_.runner->width();
  self.memory = options_.memory;
  self.tags = options_.tags;
  self.lineage = owner_.lives().lineage();
  for (const Kind* kind : parts_.kinds->list()) {
    self.kinds.push_back({kind->name, kind->version, lessee_ && takes(kind->name)});
  }
  session_->describe(std::move(self));
}

// Once per change: what the broker does not carry runs here, or waits.
void Node::say_largest() {
  const std::size_t largest = session_->connection().largest_item();
  if (largest >= kUsualLargest || std::exchange(said_largest_, largest) == largest) return;
  parts_.report("the broker carries tasks of at most " + std::to_string(largest) +
                " bytes; larger ones run on this device, if they can");
}

void Node::on_cloud(const wire::Presence& presence) {
  const bool was = there_.online();
  const bool another = owner_.on_presence(there_, presence);
  cloud_.presence = presence;
  cloud_.kinds.clear();
  for (const wire::KindInfo& kind : presence.kinds) cloud_.kinds.push_back(kind.name);
  std::sort(cloud_.kinds.begin(), cloud_.kinds.end());
  if (was != presence.online) link_since_ = now();
  if (!presence.online) losses_.on_link_down();
  if (!presence.online || another) forget_bar();
  if (lessee_) lessee_->on_owner(kCloud, presence);
  if (!presence.online) {
    parts_.report(presence.graceful ? "the cloud went away, announced" : "the cloud went away");
    return withdraw_offers();
  }
  // It says anew what changed, and has forgotten nothing.
  if (!another) return;
  if (!was) parts_.report("the cloud is there");
  look_at_life(presence);
  next_probe_ = now();
  told_update_ = {};
  if (parts_.update) next_update_ = now();
  // Ahead of the look that finds what to tell.
  journal().write_losses();
  flush();
  losses_.on_link_up(now());
}

void Node::on_link_down(const Error& reason) {
  const bool was = there_.online();
  there_.on_gone();
  next_probe_ = next_update_ = kNever;
  probe_sent_ = {};  // it went with the link, which is told otherwise
  losses_.on_link_down();
  forget_bar();
  if (lessee_) lessee_->on_owner_gone(kCloud);
  if (was) {
    link_since_ = now();
    parts_.report("the link went down: " + reason.message);
  } else if (reason.message != link_problem_) {
    // Attempts go on; each cause is said once.
    parts_.report("no connection to the broker: " + reason.message);
  }
  link_problem_ = reason.message;
  withdraw_offers();
}

// P13: what nobody acknowledged runs here instead, unless it must not.
void Node::withdraw_offers() {
  owner_.take_back(there_, "the link went down before the cloud took it");
}

void Node::on_item(wire::Item item) {
  std::visit(
      [this](const auto& one) {
        if constexpr (requires { this->on(one); }) {
          on(one);
        } else if constexpr (requires { lessee_->on(kCloud, one); }) {
          if (lessee_) lessee_->on(kCloud, one);
        } else {
          counters_.refused += 1;
          parts_.refused("unexpected item", "the cloud sent an item that only devices send");
        }
      },
      item);
}

void Node::on(const wire::Accept& item) {
  let_in();
  const owner::OwnedTask* task = owner_.own(item.id) ? owner_.find(item.id.seq) : nullptr;
  if (task && task->state.epoch == item.epoch && task->state.offer_pending) learn_transfer(*task);
  owner_.on(there_, item);
}

void Node::on(const wire::Nack& item) {
  if (item.reason != lifecycle::NackReason::barred) return owner_.on(there_, item);
  note_barred(std::string(cloud_.refuses), item.retry_after);
  // No task has to wait for that: it is the cloud that is no place for any.
  owner::OwnedTask* task = owner_.own(item.id) ? owner_.find(item.id.seq) : nullptr;
  if (!task || task->state.epoch != item.epoch) return;
  owner_.apply(*task, lifecycle::withdraw(task->state, task->policy, owner_.tick()),
               {cloud_.refuses, Code::unavailable});
}

// Answered when it is taken up: a drain ends with what runs, and telemetry shows how far it is.
void Node::on(const wire::Command& command) {
  wire::CommandReply reply{command.token, std::nullopt, {}};
  switch (command.what) {
    case wire::CommandKind::story: return reply_with_story(command);
    case wire::CommandKind::drain: drain([] {}); break;
    case wire::CommandKind::resume: resume(); break;
    case wire::CommandKind::logs:
      if (parts_.logs) {
        reply.text = parts_.logs(command.lines);
      } else {
        reply.failure = Code::unsupported;
        reply.text = "this agent keeps no log lines";
      }
      break;
  }
  if (command.what != wire::CommandKind::logs) {
    parts_.report(draining_ ? "an operator of the cloud asked to drain"
                            : "an operator of the cloud asked to go on");
  }
  session_->send_reply(std::move(reply));
}

void Node::on(const wire::Credits& item) {
  owner_.on(there_, item);
  set_rate();
}

// The lower of what this device may send and what the cloud grants it.
void Node::set_rate() {
  const std::uint64_t own = options_.bandwidth, granted = there_.credits().rate;
  session_->connection().set_rate(own == 0 || granted == 0 ? std::max(own, granted)
                                                           : std::min(own, granted));
}

void Node::on(const wire::Echo& item) {
  if (!item.reply) {
    session_->send_ack(wire::Echo{item.token, true, {}});
    return;
  }
  if (item.token != probe_token_ || probe_sent_ == NodeTime{}) return;
  placement_.link().learn_round_trip(now() - probe_sent_, now());
  probe_sent_ = {};
  note_probe(false);
}

// A tenth of each says how it is of late.
void Node::note_probe(bool lost) { probe_loss_ = 0.9 * probe_loss_.value_or(0) + (lost ? 0.1 : 0); }

void Node::probe() {
  next_probe_ = now() + options_.probe_interval;
  if (!there_.online() || options_.metered) return;
  // The one before was not answered, in all the time since.
  if (probe_sent_ != NodeTime{}) note_probe(true);
  probe_token_ = parts_.random();
  probe_sent_ = now();
  session_->send_ack(wire::Echo{probe_token_, false, {}});
}

void Node::learn_transfer(const owner::OwnedTask& task) {
  std::size_t bytes = task.spec_bytes->size();
  if (bytes < kLearnBytes) return;
  Duration took = now() - task.offered - placement_.link().rtt();
  placement_.link().learn_transfer(bytes, std::max(took, Duration(1)), now());
}

}  // namespace spillway::agent
