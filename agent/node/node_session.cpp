#include "agent/node/node.h"

#include "common/link/birth.h"

// What comes from the cloud and the broker, and who takes it.
namespace spillway::agent {
namespace {

const std::string kCloud = "cloud";  // as an owner

}  // namespace

struct Node::Received {
  Node& node;

  // Items about tasks that this device owns.
  void operator()(const wire::Accept& item) const { node.cloud_.on(item); }
  void operator()(const wire::Nack& item) const { node.cloud_.on(item); }
  void operator()(const wire::Beat& item) const { node.cloud_.on(item); }
  void operator()(const wire::ResultItem& item) const { node.cloud_.on(item); }
  void operator()(const wire::Credits& item) const { node.cloud_.on(item); }
  // Items about tasks that the cloud owns.
  void operator()(const wire::Offer& item) const { lease(item); }
  void operator()(const wire::Cancel& item) const { lease(item); }
  void operator()(const wire::BeatAck& item) const { lease(item); }
  void operator()(const wire::ResultAck& item) const { lease(item); }
  // Items about the device itself.
  void operator()(const wire::Echo& item) const { node.cloud_.on(item); }
  void operator()(const wire::StandingNotice& item) const { node.cloud_.on(item); }
  void operator()(const wire::Command& item) const { node.obey(item); }
  void operator()(const wire::LossAck& item) const { node.losses_.on(item); }
  void operator()(const wire::LifeNotice& item) const {
    // Counts that went back are told under a name of their own, or they would hide what is lost.
    if (node.lives_.on(item)) node.losses_.on_link_up();
    node.parts_.wake();
  }
  // Only devices send these.
  void operator()(const wire::LossReport&) const { unexpected(); }
  void operator()(const wire::TaskStory&) const { unexpected(); }
  void operator()(const wire::UpdateReport&) const { unexpected(); }
  void operator()(const wire::CommandReply&) const { unexpected(); }

 private:
  template <class Item>
  void lease(const Item& item) const {
    if (lessee::Lessee* lessee = node.dispatched_.lessee()) lessee->on(kCloud, item);
  }
  void unexpected() const {
    node.refuse("unexpected item", "the cloud sent an item that only devices send");
  }
};

void Node::attach(mqtt::Transport& transport, SessionOptions session) {
  link::Hooks hooks;
  hooks.now = [this] { return now(); };
  hooks.random = parts_.random;
  hooks.wall = [this] { return parts_.clock->wall_time(); };
  SessionEvents events;
  events.up = [this] {
    cloud_.on_up();
    telemetry_.on_up();
  };
  events.down = [this](const Error& reason) { on_link_down(reason); };
  events.cloud = [this](const wire::Presence& presence) { on_cloud(presence); };
  events.item = [this](const wire::Item& item) { std::visit(Received{*this}, item); };
  events.refused = [this](const std::string& cause, const std::string& why) { refuse(cause, why); };
  events.changed = parts_.wake;
  session_ = std::make_unique<DeviceSession>(transport, std::move(session), std::move(hooks),
                                             std::move(events));
  cloud_.set_rate();
  wire::Presence self = link::birth_of(options_, parts_.runner->width());
  self.lineage = owner_.lives().lineage();
  for (const Kind* kind : parts_.kinds->list()) {
    const bool taken = dispatched_.lessee() && dispatched_.takes(kind->name);
    self.kinds.push_back({kind->name, kind->version, taken, kind->digest});
  }
  session_->describe(std::move(self));
}

void Node::refuse(const std::string& cause, const std::string& detail) {
  refused_ += 1;
  parts_.refused(cause, detail);
}

void Node::on_cloud(const wire::Presence& presence) {
  if (!presence.online) losses_.on_link_down();
  if (lessee::Lessee* lessee = dispatched_.lessee()) lessee->on_owner(kCloud, presence);
  // In the same session the cloud says anew what changed, and has forgotten nothing.
  if (!cloud_.on_presence(presence)) return;
  if (auto notice = lives_.on_cloud(presence)) {
    session_->send_ack(*notice);
    if (notice->remark != wire::LifeRemark::cloned) cloud_.forget_leases();
  }
  update_.on_cloud(now());
  // Ahead of the look that finds what to tell.
  owner_.journal().write_losses();
  flush();
  losses_.on_link_up();
  parts_.wake();
}

void Node::on_link_down(const Error& reason) {
  update_.on_link_down();
  losses_.on_link_down();
  if (lessee::Lessee* lessee = dispatched_.lessee()) lessee->on_owner_gone(kCloud);
  cloud_.on_link_down(reason);
}

// Answered when it is taken up: a drain ends with what runs, and telemetry shows how far it is.
void Node::obey(const wire::Command& command) {
  wire::CommandReply reply{command.token, std::nullopt, {}};
  switch (command.what) {
    case wire::CommandKind::story: return stories_.reply(command);
    case wire::CommandKind::drain:
      drain([] {});
      parts_.report("an operator of the cloud asked to drain");
      break;
    case wire::CommandKind::resume:
      resume();
      parts_.report("an operator of the cloud asked to go on");
      break;
    case wire::CommandKind::logs:
      if (parts_.logs) {
        reply.text = parts_.logs(command.lines);
      } else {
        reply.failure = Code::unsupported;
        reply.text = "this agent keeps no log lines";
      }
      break;
  }
  session_->send_reply(std::move(reply));
}

}  // namespace spillway::agent
