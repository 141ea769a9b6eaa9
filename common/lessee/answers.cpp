#include "common/lessee/answers.h"

#include <algorithm>

#include "common/crypto/sha256.h"
#include "common/wire/codec.h"

namespace spillway::lessee {

void keep_answer(HeldTask& task, Epoch epoch, wire::ResultItem item, NodeTime now) {
  item.id = task.offered;
  item.epoch = epoch;
  item.message.resize(std::min<std::size_t>(item.message.size(), 1024));
  auto answer = std::make_shared<const wire::ResultItem>(std::move(item));
  wire::Message message;
  message.session = message.seq = 1;  // never sent as it is
  message.items.push_back(*answer);
  task.result = std::make_shared<const Bytes>(wire::encode(message).copy());
  task.answer = std::move(answer);
  task.ended = now;
}

bool restore_answer(HeldTask& task) {
  const auto message = wire::decode_message_in_place(task.result);
  const auto* item = message ? std::get_if<wire::ResultItem>(&message->items.front()) : nullptr;
  const bool good = item && (item->failure != FailureClass::none ||
                             crypto::sha256(item->value.bytes) == item->digest);
  if (good) task.answer = std::make_shared<const wire::ResultItem>(*item);
  return good;
}

void Answers::owe(HeldTask& task) {
  if (task.state.state != lifecycle::LeaseState::done || !task.answer) return;
  Lessor& lessor = table_.lessor(task.owner);
  lessor.results.add(task.id, task.owed);
  join_line(lessor);
}

void Answers::on_session(Lessor& lessor) {
  lessor.results.on_session();
  join_line(lessor);
}

void Answers::join_line(Lessor& lessor) {
  if (lessor.in_line || !lessor.online || lessor.results.empty()) return;
  lessor.in_line = true;
  line_.push_back(&lessor);
}

void Answers::send() {
  if (timeline_.now() >= next_resend_) {
    next_resend_ = timeline_.now() + Lessor::kResendAfter;
    for (auto& [name, lessor] : table_.lessors()) join_line(lessor);
  }
  if (!parts_.up()) return;
  for (std::size_t left = line_.size(); left > 0; --left) {
    Lessor& lessor = *line_.front();
    line_.pop_front();
    lessor.in_line = false;
    if (!send_to(lessor)) join_line(lessor);
  }
}

// Whether all that is due has gone.
bool Answers::send_to(Lessor& lessor) {
  std::optional<bool> quiet;  // as it was before anything went
  while (lessor.online && !lessor.results.empty()) {
    if (!quiet) quiet = !parts_.results_left || parts_.results_left(lessor.name);
    const std::optional<TaskId> id = lessor.results.next(timeline_.now(), *quiet);
    if (!id) return true;
    HeldTask& task = table_.at(*id);
    // A result that is not on disk yet is passed over: its commit owes it anew.
    if (task.unsaved == 0 && !send(task)) return false;
    lessor.results.on_sent(*id, task.owed, timeline_.now());
  }
  return true;
}

bool Answers::send(const HeldTask& task) const {
  wire::ResultItem item = *task.answer;
  item.report.since_accept = std::max(timeline_.now() - task.accepted, Duration::zero());
  if (task.spec) item.trace = task.spec->trace;
  return parts_.send_result(task.owner, std::move(item));
}

}  // namespace spillway::lessee
