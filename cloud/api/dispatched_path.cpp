#include "cloud/api/dispatched_path.h"

#include <algorithm>

namespace spillway::cloud::api {
namespace {

// Why it did not succeed; empty: it did, or is not over.
std::string problem_of(const DispatchedTaskView& task) {
  if (!is_terminal(task.state) || task.state == TaskState::succeeded) return "";
  const bool why = task.state == TaskState::failed && task.last_failure != FailureClass::none;
  return std::string(why ? to_string(task.last_failure) : to_string(task.state));
}

// How an attempt ended, if it did not count. Of one that was stopped, what its task is by now does
// not say it: what came next after its grant does.
std::string problem_of(const DispatchedTaskDetail& detail, const DispatchedAttempt& attempt) {
  const auto is_end_of_task = [](const std::string& what) {
    return what == to_string(TaskState::cancelled) || what == to_string(TaskState::expired);
  };
  const std::string interrupted(to_string(FailureClass::interrupted));
  if (attempt.problem != interrupted && !is_end_of_task(attempt.problem)) return attempt.problem;
  bool granted = false;
  for (const DispatchedEventView& event : detail.events) {
    if (event.epoch != attempt.epoch) continue;
    if (granted) return is_end_of_task(event.what) ? event.what : interrupted;
    granted = event.what == "granted";
  }
  return attempt.problem;
}

class Spans {
 public:
  Spans(const DispatchedTaskDetail& task, const std::string& host, std::vector<PathSpan>& into)
      : detail_(task), task_(task.task), host_(host), into_(into) {}

  void add(const DispatchedAttempt& attempt) {
    epoch_ = attempt.epoch;
    note_ = problem_of(detail_, attempt);
    put(SpanPart::queued, Lane::cloud, attempt.queued, attempt.offered);
    if (attempt.began) {
      put(SpanPart::queued, Lane::link, attempt.offered, attempt.began);
      put(SpanPart::run, Lane::edge, *attempt.began, attempt.run_ended);
      if (attempt.sent) put(SpanPart::answer, Lane::link, *attempt.sent, attempt.ended);
      return;
    }
    // The device has said that it runs, and will say since when.
    const bool runs = !attempt.ended && task_.state == TaskState::running;
    if (!runs) return put(SpanPart::queued, Lane::link, attempt.offered, attempt.ended);
    put(SpanPart::queued, Lane::link, attempt.offered, task_.since);
    put(SpanPart::run, Lane::edge, task_.since, std::nullopt);
  }
  // The task is at no device since then, or was not when it ended.
  void add_wait(Wall from, const std::string& because) {
    const bool over = is_terminal(task_.state);
    epoch_ = task_.epoch;
    note_ = over ? problem_of(task_) : "";
    put(SpanPart::queued, Lane::cloud, from, over ? std::optional(task_.since) : std::nullopt);
    if (!over) into_.back().note = because;
  }

 private:
  void put(SpanPart part, Lane lane, Wall from, std::optional<Wall> to) {
    if (to) to = std::max(*to, from);
    const std::string& host = lane == Lane::cloud ? host_ : task_.device;
    into_.push_back({part, lane, host, from, to, epoch_, !note_.empty(), note_});
  }

  const DispatchedTaskDetail& detail_;
  const DispatchedTaskView& task_;
  const std::string& host_;
  std::vector<PathSpan>& into_;
  Epoch epoch_;
  std::string note_;
};

// What the task waits for, or how it went.
std::string standing_of(const DispatchedTaskDetail& detail) {
  const DispatchedTaskView& task = detail.task;
  if (!detail.waits_because.empty()) return detail.waits_because;
  switch (task.state) {
    case TaskState::waiting:
      if (task.reason != WaitReason::backoff) return std::string(to_string(task.reason));
      return "it is tried again after a pause, for its last attempt ended with " +
             std::string(to_string(task.last_failure));
    case TaskState::ready: return "it is about to be offered";
    case TaskState::leased: return "it was offered, and the device has not said yet that it runs";
    case TaskState::running: return "the device runs it";
    case TaskState::failed:
      return detail.result && detail.result->error ? detail.result->error->message
                                                   : problem_of(task);
    case TaskState::cancelled: return "it was stopped before it was done";
    case TaskState::expired: return "its deadline passed before it was done";
    case TaskState::succeeded: break;
  }
  return "it is done";
}

// Since when it waits, or waited when it ended: what ended with an attempt did not wait after that.
std::optional<Wall> waits_since(const DispatchedTaskDetail& detail) {
  const DispatchedTaskView& task = detail.task;
  const bool away = task.state == TaskState::leased || task.state == TaskState::running;
  if (away || task.state == TaskState::succeeded) return std::nullopt;
  if (detail.attempts.empty()) return task.created;
  if (!is_terminal(task.state)) return task.since;
  const bool by_itself = task.state == TaskState::cancelled || task.state == TaskState::expired;
  if (!by_itself) return std::nullopt;
  Wall from = detail.attempts.back().ended.value_or(task.since);
  for (const DispatchedEventView& event : detail.events) {
    if (event.what == "retried") from = std::max(from, event.at);
  }
  return from < task.since ? std::optional(from) : std::nullopt;
}

}  // namespace

TaskPath path_of(const DispatchedTaskDetail& task, const std::string& host) {
  const DispatchedTaskView& row = task.task;
  TaskPath path;
  path.id = row.id;
  path.device = row.device;
  path.kind = row.kind;
  path.owner = Lane::cloud;
  path.trace = trace_of("", row.id);
  path.began = row.created;
  path.epoch = row.epoch;
  path.problem = problem_of(row);
  if (is_terminal(row.state)) path.ended = row.since;
  Spans spans(task, host, path.spans);
  for (const DispatchedAttempt& attempt : task.attempts) {
    spans.add(attempt);
    path.began = std::min(path.began, attempt.queued);
    // The attempt's times at the device are centred in the time that it was away.
    if (attempt.sent && attempt.ended) path.skew = *attempt.ended - *attempt.sent;
  }
  if (const auto since = waits_since(task)) spans.add_wait(*since, task.waits_because);
  return path;
}

Explanation explanation_of(const DispatchedTaskDetail& task) {
  const DispatchedTaskView& row = task.task;
  Explanation why;
  why.epoch = row.epoch;
  if (!task.attempts.empty()) why.chosen = row.device;
  why.dominant = "it was submitted to " + row.device + ", and runs nowhere else";
  Candidate device;
  device.place = row.device;
  device.eligible = task.waits_because.empty();
  device.reason =
      std::string(to_string(row.state)) + ", for " + row.device + ": " + standing_of(task);
  why.candidates.push_back(std::move(device));
  return why;
}

}  // namespace spillway::cloud::api
