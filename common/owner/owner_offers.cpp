#include "common/crypto/sha256.h"
#include "common/owner/owner.h"

// What an owner and the places it leases to have to say to each other.
namespace spillway::owner {

OfferBook& Owner::book(const std::string& place) {
  return books_.try_emplace(place, place).first->second;
}

bool Owner::on_presence(OfferBook& there, const wire::Presence& presence) {
  const bool another = there.on_presence(presence);
  if (!another) return false;
  // It may have restarted, or never have had what was under way.
  for (std::uint64_t seq : there.pending()) {
    const OwnedTask& task = *find(seq);
    if (!task.owed.owed && task.unsaved == 0) owe_offer(seq, task.state.epoch);
  }
  owing_.insert(&there);
  return true;
}

void Owner::take_back(OfferBook& there, const std::string& why) {
  for (std::uint64_t seq : std::vector(there.pending().begin(), there.pending().end())) {
    OwnedTask& task = *find(seq);
    apply(task, lifecycle::on_link_down(task.state, task.policy, task.on_disconnect, tick()),
          {why, Code::unavailable});
  }
}

void Owner::lose_leases(OfferBook& there, const std::string& why, bool it_says) {
  std::vector<std::uint64_t> leased;
  table_.each([&](const OwnedTask& task) {
    if (task.there == &there && task.state.place == PlaceKind::cloud) leased.push_back(task.seq);
  });
  for (std::uint64_t seq : leased) {
    OwnedTask& task = *find(seq);
    const Epoch epoch = task.state.epoch;
    if (task.state.offer_pending) {
      apply(task, lifecycle::withdraw(task.state, task.policy, tick()), {why, Code::unavailable});
      continue;
    }
    if (it_says && task.policy.effects == Effects::once) continue;
    apply(task, lifecycle::on_failure(task.state, task.policy, epoch, FailureClass::lost, tick()),
          {why, Code::unavailable});
    if (it_says) continue;
    journal_.after([this, &there, cancel = wire::Cancel{id_of(seq), epoch}] {
      parts_.send_task(there, cancel, true);
    });
  }
  parts_.wake();
}

// Granted on disk: the offer goes out, now and until it is answered.
void Owner::owe_offer(std::uint64_t seq, Epoch epoch) {
  OwnedTask* task = find(seq);
  if (!task || task->state.epoch != epoch || !task->state.offer_pending) return;
  OfferBook& there = *task->there;
  if (!there.online()) return;
  if (task->spec->data == DataScope::edge_only) return;  // P11, at egress
  there.owe(*task);
  task->offered = now();
  owing_.insert(&there);
  parts_.wake();
}

// What finds no room follows when something has left.
void Owner::send_owed() {
  std::erase_if(owing_, [this](OfferBook* there) {
    if (!there->online()) return true;
    const bool urgent = send_owed(*there, true), others = send_owed(*there, false);
    if (there->owing()) next_resend_ = std::min(next_resend_, now() + OfferBook::kResendAfter);
    return urgent && others;
  });
}

// Whether all that is due has gone.
bool Owner::send_owed(OfferBook& there, bool urgent) {
  if (!there.owing(urgent)) return true;
  const bool quiet = parts_.tasks_left(there, urgent);
  while (const std::optional<std::uint64_t> seq = there.next(urgent, now(), quiet)) {
    OwnedTask& task = *find(*seq);
    if (!send_offer(task)) return false;
    there.on_sent(task, now());
  }
  return true;
}

bool Owner::send_offer(OwnedTask& task) {
  wire::Offer offer;
  offer.id = id_of(task.seq);
  offer.epoch = task.state.epoch;
  if (task.state.deadline != kNever) offer.remaining = task.state.deadline - now();
  offer.lease = options_.lease;
  offer.settled = task.state.settled;
  offer.spec = *task.spec_bytes;
  offer.trace = task.spec->trace;
  if (!parts_.send_task(*task.there, std::move(offer), task.urgent())) return false;
  task.offered = now();
  count_bytes(task, task.spec_size(), 0);
  return true;
}

void Owner::count_bytes(OwnedTask& task, std::uint64_t sent, std::uint64_t received) const {
  if (options_.offers_go_up) {
    task.history.count_bytes(sent, received);
  } else {
    task.history.count_bytes(received, sent);
  }
}

bool Owner::is_of(const OfferBook& there, const OwnedTask& task) const {
  if (task.there == &there) return true;
  parts_.refused("wrong place", there.place() + " speaks of a task that it was never offered");
  return false;
}

// Those that are leased are in memory as long as they are.
OwnedTask* Owner::leased(const OfferBook& there, TaskId id) {
  OwnedTask* task = own(id) ? find(id.seq) : nullptr;
  return task && is_of(there, *task) ? task : nullptr;
}

void Owner::on(OfferBook& there, const wire::Credits& credits) {
  there.set_credits(credits);
  parts_.wake();
}

void Owner::on(OfferBook& there, const wire::Accept& item) {
  OwnedTask* task = leased(there, item.id);
  if (task) apply(*task, lifecycle::on_accept(task->state, task->policy, item.epoch, tick()));
}

void Owner::on(OfferBook& there, const wire::Nack& item) {
  OwnedTask* task = leased(there, item.id);
  if (!task) return;
  const lifecycle::Refusal refusal{item.retry_after, item.known};
  apply(*task, lifecycle::on_nack(task->state, task->policy, item.epoch, refusal, tick()),
        {"it was refused: " + lifecycle::refusal_text(item.reason, item.epoch, item.known),
         Code::unavailable});
}

void Owner::on(OfferBook& there, const wire::Beat& item) {
  OwnedTask* task = leased(there, item.id);
  bool keep = false;
  if (task) {
    lifecycle::OwnerStep step = lifecycle::on_beat(task->state, task->policy, item.epoch, tick());
    keep = step.verdict != lifecycle::Verdict::stale;
    if (keep && item.state == lifecycle::LeaseState::running) {
      step = lifecycle::on_started(task->state, task->policy, item.epoch, tick());
    }
    apply(*task, step);
  }
  parts_.send_ack(there, wire::BeatAck{item.id, item.epoch, keep, item.round});
}

void Owner::on(OfferBook& there, const wire::ResultItem& item) {
  if (item.failure == FailureClass::none && crypto::sha256(item.value.bytes) != item.digest) {
    return parts_.refused("wrong digest", there.place() + ": a value does not match its digest");
  }
  // Of a store that is gone, or never granted: nobody waits for it.
  if (!own(item.id)) return acknowledge(there, item, wire::ResultVerdict::stale);
  const auto unknown = [this, &there, item](const Error& error) {
    if (error.code == Code::not_found) acknowledge(there, item, wire::ResultVerdict::duplicate);
  };
  with_task(item.id.seq, unknown, [this, &there, item](OwnedTask& task) {
    if (is_of(there, task)) take_result(task, item);
  });
}

void Owner::take_result(OwnedTask& task, const wire::ResultItem& item) {
  const bool live = task.state.epoch == item.epoch && task.state.place == PlaceKind::cloud;
  if (live) task.history.ran_there(task.offered, now(), item.report);
  if (item.failure != FailureClass::none) {
    // Somebody there ended it: it would be ended again.
    const bool again = item.code != Code::cancelled;
    const bool counted =
        fail_attempt(task, item.epoch, item.failure, fail(item.code, item.message), again);
    return acknowledge(*task.there, item,
                       counted ? wire::ResultVerdict::accepted : wire::ResultVerdict::stale);
  }
  switch (succeed(task, item.epoch)) {
    case lifecycle::Verdict::applied: break;
    case lifecycle::Verdict::stale:
      return acknowledge(*task.there, item, wire::ResultVerdict::stale);
    case lifecycle::Verdict::unchanged:
    case lifecycle::Verdict::duplicate:
      return acknowledge(*task.there, item, wire::ResultVerdict::duplicate);
  }
  count_bytes(task, 0, item.value.bytes.size());
  host_.came(task, item);
  TaskResult result;
  result.value = item.value;
  result.digest = item.digest;
  finish(task, std::move(result));
  acknowledge(*task.there, item, wire::ResultVerdict::accepted);
}

// Also a duplicate's ack waits: the first one may not be durable yet, and the other side forgets on
// it.
void Owner::acknowledge(OfferBook& there, const wire::ResultItem& item,
                        wire::ResultVerdict verdict) {
  journal_.after(item.id.seq, [this, &there, ack = wire::ResultAck{item.id, item.epoch, verdict}](
                                  const Error* refused) {
    if (!refused) parts_.send_ack(there, ack);  // else it is sent again
  });
  parts_.wake();
}

}  // namespace spillway::owner
