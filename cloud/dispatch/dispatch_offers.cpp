#include <algorithm>

#include "cloud/dispatch/dispatch.h"
#include "common/crypto/sha256.h"

namespace spillway::cloud {

void Dispatch::on_device(const std::string& device, const wire::Presence& presence) {
  Target& target = targets_[device];
  // Of another connection, or of one that is over, credits say nothing any more.
  const bool another =
      target.session != presence.session || target.boot != presence.boot || !target.online;
  if (!presence.online || (another && target.session != 0)) target.credits = 0;
  target.online = presence.online;
  target.session = presence.session;
  target.boot = presence.boot;
  if (!presence.online) {
    open_.erase(device);
    take_back_offers(target);
    return parts_.wake();
  }
  target.takes.clear();
  for (const wire::KindInfo& kind : presence.kinds) {
    if (kind.taken) target.takes.insert(kind.name);
  }
  place_again(target);
  // What it was offered it may have forgotten, or never heard.
  if (another) target.offers.on_session();
  owing_.insert(device);
  if (!target.ready.empty()) open_.insert(device);
  parts_.wake();
}

// Nothing is known of any device until it is heard of again.
void Dispatch::on_link_down() {
  for (auto& [device, target] : targets_) {
    target.online = false;
    target.credits = 0;
    take_back_offers(target);
  }
  open_.clear();
}

// What nobody acknowledged waits here for the device to return.
void Dispatch::take_back_offers(Target& target) {
  for (std::uint64_t seq : std::vector(target.offered.begin(), target.offered.end())) {
    SentTask& task = *find(seq);
    apply(task, lifecycle::on_link_down(task.state, task.policy, OnDisconnect::wait, tick()),
          {"the device went away before it took it", Code::unavailable});
  }
}

void Dispatch::place_again(Target& target) {
  for (std::uint64_t seq : std::vector(target.placeless.begin(), target.placeless.end())) {
    SentTask& task = *find(seq);
    if (target.takes.contains(task.spec->kind)) {
      apply(task, lifecycle::on_place_found(task.state, tick()));
    }
  }
}

Error Dispatch::too_large(std::size_t bytes) const {
  return fail(Code::unsupported, "the task has " + std::to_string(bytes) +
                                     " bytes and the broker carries " +
                                     std::to_string(parts_.largest()) +
                                     "; raise its maximum packet size, or send less");
}

void Dispatch::grant_to(const std::string& device, Target& target) {
  if (!parts_.up() || !target.online || !store_problem_.empty()) return;
  if (parts_.barred && parts_.barred(device)) return;
  while (!target.ready.empty()) {
    SentTask& task = *find(target.ready.begin()->seq);
    if (!target.takes.contains(task.spec->kind)) {
      apply(task, lifecycle::on_no_place(task.state, tick()));
      continue;
    }
    if (task.spec_bytes->size() > parts_.largest()) {
      apply(task, lifecycle::on_link_down(task.state, task.policy, OnDisconnect::fail, tick()),
            {too_large(task.spec_bytes->size()).message, Code::unsupported});
      continue;
    }
    if (target.held >= target.credits) return;
    lifecycle::OwnerStep step =
        lifecycle::grant(task.state, task.policy, PlaceKind::cloud, BootId{}, tick());
    if (step.verdict != lifecycle::Verdict::applied) return;
    apply(task, step);
  }
}

void Dispatch::on_barred(const std::string& device) {
  std::vector<std::uint64_t> there;
  for (const auto& [seq, task] : tasks_) {
    if (task.device == device && task.state.place != PlaceKind::none) there.push_back(seq);
  }
  for (std::uint64_t seq : there) {
    SentTask& task = *find(seq);
    const Epoch epoch = task.state.epoch;
    apply(task, lifecycle::on_failure(task.state, task.policy, epoch, FailureClass::lost, tick()),
          {"an operator barred the device", Code::unavailable});
    journal_.after([this, device, cancel = wire::Cancel{id_of(seq), epoch}] {
      if (parts_.up()) parts_.send_task(device, cancel);
    });
  }
  parts_.wake();
}

// Granted on disk: the offer goes out, now and until the device answers it.
void Dispatch::owe_offer(std::uint64_t seq, Epoch epoch) {
  SentTask* task = find(seq);
  if (!task || task->state.epoch != epoch || !task->state.offer_pending) return;
  targets_[task->device].offers.add(seq, task->owed);
  owing_.insert(task->device);
}

void Dispatch::send_owed() {
  if (!parts_.up()) return;
  std::erase_if(owing_, [this](const std::string& device) {
    Target& target = targets_[device];
    return !target.online || send_owed(device, target);
  });
}

// Whether all that is due has gone; what found no room follows when something has left.
bool Dispatch::send_owed(const std::string& device, Target& target) {
  const bool quiet = !parts_.tasks_left || parts_.tasks_left(device);
  while (const std::optional<std::uint64_t> seq = target.offers.next(now(), quiet)) {
    SentTask& task = *find(*seq);
    if (!send_offer(task)) return false;
    target.offers.on_sent(*seq, task.owed, now());
  }
  return true;
}

bool Dispatch::send_offer(SentTask& task) {
  wire::Offer offer;
  offer.id = id_of(task.seq);
  offer.epoch = task.state.epoch;
  if (task.state.deadline != kNever) offer.remaining = task.state.deadline - now();
  offer.lease = options_.lease;
  offer.settled = task.state.settled;
  offer.spec = *task.spec_bytes;
  offer.trace = task.spec->trace;
  if (!parts_.send_task(task.device, std::move(offer))) return false;
  task.offered = now();
  task.history.count_bytes(0, task.spec_bytes->size());
  return true;
}

void Dispatch::resend_offers() {
  for (auto& [device, target] : targets_) {
    if (target.online && !target.offers.empty()) owing_.insert(device);
  }
}

// Null for what is not under way, or not this device's.
SentTask* Dispatch::sent_to(const std::string& device, TaskId id) {
  SentTask* task = owns(id) ? find(id.seq) : nullptr;
  if (!task || task->device == device) return task;
  parts_.refused("wrong device", device + " speaks of a task of " + task->device);
  return nullptr;
}

void Dispatch::on(const std::string& device, const wire::Credits& credits) {
  Target& target = targets_[device];
  target.credits = credits.offers;
  if (target.online && !target.ready.empty()) open_.insert(device);
  parts_.wake();
}

void Dispatch::on(const std::string& device, const wire::Accept& item) {
  SentTask* task = sent_to(device, item.id);
  if (task) apply(*task, lifecycle::on_accept(task->state, task->policy, item.epoch, tick()));
}

void Dispatch::on(const std::string& device, const wire::Nack& item) {
  SentTask* task = sent_to(device, item.id);
  if (!task) return;
  apply(*task,
        lifecycle::on_nack(task->state, task->policy, item.epoch, {item.retry_after, item.known},
                           tick()),
        {"the device refused it: " + lifecycle::refusal_text(item.reason, item.epoch, item.known),
         Code::unavailable});
}

void Dispatch::on(const std::string& device, const wire::Beat& item) {
  SentTask* task = sent_to(device, item.id);
  bool keep = false;
  if (task) {
    const bool runs = item.state == lifecycle::LeaseState::running;
    lifecycle::OwnerStep step = lifecycle::on_beat(task->state, task->policy, item.epoch, tick());
    keep = step.verdict != lifecycle::Verdict::stale;
    if (keep && runs) {
      step = lifecycle::on_started(task->state, task->policy, item.epoch, tick());
    }
    apply(*task, step);
  }
  parts_.send_ack(device, wire::BeatAck{item.id, item.epoch, keep, item.round});
}

void Dispatch::acknowledge(const std::string& device, const wire::ResultItem& item,
                           wire::ResultVerdict verdict) {
  // Even a duplicate's ack waits: the first one may not be durable yet, and the device forgets on
  // it.
  journal_.after(item.id.seq, [this, device, ack = wire::ResultAck{item.id, item.epoch, verdict}](
                                  const Error* refused) {
    if (refused) return;  // it is sent again
    if (parts_.up()) parts_.send_ack(device, ack);
  });
  parts_.wake();
}

void Dispatch::on(const std::string& device, const wire::ResultItem& item) {
  const bool success = item.failure == FailureClass::none;
  if (success && crypto::sha256(item.value.bytes) != item.digest) {
    return parts_.refused("wrong digest", device + ": a value does not match its digest");
  }
  // Of a store that is gone, or never granted: nobody waits for it.
  if (!owns(item.id)) return acknowledge(device, item, wire::ResultVerdict::stale);
  // After a restart it may not be read yet; the device says it again.
  if (!find(item.id.seq) && reading_ > 0) return;
  SentTask* task = sent_to(device, item.id);
  if (!task) return acknowledge(device, item, wire::ResultVerdict::duplicate);
  take_result(*task, item);
}

void Dispatch::take_result(SentTask& task, const wire::ResultItem& item) {
  const bool live = task.state.epoch == item.epoch && task.state.place != PlaceKind::none;
  if (live) task.history.ran_there(task.offered, now(), item.report);
  if (item.failure != FailureClass::none) {
    // The same request fails the same way again: such errors use up all attempts at once.
    lifecycle::OwnerPolicy policy = task.policy;
    const bool hopeless = item.code == Code::invalid_argument || item.code == Code::unsupported ||
                          item.code == Code::cancelled;
    if (hopeless) policy.retry.max_attempts = 1;
    lifecycle::OwnerStep step =
        lifecycle::on_failure(task.state, policy, item.epoch, item.failure, tick());
    apply(task, step, {item.message, item.code});
    const bool counted = step.verdict == lifecycle::Verdict::applied;
    return acknowledge(task.device, item,
                       counted ? wire::ResultVerdict::accepted : wire::ResultVerdict::stale);
  }
  lifecycle::OwnerStep step = lifecycle::on_success(task.state, task.policy, item.epoch, tick());
  apply(task, step);
  if (!step.act.keep_result) {
    return acknowledge(task.device, item,
                       step.verdict == lifecycle::Verdict::stale ? wire::ResultVerdict::stale
                                                                 : wire::ResultVerdict::duplicate);
  }
  task.history.won(item.epoch);
  task.history.count_bytes(item.value.bytes.size(), 0);
  TaskResult result;
  result.value = item.value;
  result.digest = item.digest;
  finish(task, std::move(result));
  acknowledge(task.device, item, wire::ResultVerdict::accepted);
}

}  // namespace spillway::cloud
