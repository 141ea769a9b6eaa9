#include "api_generated.h"
#include "common/wire/api.h"
#include "common/wire/value_codec.h"

namespace spillway::wire {
namespace {

static_assert(static_cast<int>(fb::TaskOp::MAX) == static_cast<int>(TaskOp::release));
static_assert(static_cast<std::size_t>(fb::RequestBody::MAX) == std::variant_size_v<RequestBody>);

constexpr std::size_t kMaxSpecs = 64;
constexpr BufferLimits kRequestLimits{"request", kApiIdentifier, kMaxFrame, 2 + kMaxSpecs};

Offset<fb::SubmitRequest> write(Builder& fbb, const SubmitRequest& request) {
  std::vector<Offset<fb::SpecBytes>> specs;
  specs.reserve(request.specs.size());
  for (const Bytes& spec : request.specs) {
    specs.push_back(fb::CreateSpecBytes(fbb, fbb.CreateVector(spec.data(), spec.size())));
  }
  return fb::CreateSubmitRequest(fbb, fbb.CreateVector(specs));
}

Offset<fb::TaskRequest> write(Builder& fbb, const TaskRequest& request) {
  return fb::CreateTaskRequest(fbb, static_cast<fb::TaskOp>(request.op), request.seq,
                               request.origin.value);
}

Offset<fb::ShowRequest> write(Builder& fbb, const ShowRequest& request) {
  return fb::CreateShowRequest(fbb, request.seq, request.origin.value);
}

Offset<fb::WhyRequest> write(Builder& fbb, const WhyRequest& request) {
  return fb::CreateWhyRequest(fbb, request.seq, request.origin.value);
}

Offset<fb::WaitRequest> write(Builder& fbb, const WaitRequest& request) {
  return fb::CreateWaitRequest(fbb, request.seq, request.origin.value);
}

Offset<fb::ListRequest> write(Builder& fbb, const ListRequest& request) {
  flatbuffers::Optional<fb::TaskState> state;
  if (request.state) state = static_cast<fb::TaskState>(*request.state);
  auto kind = write_text(fbb, request.kind);
  auto tenant = write_text(fbb, request.tenant);
  return fb::CreateListRequest(fbb, state, kind, tenant, request.before, request.limit);
}

Offset<fb::DispatchedRequest> write(Builder& fbb, const DispatchedRequest&) {
  return fb::CreateDispatchedRequest(fbb);
}

Offset<fb::EventsRequest> write(Builder& fbb, const EventsRequest& request) {
  flatbuffers::Optional<std::uint64_t> seq;
  if (request.seq) seq = *request.seq;
  return fb::CreateEventsRequest(fbb, seq, request.origin.value);
}

Offset<fb::DrainRequest> write(Builder& fbb, const DrainRequest& request) {
  return fb::CreateDrainRequest(fbb, request.on);
}

Offset<fb::StatusRequest> write(Builder& fbb, const StatusRequest&) {
  return fb::CreateStatusRequest(fbb);
}

Offset<fb::TraceRequest> write(Builder& fbb, const TraceRequest&) {
  return fb::CreateTraceRequest(fbb);
}

SubmitRequest read(Reader& reader, const fb::SubmitRequest& raw) {
  SubmitRequest request;
  flatbuffers::uoffset_t size = reader.count(raw.specs(), "specs", kMaxSpecs);
  reader.require(size != 0, "specs", "must be 1 to 64");
  request.specs.reserve(size);
  for (flatbuffers::uoffset_t i = 0; i < size && reader.ok(); ++i) {
    request.specs.push_back(reader.bytes(raw.specs()->Get(i)->bytes(), "specs", kMaxFrame));
  }
  return request;
}

ListRequest read(Reader& reader, const fb::ListRequest& raw) {
  ListRequest request;
  if (raw.state()) request.state = reader.choice<TaskState>(*raw.state(), "state");
  request.kind = reader.text(raw.kind(), "kind");
  request.tenant = reader.text(raw.tenant(), "tenant");
  request.before = raw.before();
  request.limit = raw.limit();
  reader.require(request.limit >= 1 && request.limit <= kMaxListed, "limit", "must be 1 to 1000");
  return request;
}

EventsRequest read(Reader& reader, const fb::EventsRequest& raw) {
  if (!raw.seq()) return {};
  return {reader.nonzero(*raw.seq(), "seq"), Origin{raw.origin()}};
}

template <class Raw>
const Raw& as(const fb::Request& raw) {
  return *static_cast<const Raw*>(raw.body());
}

template <class Ours, class Raw>
Ours of_task(Reader& reader, const Raw& raw) {
  return {reader.nonzero(raw.seq(), "seq"), Origin{raw.origin()}};
}

TaskRequest read(Reader& reader, const fb::TaskRequest& raw) {
  return {reader.choice<TaskOp>(raw.op(), "op"), reader.nonzero(raw.seq(), "seq"),
          Origin{raw.origin()}};
}

RequestBody read_body(Reader& reader, const fb::Request& raw) {
  switch (raw.body_type()) {
    case fb::RequestBody::SubmitRequest: return read(reader, as<fb::SubmitRequest>(raw));
    case fb::RequestBody::TaskRequest: return read(reader, as<fb::TaskRequest>(raw));
    case fb::RequestBody::ShowRequest:
      return of_task<ShowRequest>(reader, as<fb::ShowRequest>(raw));
    case fb::RequestBody::WhyRequest: return of_task<WhyRequest>(reader, as<fb::WhyRequest>(raw));
    case fb::RequestBody::WaitRequest:
      return of_task<WaitRequest>(reader, as<fb::WaitRequest>(raw));
    case fb::RequestBody::ListRequest: return read(reader, as<fb::ListRequest>(raw));
    case fb::RequestBody::DispatchedRequest: return DispatchedRequest{};
    case fb::RequestBody::EventsRequest: return read(reader, as<fb::EventsRequest>(raw));
    case fb::RequestBody::DrainRequest: return DrainRequest{as<fb::DrainRequest>(raw).on()};
    case fb::RequestBody::StatusRequest: return StatusRequest{};
    case fb::RequestBody::TraceRequest: return TraceRequest{};
    case fb::RequestBody::NONE: break;
  }
  reader.refuse("request", "not a type that this version knows", Code::unsupported);
  return StatusRequest{};
}

Request read_request(Reader& reader, const fb::Request& raw) {
  return {raw.token(), read_body(reader, raw)};
}

}  // namespace

Bytes encode(const Request& request) {
  Builder& fbb = thread_builder();
  auto body = std::visit([&](const auto& each) { return write(fbb, each).Union(); }, request.body);
  auto type = static_cast<fb::RequestBody>(request.body.index() + 1);
  return finish(fbb, fb::CreateRequest(fbb, request.token, type, body), kApiIdentifier);
}

Result<Request> decode_request(ByteView bytes) {
  return open<fb::Request>(bytes, kRequestLimits, read_request);
}

}  // namespace spillway::wire
