#include <algorithm>

#include "agent/node/node.h"
#include "common/crypto/sha256.h"

namespace spillway::agent {
namespace {

constexpr Duration kFirstReview = std::chrono::milliseconds(500);
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
  self.lineage = lives_.lineage();
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
  bool was = cloud_.online;
  const bool another =
      cloud_.presence.boot != presence.boot || cloud_.presence.session != presence.session;
  cloud_.online = presence.online;
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
  if (was && !another) return;
  if (!was) parts_.report("the cloud is there");
  look_at_life(presence);
  // It may have restarted, or never have had what was under way.
  owe_offers_again();
  next_probe_ = now();
  told_update_ = {};
  if (parts_.update) next_update_ = now();
  // Ahead of the look that finds what to tell.
  journal_.write_losses();
  flush();
  losses_.on_link_up(now());
}

void Node::on_link_down(const Error& reason) {
  bool was = cloud_.online;
  cloud_.online = false;
  next_resend_ = next_probe_ = next_update_ = kNever;
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
  for (std::uint64_t seq :
       std::vector(table_.pending_offers().begin(), table_.pending_offers().end())) {
    LiveTask& task = *table_.find(seq);
    apply(task, lifecycle::on_link_down(task.state, task.policy, task.spec->on_disconnect, tick()),
          {"the link went down before the cloud took it", Code::unavailable});
  }
}

session::Urgency Node::urgency_of(const LiveTask& task) {
  return task.spec->band <= Band::high ? session::Urgency::live : session::Urgency::backlog;
}

// Granted on disk: the offer goes out, now and until the cloud answers it.
void Node::owe_offer(std::uint64_t seq, Epoch epoch) {
  LiveTask* task = table_.find(seq);
  if (!task || task->state.epoch != epoch || !task->state.offer_pending || !cloud_.online) return;
  if (task->spec->data == DataScope::edge_only) return;  // P11, at egress
  offers(urgency_of(*task)).add(seq, task->owed);
  task->offered = now();
  if (next_review_ == kNever) next_review_ = now() + kFirstReview;
  parts_.wake();
}

void Node::owe_offers_again() {
  for (Owed<std::uint64_t>& owed : offers_) owed.on_session();
  for (std::uint64_t seq : table_.pending_offers()) {
    const LiveTask& task = *table_.find(seq);
    if (!task.owed.owed && task.unsaved == 0) owe_offer(seq, task.state.epoch);
  }
}

// What finds no room follows when something has left.
void Node::send_owed() {
  next_resend_ = kNever;
  if (!cloud_.online) return;
  send_owed(session::Urgency::live);
  send_owed(session::Urgency::backlog);
  const bool owing = std::any_of(offers_.begin(), offers_.end(),
                                 [](const Owed<std::uint64_t>& owed) { return !owed.empty(); });
  if (owing) next_resend_ = now() + kResendAfter;
}

void Node::send_owed(session::Urgency urgency) {
  Owed<std::uint64_t>& owed = offers(urgency);
  if (owed.empty()) return;
  const bool quiet = session_->tasks_left(urgency);
  while (const std::optional<std::uint64_t> seq = owed.next(now(), quiet)) {
    LiveTask& task = *table_.find(*seq);
    if (!send_offer(task, urgency)) return;
    owed.on_sent(*seq, task.owed, now());
  }
}

bool Node::send_offer(LiveTask& task, session::Urgency urgency) {
  wire::Offer offer;
  offer.id = id_of(task.seq);
  offer.epoch = task.state.epoch;
  if (task.state.deadline != kNever) offer.remaining = task.state.deadline - now();
  offer.lease = options_.lease;
  offer.settled = task.state.settled;
  offer.spec = *task.spec_bytes;
  offer.trace = task.spec->trace;
  if (!session_->send_task(std::move(offer), urgency)) return false;
  task.offered = now();
  task.history.count_bytes(task.spec_bytes->size(), 0);
  return true;
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

// For tasks leased to the cloud; they are in memory as long as they are.
LiveTask* Node::leased(TaskId id) { return own(id) ? table_.find(id.seq) : nullptr; }

void Node::on(const wire::Accept& item) {
  LiveTask* task = leased(item.id);
  let_in();
  if (!task) return;
  if (task->state.epoch == item.epoch && task->state.offer_pending) learn_transfer(*task);
  apply(*task, lifecycle::on_accept(task->state, task->policy, item.epoch, tick()));
}

void Node::on(const wire::Nack& item) {
  const bool barred = item.reason == lifecycle::NackReason::barred;
  if (barred) note_barred(std::string(cloud_.refuses), item.retry_after);
  LiveTask* task = leased(item.id);
  if (!task) return;
  if (barred) return on_barred(*task, item.epoch);
  const lifecycle::Refusal refusal{item.retry_after, item.known};
  apply(*task, lifecycle::on_nack(task->state, task->policy, item.epoch, refusal, tick()),
        {"the cloud refused it: " + lifecycle::refusal_text(item.reason, item.epoch, item.known),
         Code::unavailable});
}

void Node::on(const wire::Beat& item) {
  LiveTask* task = leased(item.id);
  bool keep = false;
  if (task) {
    lifecycle::OwnerStep step = lifecycle::on_beat(task->state, task->policy, item.epoch, tick());
    keep = step.verdict != lifecycle::Verdict::stale;
    apply(*task, step);
  }
  session_->send_ack(wire::BeatAck{item.id, item.epoch, keep, item.round});
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

void Node::acknowledge(const wire::ResultItem& item, wire::ResultVerdict verdict) {
  // Even a duplicate's ack waits: the first one may not be durable yet, and the cloud forgets on
  // it.
  journal_.after(item.id.seq,
                 [this, ack = wire::ResultAck{item.id, item.epoch, verdict}](const Error* refused) {
                   if (!refused) session_->send_ack(ack);  // else it is sent again
                 });
  parts_.wake();
}

void Node::on(const wire::ResultItem& item) {
  if (item.failure == FailureClass::none && crypto::sha256(item.value.bytes) != item.digest) {
    counters_.refused += 1;
    return parts_.refused("wrong digest", "a result's value does not match its digest");
  }
  // A task of a store that is gone, or one that was never granted: nobody waits for it.
  if (!own(item.id)) return acknowledge(item, wire::ResultVerdict::stale);
  auto refuse = [this, item](wire::AnswerBody body) {
    auto* error = std::get_if<Error>(&body);
    if (error && error->code == Code::not_found) acknowledge(item, wire::ResultVerdict::duplicate);
  };
  with_task(item.id.seq, refuse, [this, item](LiveTask& task) { take_result(task, item); });
}

void Node::take_result(LiveTask& task, const wire::ResultItem& item) {
  bool live = task.state.epoch == item.epoch && task.state.place == PlaceKind::cloud;
  if (live) task.history.ran_there(task.offered, now(), item.report);
  if (item.failure != FailureClass::none) {
    lifecycle::OwnerPolicy policy = policy_after(task, item.code);
    // Somebody there ended it: it would be ended again.
    if (item.code == Code::cancelled) policy.retry.max_attempts = 1;
    lifecycle::OwnerStep step =
        lifecycle::on_failure(task.state, policy, item.epoch, item.failure, tick());
    apply(task, step, {item.message, item.code});
    bool counted = step.verdict == lifecycle::Verdict::applied;
    return acknowledge(item, counted ? wire::ResultVerdict::accepted : wire::ResultVerdict::stale);
  }
  lifecycle::OwnerStep step = lifecycle::on_success(task.state, task.policy, item.epoch, tick());
  apply(task, step);
  if (!step.act.keep_result) {
    counters_.duplicates += 1;
    return acknowledge(item, step.verdict == lifecycle::Verdict::stale
                                 ? wire::ResultVerdict::stale
                                 : wire::ResultVerdict::duplicate);
  }
  task.history.won(item.epoch);
  learn_run(task, PlaceKind::cloud, item.report.ran);
  counters_.done_cloud += 1;
  task.history.count_bytes(0, item.value.bytes.size());
  TaskResult result;
  result.value = item.value;
  result.digest = item.digest;
  finish(task, std::move(result));
  acknowledge(item, wire::ResultVerdict::accepted);
}

void Node::on(const wire::Credits& item) {
  cloud_.credits = item;
  set_rate();
  cloud_.credits_at = now();
  parts_.wake();
}

// The lower of what this device may send and what the cloud grants it.
void Node::set_rate() {
  const std::uint64_t own = options_.bandwidth, granted = cloud_.credits.rate;
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
  if (!cloud_.online || options_.metered) return;
  // The one before was not answered, in all the time since.
  if (probe_sent_ != NodeTime{}) note_probe(true);
  probe_token_ = parts_.random();
  probe_sent_ = now();
  session_->send_ack(wire::Echo{probe_token_, false, {}});
}

void Node::learn_transfer(const LiveTask& task) {
  std::size_t bytes = task.spec_bytes->size();
  if (bytes < kLearnBytes) return;
  Duration took = now() - task.offered - placement_.link().rtt();
  placement_.link().learn_transfer(bytes, std::max(took, Duration(1)), now());
}

}  // namespace spillway::agent
