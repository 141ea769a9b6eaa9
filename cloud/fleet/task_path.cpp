#include "cloud/fleet/task_path.h"

#include <algorithm>

#include "common/base/ending.h"
#include "common/wire/codec.h"

namespace spillway::cloud {
namespace {

constexpr NodeTime kUnset{};
// What a device says of its clocks may be anything; sums of these still fit.
constexpr Duration kFarthest = std::chrono::hours(24 * 365 * 80);

Duration bounded(Duration told) { return std::clamp(told, Duration::zero(), kFarthest); }

// A story with its attempts read. A history that cannot be read tells of none.
struct Told {
  const ToldStory& story;
  std::vector<Attempt> attempts;
  Duration offset{};  // to add to the device's clock

  explicit Told(const ToldStory& from) : story(from) {
    if (auto history = wire::decode_result(from.story.history)) {
      attempts = std::move(history->attempts);
    }
  }
  Wall there(NodeTime at) const {
    return bounded(story.story.line) + bounded(at.time_since_epoch());
  }
  Wall wall(NodeTime at) const { return there(at) + offset; }
  bool over() const { return is_terminal(story.story.state); }
  // How one of the attempts ended that did not count; empty: it did, or is not over.
  std::string problem(const Attempt& attempt) const {
    const bool last = &attempt == &attempts.back();
    if (last && !over()) return "";
    const std::string_view ending = ending_of(attempt, last, story.story.state);
    return std::string(ending == to_string(TaskState::succeeded) ? "" : ending);
  }
  // Why the task did not succeed; empty: it did, or is not over.
  std::string problem() const {
    const TaskState state = story.story.state;
    if (!over() || state == TaskState::succeeded) return "";
    const FailureClass last = attempts.empty() ? FailureClass::none : attempts.back().failure;
    const bool why = last != FailureClass::none && last != FailureClass::interrupted;
    return std::string(state == TaskState::failed && why ? to_string(last) : to_string(state));
  }
};

// The attempt that both have seen.
const Attempt* shared(const Told& told, const OffloadedTask& seen) {
  for (const Attempt& attempt : told.attempts) {
    if (class_of(attempt.place) == PlaceClass::cloud && attempt.epoch == seen.epoch)
      return &attempt;
  }
  return nullptr;
}

// The device sent an offer and had the result; between, the cloud took the one and sent the other.
// Clocks are set so that both ways took as long; they may have been all of it or nothing.
void align(Told& told, const std::optional<OffloadedTask>& seen, TaskPath& path) {
  const Attempt* attempt = seen ? shared(told, *seen) : nullptr;
  if (!attempt) return;
  const Duration out = seen->accepted - told.there(attempt->times.started);
  if (!seen->ended || attempt->times.sent == kUnset) {
    // Only the way there is known: a task cannot have been taken before it was sent.
    path.skew = out < Duration::zero() ? -out : out;
    told.offset = out < Duration::zero() ? out : Duration::zero();
    return;
  }
  const Duration back = *seen->ended - told.there(attempt->times.accepted);
  told.offset = (out + back) / 2;
  path.skew = std::max((out - back) / 2, Duration::zero());
}

// Whether the cloud knows how a task went: not if an earlier version answered it.
bool is_known(const OffloadedTask& seen) { return !seen.over() || seen.ended; }

class Spans {
 public:
  Spans(const Told& told, const std::optional<OffloadedTask>& seen, const std::string& host,
        std::vector<PathSpan>& into)
      : told_(told), seen_(seen), host_(host), into_(into) {}

  void add(std::size_t index) {
    const Attempt& attempt = told_.attempts[index];
    const AttemptTimes& times = attempt.times;
    const bool last = index + 1 == told_.attempts.size();
    epoch_ = attempt.epoch;
    note_ = told_.problem(attempt);
    ghost_ = !note_.empty();
    put(SpanPart::queued, Lane::edge, times.queued, times.started);
    if (class_of(attempt.place) == PlaceClass::here) return add_local(times, last);
    const bool here = seen_ && seen_->epoch == attempt.epoch && is_known(*seen_);
    add_remote(times, here, last);
  }

 private:
  void add_local(const AttemptTimes& times, bool last) {
    if (times.run_started == kUnset) {
      if (last && !told_.over()) put(SpanPart::run, Lane::edge, times.started, kUnset);
      return;
    }
    put(SpanPart::run, Lane::edge, times.run_started, times.run_ended);
    if (times.sent == kUnset) return;  // it was given up
    put(SpanPart::answer, Lane::edge, times.run_ended, times.accepted);
  }
  // What the cloud has seen itself is shown by its own clock; of other attempts, the device's
  // reckoning is all there is.
  void add_remote(const AttemptTimes& times, bool here, bool last) {
    const Wall sent = told_.wall(times.started);
    if (here) {
      push(SpanPart::queued, Lane::link, sent, std::max(seen_->accepted, sent));
      if (times.sent == kUnset || !seen_->ended) return;
      return push(SpanPart::answer, Lane::link, *seen_->ended,
                  std::max(told_.wall(times.accepted), *seen_->ended));
    }
    if (times.run_started == kUnset) {
      if (last && !told_.over()) put(SpanPart::queued, Lane::link, times.started, kUnset);
      return;
    }
    put(SpanPart::queued, Lane::link, times.started, times.run_started);
    put(SpanPart::run, Lane::cloud, times.run_started, times.run_ended);
    if (times.sent == kUnset) return;  // it was given up
    put(SpanPart::answer, Lane::link, times.sent, times.accepted);
  }

  void put(SpanPart part, Lane lane, NodeTime from, NodeTime to) {
    const Wall begin = told_.wall(from);
    push(part, lane, begin, to == kUnset ? std::optional<Wall>() : std::max(told_.wall(to), begin));
  }
  void push(SpanPart part, Lane lane, Wall from, std::optional<Wall> to) {
    const std::string& device = told_.story.device;
    const std::string& host = lane == Lane::cloud ? host_ : device;
    into_.push_back({part, lane, host, from, to, epoch_, ghost_, note_});
  }

  const Told& told_;
  const std::optional<OffloadedTask>& seen_;
  const std::string& host_;
  std::vector<PathSpan>& into_;
  Epoch epoch_;
  bool ghost_ = false;
  std::string note_;
};

void add_seen(const OffloadedTask& seen, const std::string& host, bool ghost,
              const std::string& note, TaskPath& path) {
  if (!is_known(seen)) return;
  path.spans.push_back({SpanPart::queued, Lane::cloud, host, seen.accepted,
                        seen.started ? seen.started : seen.ended, seen.epoch, ghost, note});
  if (!seen.started) return;
  path.spans.push_back(
      {SpanPart::run, Lane::cloud, host, *seen.started, seen.ended, seen.epoch, ghost, note});
}

std::string failure_of(const OffloadedTask& seen) {
  return seen.failure == FailureClass::none ? "" : std::string(to_string(seen.failure));
}

// What the cloud has seen of a task, and what became of that for its owner.
void add_seen(const OffloadedTask& seen, const std::string& host, const Told* told,
              TaskPath& path) {
  if (!told || told->attempts.empty()) {
    const std::string note = failure_of(seen);
    return add_seen(seen, host, !note.empty(), note, path);
  }
  const Attempt* attempt = shared(*told, seen);
  const bool settled = attempt && told->over();
  const std::string note = settled ? told->problem(*attempt) : failure_of(seen);
  const bool went_on = !settled && told->attempts.back().epoch != seen.epoch;
  add_seen(seen, host, went_on || !note.empty(), note, path);
}

}  // namespace

std::string_view to_string(Lane lane) {
  constexpr std::string_view kNames[] = {"edge", "link", "cloud"};
  return kNames[std::size_t(lane)];
}

TaskPath path_of(const std::optional<OffloadedTask>& seen, const ToldStory* told,
                 const std::string& host) {
  TaskPath path;
  path.id = seen ? seen->id : told->story.id;
  path.device = seen ? seen->device : told->device;
  path.kind = seen && !seen->kind.empty() ? seen->kind : told ? told->story.kind : "";
  path.trace = trace_of(told ? told->story.trace : seen->trace, path.id);
  std::optional<Told> story;
  if (told) {
    align(story.emplace(*told), seen, path);
    Spans spans(*story, seen, host, path.spans);
    for (std::size_t i = 0; i < story->attempts.size(); ++i) spans.add(i);
    path.began = story->wall(told->story.created);
    path.epoch = story->attempts.empty() ? Epoch{} : story->attempts.back().epoch;
    path.problem = story->problem();
  }
  if (seen) {
    add_seen(*seen, host, story ? &*story : nullptr, path);
    if (!told) path.began = seen->accepted;
    if (!told) path.problem = failure_of(*seen);
    path.epoch = std::max(path.epoch, seen->epoch);
  }
  const bool over = story ? story->over() : seen->over();
  const auto reach = [&path](Wall end) { path.ended = std::max(path.ended.value_or(end), end); };
  for (const PathSpan& span : path.spans) {
    path.began = std::min(path.began, span.from);
    if (over) reach(span.to.value_or(span.from));
  }
  if (over && story && !story->attempts.empty()) {
    const NodeTime end = story->attempts.back().times.accepted;
    if (end != kUnset) reach(story->wall(end));
  }
  return path;
}

}  // namespace spillway::cloud
