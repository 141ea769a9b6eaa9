#include "common/lessee/cores.h"

#include <algorithm>

namespace spillway::lessee {
namespace {

constexpr double kUnknownRun = 1.0;  // seconds a kind is taken for until it has run here

}  // namespace

void Cores::track(const HeldTask& task, const lifecycle::LesseeTask& was) {
  using lifecycle::LeaseState;
  if (was.state == LeaseState::accepted) line_of(task).remove(task.waiting(was));
  if (task.state.state == LeaseState::accepted) line_of(task).add(task.waiting(task.state));
}

HeldTask* Cores::next(NodeTime now) {
  const std::optional<TaskId> first = first_of(line_, false, now);
  HeldTask* task = first ? table_.find(*first) : nullptr;
  if (task && may_claim(*task)) return task;
  if (claims_.blocking() >= threads()) return nullptr;
  const std::optional<TaskId> blocking = first_of(blocking_line_, true, now);
  return blocking ? table_.find(*blocking) : nullptr;
}

std::optional<TaskId> Cores::first_of(const RunQueue& line, bool blocking, NodeTime now) const {
  const auto waiting = static_cast<std::uint32_t>(line.owners());
  return line.next(now, [&](const std::string& lessor) {
    return may_run_more(*table_.known(lessor), waiting, blocking);
  });
}

std::uint32_t Cores::threads() const {
  return std::min<std::uint32_t>(options_.blocking, parts_.runner->blocking_width());
}

// While another waits, the last core is not for who has all others. Threads for what blocks are
// held for longer: those who wait for one have a part of them each, and where there is anybody else
// at all, the last one is kept for who comes.
bool Cores::may_run_more(const Lessor& lessor, std::uint32_t waiting, bool blocking) const {
  const runner::Claims::Share& runs = lessor.runs;
  if (!blocking) return waiting < 2 || runs.cores < std::max(2U, parts_.runner->width()) - 1;
  const std::uint32_t part = waiting > 1                  ? threads() / waiting
                             : table_.known_lessors() > 1 ? threads() - 1
                                                          : threads();
  return runs.blocking < std::max(1U, part);
}

bool Cores::may_claim(const HeldTask& task) const {
  if (parts_.may_start) return parts_.may_start(task);
  const std::uint32_t width = parts_.runner->width();
  return claims_.running() < width ||
         claims_.may_go_ahead(*task.spec, task.crashed, predicted_run(task.kind), width);
}

void Cores::claim(HeldTask& task, Epoch epoch, NodeTime now) {
  const double predicted = predicted_run(task.kind);
  line_of(task).take(task.waiting(task.state), predicted, now);
  claims_.take(task.id, epoch, task.blocking(), predicted, &table_.lessor(task.owner).runs);
}

double Cores::predicted_run(const Kind* kind) const {
  const auto known = mean_runs_.find(kind);
  return known == mean_runs_.end() ? kUnknownRun : known->second;
}

void Cores::learn(const HeldTask& task, double seconds, double predicted) {
  mean_run_ = 0.95 * mean_run_ + 0.05 * seconds;
  auto [known, first] = mean_runs_.try_emplace(task.kind, seconds);
  // Up at once, down slowly: a kind whose runs differ is claimed by its long ones.
  if (!first) known->second = std::max(seconds, 0.95 * known->second + 0.05 * seconds);
  line_of(task).correct(task.waiting(task.state), seconds - predicted);
}

Duration Cores::delay() const {
  const double seconds = double(queued()) * mean_run_ / std::max(1U, parts_.runner->width());
  return Duration(std::int64_t(seconds * 1e6));
}

}  // namespace spillway::lessee
