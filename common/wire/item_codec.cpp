#include "common/wire/item_codec.h"

#include <algorithm>

#include "common/wire/value_codec.h"
#include "link_generated.h"

namespace spillway::wire {
namespace {

using lifecycle::LeaseState;
using lifecycle::NackReason;

static_assert(static_cast<int>(fb::NackReason::MAX) == static_cast<int>(NackReason::conflict));
static_assert(static_cast<int>(fb::LeaseState::MAX) == static_cast<int>(LeaseState::answered));
static_assert(static_cast<int>(fb::ResultVerdict::MAX) == static_cast<int>(ResultVerdict::stale));
static_assert(static_cast<std::size_t>(fb::UpdatePhase::MAX) + 1 == kUpdatePhases.size());
static_assert(static_cast<int>(fb::LifeRemark::MAX) == static_cast<int>(LifeRemark::cloned));
static_assert(static_cast<int>(fb::Standing::MAX) == static_cast<int>(Standing::revoked));
static_assert(static_cast<int>(fb::CommandKind::MAX) == static_cast<int>(CommandKind::story));
static_assert(static_cast<std::size_t>(fb::Item::MAX) == std::variant_size_v<Item>);

Offset<fb::Offer> write(Builder& fbb, const Offer& offer) {
  auto spec = fbb.CreateVector(offer.spec.data(), offer.spec.size());
  fb::TaskId id = raw_id(offer.id);
  flatbuffers::Optional<std::int64_t> remaining;
  if (offer.remaining != Duration::max()) remaining = to_span_us(offer.remaining);
  return fb::CreateOffer(fbb, &id, offer.epoch.value, remaining, to_span_us(offer.lease), spec,
                         offer.settled.value);
}

Offset<fb::Accept> write(Builder& fbb, const Accept& accept) {
  fb::TaskId id = raw_id(accept.id);
  return fb::CreateAccept(fbb, &id, accept.epoch.value);
}

Offset<fb::Nack> write(Builder& fbb, const Nack& nack) {
  fb::TaskId id = raw_id(nack.id);
  const bool barred = nack.reason == NackReason::barred;
  const NackReason reason = barred ? NackReason::draining : nack.reason;
  return fb::CreateNack(fbb, &id, nack.epoch.value, static_cast<fb::NackReason>(reason),
                        to_span_us(nack.retry_after), nack.known.value, barred);
}

Offset<fb::Beat> write(Builder& fbb, const Beat& beat) {
  fb::TaskId id = raw_id(beat.id);
  return fb::CreateBeat(fbb, &id, beat.epoch.value, static_cast<fb::LeaseState>(beat.state),
                        beat.round);
}

Offset<fb::BeatAck> write(Builder& fbb, const BeatAck& ack) {
  fb::TaskId id = raw_id(ack.id);
  return fb::CreateBeatAck(fbb, &id, ack.epoch.value, ack.keep, ack.round);
}

Offset<fb::ResultItem> write(Builder& fbb, const ResultItem& result) {
  bool success = result.failure == FailureClass::none;
  auto message = success ? TextOffset() : write_prose(fbb, result.message);
  auto value = success ? write_payload(fbb, result.value) : Offset<fb::Payload>();
  fb::TaskId id = raw_id(result.id);
  fb::Digest digest = raw_digest(result.digest);
  const AttemptReport& report = result.report;
  return fb::CreateResultItem(
      fbb, &id, result.epoch.value, static_cast<fb::FailureClass>(result.failure),
      success ? fb::Code::none : static_cast<fb::Code>(result.code), message, value,
      result.digest == Digest{} ? nullptr : &digest, to_span_us(report.since_accept),
      to_span_us(report.queued), to_span_us(report.fetched), to_span_us(report.ran),
      to_span_us(report.cpu));
}

Offset<fb::ResultAck> write(Builder& fbb, const ResultAck& ack) {
  fb::TaskId id = raw_id(ack.id);
  return fb::CreateResultAck(fbb, &id, ack.epoch.value,
                             static_cast<fb::ResultVerdict>(ack.verdict));
}

Offset<fb::Cancel> write(Builder& fbb, const Cancel& cancel) {
  fb::TaskId id = raw_id(cancel.id);
  return fb::CreateCancel(fbb, &id, cancel.epoch.value);
}

Offset<fb::Credits> write(Builder& fbb, const Credits& credits) {
  return fb::CreateCredits(fbb, credits.offers, to_span_us(credits.queue_delay), credits.workers,
                           credits.memory, credits.rate);
}

Offset<fb::Echo> write(Builder& fbb, const Echo& echo) {
  return fb::CreateEcho(fbb, echo.token, echo.reply, write_bytes(fbb, echo.padding));
}

Offset<fb::LossReport> write(Builder& fbb, const LossReport& report) {
  std::vector<Offset<fb::LossEntry>> entries;
  for (const LossEntry& entry : report.entries) {
    entries.push_back(fb::CreateLossEntry(
        fbb, static_cast<fb::DataClass>(entry.key.data),
        static_cast<fb::LossCause>(entry.key.cause), to_us(entry.key.period), entry.first.count(),
        entry.last.count(), entry.count, entry.total, entry.at_least));
  }
  auto produced = fbb.CreateVector(report.produced.data(), report.produced.size());
  auto list = entries.empty() ? VectorOffset<fb::LossEntry>() : fbb.CreateVector(entries);
  return fb::CreateLossReport(fbb, report.origin.value, report.number, produced, list);
}

Offset<fb::LossAck> write(Builder& fbb, const LossAck& ack) {
  return fb::CreateLossAck(fbb, ack.origin.value, ack.number);
}

Offset<fb::UpdateReport> write(Builder& fbb, const UpdateReport& report) {
  auto slot = write_text(fbb, report.slot);
  auto source = write_prose(fbb, report.source);
  auto detail = write_prose(fbb, report.detail);
  return fb::CreateUpdateReport(fbb, static_cast<fb::UpdatePhase>(report.phase), slot, source,
                                detail, report.received);
}

Offset<fb::Command> write(Builder& fbb, const Command& command) {
  fb::TaskId task = raw_id(command.task);
  return fb::CreateCommand(fbb, command.token, static_cast<fb::CommandKind>(command.what),
                           command.lines, command.task == TaskId{} ? nullptr : &task);
}

Offset<fb::CommandReply> write(Builder& fbb, const CommandReply& reply) {
  const std::size_t size = std::min(reply.text.size(), kMaxReplyText);
  auto text = fbb.CreateString(reply.text.data(), size);
  return fb::CreateCommandReply(
      fbb, reply.token, reply.failure ? static_cast<fb::Code>(*reply.failure) : fb::Code::none,
      text);
}

Offset<fb::TaskStory> write(Builder& fbb, const TaskStory& story) {
  auto kind = write_text(fbb, story.kind);
  auto trace = write_text(fbb, story.trace);
  auto history = write_bytes(fbb, story.history);
  auto why = write_bytes(fbb, story.why);
  fb::TaskId id = raw_id(story.id);
  return fb::CreateTaskStory(fbb, &id, kind, trace, static_cast<fb::TaskState>(story.state),
                             to_us(story.created), story.line.count(), history, why);
}

Offset<fb::LifeNotice> write(Builder& fbb, const LifeNotice& notice) {
  return fb::CreateLifeNotice(fbb, notice.life.value, static_cast<fb::LifeRemark>(notice.remark));
}

Offset<fb::StandingNotice> write(Builder& fbb, const StandingNotice& notice) {
  return fb::CreateStandingNotice(fbb, static_cast<fb::Standing>(notice.standing),
                                  to_span_us(notice.ask_again));
}

Offer read(Reader& reader, const fb::Offer& raw) {
  Offer offer{reader.id(*raw.id()), reader.epoch(raw.epoch())};
  if (raw.remaining_us()) offer.remaining = reader.span(*raw.remaining_us(), "offer.remaining");
  offer.lease = reader.span(raw.lease_us(), "offer.lease", Duration(1));
  offer.settled = Epoch{raw.settled()};
  reader.require(offer.settled < offer.epoch, "offer.settled", "must be below the epoch");
  offer.spec = reader.shared(raw.spec(), "offer.spec", kMaxMessage);
  reader.require(!offer.spec.empty(), "offer.spec", "must not be empty");
  return offer;
}

Accept read(Reader& reader, const fb::Accept& raw) {
  return {reader.id(*raw.id()), reader.epoch(raw.epoch())};
}

Nack read(Reader& reader, const fb::Nack& raw) {
  const auto reason = reader.choice<NackReason>(raw.reason(), "nack.reason");
  return {reader.id(*raw.id()), reader.epoch(raw.epoch()),
          raw.barred() ? NackReason::barred : reason,
          reader.span(raw.retry_after_us(), "nack.retry_after"), Epoch{raw.known()}};
}

Beat read(Reader& reader, const fb::Beat& raw) {
  return {reader.id(*raw.id()), reader.epoch(raw.epoch()),
          reader.choice<LeaseState>(raw.state(), "beat.state"), raw.round()};
}

BeatAck read(Reader& reader, const fb::BeatAck& raw) {
  return {reader.id(*raw.id()), reader.epoch(raw.epoch()), raw.keep(), raw.round()};
}

// What a lessee can say of an attempt; the other classes are the owner's conclusions.
bool is_reportable(FailureClass failure) {
  switch (failure) {
    case FailureClass::none:
    case FailureClass::error:
    case FailureClass::timeout:
    case FailureClass::crash:
    case FailureClass::interrupted: return true;
    default: return false;
  }
}

AttemptReport read_report(Reader& reader, const fb::ResultItem& raw) {
  return {reader.span(raw.since_accept_us(), "result.since_accept"),
          reader.span(raw.queued_us(), "result.queued"),
          reader.span(raw.fetched_us(), "result.fetched"), reader.span(raw.ran_us(), "result.ran"),
          reader.span(raw.cpu_us(), "result.cpu")};
}

ResultItem read(Reader& reader, const fb::ResultItem& raw) {
  ResultItem result{reader.id(*raw.id()), reader.epoch(raw.epoch()),
                    reader.choice<FailureClass>(raw.failure(), "result.failure")};
  reader.require(is_reportable(result.failure), "result.failure", "not a lessee's to report");
  if (result.failure == FailureClass::none) {
    result.value = read_payload(reader, raw.value(), "result.value", kInlineLimit);
  } else {
    reader.require(raw.code() != fb::Code::none, "result.code", "missing");
    reader.require(!raw.value(), "result.value", "a failure has none");
    result.code = reader.choice<Code>(raw.code(), "result.code");
    result.message = reader.shown(raw.message(), "result.message", kMaxProse, Lines::keep);
  }
  result.digest = read_digest(raw.digest());
  result.report = read_report(reader, raw);
  return result;
}

ResultAck read(Reader& reader, const fb::ResultAck& raw) {
  return {reader.id(*raw.id()), reader.epoch(raw.epoch()),
          reader.choice<ResultVerdict>(raw.verdict(), "result_ack.verdict")};
}

Cancel read(Reader& reader, const fb::Cancel& raw) {
  return {reader.id(*raw.id()), reader.epoch(raw.epoch())};
}

Credits read(Reader& reader, const fb::Credits& raw) {
  return {raw.offers(), reader.span(raw.queue_delay_us(), "credits.queue_delay"), raw.workers(),
          raw.memory(), raw.rate()};
}

Echo read(Reader& reader, const fb::Echo& raw) {
  return {raw.token(), raw.reply(), reader.bytes(raw.padding(), "echo.padding", kMaxMessage)};
}

LossEntry read(Reader& reader, const fb::LossEntry& raw) {
  LossEntry entry;
  entry.key = {reader.choice<DataClass>(raw.data(), "loss.data"),
               reader.choice<LossCause>(raw.cause(), "loss.cause"), to_node_time(raw.period_us())};
  entry.first = Duration(raw.first_us());
  entry.last = Duration(raw.last_us());
  entry.count = raw.count();
  entry.total = raw.total();
  entry.at_least = raw.at_least();
  reader.require(entry.first >= Duration::zero() && entry.last >= entry.first, "loss.first",
                 "must come before the last");
  reader.require(entry.key.period == loss_period(entry.key.period), "loss.period",
                 "must begin a period");
  return entry;
}

LossReport read(Reader& reader, const fb::LossReport& raw) {
  LossReport report{Origin{reader.nonzero(raw.origin(), "loss_report.origin")},
                    reader.nonzero(raw.number(), "loss_report.number")};
  const auto classes = reader.count(raw.produced(), "loss_report.produced", kDataClasses);
  copy_numbers(raw.produced(), classes, report.produced.data());
  const auto size = reader.count(raw.entries(), "loss_report.entries", kMaxLossEntries);
  for (flatbuffers::uoffset_t i = 0; i < size && reader.ok(); ++i) {
    report.entries.push_back(read(reader, *raw.entries()->Get(i)));
  }
  return report;
}

LossAck read(Reader& reader, const fb::LossAck& raw) {
  return {Origin{reader.nonzero(raw.origin(), "loss_ack.origin")},
          reader.nonzero(raw.number(), "loss_ack.number")};
}

UpdateReport read(Reader& reader, const fb::UpdateReport& raw) {
  return {reader.choice<UpdatePhase>(raw.phase(), "update.phase"),
          reader.shown(raw.slot(), "update.slot"),
          reader.shown(raw.source(), "update.source", kMaxProse),
          reader.shown(raw.detail(), "update.detail", kMaxProse), raw.received()};
}

Command read(Reader& reader, const fb::Command& raw) {
  return {reader.nonzero(raw.token(), "command.token"),
          reader.choice<CommandKind>(raw.what(), "command.what"), raw.lines(),
          raw.task() ? reader.id(*raw.task()) : TaskId{}};
}

CommandReply read(Reader& reader, const fb::CommandReply& raw) {
  CommandReply reply{reader.nonzero(raw.token(), "command_reply.token"), std::nullopt, {}};
  if (raw.code() != fb::Code::none) {
    reply.failure = reader.choice<Code>(raw.code(), "command_reply.code");
  }
  reply.text = reader.shown(raw.text(), "command_reply.text", kMaxReplyText, Lines::keep);
  return reply;
}

TaskStory read(Reader& reader, const fb::TaskStory& raw) {
  TaskStory story{reader.id(*raw.id()), reader.shown(raw.kind(), "story.kind"),
                  reader.shown(raw.trace(), "story.trace"),
                  reader.choice<TaskState>(raw.state(), "story.state"),
                  to_node_time(raw.created_us())};
  story.line = Duration(raw.line_us());
  story.history = reader.bytes(raw.history(), "story.history", kMaxHistory);
  story.why = reader.bytes(raw.why(), "story.why", kMaxWhy);
  return story;
}

LifeNotice read(Reader& reader, const fb::LifeNotice& raw) {
  return {Origin{reader.nonzero(raw.life(), "life_notice.life")},
          reader.choice<LifeRemark>(raw.remark(), "life_notice.remark")};
}

StandingNotice read(Reader& reader, const fb::StandingNotice& raw) {
  return {reader.choice<Standing>(raw.standing(), "standing_notice.standing"),
          reader.span(raw.ask_again_us(), "standing_notice.ask_again")};
}

template <class Raw>
std::optional<Item> read_as(Reader& reader, const void* item) {
  return read(reader, *static_cast<const Raw*>(item));
}

}  // namespace

Offset<void> write_item(Builder& fbb, const Item& item) {
  return std::visit([&](const auto& each) { return write(fbb, each).Union(); }, item);
}

std::optional<Item> read_item(Reader& reader, std::uint8_t type, const void* item) {
  switch (static_cast<fb::Item>(type)) {
    case fb::Item::Offer: return read_as<fb::Offer>(reader, item);
    case fb::Item::Accept: return read_as<fb::Accept>(reader, item);
    case fb::Item::Nack: return read_as<fb::Nack>(reader, item);
    case fb::Item::Beat: return read_as<fb::Beat>(reader, item);
    case fb::Item::BeatAck: return read_as<fb::BeatAck>(reader, item);
    case fb::Item::ResultItem: return read_as<fb::ResultItem>(reader, item);
    case fb::Item::ResultAck: return read_as<fb::ResultAck>(reader, item);
    case fb::Item::Cancel: return read_as<fb::Cancel>(reader, item);
    case fb::Item::Credits: return read_as<fb::Credits>(reader, item);
    case fb::Item::Echo: return read_as<fb::Echo>(reader, item);
    case fb::Item::LossReport: return read_as<fb::LossReport>(reader, item);
    case fb::Item::LossAck: return read_as<fb::LossAck>(reader, item);
    case fb::Item::UpdateReport: return read_as<fb::UpdateReport>(reader, item);
    case fb::Item::Command: return read_as<fb::Command>(reader, item);
    case fb::Item::CommandReply: return read_as<fb::CommandReply>(reader, item);
    case fb::Item::TaskStory: return read_as<fb::TaskStory>(reader, item);
    case fb::Item::LifeNotice: return read_as<fb::LifeNotice>(reader, item);
    case fb::Item::StandingNotice: return read_as<fb::StandingNotice>(reader, item);
    case fb::Item::NONE: break;
  }
  return std::nullopt;
}

}  // namespace spillway::wire
