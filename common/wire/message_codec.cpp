#include <algorithm>
#include <array>
#include <cassert>

#include "common/wire/codec.h"
#include "common/wire/item_codec.h"
#include "common/wire/value_codec.h"
#include "link_generated.h"

namespace spillway::wire {
namespace {

// A message has at most one table of its own, and two for each item (a result and its value).
constexpr BufferLimits kMessageLimits{"message", kLinkIdentifier, kMaxMessage, 1 + 2 * kMaxItems};

// The largest table without its vectors and texts is a result's, at 200 bytes; one message's own
// fields with the longest trace are 350.
constexpr std::size_t kItemOverhead = 256 + 384;

std::size_t variable_size(const Offer& offer) { return offer.spec.size(); }
std::size_t variable_size(const Echo& echo) { return echo.padding.size(); }
std::size_t variable_size(const ResultItem& result) {
  return result.value.bytes.size() + std::min(result.message.size(), kMaxProse);
}
std::size_t variable_size(const LossReport& report) { return 96 * (1 + report.entries.size()); }
std::size_t variable_size(const UpdateReport& report) {
  return report.slot.size() + std::min(report.source.size(), kMaxProse) +
         std::min(report.detail.size(), kMaxProse);
}

std::size_t variable_size(const CommandReply& reply) {
  return std::min(reply.text.size(), kMaxReplyText);
}
std::size_t variable_size(const TaskStory& story) {
  return story.kind.size() + story.trace.size() + story.history.size() + story.why.size();
}
template <class Other>
std::size_t variable_size(const Other&) {
  return 0;
}

std::vector<Item> read_items(Reader& reader, const fb::Message& raw) {
  std::vector<Item> items;
  flatbuffers::uoffset_t size = reader.count(raw.items(), "items", kMaxItems);
  reader.require(size != 0, "items", "must be 1 to 64");
  items.reserve(size);
  for (flatbuffers::uoffset_t i = 0; i < size && reader.ok(); ++i) {
    auto type = raw.items_type()->GetEnum<std::uint8_t>(i);
    if (auto item = read_item(reader, type, raw.items()->Get(i))) items.push_back(std::move(*item));
  }
  if (items.empty()) reader.refuse("items", "none is of a known type", Code::unsupported);
  return items;
}

Message read_message(Reader& reader, const fb::Message& raw) {
  Message message;
  message.session = reader.nonzero(raw.session(), "session");
  message.seq = reader.nonzero(raw.seq(), "seq");
  message.sent_wall = Duration(raw.sent_wall_us());
  message.trace = reader.text(raw.trace(), "trace");
  message.items = read_items(reader, raw);
  return message;
}

}  // namespace

SharedBytes encode(const Message& message) {
  assert(!message.items.empty() && message.items.size() <= kMaxItems);
  Builder& fbb = thread_builder();
  std::array<std::uint8_t, kMaxItems> types;
  std::array<Offset<void>, kMaxItems> tables;
  std::size_t size = std::min(message.items.size(), kMaxItems);
  for (std::size_t i = 0; i < size; ++i) {
    types[i] = static_cast<std::uint8_t>(message.items[i].index() + 1);
    tables[i] = write_item(fbb, message.items[i]);
  }
  auto types_offset = fbb.CreateVector(reinterpret_cast<const fb::Item*>(types.data()), size);
  auto items_offset = fbb.CreateVector(tables.data(), size);
  auto trace = write_text(fbb, message.trace);
  fbb.Finish(fb::CreateMessage(fbb, message.session, message.seq, message.sent_wall.count(), trace,
                               types_offset, items_offset),
             kLinkIdentifier);
  return take_shared(fbb);
}

Result<Message> decode_message(ByteView bytes) {
  return open<fb::Message>(bytes, kMessageLimits, read_message);
}

Result<Message> decode_message_in_place(const std::shared_ptr<const Bytes>& bytes) {
  return open<fb::Message>(*bytes, kMessageLimits, read_message, bytes);
}

std::size_t encoded_size_hint(const Item& item) {
  return kItemOverhead + std::visit([](const auto& each) { return variable_size(each); }, item);
}

std::size_t held_size(const Item& item) {
  return sizeof(Item) + std::visit([](const auto& each) { return variable_size(each); }, item);
}

}  // namespace spillway::wire
