#include "agent/cli/describe.h"
#include "agent/cli/names.h"
#include "agent/cli/table.h"
#include "agent/cli/text.h"
#include "common/base/ending.h"
#include "common/base/grants.h"

namespace spillway::cli {
namespace {

constexpr std::size_t kValueShown = 200;  // bytes

void line(const Console& console, std::string_view name, const std::string& text) {
  std::string padded(name);
  padded.resize(12, ' ');
  console.out << paint(console, Colour::dim, padded) << printable(text) << '\n';
}

std::string waiting_text(WaitReason reason) {
  switch (reason) {
    case WaitReason::quota:  // a number of the wire that nothing gives
    case WaitReason::none: return "waiting";
    case WaitReason::deps: return "waiting for other tasks";
    case WaitReason::not_before: return "waiting for its time to start";
    case WaitReason::backoff: return "waiting to try again";
    case WaitReason::held: return "held";
    case WaitReason::no_place: return "waiting for a place that can run it";
  }
  return "waiting";
}

std::string joined(const Labels& pairs) {
  std::string text;
  for (const auto& [name, value] : pairs) {
    if (!text.empty()) text += ' ';
    text += name;
    text += '=';
    text += value;
  }
  return text;
}

std::string payload_text(const Payload& payload) {
  if (payload.blob) {
    return size_text(payload.blob->size) + ", blob " + to_hex(payload.blob->sha256);
  }
  const std::string_view text = as_text(payload.bytes);
  std::string shown = size_text(text.size());
  if (text.empty() || !is_utf8(text)) return shown;
  return shown + ": " + std::string(text.substr(0, kValueShown)) +
         (text.size() > kValueShown ? "..." : "");
}

std::string input_text(const InputRef& input) {
  if (input.not_kept == 0) return payload_text(input);
  return size_text(input.not_kept) + ", not kept: the task has succeeded";
}

std::string policy_text(const TaskSpec& spec) {
  std::string text = "prefer " + std::string(word_of(kPrefers, spec.prefer)) + ", data " +
                     std::string(word_of(kScopes, spec.data)) + ", effects " +
                     std::string(word_of(kEffects, spec.effects)) + ", at most " +
                     std::to_string(spec.retry.max_attempts) + " attempts";
  if (spec.run_timeout) text += ", " + duration_text(*spec.run_timeout) + " each";
  return text;
}

std::string needs_text(const Needs& needs) {
  std::string text = std::to_string(needs.cpu) + " cores";
  if (needs.memory > 0) text += ", " + size_text(needs.memory);
  for (const std::string& tag : needs.tags) text += ", " + tag;
  return text;
}

void print_spec(const Console& console, const TaskSpec& spec) {
  if (!spec.args.empty()) line(console, "args", joined(spec.args));
  line(console, "input", input_text(spec.input));
  line(console, "policy", policy_text(spec));
  if (spec.needs != Needs{}) line(console, "needs", needs_text(spec.needs));
  if (!spec.labels.empty()) line(console, "labels", joined(spec.labels));
  if (!spec.idempotency_key.empty()) line(console, "key", spec.idempotency_key);
  if (!spec.trace.empty()) line(console, "trace", spec.trace);
}

// An instant that nothing told of is not set.
std::string between(NodeTime from, NodeTime to) {
  return from == NodeTime{} || to < from ? "-" : duration_text(to - from);
}

void print_attempts(const Console& console, const TaskResult& result) {
  if (result.attempts.empty()) return;
  Table table(
      {{"EPOCH", true}, {"PLACE"}, {"ENDED"}, {"QUEUED", true}, {"RAN", true}, {"TOTAL", true}});
  for (const Attempt& attempt : result.attempts) {
    const AttemptTimes& times = attempt.times;
    const bool last = &attempt == &result.attempts.back();
    table.row({std::to_string(attempt.epoch.value), std::string(shown_place(attempt.place)),
               ending_of(attempt, last, result.outcome), between(times.queued, times.started),
               between(times.run_started, times.run_ended), between(times.queued, times.accepted)});
  }
  console.out << '\n';
  table.print(console, "  ");
}

void print_result(const Console& console, const TaskResult& result) {
  if (result.outcome == TaskState::succeeded) {
    line(console, "value", payload_text(result.value));
    line(console, "sha256", to_hex(result.digest));
  }
  if (result.error) line(console, "error", error_text(*result.error));
  if (!result.placement.chosen.empty()) {
    line(console, "placement",
         place_text(result.placement.chosen) + ", predicted " +
             duration_text(result.placement.predicted) + ", took " +
             duration_text(result.placement.actual));
  }
  line(console, "cost",
       duration_text(result.cost.cpu) + " of CPU, " + size_text(result.cost.bytes_up) + " up, " +
           size_text(result.cost.bytes_down) + " down");
  print_attempts(console, result);
}

// The one that it is leased to; a task that was dispatched to this device has no such place.
std::string taker(std::string_view place) {
  const bool named = !place.empty() && place != kCloudName && place != kHereName;
  return named ? printable(place) : "the cloud";
}

std::string deadline_text(Duration left) {
  return left < Duration::zero() ? duration_text(-left) + " ago" : "in " + duration_text(left);
}

}  // namespace

Colour colour_of(TaskState state) {
  switch (state) {
    case TaskState::waiting: return Colour::yellow;
    case TaskState::ready:
    case TaskState::leased:
    case TaskState::running: return Colour::blue;
    case TaskState::succeeded: return Colour::green;
    case TaskState::failed:
    case TaskState::expired: return Colour::red;
    case TaskState::cancelled: return Colour::dim;
  }
  return Colour::bold;
}

std::string place_text(std::string_view place) {
  switch (class_of(place)) {
    case PlaceClass::nowhere: return "nowhere";
    case PlaceClass::here: return "locally";
    case PlaceClass::cloud: return place == kCloudName ? "in the cloud" : "in " + printable(place);
    case PlaceClass::device: return "at " + printable(place);
  }
  return "nowhere";
}

std::string why_text(const TaskView& task) {
  if (!task.owner.empty()) return "for " + task.owner;
  return task.reason == WaitReason::none ? "-" : std::string(to_string(task.reason));
}

std::string state_text(const TaskView& task) {
  switch (task.state) {
    case TaskState::waiting: return waiting_text(task.reason);
    case TaskState::ready: return "ready, waiting for a free place";
    case TaskState::leased:
      return "given to " + taker(task.place) + ", no word yet that it started";
    case TaskState::running: return "running " + place_text(task.place);
    case TaskState::succeeded:
    case TaskState::failed:
    case TaskState::cancelled:
    case TaskState::expired: return std::string(to_string(task.state));
  }
  return "unknown";
}

std::string error_text(const TaskError& error) {
  std::string text(to_string(error.failure));
  if (!error.place.empty()) text += " " + place_text(error.place);
  if (error.epoch.value > 0) text += " at epoch " + std::to_string(error.epoch.value);
  return error.message.empty() ? text : text + ": " + error.message;
}

void print_tasks(const Console& console, const std::vector<TaskView>& tasks) {
  Table table(
      {{"ID"}, {"KIND"}, {"STATE"}, {"WHY"}, {"PLACE"}, {"BAND"}, {"TRIES", true}, {"AGE", true}});
  for (const TaskView& task : tasks) {
    table.row({to_string(task.id),
               task.kind,
               {std::string(to_string(task.state)), colour_of(task.state)},
               why_text(task),
               task.place.empty() ? "-" : task.place,
               to_string(task.band),
               std::to_string(grants_of(task.epoch)),
               duration_text(task.age)});
  }
  table.print(console);
}

void print_task(const Console& console, const TaskView& task) {
  line(console, "task", to_string(task.id));
  line(console, "kind", task.kind);
  if (!task.owner.empty()) line(console, "owner", task.owner + "; dispatched to this device");
  console.out << paint(console, Colour::dim, "state       ")
              << paint(console, colour_of(task.state), state_text(task)) << " for "
              << duration_text(task.in_state) << '\n';
  line(console, "accepted", time_text(task.wall_created) + ", " + duration_text(task.age) + " ago");
  if (task.deadline_in) line(console, "deadline", deadline_text(*task.deadline_in));
  line(console, "band", std::string(to_string(task.band)));
  if (!task.tenant.empty()) line(console, "tenant", task.tenant);
  line(console, "grants",
       std::to_string(grants_of(task.epoch)) + ", of which " + std::to_string(task.attempts) +
           " failed and " + std::to_string(task.crashes) + " crashed");
  for (std::uint64_t seq : task.waits_for) {
    line(console, "after", to_string(TaskId{task.id.origin, seq}));
  }
  if (task.spec) print_spec(console, *task.spec);
  if (task.result) print_result(console, *task.result);
  if (task.events.empty()) return;
  console.out << '\n';
  for (const EventView& event : task.events) print_event(console, event);
}

void print_event(const Console& console, const EventView& event) {
  console.out << paint(console, Colour::dim, time_text(event.wall, 3)) << "  ";
  if (event.seq != 0) console.out << to_string(event.id) << "  ";
  console.out << paint(console, Colour::bold, printable(event.what));
  if (!event.place.empty()) console.out << ' ' << place_text(event.place);
  if (event.epoch.value > 0) console.out << ", epoch " << event.epoch.value;
  if (event.failure != FailureClass::none) console.out << ", " << to_string(event.failure);
  if (!event.detail.empty()) console.out << ": " << printable(event.detail);
  console.out << '\n';
}

}  // namespace spillway::cli
