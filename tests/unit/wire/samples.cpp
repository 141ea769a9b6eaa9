#include "tests/unit/wire/samples.h"

#include "common/base/utf8.h"
#include "common/wire/codec.h"

namespace spillway::wire {

std::uint64_t Samples::number(std::uint64_t from, std::uint64_t to) {
  return std::uniform_int_distribution<std::uint64_t>(from, to)(random_);
}

Bytes Samples::bytes(std::size_t max) {
  return some<std::uint8_t>(max, [&] { return static_cast<std::uint8_t>(number(0, 255)); });
}

std::string Samples::text(std::size_t max) {
  Bytes raw = bytes(max);
  return {raw.begin(), raw.end()};
}

std::string Samples::prose(std::size_t max) { return plain_text(text(max), Lines::join); }

std::string Samples::name() {
  std::string name(number(1, 64), 'a');
  for (char& c : name) c = static_cast<char>('a' + number(0, 25));
  return name;
}

std::string Samples::place_name() {
  const std::string known[] = {"", kHereName, kCloudName, name()};
  return known[number(0, 3)];
}

Labels Samples::pairs() {
  Labels pairs;
  for (std::size_t n = number(1, 32); pairs.size() < n;) pairs[text(64)] = text(256);
  return pairs;
}

Digest Samples::digest() {
  Digest digest;
  for (std::uint8_t& byte : digest) byte = static_cast<std::uint8_t>(number(0, 255));
  return digest;
}

Payload Samples::payload(std::size_t max) {
  if (number(0, 1) == 0) return {bytes(max), std::nullopt};
  return {{}, BlobRef{digest(), number(0, ~0ULL)}};
}

TaskId Samples::id() { return {Origin{number(1, ~0ULL)}, number(1, ~0ULL)}; }

Duration Samples::span() {
  return Duration(static_cast<std::int64_t>(number(1, 366ULL * 24 * 3600 * 1'000'000)));
}

Duration Samples::any_span() { return Duration(static_cast<std::int64_t>(number(0, ~0ULL))); }

std::chrono::milliseconds Samples::ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(span()) +
         std::chrono::milliseconds(1);
}

TaskSpec Samples::spec() {
  TaskSpec spec;
  spec.kind = {name(), small(), number(0, 1) == 0 ? digest() : Digest{}};
  spec.args = pairs();
  spec.input = {payload(2000), std::nullopt, 0};
  if (number(0, 3) == 0) spec.input = {{}, std::nullopt, number(1, ~0ULL)};
  if (number(0, 3) == 0) spec.input = {{}, id(), 0};
  spec.idempotency_key = text(256);
  spec.idempotency_window = ms();
  spec.band = choice(Band::background);
  spec.deadline = ms();
  spec.not_before = ms();
  spec.run_timeout = ms();
  spec.queue_timeout = ms();
  spec.retry = {static_cast<std::uint32_t>(number(1, 100)), ms(), ms()};
  spec.needs = {static_cast<std::uint32_t>(number(1, 1024)), number(0, ~0ULL),
                some<std::string>(32, [&] { return text(64); })};
  spec.prefer = choice(Prefer::local);
  spec.data = choice(DataScope::edge_only);
  spec.effects = choice(Effects::once);
  spec.work = static_cast<double>(number(1, 1000)) / 7;
  spec.after = some<TaskId>(64, [&] { return id(); });
  spec.on_disconnect = choice(OnDisconnect::fail);
  spec.labels = pairs();
  spec.tenant = text(256);
  spec.trace = text(256);
  spec.retention = ms();
  return spec;
}

Attempt Samples::attempt() {
  return {epoch(),
          place_name(),
          choice(FailureClass::disconnected),
          {time(), time(), time(), time(), time(), time(), time()}};
}

TaskResult Samples::result() {
  TaskResult result;
  result.id = id();
  result.outcome = static_cast<TaskState>(number(4, 7));
  result.value = payload(2000);
  result.digest = digest();
  result.error = TaskError{choice(FailureClass::disconnected), static_cast<Code>(number(1, 12)),
                           prose(4096), place_name(), epoch()};
  result.attempts = some<Attempt>(kMaxAttemptsKept, [&] { return attempt(); });
  result.cost = {span(), number(0, ~0ULL), number(0, ~0ULL)};
  result.placement = {place_name(), span(), span()};
  return result;
}

Candidate Samples::candidate() {
  return {place_name(), number(0, 1) == 1,
          prose(300),   span(),
          span(),       span(),
          span(),       static_cast<double>(number(0, 1000)) / 3};
}

Explanation Samples::explanation() {
  return {time(), epoch(), place_name(), prose(300),
          some<Candidate>(4, [&] { return candidate(); })};
}

EventView Samples::event() {
  return {number(0, ~0ULL), id(),    time(),       any_span(),
          text(64),         epoch(), place_name(), choice(FailureClass::disconnected),
          prose(300)};
}

TaskView Samples::task() {
  TaskView task;
  task.id = id();
  task.kind = name();
  task.tenant = text(64);
  task.state = choice(TaskState::expired);
  task.reason = choice(WaitReason::no_place);
  task.place = place_name();
  task.band = choice(Band::background);
  task.epoch = epoch();
  task.attempts = small();
  task.crashes = small();
  task.age = any_span();
  task.in_state = any_span();
  task.wall_created = any_span();
  task.deadline_in = any_span();
  if (number(0, 1) == 0) return task;
  task.spec = spec();
  task.result = result();
  task.waits_for = some<std::uint64_t>(64, [&] { return number(0, ~0ULL); });
  task.events = some<EventView>(16, [&] { return event(); });
  return task;
}

WhyReport Samples::why() {
  return {task(), text(300), text(300), any_span(), explanation(), text(300)};
}

PlaceView Samples::place() {
  PlaceView place;
  place.place = place_name();
  place.name = name();
  place.reachable = number(0, 1) == 1;
  place.state = text(300);
  place.workers = small();
  place.memory = number(0, ~0ULL);
  place.running = small();
  place.credits = small();
  place.queue_delay = any_span();
  place.rtt = any_span();
  place.bandwidth_up = static_cast<double>(number(0, 1000)) / 3;
  place.tags = some<std::string>(32, [&] { return name(); });
  place.kinds = some<std::string>(40, [&] { return name(); });
  return place;
}

NodeView Samples::node() {
  NodeView node;
  node.device = name();
  node.version = text(64);
  node.origin = Origin{number(0, ~0ULL)};
  node.uptime = any_span();
  node.draining = number(0, 1) == 1;
  node.link_up = number(0, 1) == 1;
  node.store_problem = text(300);
  node.accepted = number(0, ~0ULL);
  for (std::uint64_t& each : node.by_state) each = number(0, ~0ULL);
  for (std::uint64_t* each :
       {&node.done_local, &node.done_cloud, &node.in_cloud, &node.buffered, &node.duplicates,
        &node.refused_messages, &node.bytes_up, &node.bytes_down}) {
    *each = number(0, ~0ULL);
  }
  node.places = some<PlaceView>(4, [&] { return place(); });
  node.shortages = some<std::string>(4, [&] { return text(64); });
  node.disk_bytes = number(0, ~0ULL);
  node.disk_budget = number(0, ~0ULL);
  for (std::uint64_t& each : node.produced) each = number(0, ~0ULL);
  node.losses = some<LossView>(4, [&] {
    return LossView{static_cast<DataClass>(number(0, kDataClasses - 1)),
                    static_cast<LossCause>(number(0, kLossCauses - 1)),
                    any_span(),
                    any_span(),
                    number(0, ~0ULL),
                    number(0, ~0ULL),
                    number(0, 1) != 0};
  });
  node.clock_problem = text(300);
  node.broker_terms = {{text(40), ""}, {text(40), text(100)}};
  return node;
}

AttemptReport Samples::report() { return {span(), span(), span(), span(), span()}; }

ResultItem Samples::result_item() {
  constexpr FailureClass kReported[] = {FailureClass::none, FailureClass::error,
                                        FailureClass::timeout, FailureClass::crash,
                                        FailureClass::interrupted};
  ResultItem item{id(), epoch(), kReported[number(0, 4)]};
  if (item.failure == FailureClass::none) {
    item.value = payload(600);
  } else {
    item.code = static_cast<Code>(number(1, 12));
    item.message = prose(600);
  }
  item.digest = digest();
  item.report = report();
  return item;
}

Offer Samples::offer() {
  Offer offer{id(), epoch(), number(0, 1) ? Duration::max() : span(), span()};
  offer.settled.value = static_cast<std::uint32_t>(number(0, offer.epoch.value - 1));
  offer.spec = bytes(600);
  return offer;
}

LossReport Samples::loss_report() {
  LossReport report{Origin{number(1, ~0ULL)}, number(1, ~0ULL)};
  for (std::uint64_t& each : report.produced) each = number(0, ~0ULL);
  report.entries = some<LossEntry>(8, [&] {
    LossEntry entry;
    entry.key = {static_cast<DataClass>(number(0, kDataClasses - 1)),
                 static_cast<LossCause>(number(0, kLossCauses - 1)), loss_period(NodeTime(span()))};
    entry.first = span();
    entry.last = entry.first + span();
    entry.count = number(0, ~0ULL);
    entry.total = number(0, ~0ULL);
    entry.at_least = number(0, 1) != 0;
    return entry;
  });
  return report;
}

Item Samples::item(std::size_t type) {
  switch (type) {
    case 0: return offer();
    case 1: return Accept{id(), epoch()};
    case 2: return Nack{id(), epoch(), choice(lifecycle::NackReason::barred), span(), epoch()};
    case 3: return Beat{id(), epoch(), choice(lifecycle::LeaseState::answered), number(0, ~0ULL)};
    case 4: return BeatAck{id(), epoch(), number(0, 1) == 1, number(0, ~0ULL)};
    case 5: return result_item();
    case 6: return ResultAck{id(), epoch(), choice(ResultVerdict::stale)};
    case 7: return Cancel{id(), epoch()};
    case 8: return Credits{small(), span(), small(), number(0, ~0ULL), number(0, ~0ULL)};
    case 9: return Echo{number(0, ~0ULL), number(0, 1) == 1, bytes(600)};
    case 10: return loss_report();
    case 11: return LossAck{Origin{number(1, ~0ULL)}, number(1, ~0ULL)};
    case 12:
      return UpdateReport{choice(UpdatePhase::rolled_back), prose(8), prose(256), prose(256),
                          number(0, ~0ULL)};
    case 13: return Command{number(1, ~0ULL), choice(CommandKind::story), small(), id()};
    case 14: return command_reply();
    case 15: return task_story();
    case 16: return LifeNotice{Origin{number(1, ~0ULL)}, choice(LifeRemark::cloned)};
    default: return StandingNotice{choice(Standing::revoked), span()};
  }
}

TaskStory Samples::task_story() {
  return {id(),
          prose(64),
          prose(64),
          choice(TaskState::expired),
          NodeTime(any_span()),
          any_span(),
          bytes(kMaxHistory),
          bytes(kMaxWhy)};
}

CommandReply Samples::command_reply() {
  CommandReply reply{number(1, ~0ULL), std::nullopt, prose(2000)};
  if (number(0, 1) == 1) reply.failure = static_cast<Code>(number(1, 12));
  return reply;
}

Message Samples::message() {
  return {number(1, ~0ULL), number(1, ~0ULL), any_span(), text(256),
          some<Item>(kMaxItems, [&] { return item(); })};
}

Presence Samples::presence() {
  Presence presence;
  presence.online = number(0, 1) == 1;
  presence.graceful = number(0, 1) == 1;
  presence.session = number(1, ~0ULL);
  presence.boot = BootId{number(0, ~0ULL)};
  presence.version = prose(64);
  presence.machine = prose(64);
  presence.workers = small();
  presence.memory = number(0, ~0ULL);
  presence.tags = some<std::string>(32, [&] { return name(); });
  presence.kinds = some<KindInfo>(40, [&] {
    return KindInfo{name(), small(), number(0, 1) == 1, digest()};
  });
  presence.reconnect_floor = span();
  presence.lineage = {Origin{number(0, ~0ULL)}, number(kMaxLineage, ~0ULL),
                      some<Origin>(kMaxLineage, [&] { return Origin{number(0, ~0ULL)}; })};
  return presence;
}

RequestBody Samples::request_body(std::size_t type) {
  switch (type) {
    case 0: return SubmitRequest{some<Bytes>(8, [&] { return encode(spec()); })};
    case 1: return TaskRequest{choice(TaskOp::release), number(1, ~0ULL), Origin{number(0, ~0ULL)}};
    case 2: return ShowRequest{number(1, ~0ULL), Origin{number(0, ~0ULL)}};
    case 3: return WhyRequest{number(1, ~0ULL), Origin{number(0, ~0ULL)}};
    case 4: return WaitRequest{number(1, ~0ULL), Origin{number(0, ~0ULL)}};
    case 5:
      return ListRequest{choice(TaskState::expired), name(), text(64), number(0, ~0ULL),
                         static_cast<std::uint32_t>(number(1, kMaxListed))};
    case 6: return EventsRequest{number(1, ~0ULL), Origin{number(0, ~0ULL)}};
    case 7: return DrainRequest{number(0, 1) == 1};
    case 8: return StatusRequest{};
    case 9: return TraceRequest{};
    default: return DispatchedRequest{};
  }
}

Request Samples::request() {
  return {number(0, ~0ULL), request_body(number(0, std::variant_size_v<RequestBody> - 1))};
}

Error Samples::error() {
  Error error = fail(static_cast<Code>(number(1, 12)), text(300));
  error.retry_after = ms();
  return error;
}

Submitted::One Samples::submitted() {
  if (number(0, 1) == 0) return {id(), number(0, 1) == 1, std::nullopt};
  return {{}, false, error()};
}

AnswerBody Samples::answer_body(std::size_t type) {
  switch (type) {
    case 0: return error();
    case 1: return Submitted{some<Submitted::One>(64, [&] { return submitted(); })};
    case 2: return Done{};
    case 3: return task();
    case 4: return Tasks{some<TaskView>(8, [&] { return task(); })};
    case 5: return why();
    case 6: return event();
    case 7: return node();
    default: return Trace{text(3000)};
  }
}

Answer Samples::answer() {
  return {number(0, ~0ULL), answer_body(number(0, std::variant_size_v<AnswerBody> - 1))};
}

}  // namespace spillway::wire
