#include "common/wire/view_codec.h"

#include "common/wire/codec.h"
#include "common/wire/result_codec.h"
#include "common/wire/spec_codec.h"
#include "common/wire/value_codec.h"
#include "view_generated.h"

namespace spillway::wire {
namespace {

constexpr std::size_t kMaxCandidates = 64;
constexpr std::size_t kMaxWaitsFor = 64;
constexpr std::size_t kMaxEvents = 1024;
constexpr BufferLimits kExplanationLimits{"explanation", kLinkIdentifier, kMaxMessage,
                                          1 + kMaxCandidates};

std::optional<Duration> read_optional(const flatbuffers::Optional<std::int64_t>& us) {
  if (!us) return std::nullopt;
  return Duration(*us);
}

Offset<fb::Candidate> write_candidate(Builder& fbb, const Candidate& candidate, TextOffset reason) {
  TextOffset place = write_place_name(fbb, candidate.place);
  return fb::CreateCandidate(fbb, known_place(candidate.place), candidate.eligible, reason,
                             candidate.wait.count(), candidate.transfer.count(),
                             candidate.run.count(), candidate.pessimistic.count(), candidate.score,
                             place);
}

// What decided is there once, though it is the reason of what was chosen, too: explanations are
// kept.
TextOffset write_reason(Builder& fbb, const Candidate& candidate, const Explanation& explanation) {
  const bool chosen = candidate.place == explanation.chosen;
  if (!chosen) return write_prose(fbb, candidate.reason);
  if (candidate.reason == explanation.dominant) return {};
  return candidate.reason.empty() ? fbb.CreateString("") : write_prose(fbb, candidate.reason);
}

Candidate read_candidate(Reader& reader, const fb::Candidate& raw) {
  return {read_place(reader, raw.place(), raw.place_name(), "candidate.place"),
          raw.eligible(),
          reader.shown(raw.reason(), "candidate.reason", kMaxProse),
          Duration(raw.wait_us()),
          Duration(raw.transfer_us()),
          Duration(raw.run_us()),
          Duration(raw.pessimistic_us()),
          reader.number(raw.score(), "candidate.score")};
}

VectorOffset<fb::EventView> write_events(Builder& fbb, const std::vector<EventView>& events) {
  if (events.empty()) return {};
  std::vector<Offset<fb::EventView>> offsets;
  offsets.reserve(events.size());
  for (const EventView& event : events) offsets.push_back(write_view(fbb, event));
  return fbb.CreateVector(offsets);
}

// The parts that only `show` fills.
void read_details(Reader& reader, const fb::TaskView& raw, TaskView& task) {
  if (raw.spec()) {
    task.spec = read_spec(reader, *raw.spec());
    if (Status valid = validate(*task.spec); !valid) {
      reader.refuse("task.spec", valid.error().message);
    }
  }
  if (raw.result()) task.result = read_result(reader, *raw.result());
  task.waits_for.resize(reader.count(raw.waits_for(), "waits_for", kMaxWaitsFor));
  copy_numbers(raw.waits_for(), task.waits_for.size(), task.waits_for.data());
  flatbuffers::uoffset_t size = reader.count(raw.events(), "events", kMaxEvents);
  task.events.reserve(size);
  for (flatbuffers::uoffset_t i = 0; i < size && reader.ok(); ++i) {
    task.events.push_back(read_view(reader, *raw.events()->Get(i)));
  }
}

}  // namespace

Offset<fb::Explanation> write_view(Builder& fbb, const Explanation& explanation) {
  std::vector<Offset<fb::Candidate>> offsets;
  offsets.reserve(explanation.candidates.size());
  for (const Candidate& each : explanation.candidates) {
    offsets.push_back(write_candidate(fbb, each, write_reason(fbb, each, explanation)));
  }
  auto candidates = offsets.empty() ? VectorOffset<fb::Candidate>() : fbb.CreateVector(offsets);
  auto dominant = write_prose(fbb, explanation.dominant);
  return fb::CreateExplanation(fbb, to_us(explanation.at), explanation.epoch.value,
                               known_place(explanation.chosen), dominant, candidates,
                               write_place_name(fbb, explanation.chosen));
}

Explanation read_view(Reader& reader, const fb::Explanation& raw) {
  Explanation explanation;
  explanation.at = to_node_time(raw.at_us());
  explanation.epoch = Epoch{raw.epoch()};
  explanation.chosen = read_place(reader, raw.chosen(), raw.chosen_name(), "explanation.chosen");
  explanation.dominant = reader.shown(raw.dominant(), "explanation.dominant", kMaxProse);
  flatbuffers::uoffset_t size = reader.count(raw.candidates(), "candidates", kMaxCandidates);
  explanation.candidates.reserve(size);
  for (flatbuffers::uoffset_t i = 0; i < size && reader.ok(); ++i) {
    const fb::Candidate& candidate = *raw.candidates()->Get(i);
    explanation.candidates.push_back(read_candidate(reader, candidate));
    Candidate& read = explanation.candidates.back();
    if (read.place == explanation.chosen && !candidate.reason()) read.reason = explanation.dominant;
  }
  return explanation;
}

Offset<fb::EventView> write_view(Builder& fbb, const EventView& event) {
  auto what = write_text(fbb, event.what);
  auto detail = write_prose(fbb, event.detail);
  auto place = write_place_name(fbb, event.place);
  fb::TaskId id = raw_id(event.id);
  return fb::CreateEventView(fbb, event.seq, &id, to_us(event.at), event.wall.count(), what,
                             event.epoch.value, known_place(event.place),
                             static_cast<fb::FailureClass>(event.failure), detail, place);
}

EventView read_view(Reader& reader, const fb::EventView& raw) {
  return {raw.seq(),
          reader.id(*raw.id()),
          to_node_time(raw.at_us()),
          Duration(raw.wall_us()),
          reader.text(raw.what(), "event.what"),
          Epoch{raw.epoch()},
          read_place(reader, raw.place(), raw.place_name(), "event.place"),
          reader.choice<FailureClass>(raw.failure(), "event.failure"),
          reader.shown(raw.detail(), "event.detail", kMaxProse)};
}

Offset<fb::TaskView> write_view(Builder& fbb, const TaskView& task) {
  auto kind = write_text(fbb, task.kind);
  auto tenant = write_text(fbb, task.tenant);
  auto owner = write_text(fbb, task.owner);
  auto place = write_place_name(fbb, task.place);
  auto spec = task.spec ? write_spec(fbb, *task.spec) : Offset<fb::TaskSpec>();
  auto result = task.result ? write_result(fbb, *task.result) : Offset<fb::TaskResult>();
  auto waits_for = task.waits_for.empty() ? 0 : fbb.CreateVector(task.waits_for);
  auto events = write_events(fbb, task.events);
  fb::TaskId id = raw_id(task.id);
  fb::TaskViewBuilder table(fbb);
  table.add_id(&id);
  table.add_age_us(task.age.count());
  table.add_in_state_us(task.in_state.count());
  table.add_wall_created_us(task.wall_created.count());
  if (task.deadline_in) table.add_deadline_in_us(task.deadline_in->count());
  table.add_kind(kind);
  table.add_tenant(tenant);
  table.add_owner(owner);
  table.add_place_name(place);
  table.add_epoch(task.epoch.value);
  table.add_attempts(task.attempts);
  table.add_crashes(task.crashes);
  table.add_spec(spec);
  table.add_result(result);
  table.add_waits_for(waits_for);
  table.add_events(events);
  table.add_state(static_cast<fb::TaskState>(task.state));
  table.add_reason(static_cast<fb::WaitReason>(task.reason));
  table.add_place(known_place(task.place));
  table.add_band(static_cast<fb::Band>(task.band));
  return table.Finish();
}

TaskView read_view(Reader& reader, const fb::TaskView& raw) {
  TaskView task;
  task.id = reader.id(*raw.id());
  task.kind = reader.text(raw.kind(), "task.kind");
  task.tenant = reader.text(raw.tenant(), "task.tenant");
  task.owner = reader.text(raw.owner(), "task.owner");
  task.state = reader.choice<TaskState>(raw.state(), "task.state");
  task.reason = reader.choice<WaitReason>(raw.reason(), "task.reason");
  task.place = read_place(reader, raw.place(), raw.place_name(), "task.place");
  task.band = reader.choice<Band>(raw.band(), "task.band");
  task.epoch = Epoch{raw.epoch()};
  task.attempts = raw.attempts();
  task.crashes = raw.crashes();
  task.age = Duration(raw.age_us());
  task.in_state = Duration(raw.in_state_us());
  task.wall_created = Duration(raw.wall_created_us());
  task.deadline_in = read_optional(raw.deadline_in_us());
  read_details(reader, raw, task);
  return task;
}

Offset<fb::WhyReport> write_view(Builder& fbb, const WhyReport& report) {
  auto task = write_view(fbb, report.task);
  auto dominant = write_prose(fbb, report.dominant);
  auto next = write_prose(fbb, report.next);
  auto explanation = write_view(fbb, report.explanation);
  auto lives = write_prose(fbb, report.lives);
  flatbuffers::Optional<std::int64_t> next_in;
  if (report.next_in) next_in = report.next_in->count();
  return fb::CreateWhyReport(fbb, task, dominant, next, next_in, explanation, lives);
}

WhyReport read_view(Reader& reader, const fb::WhyReport& raw) {
  return {read_view(reader, *raw.task()),
          reader.text(raw.dominant(), "why.dominant", kMaxProse),
          reader.text(raw.next(), "why.next", kMaxProse),
          read_optional(raw.next_in_us()),
          read_view(reader, *raw.explanation()),
          reader.text(raw.lives(), "why.lives", kMaxProse)};
}

Bytes encode(const Explanation& explanation) {
  Builder& fbb = thread_builder();
  return finish(fbb, write_view(fbb, explanation));
}

Result<Explanation> decode_explanation(ByteView bytes) {
  return open<fb::Explanation>(
      bytes, kExplanationLimits,
      [](Reader& reader, const fb::Explanation& raw) { return read_view(reader, raw); });
}

}  // namespace spillway::wire
