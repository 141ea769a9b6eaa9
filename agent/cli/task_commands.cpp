#include "agent/cli/commands.h"
#include "agent/cli/describe.h"
#include "agent/cli/json_views.h"
#include "agent/cli/outcome.h"
#include "agent/cli/text.h"
#include "common/wire/codec.h"

namespace spillway::cli {
namespace {

using std::chrono::milliseconds;

Result<std::optional<milliseconds>> patience_of(const std::string& text) {
  if (text.empty()) return std::optional<milliseconds>();
  Result<milliseconds> patience = parse_duration(text);
  if (!patience) return std::move(patience).error();
  return std::optional(*patience);
}

Result<TaskSpec> complete_spec(Session& session, const SubmitOptions& options) {
  Result<TaskSpec> spec = spec_of(options);
  if (!spec) return spec;
  Result<Bytes> input = read_input(options.input, session.console().in);
  if (!input) return std::move(input).error();
  spec->input.bytes = *std::move(input);
  for (const std::string& name : options.after) {
    Result<TaskId> id = session.id_of(name);
    if (!id) return std::move(id).error();
    spec->after.push_back(*id);
  }
  return spec;
}

// What the agent itself says of why it does not answer; empty: nothing, or not in time.
std::string what_keeps_it(Session& session) {
  const Result<NodeView> node = session.ask<NodeView>(wire::StatusRequest{}, milliseconds(2'000));
  return node && !node->store_problem.empty() ? ": it cannot write (" + node->store_problem + ")"
                                              : "";
}

Result<wire::Submitted::One> submit_one(Session& session, const TaskSpec& spec) {
  Result<wire::Submitted> answer =
      session.ask<wire::Submitted>(wire::SubmitRequest{{wire::encode(spec)}});
  if (!answer && answer.error().code == Code::timeout) {
    return fail(Code::timeout, "the agent did not say in time whether it has the task" +
                                   what_keeps_it(session) +
                                   "; submitted again with the same --key it is taken once; see: "
                                   "spillway doctor");
  }
  if (!answer) return std::move(answer).error();
  if (answer->each.size() != 1) return fail(Code::corrupt, "the agent did not answer one task");
  if (answer->each[0].error) return *std::move(answer->each[0].error);
  return std::move(answer->each[0]);
}

void print_submitted(Session& session, const wire::Submitted::One& task) {
  if (!session.json()) {
    session.console().out << to_string(task.id) << '\n';
    return;
  }
  JsonWriter json;
  json.begin_object().member("id", to_string(task.id)).member("existing", task.existing);
  session.console().out << json.end_object().text() << '\n';
}

Result<int> finish(Session& session, TaskId id, std::optional<milliseconds> patience) {
  Result<TaskView> task = wait_for(session, id, patience);
  if (!task) return std::move(task).error();
  return print_outcome(session, *task);
}

// The values of several tasks would run together; each task gets a line instead.
Result<int> finish_in_a_line(Session& session, TaskId id, std::optional<milliseconds> patience) {
  if (session.json()) return finish(session, id, patience);
  Result<TaskView> task = wait_for(session, id, patience);
  if (!task) return std::move(task).error();
  session.console().out << to_string(task->id) << ' ' << to_string(task->state) << '\n';
  return task->state == TaskState::succeeded ? kOk : print_outcome(session, *task);
}

std::string_view done_text(wire::TaskOp op) {
  switch (op) {
    case wire::TaskOp::cancel: return "cancelled";
    case wire::TaskOp::retry: return "retried";
    case wire::TaskOp::hold: return "held";
    case wire::TaskOp::release: return "released";
  }
  return "done";
}

Status apply(Session& session, wire::TaskOp op, const std::string& name) {
  Result<TaskId> id = Session::named(name);
  if (!id) return std::move(id).error();
  Result<wire::Done> done = session.ask<wire::Done>(wire::TaskRequest{op, id->seq, id->origin});
  if (!done) return std::move(done).error();
  return {};
}

void print_applied(Session& session, wire::TaskOp op, const std::string& name) {
  if (!session.json()) {
    session.console().out << done_text(op) << ' ' << printable(name) << '\n';
    return;
  }
  JsonWriter json;
  json.begin_object().member("task", name).member("done", done_text(op));
  session.console().out << json.end_object().text() << '\n';
}

}  // namespace

Result<int> run_submit(Session& session, const SubmitOptions& options) {
  Result<std::optional<milliseconds>> patience = patience_of(options.wait_timeout);
  if (!patience) return std::move(patience).error();
  Result<TaskSpec> spec = complete_spec(session, options);
  if (!spec) return std::move(spec).error();
  Result<wire::Submitted::One> task = submit_one(session, *spec);
  if (!task) return std::move(task).error();
  if (options.wait) return finish(session, task->id, *patience);
  print_submitted(session, *task);
  return kOk;
}

Result<int> run_wait(Session& session, const WaitOptions& options) {
  Result<std::optional<milliseconds>> patience = patience_of(options.timeout);
  if (!patience) return std::move(patience).error();
  Tally tally;
  for (const std::string& name : options.tasks) {
    Result<TaskId> id = Session::named(name);
    Result<int> code = !id                         ? std::move(id).error()
                       : options.tasks.size() == 1 ? finish(session, *id, *patience)
                                                   : finish_in_a_line(session, *id, *patience);
    if (!code) complain(session.console(), code.error().message);
    tally.add(code ? *code : exit_code(code.error().code));
  }
  return tally.code();
}

Result<int> run_task_op(Session& session, wire::TaskOp op, const std::vector<std::string>& tasks) {
  Tally tally;
  for (const std::string& name : tasks) {
    const Status status = apply(session, op, name);
    status ? print_applied(session, op, name)
           : complain(session.console(), name + ": " + status.error().message);
    tally.add(status ? kOk : exit_code(status.error().code));
  }
  return tally.code();
}

}  // namespace spillway::cli
