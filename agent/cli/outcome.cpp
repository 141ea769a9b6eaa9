#include "agent/cli/outcome.h"

#include <algorithm>

#include "agent/cli/describe.h"
#include "agent/cli/json_views.h"
#include "agent/cli/text.h"

namespace spillway::cli {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kProgressEvery{1'000};

// One line on the terminal, rewritten in place and taken away at the end.
class Progress {
 public:
  explicit Progress(const Console& console) : console_(console) {}
  ~Progress() {
    if (shown_) console_.err << "\r\x1b[K" << std::flush;
  }
  void show(const TaskView& task) {
    shown_ = true;
    console_.err << "\r\x1b[K" << to_string(task.id) << ": " << state_text(task) << " for "
                 << duration_text(task.in_state) << std::flush;
  }

 private:
  const Console& console_;
  bool shown_ = false;
};

Error still_going(const TaskView& task) {
  return fail(Code::timeout, "task " + to_string(task.id) + " is " + state_text(task) +
                                 "; the wait is over, the task goes on");
}

milliseconds step_until(std::optional<Clock::time_point> deadline, bool progress) {
  milliseconds step = progress ? kProgressEvery : intake::Client::kForever;
  if (deadline) step = std::min(step, std::chrono::ceil<milliseconds>(*deadline - Clock::now()));
  return std::max(step, milliseconds(0));
}

Result<TaskView> view_in(wire::Answer answer) {
  if (Error* error = std::get_if<Error>(&answer.body)) return std::move(*error);
  if (TaskView* view = std::get_if<TaskView>(&answer.body)) return std::move(*view);
  return fail(Code::corrupt, "the agent answered something else than was asked");
}

Result<TaskView> poll_until(Session& session, intake::Client& client, TaskId id,
                            std::uint64_t token, std::optional<Clock::time_point> deadline) {
  Progress progress(session.console());
  for (;;) {
    Result<wire::Answer> answer =
        client.receive(step_until(deadline, session.console().err_is_terminal));
    if (answer && answer->token == token) return view_in(*std::move(answer));
    if (answer) continue;  // late, of a wait that was given up
    if (answer.error().code != Code::timeout) return std::move(answer).error();
    Result<TaskView> now =
        client.ask<TaskView>(wire::ShowRequest{id.seq, id.origin}, Session::kPatience);
    if (!now) return now;
    if (deadline && Clock::now() >= *deadline) return still_going(*now);
    progress.show(*now);
  }
}

std::string fate_text(const TaskView& task) {
  std::string text = "task " + to_string(task.id) + " " + std::string(to_string(task.state));
  if (task.result && task.result->error) text += ": " + error_text(*task.result->error);
  return text;
}

int print_value(Session& session, const TaskView& task) {
  const Payload& value = task.result->value;
  if (value.blob) {
    complain(session.console(), "the value of task " + to_string(task.id) + " is a blob of " +
                                    size_text(value.blob->size) + " (sha256 " +
                                    to_hex(value.blob->sha256) +
                                    "); fetching blobs is not supported yet");
    return kFailed;
  }
  const std::string_view text = as_text(value.bytes);
  session.console().out << text;
  if (session.console().out_is_terminal && !text.empty() && text.back() != '\n') {
    session.console().out << '\n';
  }
  return kOk;
}

}  // namespace

void Tally::add(int code) {
  if (first_ && *first_ != code) mixed_ = true;
  if (!first_) first_ = code;
}

Result<TaskView> wait_for(Session& session, TaskId id, std::optional<milliseconds> timeout) {
  Result<intake::Client*> client = session.agent();
  if (!client) return std::move(client).error();
  std::optional<Clock::time_point> deadline;
  if (timeout) deadline = Clock::now() + *timeout;
  Result<std::uint64_t> token = (*client)->send(wire::WaitRequest{id.seq, id.origin});
  if (!token) return std::move(token).error();
  Result<TaskView> task = poll_until(session, **client, id, *token, deadline);
  if (!task || task->result) return task;
  return session.ask<TaskView>(wire::ShowRequest{id.seq, id.origin});
}

int print_outcome(Session& session, const TaskView& task) {
  const bool succeeded = task.state == TaskState::succeeded && task.result;
  if (session.json()) {
    session.console().out << json_text(task) << '\n';
    return succeeded ? kOk : kFailed;
  }
  if (succeeded) return print_value(session, task);
  complain(session.console(), fate_text(task));
  return kFailed;
}

}  // namespace spillway::cli
