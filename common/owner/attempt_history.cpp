#include "common/owner/attempt_history.h"

#include <algorithm>

#include "common/wire/codec.h"

namespace spillway::owner {

AttemptHistory AttemptHistory::of(const store::TaskRow& row, const Places& places) {
  AttemptHistory history;
  if (row.result) {
    if (Result<TaskResult> so_far = wire::decode_result(*row.result)) {
      history.attempts_ = std::move(so_far->attempts);
      history.cost_ = so_far->cost;
    }
  }
  // An attempt that is out is not in it yet.
  if (is_terminal(row.task.state)) return history;
  for (const lifecycle::LiveAttempt& one : row.task.live) {
    const NodeTime since = row.task.since;
    history.begin(one.epoch, places.name_of(one.place),
                  history.attempts_.empty() ? row.created : since, since);
  }
  return history;
}

bool AttemptHistory::note(const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step,
                          const Places& places) {
  const lifecycle::OwnerTask& is = step.next;
  bool ended = false;
  for (const lifecycle::LiveAttempt& one : was.live) {
    if (is.attempt(one.epoch)) continue;
    ended = true;
    const bool failed = one.epoch == step.failed;
    if (Attempt* told = of(one.epoch)) {
      end(*told, failed ? step.failure : FailureClass::none, is.since);
    }
  }
  if (is.attempt(is.epoch) && !was.attempt(is.epoch)) {
    begin(is.epoch, places.name_of(is.place()), was.since, is.since);
  }
  return !is_terminal(is.state) && (ended || is_terminal(was.state));
}

// Null: it is no longer kept.
Attempt* AttemptHistory::of(Epoch epoch) {
  const auto found = std::find_if(attempts_.rbegin(), attempts_.rend(),
                                  [epoch](const Attempt& one) { return one.epoch == epoch; });
  return found == attempts_.rend() ? nullptr : &*found;
}

// An attempt's end is when its owner knew of it, if no answer came.
void AttemptHistory::end(Attempt& attempt, FailureClass failure, NodeTime now) {
  attempt.failure = failure == FailureClass::none ? FailureClass::interrupted : failure;
  AttemptTimes& times = attempt.times;
  if (times.accepted != NodeTime{}) return;
  times.accepted = now;
  if (times.run_started != NodeTime{}) times.run_ended = now;
}

void AttemptHistory::won(Epoch epoch) {
  if (Attempt* told = of(epoch)) told->failure = FailureClass::none;
}

void AttemptHistory::began_here(Epoch epoch, NodeTime run_started) {
  Attempt* told = of(epoch);
  if (told) told->times.input_fetched = told->times.run_started = run_started;
}

void AttemptHistory::began_there(Epoch epoch, NodeTime said) {
  Attempt* told = of(epoch);
  if (!told) return;
  AttemptTimes& times = told->times;
  // The attempt's own account, if it came, is nearer to the truth.
  if (times.accepted == NodeTime{}) times.input_fetched = times.run_started = said;
}

bool AttemptHistory::may_speak(const std::string& place, Epoch epoch) const {
  bool granted = attempts_.empty();  // nothing is known of its attempts
  for (const Attempt& one : attempts_) {
    if (one.epoch == epoch) return one.place == place;
    granted = granted || one.place == place;
  }
  return granted;
}

// The oldest one goes, but as long as possible none goes that is the last at its place: who was
// granted the task at all stays known, and may come with a late success.
void AttemptHistory::make_room() {
  if (attempts_.size() < kMaxAttemptsKept) return;
  const auto goes = std::find_if(attempts_.begin(), attempts_.end(), [this](const Attempt& old) {
    return std::any_of(attempts_.begin(), attempts_.end(), [&old](const Attempt& later) {
      return later.epoch > old.epoch && later.place == old.place;
    });
  });
  attempts_.erase(goes == attempts_.end() ? attempts_.begin() : goes);
}

void AttemptHistory::begin(Epoch epoch, const std::string& place, NodeTime queued,
                           NodeTime started) {
  make_room();
  attempts_.push_back({epoch, place, FailureClass::none, {}});
  attempts_.back().times.queued = queued;
  attempts_.back().times.started = started;
}

void AttemptHistory::ran_here(Epoch epoch, NodeTime run_started, NodeTime run_ended, NodeTime now,
                              Duration cpu) {
  cost_.cpu += cpu;
  Attempt* told = of(epoch);
  if (!told) return;
  AttemptTimes& times = told->times;
  times.input_fetched = run_started;  // inline inputs are there with the task
  times.run_started = run_started;
  times.run_ended = run_ended;
  times.sent = run_ended;
  times.accepted = now;
}

void AttemptHistory::ran_there(Epoch epoch, NodeTime offered, NodeTime now,
                               const wire::AttemptReport& report) {
  cost_.cpu += report.cpu;
  Attempt* told = of(epoch);
  if (!told) return;
  const NodeTime begin = offered == NodeTime{} ? now : offered;
  const Duration away = std::max(now - begin - report.since_accept, Duration::zero());
  const NodeTime accepted_there = begin + away / 2;
  AttemptTimes& times = told->times;
  times.sent = std::min(accepted_there + report.since_accept, now);
  times.input_fetched = std::min(accepted_there + report.queued + report.fetched, times.sent);
  times.run_started = times.input_fetched;
  times.run_ended = std::min(times.run_started + report.ran, times.sent);
  times.accepted = now;
}

void AttemptHistory::count_bytes(std::uint64_t up, std::uint64_t down) {
  cost_.bytes_up += up;
  cost_.bytes_down += down;
}

void AttemptHistory::tell(TaskResult& result) const {
  result.attempts = attempts_;
  result.cost = cost_;
}

sqlite::EncodedBytes AttemptHistory::encode(TaskId id) const {
  TaskResult so_far;
  so_far.id = id;
  so_far.outcome = TaskState::failed;  // a result has an outcome; nobody reads this one
  tell(so_far);
  return std::make_shared<const Bytes>(wire::encode(so_far));
}

}  // namespace spillway::owner
