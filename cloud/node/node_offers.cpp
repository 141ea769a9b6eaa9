#include <algorithm>

#include "cloud/node/node.h"
#include "common/crypto/sha256.h"
#include "common/wire/codec.h"

namespace spillway::cloud {

void Node::on_device(const std::string& name, const wire::Presence& presence) {
  Device& device = devices_[name];
  device.online = presence.online;
  device.session = presence.session;
  device.told = {};
  next_credits_ = now();
  if (presence.online) resend_results(Duration::zero());
  parts_.wake();
}

void Node::on_item(const std::string& device, wire::Item item) {
  // Whoever speaks is there, also when its birth was missed.
  if (Device& known = devices_[device]; !known.online) {
    known.online = true;
    next_credits_ = now();
  }
  std::visit(
      [this, &device](const auto& one) {
        if constexpr (requires { this->on(device, one); }) {
          on(device, one);
        } else {
          counters_.malformed += 1;
          parts_.refused("unexpected item", device + " sent an item that only the cloud sends");
        }
      },
      item);
}

std::optional<lifecycle::NackReason> Node::reason_to_refuse(const std::string& device,
                                                            const TaskSpec& spec) const {
  using lifecycle::NackReason;
  if (draining_) return NackReason::draining;
  if (!parts_.kinds->find(spec.kind)) return NackReason::unknown_kind;
  bool has_tags = std::all_of(spec.needs.tags.begin(), spec.needs.tags.end(), [&](auto& tag) {
    return std::find(options_.tags.begin(), options_.tags.end(), tag) != options_.tags.end();
  });
  if (!has_tags || spec.needs.cpu > parts_.runner->width() || spec.needs.memory > options_.memory) {
    return NackReason::needs;
  }
  auto known = devices_.find(device);
  bool full = held_ >= options_.max_queue ||
              (known != devices_.end() && known->second.held >= credits_of(known->second).offers);
  if (full || !store_problem_.empty()) return NackReason::busy;
  return std::nullopt;
}

void Node::refuse(const std::string& device, const wire::Offer& offer,
                  lifecycle::NackReason reason) {
  counters_.refused += 1;
  Duration after = reason == lifecycle::NackReason::busy
                       ? std::max(queue_delay(), Duration(std::chrono::milliseconds(100)))
                       : Duration(std::chrono::seconds(1));
  session_->send_ack(device, wire::Nack{offer.id, offer.epoch, reason, after});
}

void Node::on(const std::string& device, const wire::Offer& offer) {
  Result<TaskSpec> decoded = wire::decode_spec(offer.spec);
  // Marked to stay where it is: whoever sent it, it is not run or kept here (P11).
  if (!decoded || decoded->data == DataScope::edge_only) {
    return refuse(device, offer, lifecycle::NackReason::malformed);
  }
  HeldTask* task = find(offer.id);
  auto spec = std::make_shared<const TaskSpec>(*std::move(decoded));
  lifecycle::OfferTerms terms;
  terms.epoch = offer.epoch;
  terms.settled = offer.settled;
  terms.effects = spec->effects;
  terms.remaining = offer.remaining;
  terms.run_timeout = spec->run_timeout.value_or(std::chrono::milliseconds(0));
  terms.lease = offer.lease;
  terms.refuse = reason_to_refuse(device, *spec);
  Digest digest = crypto::sha256(offer.spec);
  if (task && (task->device != device || task->spec_digest != digest)) {
    terms.refuse = lifecycle::NackReason::conflict;
  }
  std::optional<lifecycle::LesseeTask> known;
  if (task) known = task->state;
  lifecycle::LesseeStep step = lifecycle::on_offer(known, terms, tick());
  if (step.act.send_nack) return refuse(device, offer, step.act.nack);
  if (step.act.owe_failure) return owe_failure(device, offer, step.next.failure);
  if (task && !step.act.run) {
    counters_.repeated += 1;
    // The result of an attempt that is adopted carries the new epoch.
    bool adopted = step.verdict == lifecycle::Verdict::applied;
    if (adopted && task->answer)
      keep_result(*task, step.next.epoch, wire::ResultItem(*task->answer));
    task->terms = terms;
    return apply(*task, step);
  }
  counters_.accepted += 1;
  take(device, offer, terms, std::move(spec), digest, step);
}

// The run this tombstone stands for ended in a failure that its owner never counted.
void Node::owe_failure(const std::string& device, const wire::Offer& offer, FailureClass failure) {
  wire::ResultItem item;
  item.id = offer.id;
  item.epoch = offer.epoch;
  item.failure = failure;
  item.message = "an earlier attempt ended so, and was not reported";
  journal_.after([this, device, item = std::move(item)] { session_->send_result(device, item); });
  parts_.wake();
}

// New work: a row of its own, or a tombstone that comes to life.
void Node::take(const std::string& device, const wire::Offer& offer,
                const lifecycle::OfferTerms& terms, std::shared_ptr<const TaskSpec> spec,
                const Digest& digest, const lifecycle::LesseeStep& step) {
  HeldTask* known = find(offer.id);
  HeldTask& task = known ? *known : tasks_[offer.id];
  task.id = offer.id;
  task.device = device;
  task.terms = terms;
  task.spec_digest = digest;
  task.spec_bytes = std::make_shared<const Bytes>(offer.spec);
  task.kind = parts_.kinds->find(spec->kind);
  task.band = spec->band;
  task.spec = std::move(spec);
  task.result.reset();
  task.answer.reset();
  task.accepted = now();
  if (known) return apply(task, step);
  task.state = step.next;
  track(task, {.state = lifecycle::LeaseState::answered});
  journal_.insert(task);
  apply(task, {lifecycle::Verdict::unchanged, step.next, step.act});
}

void Node::on(const std::string& device, const wire::BeatAck& ack) {
  HeldTask* task = find(ack.id);
  if (!task || task->device != device) return;
  if (!ack.keep) return apply(*task, lifecycle::on_cancel(task->state, ack.epoch, tick()));
  auto sent = beat_sent_.find(ack.round);
  if (sent == beat_sent_.end()) return;
  apply(*task, lifecycle::on_keep(task->state, ack.epoch, sent->second, task->terms.lease, tick()));
}

void Node::on(const std::string& device, const wire::ResultAck& ack) {
  HeldTask* task = find(ack.id);
  if (!task || task->device != device) return;
  lifecycle::LesseeStep step = lifecycle::on_result_ack(task->state, ack.epoch, tick());
  if (step.verdict == lifecycle::Verdict::applied) counters_.answered += 1;
  apply(*task, step);
}

void Node::on(const std::string& device, const wire::Cancel& cancel) {
  HeldTask* task = find(cancel.id);
  if (!task || task->device != device) return;
  apply(*task, lifecycle::on_cancel(task->state, cancel.epoch, tick()));
}

void Node::on(const std::string& device, const wire::Echo& echo) {
  if (!echo.reply) session_->send_ack(device, wire::Echo{echo.token, true, {}});
}

}  // namespace spillway::cloud
