#include <algorithm>

#include "agent/cli/commands.h"
#include "agent/cli/describe.h"
#include "agent/cli/json_views.h"
#include "agent/cli/names.h"
#include "agent/cli/outcome.h"

namespace spillway::cli {
namespace {

constexpr std::uint32_t kPage = 200;        // tasks; stays far below a frame
constexpr std::uint32_t kRecentTasks = 20;  // whose events are shown when no task is named

Result<std::vector<TaskView>> list_tasks(Session& session, wire::ListRequest filter) {
  std::vector<TaskView> all;
  const std::uint32_t wanted = filter.limit;
  while (all.size() < wanted) {
    filter.limit = std::min(kPage, wanted - static_cast<std::uint32_t>(all.size()));
    Result<wire::Tasks> page = session.ask<wire::Tasks>(filter);
    if (!page) return std::move(page).error();
    if (page->tasks.empty()) break;
    const bool last = page->tasks.size() < filter.limit;
    filter.before = page->tasks.back().id.seq;
    std::move(page->tasks.begin(), page->tasks.end(), std::back_inserter(all));
    if (last) break;
  }
  return all;
}

// What was dispatched to this device, by the same filter. It has no pages: it is bounded.
Result<std::vector<TaskView>> list_dispatched(Session& session, const ListOptions& options) {
  std::vector<TaskView> to;
  if (!options.tenant.empty() || options.before) return to;
  Result<wire::Tasks> dispatched = session.ask<wire::Tasks>(wire::DispatchedRequest{});
  if (!dispatched) return std::move(dispatched).error();
  const std::optional<TaskState> state = value_of(kStates, options.state);
  for (TaskView& task : dispatched->tasks) {
    if (to.size() >= options.limit) break;
    const bool kind = options.kind.empty() || options.kind == task.kind;
    if (kind && (!state || *state == task.state)) to.push_back(std::move(task));
  }
  return to;
}

// Asks for each named task and prints the answers: the same for every command that reads tasks.
template <class View>
Result<int> print_each(Session& session, const std::vector<std::string>& names,
                       Result<View> (*ask)(Session&, const std::string&),
                       void (*print)(const Console&, const View&)) {
  Tally tally;
  for (std::size_t i = 0; i < names.size(); ++i) {
    Result<View> view = ask(session, names[i]);
    tally.add(view ? kOk : exit_code(view.error().code));
    if (!view) {
      complain(session.console(), view.error().message);
    } else if (session.json()) {
      session.console().out << json_text(*view) << '\n';
    } else {
      if (i > 0) session.console().out << '\n';
      print(session.console(), *view);
    }
  }
  return tally.code();
}

Result<WhyReport> ask_why(Session& session, const std::string& name) {
  Result<TaskId> id = Session::named(name);
  if (!id) return std::move(id).error();
  return session.ask<WhyReport>(wire::WhyRequest{id->seq, id->origin});
}

Result<TaskView> ask_task(Session& session, const std::string& name) {
  Result<TaskId> id = Session::named(name);
  if (!id) return std::move(id).error();
  return session.ask<TaskView>(wire::ShowRequest{id->seq, id->origin});
}

void show_event(Session& session, const EventView& event) {
  if (session.json()) {
    session.console().out << json_text(event) << '\n';
  } else {
    print_event(session.console(), event);
  }
}

Result<std::vector<EventView>> history_of(Session& session, TaskId id) {
  Result<TaskView> task = session.ask<TaskView>(wire::ShowRequest{id.seq, id.origin});
  if (!task) return std::move(task).error();
  return std::move(task->events);
}

Result<std::vector<EventView>> recent_history(Session& session) {
  wire::ListRequest filter;
  filter.limit = kRecentTasks;
  Result<std::vector<TaskView>> tasks = list_tasks(session, filter);
  if (!tasks) return std::move(tasks).error();
  std::vector<EventView> all;
  for (const TaskView& task : *tasks) {
    Result<std::vector<EventView>> events = history_of(session, task.id);
    // A task may have been forgotten since it was listed.
    if (!events && events.error().code == Code::not_found) continue;
    if (!events) return events;
    std::move(events->begin(), events->end(), std::back_inserter(all));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const EventView& a, const EventView& b) { return a.at < b.at; });
  return all;
}

bool ends_task(const EventView& event) {
  const std::optional<TaskState> state = value_of(kStates, event.what);
  return state && is_terminal(*state);
}

// The wall time of an event is made anew whenever it is shown; the node's time is not.
bool same_event(const EventView& a, const EventView& b) {
  return a.id == b.id && a.at == b.at && a.what == b.what && a.epoch == b.epoch;
}

Result<int> follow(Session& session, bool of_one, const std::vector<EventView>& shown) {
  Result<intake::Client*> client = session.agent();
  if (!client) return std::move(client).error();
  for (;;) {
    session.console().out << std::flush;
    Result<wire::Answer> answer = (*client)->receive(intake::Client::kForever);
    if (!answer) return std::move(answer).error();
    if (Error* error = std::get_if<Error>(&answer->body)) return std::move(*error);
    const EventView* event = std::get_if<EventView>(&answer->body);
    const auto is_this = [&](const EventView& old) { return same_event(old, *event); };
    if (!event || std::any_of(shown.begin(), shown.end(), is_this)) continue;
    show_event(session, *event);
    if (of_one && ends_task(*event)) return kOk;
  }
}

Status subscribe(Session& session, const wire::EventsRequest& what) {
  Result<intake::Client*> client = session.agent();
  if (!client) return std::move(client).error();
  Result<std::uint64_t> token = (*client)->send(what);
  if (!token) return std::move(token).error();
  return {};
}

}  // namespace

Result<int> run_list(Session& session, const ListOptions& options) {
  wire::ListRequest filter;
  filter.state = value_of(kStates, options.state);
  filter.kind = options.kind;
  filter.tenant = options.tenant;
  filter.limit = options.limit;
  filter.before = options.before.value_or(filter.before);
  // First, or a long list of its own would hide them.
  Result<std::vector<TaskView>> tasks = list_dispatched(session, options);
  if (!tasks) return std::move(tasks).error();
  filter.limit -= std::uint32_t(tasks->size());
  Result<std::vector<TaskView>> own = list_tasks(session, filter);
  if (!own) return std::move(own).error();
  std::move(own->begin(), own->end(), std::back_inserter(*tasks));
  if (session.json()) {
    session.console().out << json_list(*tasks) << '\n';
  } else {
    print_tasks(session.console(), *tasks);
  }
  return kOk;
}

Result<int> run_show(Session& session, const std::vector<std::string>& tasks) {
  return print_each<TaskView>(session, tasks, ask_task, print_task);
}

Result<int> run_why(Session& session, const std::vector<std::string>& tasks) {
  return print_each<WhyReport>(session, tasks, ask_why, print_why);
}

Result<int> run_events(Session& session, const EventsOptions& options) {
  std::optional<TaskId> one;
  wire::EventsRequest what;
  if (!options.task.empty()) {
    Result<TaskId> named = Session::named(options.task);
    if (!named) return std::move(named).error();
    one = *named;
    what = {one->seq, one->origin};
  }
  // Subscribed before the history is read: nothing falls between the two.
  if (options.follow) {
    if (Status status = subscribe(session, what); !status) return std::move(status).error();
  }
  Result<std::vector<EventView>> history =
      one ? history_of(session, *one) : recent_history(session);
  if (!history) return std::move(history).error();
  for (const EventView& event : *history) show_event(session, event);
  const bool over = one && !history->empty() && ends_task(history->back());
  if (!options.follow || over) return kOk;
  return follow(session, one.has_value(), *history);
}

}  // namespace spillway::cli
