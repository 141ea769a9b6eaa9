#include <algorithm>

#include "common/crypto/sha256.h"
#include "common/lessee/lessee.h"
#include "common/wire/codec.h"

namespace spillway::lessee {

void Lessee::on_owner(const std::string& name, const wire::Presence& presence) {
  if (!presence.online) return on_owner_gone(name);
  Owner& owner = owner_of(name);
  const bool known =
      owner.online && owner.boot == presence.boot && owner.session == presence.session;
  if (known) return;
  owner.boot = presence.boot;
  owner.session = presence.session;
  set_online(owner, true);
  renew(owner);
  parts_.wake();
}

void Lessee::on_owner_gone(const std::string& name) {
  set_online(owner_of(name), false);
  parts_.wake();
}

void Lessee::on_heard(const std::string& name) {
  Owner& owner = owner_of(name);
  if (owner.online) return;
  set_online(owner, true);
  renew(owner);
}

void Lessee::on_link_up() {
  for (auto& [name, owner] : owners_) {
    if (owner.online) renew(owner);
  }
  parts_.wake();
}

void Lessee::set_online(Owner& owner, bool online) {
  if (std::exchange(owner.online, online) != online) online ? ++online_ : --online_;
}

// It may know nothing of what it was told.
void Lessee::renew(Owner& owner) {
  owner.results.on_session();
  join_line(owner);
  if (!std::exchange(owner.untold, true)) newcomers_.push_back(&owner);
}

std::optional<lifecycle::NackReason> Lessee::reason_to_refuse(const std::string& owner,
                                                              const TaskSpec& spec) const {
  using lifecycle::NackReason;
  if (draining_) return NackReason::draining;
  if (!parts_.kind(spec.kind)) return NackReason::unknown_kind;
  bool has_tags = std::all_of(spec.needs.tags.begin(), spec.needs.tags.end(), [&](auto& tag) {
    return std::find(options_.tags.begin(), options_.tags.end(), tag) != options_.tags.end();
  });
  if (!has_tags || spec.needs.cpu > parts_.runner->width() || spec.needs.memory > options_.memory) {
    return NackReason::needs;
  }
  const std::uint64_t bytes = HeldTask::kBesides + spec.input.bytes.size();
  if (is_full(owner, bytes) || !shortage_.empty() || !store_problem_.empty()) {
    return NackReason::busy;
  }
  return std::nullopt;
}

// Each owner has its share of the room, and once more as much for results that it has not taken;
// who has nothing here may bring one task, however small the shares are.
bool Lessee::is_full(const std::string& name, std::uint64_t more) const {
  const bool limited = options_.max_bytes > 0;
  if (held_ >= options_.max_queue || kept_ / 2 >= options_.max_queue) return true;
  if (limited && bytes_ + more > options_.max_bytes) return true;
  const auto known = owners_.find(name);
  if (known == owners_.end()) return false;
  const Owner& owner = known->second;
  const std::uint64_t share = options_.max_bytes / std::max(1U, online_);
  return owner.held >= told_.offers || owner.kept / 2 >= told_.offers ||
         (limited && owner.bytes > 0 && owner.bytes + more > share);
}

// Nothing runs longer here than is allowed.
lifecycle::OfferTerms Lessee::limited(lifecycle::OfferTerms terms) const {
  const Duration most = options_.max_run;
  const bool longer = terms.run_timeout == Duration::zero() || terms.run_timeout > most;
  if (most > Duration::zero() && longer) terms.run_timeout = most;
  return terms;
}

void Lessee::refuse(const std::string& owner, const wire::Offer& offer,
                    lifecycle::NackReason reason) {
  counters_.refused += 1;
  Duration after = reason == lifecycle::NackReason::busy
                       ? std::max(queue_delay(), Duration(std::chrono::milliseconds(100)))
                       : Duration(std::chrono::seconds(1));
  // Its owner's store may have been put back to before that.
  HeldTask* task = reason == lifecycle::NackReason::stale ? find(owner, offer.id) : nullptr;
  parts_.send_ack(
      owner, wire::Nack{offer.id, offer.epoch, reason, after, task ? task->state.epoch : Epoch{}});
}

void Lessee::on(const std::string& owner, const wire::Offer& offer) {
  Result<TaskSpec> decoded = wire::decode_spec(offer.spec);
  // Marked to stay where it is: whoever sent it, it is not run or kept here (P11).
  if (!decoded || decoded->data == DataScope::edge_only) {
    return refuse(owner, offer, lifecycle::NackReason::malformed);
  }
  HeldTask* task = find(owner, offer.id);
  auto spec = std::make_shared<const TaskSpec>(*std::move(decoded));
  lifecycle::OfferTerms terms = limited(wire::terms_of(offer, *spec));
  terms.refuse = reason_to_refuse(owner, *spec);
  Digest digest = crypto::sha256(offer.spec);
  if (task && task->spec_digest != digest) terms.refuse = lifecycle::NackReason::conflict;
  std::optional<lifecycle::LesseeTask> known;
  if (task) known = task->state;
  lifecycle::LesseeStep step = lifecycle::on_offer(known, terms, tick());
  if (step.act.send_nack) return refuse(owner, offer, step.act.nack);
  if (step.act.owe_failure) return owe_failure(owner, offer, step.next.failure);
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
  take(owner, offer, terms, std::move(spec), digest, step);
}

// The run this tombstone stands for ended in a failure that its owner never counted.
void Lessee::owe_failure(const std::string& owner, const wire::Offer& offer, FailureClass failure) {
  wire::ResultItem item;
  item.id = offer.id;
  item.epoch = offer.epoch;
  item.failure = failure;
  item.message = "an earlier attempt ended so, and was not reported";
  journal_.after([this, owner, item = std::move(item)] { parts_.send_result(owner, item); });
  parts_.wake();
}

// New work: a row of its own, or a tombstone that comes to life.
void Lessee::take(const std::string& owner, const wire::Offer& offer,
                  const lifecycle::OfferTerms& terms, std::shared_ptr<const TaskSpec> spec,
                  const Digest& digest, const lifecycle::LesseeStep& step) {
  HeldTask* known = find(owner, offer.id);
  const TaskId id = known ? known->id : name(owner, offer.id);
  HeldTask& task = known ? *known : tasks_[id];
  task.id = id;
  task.offered = offer.id;
  task.owner = owner;
  task.terms = terms;
  task.spec_digest = digest;
  task.spec_bytes = std::make_shared<const Bytes>(offer.spec);
  task.kind = parts_.kind(spec->kind);
  task.band = spec->band;
  task.tenant = spec->tenant;
  task.spec = std::move(spec);
  task.result.reset();
  task.answer.reset();
  task.accepted = now();
  task.started = {};
  if (known) return apply(task, step);
  task.state = step.next;
  track(task, {.state = lifecycle::LeaseState::answered});
  journal_.insert(task);
  apply(task, {lifecycle::Verdict::unchanged, step.next, step.act});
}

void Lessee::on(const std::string& owner, const wire::BeatAck& ack) {
  HeldTask* task = find(owner, ack.id);
  if (!task) return;
  if (!ack.keep) return apply(*task, lifecycle::on_cancel(task->state, ack.epoch, tick()));
  auto sent = beat_sent_.find(ack.round);
  if (sent == beat_sent_.end()) return;
  apply(*task, lifecycle::on_keep(task->state, ack.epoch, sent->second, task->terms.lease, tick()));
}

void Lessee::on(const std::string& owner, const wire::ResultAck& ack) {
  HeldTask* task = find(owner, ack.id);
  if (!task) return;
  lifecycle::LesseeStep step = lifecycle::on_result_ack(task->state, ack.epoch, tick());
  if (step.verdict == lifecycle::Verdict::applied) counters_.answered += 1;
  apply(*task, step);
}

void Lessee::on(const std::string& owner, const wire::Cancel& cancel) {
  HeldTask* task = find(owner, cancel.id);
  if (!task) return;
  apply(*task, lifecycle::on_cancel(task->state, cancel.epoch, tick()));
}

}  // namespace spillway::lessee
