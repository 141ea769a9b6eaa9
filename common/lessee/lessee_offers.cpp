#include <algorithm>

#include "common/crypto/sha256.h"
#include "common/lessee/lessee.h"
#include "common/wire/codec.h"

namespace spillway::lessee {

void Lessee::on_owner(const std::string& name, const wire::Presence& presence) {
  if (!presence.online) return on_owner_gone(name);
  Lessor& lessor = table_.lessor(name);
  const bool known =
      lessor.online && lessor.boot == presence.boot && lessor.session == presence.session;
  if (known) return;
  lessor.boot = presence.boot;
  lessor.session = presence.session;
  table_.set_online(lessor, true);
  renew(lessor);
  parts_.wake();
}

void Lessee::on_owner_gone(const std::string& name) {
  table_.set_online(table_.lessor(name), false);
  parts_.wake();
}

void Lessee::on_heard(const std::string& name) {
  Lessor& lessor = table_.lessor(name);
  if (lessor.online) return;
  table_.set_online(lessor, true);
  renew(lessor);
}

void Lessee::on_link_up() {
  for (auto& [name, lessor] : table_.lessors()) {
    if (lessor.online) renew(lessor);
  }
  parts_.wake();
}

// The lessor may know nothing of what it was told.
void Lessee::renew(Lessor& lessor) {
  answers_.on_session(lessor);
  rooms_.forget(lessor);
}

std::optional<lifecycle::NackReason> Lessee::reason_to_refuse(const std::string& owner,
                                                              const TaskSpec& spec) const {
  using lifecycle::NackReason;
  if (draining_) return NackReason::draining;
  // Run without it, such a task would give another value.
  if (!spec.input.inline_only() || spec.input.not_kept > 0) return NackReason::malformed;
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
  if (table_.held() >= options_.max_queue || table_.kept() / 2 >= options_.max_queue) return true;
  if (limited && table_.bytes() + more > options_.max_bytes) return true;
  const Lessor* lessor = table_.known(name);
  if (!lessor) return false;
  const std::uint64_t share = options_.max_bytes / std::max(1U, table_.online());
  const std::uint32_t offers = rooms_.told().offers;
  return lessor->held >= offers || lessor->kept / 2 >= offers ||
         (limited && lessor->bytes > 0 && lessor->bytes + more > share);
}

// Room is shared evenly among the owners that are there; each may hold its share at once.
wire::Credits Lessee::room() const {
  const std::uint32_t sharers = std::max(1U, table_.online());
  wire::Credits credits;
  credits.offers = draining_ ? 0 : std::max(1U, options_.max_queue / sharers);
  credits.queue_delay = cores_.delay();
  credits.workers = parts_.runner->width();
  credits.memory = options_.memory;
  credits.rate = options_.uplink == 0 ? 0 : std::max<std::uint64_t>(options_.uplink / sharers, 1);
  return credits;
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
                       ? std::max(cores_.delay(), Duration(std::chrono::milliseconds(100)))
                       : Duration(std::chrono::seconds(1));
  // The owner's store may have been put back: a stale offer is told the epoch known here.
  HeldTask* task = reason == lifecycle::NackReason::stale ? table_.find(owner, offer.id) : nullptr;
  parts_.send_ack(
      owner, wire::Nack{offer.id, offer.epoch, reason, after, task ? task->state.epoch : Epoch{}});
}

// An OFFER, be it new, again or of a later epoch, from the owner whose name it came under; tasks
// are looked up among that owner's alone. In this order: what cannot be read, or is not to leave
// its device, is malformed; what this node lacks, and another spec under the same name, are reasons
// to refuse; the machine decides with them, by what the row says. Then one of four: NACK at once,
// as nothing changed; the failure that a tombstone remembers; ACCEPT or RESULT for an attempt held
// here, which a later epoch adopts; or new work. All but NACK wait for the commit.
void Lessee::on(const std::string& owner, const wire::Offer& offer) {
  const auto bytes = std::make_shared<const Bytes>(offer.spec.copy());
  Result<TaskSpec> decoded = wire::decode_spec_in_place(bytes);
  // Marked to stay where it is: whoever sent it, it is not run or kept here (P11).
  if (!decoded || decoded->data == DataScope::edge_only) {
    return refuse(owner, offer, lifecycle::NackReason::malformed);
  }
  HeldTask* task = table_.find(owner, offer.id);
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
      keep_answer(*task, step.next.epoch, wire::ResultItem(*task->answer), now());
    task->terms = terms;
    beats_.on_lease(*task);
    return apply(*task, step);
  }
  counters_.accepted += 1;
  take(owner, offer, terms, {bytes, std::move(spec), digest}, step);
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
                  const lifecycle::OfferTerms& terms, Given given,
                  const lifecycle::LesseeStep& step) {
  HeldTask* known = table_.find(owner, offer.id);
  HeldTask& task = known ? *known : table_.add(owner, offer.id);
  task.terms = terms;
  beats_.on_lease(task);
  task.spec_digest = given.digest;
  task.spec_bytes = std::move(given.bytes);
  task.kind = parts_.kind(given.spec->kind);
  task.band = given.spec->band;
  task.tenant = given.spec->tenant;
  task.spec = std::move(given.spec);
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
  HeldTask* task = table_.find(owner, ack.id);
  if (!task) return;
  if (!ack.keep) return apply(*task, lifecycle::on_cancel(task->state, ack.epoch, tick()));
  const std::optional<NodeTime> sent = beats_.sent(ack.round);
  if (!sent) return;
  apply(*task, lifecycle::on_keep(task->state, ack.epoch, *sent, task->terms.lease, tick()));
}

void Lessee::on(const std::string& owner, const wire::ResultAck& ack) {
  HeldTask* task = table_.find(owner, ack.id);
  if (!task) return;
  lifecycle::LesseeStep step = lifecycle::on_result_ack(task->state, ack.epoch, tick());
  if (step.verdict == lifecycle::Verdict::applied) counters_.answered += 1;
  apply(*task, step);
}

void Lessee::on(const std::string& owner, const wire::Cancel& cancel) {
  HeldTask* task = table_.find(owner, cancel.id);
  if (!task) return;
  apply(*task, lifecycle::on_cancel(task->state, cancel.epoch, tick()));
}

}  // namespace spillway::lessee
