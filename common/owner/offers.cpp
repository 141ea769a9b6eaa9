#include "common/owner/offers.h"

#include <algorithm>
#include <cassert>

#include "common/crypto/sha256.h"
#include "common/owner/owner.h"

namespace spillway::owner {

OfferBook& Offers::book(const std::string& place) {
  const auto known = books_.find(place);
  if (known != books_.end()) return known->second;
  return books_.try_emplace(place, owner_.places().of(place), place).first->second;
}

// Null: nobody knows any more what the number stands for.
OfferBook* Offers::book_of(PlaceId place) {
  const std::string& name = owner_.places().name_of(place);
  return name.empty() ? nullptr : &book(name);
}

void Offers::track(OwnedTask& task) {
  // A book of a place where the task has no attempt any more takes itself out.
  for (std::size_t i = task.away.size(); i-- > 0;) task.away[i].there->track(task);
  for (const lifecycle::LiveAttempt& one : task.state.live) {
    if (one.place == kHere || task.away_at(one.place)) continue;
    if (OfferBook* there = book_of(one.place)) there->track(task);
  }
}

bool Offers::on_presence(OfferBook& there, const wire::Presence& presence) {
  const bool another = there.on_presence(presence);
  if (!another) return false;
  // The place may have restarted, or never have had what was under way.
  for (std::uint64_t seq : there.pending()) {
    OwnedTask& task = owner_.at(seq);
    const lifecycle::LiveAttempt* out = task.state.attempt_at(there.id());
    if (out && !task.away_at(there.id())->owed.owed && task.unsaved == 0) owe(seq, out->epoch);
  }
  owing_.insert(&there);
  return true;
}

void Offers::take_back(OfferBook& there, const std::string& why) {
  for (std::uint64_t seq : std::vector(there.pending().begin(), there.pending().end())) {
    OwnedTask& task = owner_.at(seq);
    owner_.apply(task,
                 lifecycle::on_link_down(task.state, task.on_disconnect, there.id(), owner_.tick()),
                 {why, Code::unavailable});
  }
}

// Ends the leases of all tasks at a place without waiting for them: pending offers are withdrawn,
// what was acknowledged counts as lost. Where the place itself says that it forgot them, it may be
// wrong: `once` tasks keep their lease. Where it does not, it is told to stop each, once the step
// is on disk.
void Offers::lose_leases(OfferBook& there, const std::string& why, bool it_says) {
  std::vector<std::uint64_t> leased;
  owner_.table().each([&](const OwnedTask& task) {
    if (task.state.attempt_at(there.id())) leased.push_back(task.seq);
  });
  for (std::uint64_t seq : leased) {
    OwnedTask& task = owner_.at(seq);
    // A step of another one may have taken it back meanwhile.
    const lifecycle::LiveAttempt* live = task.state.attempt_at(there.id());
    if (!live) continue;
    const lifecycle::LiveAttempt out = *live;
    const Epoch epoch = out.epoch;
    if (out.offer_pending) {
      owner_.apply(task, lifecycle::withdraw(task.state, epoch, owner_.tick()),
                   {why, Code::unavailable});
      continue;
    }
    if (it_says && task.policy.effects == Effects::once) continue;
    owner_.apply(
        task,
        lifecycle::on_failure(task.state, task.policy, epoch, FailureClass::lost, owner_.tick()),
        {why, Code::unavailable});
    if (it_says) continue;
    cancel(there.id(), owner_.id_of(seq), epoch);
  }
  parts_.wake();
}

void Offers::owe(std::uint64_t seq, Epoch epoch) {
  OwnedTask* task = owner_.find(seq);
  const lifecycle::LiveAttempt* out = task ? task->state.attempt(epoch) : nullptr;
  Away* away = out && out->offer_pending ? task->away_at(out->place) : nullptr;
  if (!away) return;
  OfferBook& there = *away->there;
  if (!there.online()) return;
  if (task->spec->data == DataScope::edge_only) return;  // P11, at egress
  there.owe(*task, *away);
  away->offered = owner_.now();
  owing_.insert(&there);
  parts_.wake();
}

void Offers::cancel(PlaceId place, TaskId id, Epoch epoch) {
  OfferBook* there = book_of(place);
  if (!there) return;
  owner_.journal().after(
      [this, there, cancel = wire::Cancel{id, epoch}] { parts_.send_task(*there, cancel, true); });
}

void Offers::on_timer() {
  if (owner_.now() < next_resend_) return;
  next_resend_ = kNever;
  for (auto& [place, there] : books_) {
    if (there.online() && there.owing()) owing_.insert(&there);
  }
}

// As far as there is room, for each place that may have something due, urgent offers first; a place
// stays in line until all that is due has gone, or it is away.
void Offers::send_owed() {
  std::erase_if(owing_, [this](OfferBook* there) {
    if (!there->online()) return true;
    const bool urgent = send_owed(*there, true), others = send_owed(*there, false);
    if (there->owing())
      next_resend_ = std::min(next_resend_, owner_.now() + OfferBook::kResendAfter);
    return urgent && others;
  });
}

// Whether all that is due has gone.
bool Offers::send_owed(OfferBook& there, bool urgent) {
  if (!there.owing(urgent)) return true;
  const bool quiet = parts_.tasks_left(there, urgent);
  while (const std::optional<std::uint64_t> seq = there.next(urgent, owner_.now(), quiet)) {
    OwnedTask& task = owner_.at(*seq);
    if (!send(there, task)) return false;
    there.on_sent(task, owner_.now());
  }
  return true;
}

bool Offers::send(OfferBook& there, OwnedTask& task) {
  const lifecycle::LiveAttempt* out = task.state.attempt_at(there.id());
  assert(out && "an offer is owed only while its attempt is live");
  wire::Offer offer;
  offer.id = owner_.id_of(task.seq);
  offer.epoch = out->epoch;
  if (task.state.deadline != kNever) offer.remaining = task.state.deadline - owner_.now();
  offer.lease = task.policy.lease;
  offer.settled = task.state.settled;
  if (task.spec_bytes) offer.spec = SharedBytes(task.spec_bytes);
  offer.trace = task.spec->trace;
  if (!parts_.send_task(there, std::move(offer), task.urgent())) return false;
  task.away_at(there.id())->offered = owner_.now();
  count_bytes(task, task.spec_size(), 0);
  return true;
}

void Offers::count_bytes(OwnedTask& task, std::uint64_t sent, std::uint64_t received) const {
  if (options_.offers_go_up) {
    task.history.count_bytes(sent, received);
  } else {
    task.history.count_bytes(received, sent);
  }
}

// Whether the place was granted that epoch of the task. What was granted to nobody, in this life of
// the store, is not its to say, and no lie: it may be of one that was forgotten.
bool Offers::is_of(const OfferBook& there, const OwnedTask& task, Epoch epoch) const {
  const auto granted = [&] {
    if (task.only_at != kNowhere) return task.only_at == there.id();
    if (const auto* out = task.state.attempt(epoch)) return out->place == there.id();
    return epoch > task.state.epoch || task.history.may_speak(there.place(), epoch);
  };
  if (granted()) return true;
  parts_.refused("wrong place", there.place() + " speaks of a task that it was never offered");
  return false;
}

OwnedTask* Offers::leased(const OfferBook& there, TaskId id, Epoch epoch) {
  OwnedTask* task = owner_.own(id) ? owner_.find(id.seq) : nullptr;
  return task && is_of(there, *task, epoch) ? task : nullptr;
}

void Offers::on(OfferBook& there, const wire::Credits& credits) {
  there.set_credits(credits);
  parts_.wake();
}

void Offers::on(OfferBook& there, const wire::Accept& item) {
  OwnedTask* task = leased(there, item.id, item.epoch);
  if (!task) return;
  lifecycle::OwnerStep step =
      lifecycle::on_accept(task->state, task->policy, item.epoch, owner_.tick());
  // One that is not live stops where it was accepted.
  for (lifecycle::AttemptAct& one : step.act.attempts) {
    if (one.place == kNowhere) one.place = there.id();
  }
  owner_.apply(*task, step);
}

void Offers::on(OfferBook& there, const wire::Nack& item) {
  OwnedTask* task = leased(there, item.id, item.epoch);
  if (!task) return;
  const lifecycle::Refusal refusal{item.retry_after, item.known};
  owner_.apply(*task,
               lifecycle::on_nack(task->state, task->policy, item.epoch, refusal, owner_.tick()),
               {"it was refused: " + lifecycle::refusal_text(item.reason, item.epoch, item.known),
                Code::unavailable});
}

void Offers::on(OfferBook& there, const wire::Beat& item) {
  OwnedTask* task = leased(there, item.id, item.epoch);
  bool keep = false;
  if (task) {
    lifecycle::OwnerStep step =
        lifecycle::on_beat(task->state, task->policy, item.epoch, owner_.tick());
    keep = step.verdict != lifecycle::Verdict::stale;
    if (keep && item.state == lifecycle::LeaseState::running) {
      step = lifecycle::on_started(task->state, task->policy, item.epoch, owner_.tick());
    }
    owner_.apply(*task, step);
  }
  parts_.send_ack(there, wire::BeatAck{item.id, item.epoch, keep, item.round});
}

void Offers::on(OfferBook& there, const wire::ResultItem& item) {
  if (item.failure == FailureClass::none && crypto::sha256(item.value.bytes) != item.digest) {
    return parts_.refused("wrong digest", there.place() + ": a value does not match its digest");
  }
  // A result for a store that is gone, or of what was never granted: nobody waits for it.
  if (!owner_.own(item.id)) return acknowledge(there, item, wire::ResultVerdict::stale);
  if (OwnedTask* live = owner_.find(item.id.seq)) return take_result(there, *live, item);
  // The task has left memory: the result is a repetition, as a rule.
  const auto kept = std::make_shared<const wire::ResultItem>(item);
  const auto unknown = [this, &there, kept](const Error& error) {
    if (error.code == Code::not_found) acknowledge(there, *kept, wire::ResultVerdict::duplicate);
  };
  owner_.with_task(item.id.seq, unknown,
                   [this, &there, kept](OwnedTask& task) { take_result(there, task, *kept); });
}

// A RESULT of a task of this owner; its digest was right. Where the epoch was that place's, a
// failure and a success go to the machine, which says whether they count; an accepted success ends
// the task with its value. Every RESULT is acknowledged after the commit, also a stale, doubled or
// forged one: the lessee forgets on it.
void Offers::take_result(OfferBook& there, OwnedTask& task, const wire::ResultItem& item) {
  if (!is_of(there, task, item.epoch)) {
    return acknowledge(there, item, wire::ResultVerdict::stale);
  }
  const Away* away = task.state.attempt(item.epoch) ? task.away_at(there.id()) : nullptr;
  if (away) task.history.ran_there(item.epoch, away->offered, owner_.now(), item.report);
  if (item.failure != FailureClass::none) {
    // Somebody there ended it: it would be ended again.
    const bool again = item.code != Code::cancelled;
    const bool counted =
        owner_.fail_attempt(task, item.epoch, item.failure, fail(item.code, item.message), again);
    return acknowledge(there, item,
                       counted ? wire::ResultVerdict::accepted : wire::ResultVerdict::stale);
  }
  switch (owner_.succeed(task, item.epoch)) {
    case lifecycle::Verdict::applied: break;
    case lifecycle::Verdict::stale: return acknowledge(there, item, wire::ResultVerdict::stale);
    case lifecycle::Verdict::unchanged:
    case lifecycle::Verdict::duplicate:
      return acknowledge(there, item, wire::ResultVerdict::duplicate);
  }
  count_bytes(task, 0, item.value.bytes.size());
  owner_.host().came(task, item);
  TaskResult result;
  result.value = item.value;
  result.digest = item.digest;
  owner_.finish(task, std::move(result));
  acknowledge(there, item, wire::ResultVerdict::accepted);
}

// Also a duplicate's ack waits: the first one may not be durable yet, and the other side forgets on
// it.
void Offers::acknowledge(OfferBook& there, const wire::ResultItem& item,
                         wire::ResultVerdict verdict) {
  owner_.journal().after(
      item.id.seq,
      [this, &there, ack = wire::ResultAck{item.id, item.epoch, verdict}](const Error* refused) {
        if (!refused) parts_.send_ack(there, ack);  // else it is sent again
      });
  parts_.wake();
}

}  // namespace spillway::owner
