#include "api_generated.h"
#include "common/wire/api.h"
#include "common/wire/value_codec.h"
#include "common/wire/view_codec.h"

namespace spillway::wire {
namespace {

static_assert(static_cast<std::size_t>(fb::AnswerBody::MAX) == std::variant_size_v<AnswerBody>);

constexpr std::size_t kMaxSubmitted = 64;
constexpr BufferLimits kAnswerLimits{"answer", kApiIdentifier, kMaxFrame, 4096};

Offset<fb::Error> write(Builder& fbb, const Error& error) {
  flatbuffers::Optional<std::int64_t> retry_after;
  if (error.retry_after) retry_after = to_us(*error.retry_after);
  return fb::CreateError(fbb, static_cast<fb::Code>(error.code), write_prose(fbb, error.message),
                         retry_after);
}

Offset<fb::SubmittedOne> write(Builder& fbb, const Submitted::One& one) {
  if (one.error) return fb::CreateSubmittedOne(fbb, nullptr, false, write(fbb, *one.error));
  fb::TaskId id = raw_id(one.id);
  return fb::CreateSubmittedOne(fbb, &id, one.existing);
}

Offset<fb::Submitted> write(Builder& fbb, const Submitted& submitted) {
  std::vector<Offset<fb::SubmittedOne>> each;
  each.reserve(submitted.each.size());
  for (const Submitted::One& one : submitted.each) each.push_back(write(fbb, one));
  return fb::CreateSubmitted(fbb, fbb.CreateVector(each));
}

Offset<fb::Done> write(Builder& fbb, const Done&) { return fb::CreateDone(fbb); }

Offset<fb::Tasks> write(Builder& fbb, const Tasks& tasks) {
  std::vector<Offset<fb::TaskView>> offsets;
  offsets.reserve(tasks.tasks.size());
  for (const TaskView& task : tasks.tasks) offsets.push_back(write_view(fbb, task));
  return fb::CreateTasks(fbb, fbb.CreateVector(offsets));
}

Offset<fb::Trace> write(Builder& fbb, const Trace& trace) {
  const ByteView json = as_bytes(trace.json);
  return fb::CreateTrace(fbb, fbb.CreateVector(json.data(), json.size()));
}

template <class View>
auto write(Builder& fbb, const View& view) -> decltype(write_view(fbb, view)) {
  return write_view(fbb, view);
}

Error read(Reader& reader, const fb::Error& raw) {
  reader.require(raw.code() != fb::Code::none, "error.code", "missing");
  Error error = fail(reader.choice<Code>(raw.code(), "error.code"),
                     reader.text(raw.message(), "error.message", kMaxProse));
  if (raw.retry_after_us()) {
    error.retry_after = std::chrono::milliseconds(*raw.retry_after_us() / 1000);
  }
  return error;
}

Submitted::One read(Reader& reader, const fb::SubmittedOne& raw) {
  reader.require(!raw.id() != !raw.error(), "submitted", "an id or an error");
  if (!reader.ok()) return {};
  if (raw.error()) return {{}, false, read(reader, *raw.error())};
  return {reader.id(*raw.id()), raw.existing(), std::nullopt};
}

Submitted read(Reader& reader, const fb::Submitted& raw) {
  Submitted submitted;
  flatbuffers::uoffset_t size = reader.count(raw.each(), "submitted", kMaxSubmitted);
  submitted.each.reserve(size);
  for (flatbuffers::uoffset_t i = 0; i < size && reader.ok(); ++i) {
    submitted.each.push_back(read(reader, *raw.each()->Get(i)));
  }
  return submitted;
}

Tasks read(Reader& reader, const fb::Tasks& raw) {
  Tasks tasks;
  flatbuffers::uoffset_t size = reader.count(raw.tasks(), "tasks", kMaxListed);
  tasks.tasks.reserve(size);
  for (flatbuffers::uoffset_t i = 0; i < size && reader.ok(); ++i) {
    tasks.tasks.push_back(read_view(reader, *raw.tasks()->Get(i)));
  }
  return tasks;
}

Trace read(Reader& reader, const fb::Trace& raw) {
  return {std::string(as_text(reader.bytes(raw.json(), "trace", kMaxFrame)))};
}

template <class Raw>
const Raw& as(const fb::Answer& raw) {
  return *static_cast<const Raw*>(raw.body());
}

AnswerBody read_body(Reader& reader, const fb::Answer& raw) {
  switch (raw.body_type()) {
    case fb::AnswerBody::Error: return read(reader, as<fb::Error>(raw));
    case fb::AnswerBody::Submitted: return read(reader, as<fb::Submitted>(raw));
    case fb::AnswerBody::Done: return Done{};
    case fb::AnswerBody::TaskView: return read_view(reader, as<fb::TaskView>(raw));
    case fb::AnswerBody::Tasks: return read(reader, as<fb::Tasks>(raw));
    case fb::AnswerBody::WhyReport: return read_view(reader, as<fb::WhyReport>(raw));
    case fb::AnswerBody::EventView: return read_view(reader, as<fb::EventView>(raw));
    case fb::AnswerBody::NodeView: return read_view(reader, as<fb::NodeView>(raw));
    case fb::AnswerBody::Trace: return read(reader, as<fb::Trace>(raw));
    case fb::AnswerBody::NONE: break;
  }
  reader.refuse("answer", "not a type that this version knows", Code::unsupported);
  return Done{};
}

Answer read_answer(Reader& reader, const fb::Answer& raw) {
  return {raw.token(), read_body(reader, raw)};
}

}  // namespace

Bytes encode(const Answer& answer) {
  Builder& fbb = thread_builder();
  auto body = std::visit([&](const auto& each) { return write(fbb, each).Union(); }, answer.body);
  auto type = static_cast<fb::AnswerBody>(answer.body.index() + 1);
  return finish(fbb, fb::CreateAnswer(fbb, answer.token, type, body), kApiIdentifier);
}

Result<Answer> decode_answer(ByteView bytes) {
  return open<fb::Answer>(bytes, kAnswerLimits, read_answer);
}

}  // namespace spillway::wire
