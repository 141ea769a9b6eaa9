#include "common/wire/result_codec.h"

#include <algorithm>

#include "common/wire/codec.h"
#include "common/wire/value_codec.h"
#include "task_generated.h"

namespace spillway::wire {
namespace {

static_assert(static_cast<int>(fb::TaskState::MAX) == static_cast<int>(TaskState::expired));
static_assert(static_cast<int>(fb::WaitReason::MAX) == static_cast<int>(WaitReason::no_place));
static_assert(static_cast<int>(fb::FailureClass::MAX) ==
              static_cast<int>(FailureClass::disconnected));
static_assert(static_cast<int>(fb::Code::MAX) == static_cast<int>(Code::internal));

constexpr BufferLimits kResultLimits{"task result", kLinkIdentifier, kMaxMessage, 64};

fb::AttemptTimes raw_times(const AttemptTimes& t) {
  return {to_us(t.queued),    to_us(t.started), to_us(t.input_fetched), to_us(t.run_started),
          to_us(t.run_ended), to_us(t.sent),    to_us(t.accepted)};
}

AttemptTimes read_times(const fb::AttemptTimes& t) {
  return {to_node_time(t.queued_us()),        to_node_time(t.started_us()),
          to_node_time(t.input_fetched_us()), to_node_time(t.run_started_us()),
          to_node_time(t.run_ended_us()),     to_node_time(t.sent_us()),
          to_node_time(t.accepted_us())};
}

VectorOffset<fb::Attempt> write_attempts(Builder& fbb, const std::vector<Attempt>& attempts) {
  if (attempts.empty()) return {};
  std::vector<Offset<fb::Attempt>> offsets;
  std::size_t skipped = attempts.size() - std::min(attempts.size(), kMaxAttemptsKept);
  for (std::size_t i = skipped; i < attempts.size(); ++i) {
    const Attempt& attempt = attempts[i];
    fb::AttemptTimes times = raw_times(attempt.times);
    TextOffset place = write_place_name(fbb, attempt.place);
    offsets.push_back(fb::CreateAttempt(fbb, attempt.epoch.value, known_place(attempt.place),
                                        static_cast<fb::FailureClass>(attempt.failure), &times,
                                        place));
  }
  return fbb.CreateVector(offsets);
}

std::vector<Attempt> read_attempts(Reader& reader,
                                   const flatbuffers::Vector<Offset<fb::Attempt>>* raw) {
  std::vector<Attempt> attempts;
  flatbuffers::uoffset_t size = reader.count(raw, "attempts", kMaxAttemptsKept);
  attempts.reserve(size);
  for (flatbuffers::uoffset_t i = 0; i < size; ++i) {
    const fb::Attempt& attempt = *raw->Get(i);
    attempts.push_back({Epoch{attempt.epoch()},
                        read_place(reader, attempt.place(), attempt.place_name(), "attempts.place"),
                        reader.choice<FailureClass>(attempt.failure(), "attempts.failure"),
                        read_times(*attempt.times())});
  }
  return attempts;
}

Offset<fb::TaskError> write_error(Builder& fbb, const std::optional<TaskError>& error) {
  if (!error) return {};
  TextOffset message = write_prose(fbb, error->message);
  TextOffset place = write_place_name(fbb, error->place);
  return fb::CreateTaskError(fbb, static_cast<fb::FailureClass>(error->failure),
                             static_cast<fb::Code>(error->code), message, known_place(error->place),
                             error->epoch.value, place);
}

std::optional<TaskError> read_error(Reader& reader, const fb::TaskError* raw) {
  if (!raw) return std::nullopt;
  reader.require(raw->code() != fb::Code::none, "error.code", "missing");
  return TaskError{reader.choice<FailureClass>(raw->failure(), "error.failure"),
                   reader.choice<Code>(raw->code(), "error.code"),
                   reader.shown(raw->message(), "error.message", kMaxProse, Lines::keep),
                   read_place(reader, raw->place(), raw->place_name(), "error.place"),
                   Epoch{raw->epoch()}};
}

}  // namespace

Offset<fb::TaskResult> write_result(Builder& fbb, const TaskResult& result) {
  auto value = write_payload(fbb, result.value);
  auto error = write_error(fbb, result.error);
  auto attempts = write_attempts(fbb, result.attempts);
  auto chosen = write_place_name(fbb, result.placement.chosen);
  fb::TaskId id = raw_id(result.id);
  fb::Digest digest = raw_digest(result.digest);
  fb::TaskResultBuilder table(fbb);
  table.add_id(&id);
  if (result.digest != Digest{}) table.add_digest(&digest);
  table.add_cost_cpu_us(result.cost.cpu.count());
  table.add_cost_bytes_up(result.cost.bytes_up);
  table.add_cost_bytes_down(result.cost.bytes_down);
  table.add_predicted_us(result.placement.predicted.count());
  table.add_actual_us(result.placement.actual.count());
  table.add_value(value);
  table.add_error(error);
  table.add_attempts(attempts);
  table.add_chosen_name(chosen);
  table.add_outcome(static_cast<fb::TaskState>(result.outcome));
  table.add_chosen(known_place(result.placement.chosen));
  return table.Finish();
}

TaskResult read_result(Reader& reader, const fb::TaskResult& raw) {
  TaskResult result;
  result.id = reader.id(*raw.id());
  result.outcome = reader.choice<TaskState>(raw.outcome(), "outcome");
  reader.require(is_terminal(result.outcome), "outcome", "not a terminal state");
  result.value = read_payload(reader, raw.value(), "value", kInlineLimit);
  result.digest = read_digest(raw.digest());
  result.error = read_error(reader, raw.error());
  result.attempts = read_attempts(reader, raw.attempts());
  result.cost = {Duration(raw.cost_cpu_us()), raw.cost_bytes_up(), raw.cost_bytes_down()};
  result.placement = {read_place(reader, raw.chosen(), raw.chosen_name(), "placement.chosen"),
                      Duration(raw.predicted_us()), Duration(raw.actual_us())};
  return result;
}

Bytes encode(const TaskResult& result) {
  Builder& fbb = thread_builder();
  return finish(fbb, write_result(fbb, result));
}

Result<TaskResult> decode_result(ByteView bytes) {
  return open<fb::TaskResult>(bytes, kResultLimits, read_result);
}

}  // namespace spillway::wire
