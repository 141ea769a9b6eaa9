#include "agent/node/dispatched_tasks.h"

#include <algorithm>

namespace spillway::agent {
namespace {

// How long a task of the cloud stands back behind this device's own before a core is kept for it.
constexpr Duration kPatience = std::chrono::seconds(5);
constexpr std::size_t kTombstones = 1000;

// How it ended here; whether its owner took it so is not known yet.
void add_end(const lessee::HeldTask& task, TaskView& view) {
  const bool good = task.state.failure == FailureClass::none;
  view.state = good ? TaskState::succeeded : TaskState::failed;
  if (!task.answer) return;
  TaskResult& result = view.result.emplace();
  result.outcome = view.state;
  result.value = task.answer->value;
  result.digest = task.answer->digest;
  if (good) return;
  result.error = TaskError{task.state.failure, task.answer->code, task.answer->message, kHereName,
                           task.state.epoch};
}

}  // namespace

DispatchedTasks::DispatchedTasks(const NodeOptions& options, const NodeParts& parts,
                                 const owner::Owner& owner, const runner::Claims& own,
                                 const std::unique_ptr<DeviceSession>& session,
                                 const ledger::LedgerRecovered* recovered)
    : options_(options), parts_(parts), owner_(owner), own_(own), session_(session) {
  if (!parts_.ledger || !recovered) return;
  lessee::Options lessee;
  lessee.boot = options_.boot;
  lessee.here = "the device";
  lessee.tags = options_.tags;
  lessee.memory = options_.memory;
  lessee.max_queue = options_.dispatched_tasks.held;
  lessee.max_run = options_.dispatched_tasks.max_run;
  lessee.blocking = kThreads;
  lessee.tombstones = kTombstones;
  lessee_ = std::make_unique<lessee::Lessee>(std::move(lessee), lessee_parts(), *recovered);
}

lessee::Parts DispatchedTasks::lessee_parts() {
  lessee::Parts parts;
  parts.clock = parts_.clock;
  parts.ledger = parts_.ledger;
  parts.runner = parts_.runner;
  parts.kind = [this](const KindRef& asked) {
    return takes(asked.name) ? parts_.kinds->find(asked) : nullptr;
  };
  parts.own = [this](TaskId id) { return owner_.lives().seq_of(id).has_value(); };
  parts.random = parts_.random;
  parts.wake = parts_.wake;
  parts.report = parts_.report;
  parts.alarm = parts_.alarm;
  parts.up = [this] { return session_ && session_->up(); };
  parts.send_ack = [this](const std::string&, wire::Item item) {
    return session_ && session_->send_ack(std::move(item));
  };
  parts.send_result = [this](const std::string&, wire::Item item) {
    return session_ && session_->send_result(std::move(item));
  };
  parts.results_left = [this](const std::string&) { return session_ && session_->results_left(); };
  parts.may_start = [this](const lessee::HeldTask&) { return may_start(); };
  return parts;
}

void DispatchedTasks::start(const ledger::LedgerRecovered* recovered) {
  if (lessee_ && recovered) lessee_->start(*recovered, [] {});
}

bool DispatchedTasks::takes(const std::string& kind) const {
  return std::find(options_.takes.begin(), options_.takes.end(), kind) != options_.takes.end();
}

std::uint32_t DispatchedTasks::cores() const {
  return lessee_ ? lessee_->running() + (is_due() ? 1 : 0) : 0;
}

bool DispatchedTasks::is_due() const {
  return lessee_->queued() > 0 && lessee_->running() == 0 && lessee_->waited() >= kPatience;
}

// Asked after this device's own tasks have taken what they want: half of the cores at most, so that
// the others are there for what comes next.
bool DispatchedTasks::may_start() const {
  const std::uint32_t width = parts_.runner->width();
  return lessee_->running() < std::max(1U, width / 2) &&
         own_.running() + lessee_->running() < width;
}

NodeTime DispatchedTasks::cycle() {
  if (!lessee_) return kNever;
  const NodeTime now = owner_.now();
  const std::uint32_t before = lessee_->running();
  NodeTime next = lessee_->cycle();
  // Two time lines, each from where its store last saw it.
  if (next != kNever) next = now + (next - lessee_->now());
  if (lessee_->running() != before) parts_.wake();
  const bool waits =
      lessee_->queued() > 0 && lessee_->running() == 0 && lessee_->waited() < kPatience;
  return waits ? std::min(next, now + (kPatience - lessee_->waited())) : next;
}

TaskView DispatchedTasks::view_of(const lessee::HeldTask& task) const {
  using lifecycle::LeaseState;
  TaskView view;
  view.id = task.id;
  view.owner = task.owner;
  view.place = kHereName;
  view.band = task.band;
  view.epoch = task.state.epoch;
  view.age = lessee_->now() - task.accepted;
  view.wall_created = lessee_->wall_of(task.accepted);
  if (task.state.deadline != kNever) view.deadline_in = task.state.deadline - lessee_->now();
  if (task.spec) {
    view.kind = task.spec->kind.name;
    view.spec = *task.spec;
  }
  view.state = TaskState::leased;
  view.in_state = view.age;
  if (task.state.state == LeaseState::running) {
    view.state = TaskState::running;
    view.in_state = lessee_->now() - task.started;
  }
  if (task.state.state == LeaseState::done) add_end(task, view);
  return view;
}

std::optional<TaskView> DispatchedTasks::find(TaskId id) const {
  std::optional<TaskView> found;
  const auto look = [&](const lessee::HeldTask& task) {
    if (task.id == id) found = view_of(task);
  };
  if (lessee_) lessee_->each(look);
  return found;
}

void DispatchedTasks::list(const intake::Api::Reply& reply) const {
  wire::Tasks tasks;
  const auto look = [&](const lessee::HeldTask& task) {
    tasks.tasks.push_back(view_of(task));
    // Inputs and values of all would not fit into one answer.
    tasks.tasks.back().spec.reset();
    tasks.tasks.back().result.reset();
  };
  if (lessee_) lessee_->each(look);
  std::sort(tasks.tasks.begin(), tasks.tasks.end(),
            [](const TaskView& a, const TaskView& b) { return a.age < b.age; });
  tasks.tasks.resize(std::min<std::size_t>(tasks.tasks.size(), wire::kMaxListed));
  reply(std::move(tasks));
}

}  // namespace spillway::agent
