#include "common/wire/spec_codec.h"

#include <atomic>

#include "common/wire/codec.h"
#include "common/wire/decodings.h"
#include "common/wire/value_codec.h"
#include "task_generated.h"

namespace spillway::wire {
namespace {

using std::chrono::milliseconds;

static_assert(static_cast<int>(fb::Band::MAX) == static_cast<int>(Band::background));
static_assert(static_cast<int>(fb::Prefer::MAX) == static_cast<int>(Prefer::cloud));
static_assert(static_cast<int>(fb::DataScope::MAX) == static_cast<int>(DataScope::edge_only));
static_assert(static_cast<int>(fb::Effects::MAX) == static_cast<int>(Effects::once));
static_assert(static_cast<int>(fb::OnDisconnect::MAX) == static_cast<int>(OnDisconnect::fail));

// A spec with 64 pairs and a payload has 66 tables.
constexpr BufferLimits kSpecLimits{"task spec", kLinkIdentifier, kMaxMessage, 128};
constexpr std::size_t kMaxAfter = 64;

// Rounded down: what is shorter than a millisecond becomes 0, which validate refuses.
milliseconds to_ms(std::int64_t us) { return milliseconds(us / 1000); }

std::optional<milliseconds> to_ms(const flatbuffers::Optional<std::int64_t>& us) {
  if (!us) return std::nullopt;
  return to_ms(*us);
}

Offset<flatbuffers::Vector<const fb::TaskId*>> write_after(Builder& fbb,
                                                           const std::vector<TaskId>& after) {
  if (after.empty()) return {};
  std::vector<fb::TaskId> raw;
  raw.reserve(after.size());
  for (TaskId id : after) raw.push_back(raw_id(id));
  return fbb.CreateVectorOfStructs(raw);
}

std::vector<TaskId> read_after(Reader& reader, const flatbuffers::Vector<const fb::TaskId*>* raw) {
  std::vector<TaskId> after;
  flatbuffers::uoffset_t size = reader.count(raw, "after", kMaxAfter);
  if (size == 0) return after;
  // The verifier looks at how a vector is aligned, not at how the structs in it are.
  const bool aligned = reinterpret_cast<std::uintptr_t>(raw->Data()) % alignof(fb::TaskId) == 0;
  reader.require(aligned, "after", "not aligned");
  if (!aligned) return after;
  after.reserve(size);
  for (flatbuffers::uoffset_t i = 0; i < size; ++i) after.push_back(reader.id(*raw->Get(i)));
  return after;
}

void add_spans(fb::TaskSpecBuilder& table, const TaskSpec& spec) {
  table.add_idempotency_window_us(to_us(spec.idempotency_window));
  if (spec.deadline) table.add_deadline_us(to_us(*spec.deadline));
  if (spec.not_before) table.add_not_before_us(to_us(*spec.not_before));
  if (spec.run_timeout) table.add_run_timeout_us(to_us(*spec.run_timeout));
  if (spec.queue_timeout) table.add_queue_timeout_us(to_us(*spec.queue_timeout));
  table.add_backoff_base_us(to_us(spec.retry.base));
  table.add_backoff_cap_us(to_us(spec.retry.cap));
  table.add_retention_us(to_us(spec.retention));
}

void add_choices(fb::TaskSpecBuilder& table, const TaskSpec& spec) {
  table.add_band(static_cast<fb::Band>(spec.band));
  table.add_prefer(static_cast<fb::Prefer>(spec.prefer));
  table.add_data(static_cast<fb::DataScope>(spec.data));
  table.add_effects(static_cast<fb::Effects>(spec.effects));
  table.add_on_disconnect(static_cast<fb::OnDisconnect>(spec.on_disconnect));
}

void read_spans(const fb::TaskSpec& raw, TaskSpec& spec) {
  spec.idempotency_window = to_ms(raw.idempotency_window_us());
  spec.deadline = to_ms(raw.deadline_us());
  spec.not_before = to_ms(raw.not_before_us());
  spec.run_timeout = to_ms(raw.run_timeout_us());
  spec.queue_timeout = to_ms(raw.queue_timeout_us());
  spec.retry = {raw.max_attempts(), to_ms(raw.backoff_base_us()), to_ms(raw.backoff_cap_us())};
  spec.retention = to_ms(raw.retention_us());
}

void read_choices(Reader& reader, const fb::TaskSpec& raw, TaskSpec& spec) {
  spec.band = reader.choice<Band>(raw.band(), "band");
  spec.prefer = reader.choice<Prefer>(raw.prefer(), "prefer");
  spec.data = reader.choice<DataScope>(raw.data(), "data");
  spec.effects = reader.choice<Effects>(raw.effects(), "effects");
  spec.on_disconnect = reader.choice<OnDisconnect>(raw.on_disconnect(), "on_disconnect");
}

}  // namespace

Offset<fb::TaskSpec> write_spec(Builder& fbb, const TaskSpec& spec) {
  TextOffset kind = fbb.CreateString(spec.kind.name);
  auto args = write_pairs(fbb, spec.args);
  auto input = write_input(fbb, spec.input);
  auto key = write_text(fbb, spec.idempotency_key);
  auto tags = write_texts(fbb, spec.needs.tags);
  auto after = write_after(fbb, spec.after);
  auto labels = write_pairs(fbb, spec.labels);
  auto tenant = write_text(fbb, spec.tenant);
  auto trace = write_text(fbb, spec.trace);
  fb::TaskSpecBuilder table(fbb);
  add_spans(table, spec);
  table.add_needs_memory(spec.needs.memory);
  if (spec.work) table.add_work(*spec.work);
  table.add_kind(kind);
  table.add_args(args);
  table.add_input(input);
  table.add_idempotency_key(key);
  table.add_max_attempts(spec.retry.max_attempts);
  table.add_needs_cpu(spec.needs.cpu);
  table.add_needs_tags(tags);
  table.add_after(after);
  table.add_labels(labels);
  table.add_tenant(tenant);
  table.add_trace(trace);
  if (spec.kind.version != 0) table.add_kind_version(spec.kind.version);
  const fb::Digest digest = raw_digest(spec.kind.digest);
  if (spec.kind.digest != Digest{}) table.add_kind_digest(&digest);
  add_choices(table, spec);
  return table.Finish();
}

TaskSpec read_spec(Reader& reader, const fb::TaskSpec& raw) {
  TaskSpec spec;
  spec.kind = {reader.text(raw.kind(), "kind"), raw.kind_version(), read_digest(raw.kind_digest())};
  spec.args = read_pairs(reader, raw.args(), "args");
  spec.input = read_input(reader, raw.input(), "input", kMaxMessage);
  spec.idempotency_key = reader.text(raw.idempotency_key(), "idempotency_key");
  read_spans(raw, spec);
  spec.needs.cpu = raw.needs_cpu();
  spec.needs.memory = raw.needs_memory();
  spec.needs.tags = reader.names(raw.needs_tags(), "needs.tags");
  read_choices(reader, raw, spec);
  if (raw.work()) spec.work = *raw.work();
  spec.after = read_after(reader, raw.after());
  spec.labels = read_pairs(reader, raw.labels(), "labels");
  spec.tenant = reader.text(raw.tenant(), "tenant");
  spec.trace = reader.text(raw.trace(), "trace");
  return spec;
}

Bytes encode(const TaskSpec& spec) {
  Builder& fbb = thread_builder();
  return finish(fbb, write_spec(fbb, spec));
}

namespace {

std::atomic<std::uint64_t> decoded{0};

Result<TaskSpec> decode(ByteView bytes, std::shared_ptr<const Bytes> whole) {
  decoded.fetch_add(1, std::memory_order_relaxed);
  Result<TaskSpec> spec = open<fb::TaskSpec>(bytes, kSpecLimits, read_spec, std::move(whole));
  if (!spec) return spec;
  if (Status valid = validate(*spec); !valid) return valid.error();
  return spec;
}

}  // namespace

Result<TaskSpec> decode_spec(ByteView bytes) { return decode(bytes, nullptr); }

Result<TaskSpec> decode_spec_in_place(const std::shared_ptr<const Bytes>& bytes) {
  return decode(*bytes, bytes);
}

std::uint64_t specs_decoded() { return decoded.load(std::memory_order_relaxed); }

}  // namespace spillway::wire
