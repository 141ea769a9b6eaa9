#include <flatbuffers/flatbuffers.h>

#include "common/wire/api.h"
#include "common/wire/codec.h"

#include <CppUTest/TestHarness.h>

// Buffers made field by field, as other versions and other programs make them. Field n of a table
// is at 4 + 2n of its vtable.
using namespace spillway;
using namespace spillway::wire;

namespace {

using Builder = flatbuffers::FlatBufferBuilder;
using Table = flatbuffers::Offset<flatbuffers::Table>;
using Text = flatbuffers::Offset<flatbuffers::String>;

constexpr flatbuffers::voffset_t field(int n) {
  return static_cast<flatbuffers::voffset_t>(4 + 2 * n);
}
constexpr int kFuture = 60;  // no table has so many fields

Bytes finished(Builder& fbb, Table root, const char* identifier = "SPW1") {
  fbb.Finish(root, identifier);
  return {fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()};
}

struct RawId {
  std::uint64_t origin, seq;
};

// CANCEL { id, epoch } and perhaps a field that this version does not know.
Table cancel_item(Builder& fbb, std::uint64_t seq, bool future = false) {
  auto start = fbb.StartTable();
  RawId id{1, seq};
  fbb.Align(8);
  fbb.PushBytes(reinterpret_cast<const std::uint8_t*>(&id), sizeof id);
  fbb.AddStructOffset(field(0), fbb.GetSize());
  fbb.AddElement<std::uint32_t>(field(1), 7, 0);
  if (future) fbb.AddElement<std::uint64_t>(field(kFuture), 99, 0);
  return Table(fbb.EndTable(start));
}

constexpr std::uint8_t kCancel = 8;

Bytes message_of(Builder& fbb, const std::vector<std::uint8_t>& types,
                 const std::vector<Table>& items, bool future = false) {
  auto types_offset = fbb.CreateVector(types);
  auto items_offset = fbb.CreateVector(items);
  auto extra = fbb.CreateString("from a later version");
  auto start = fbb.StartTable();
  fbb.AddElement<std::uint64_t>(field(0), 5, 0);
  fbb.AddElement<std::uint64_t>(field(1), 6, 0);
  fbb.AddOffset(field(4), types_offset);
  fbb.AddOffset(field(5), items_offset);
  if (future) fbb.AddOffset(field(kFuture), extra);
  return finished(fbb, Table(fbb.EndTable(start)));
}

Bytes message_of_cancels(std::size_t count) {
  Builder fbb;
  std::vector<Table> items;
  for (std::size_t i = 1; i <= count; ++i) items.push_back(cancel_item(fbb, i));
  return message_of(fbb, std::vector<std::uint8_t>(count, kCancel), items);
}

// `numbers` behind `gap` bytes, as a vector that is aligned for its length alone.
flatbuffers::uoffset_t numbers_anywhere(Builder& fbb, const std::vector<std::uint64_t>& numbers,
                                        std::size_t gap) {
  fbb.Align(8);
  fbb.Pad(gap);
  for (auto number = numbers.rbegin(); number != numbers.rend(); ++number) {
    fbb.PushBytes(reinterpret_cast<const std::uint8_t*>(&*number), sizeof *number);
  }
  return fbb.PushElement(static_cast<flatbuffers::uoffset_t>(numbers.size()));
}

}  // namespace

TEST_GROUP(Compatibility){};

TEST(Compatibility, fields_of_a_later_spec_are_ignored) {
  Builder fbb;
  auto kind = fbb.CreateString("echo");
  auto extra = fbb.CreateString("from a later version");
  auto start = fbb.StartTable();
  fbb.AddOffset(field(0), kind);
  fbb.AddElement<std::int64_t>(field(6), 5'000'000, 0);
  fbb.AddOffset(field(kFuture), extra);
  fbb.AddElement<std::uint64_t>(field(kFuture + 1), 42, 0);
  Result<TaskSpec> spec = decode_spec(finished(fbb, Table(fbb.EndTable(start))));
  CHECK(spec.ok());
  TaskSpec expected;
  expected.kind.name = "echo";
  expected.deadline = std::chrono::seconds(5);
  CHECK(*spec == expected);
}

TEST(Compatibility, fields_of_a_later_message_and_item_are_ignored) {
  Builder fbb;
  std::vector<Table> items = {cancel_item(fbb, 3, true)};
  Result<Message> message = decode_message(message_of(fbb, {kCancel}, items, true));
  CHECK(message.ok());
  CHECK(*message == (Message{5, 6, {}, "", {Cancel{TaskId{Origin{1}, 3}, Epoch{7}}}}));
}

TEST(Compatibility, a_lineage_is_read_whatever_address_its_numbers_have) {
  for (std::size_t gap : {0u, 4u}) {
    Builder fbb;
    const auto lives = numbers_anywhere(fbb, {7, 8, 9}, gap);
    auto start = fbb.StartTable();
    fbb.AddElement<std::uint64_t>(field(2), 5, 0);
    fbb.AddElement<std::uint64_t>(field(12), 3, 0);
    fbb.AddOffset(field(13), Table(lives));
    Result<Presence> presence = decode_presence(finished(fbb, Table(fbb.EndTable(start))));
    CHECK(presence.ok());
    CHECK(presence->lineage.lives == (std::vector{Origin{7}, Origin{8}, Origin{9}}));
  }
}

TEST(Compatibility, items_of_later_types_are_skipped) {
  Builder fbb;
  std::vector<Table> items = {cancel_item(fbb, 1), cancel_item(fbb, 2), cancel_item(fbb, 3)};
  Result<Message> message = decode_message(message_of(fbb, {kCancel, 77, kCancel}, items));
  CHECK(message.ok());
  UNSIGNED_LONGS_EQUAL(2, message->items.size());
  CHECK(std::get<Cancel>(message->items[1]).id.seq == 3);
}

TEST(Compatibility, a_message_of_only_later_types_is_refused_as_such) {
  Builder fbb;
  std::vector<Table> items = {cancel_item(fbb, 1), cancel_item(fbb, 2)};
  Result<Message> message = decode_message(message_of(fbb, {77, 255}, items));
  CHECK(message.error().code == Code::unsupported);
}

TEST(Compatibility, a_message_needs_1_to_64_items_with_a_type_each) {
  CHECK(decode_message(message_of_cancels(64)).ok());
  CHECK(decode_message(message_of_cancels(65)).error().code == Code::corrupt);
  CHECK(decode_message(message_of_cancels(0)).error().code == Code::corrupt);
  Builder fbb;
  std::vector<Table> items = {cancel_item(fbb, 1)};
  CHECK(decode_message(message_of(fbb, {kCancel, kCancel}, items)).error().code == Code::corrupt);
}

TEST(Compatibility, a_request_of_a_later_type_is_refused_as_such) {
  Builder fbb;
  auto body = fbb.EndTable(fbb.StartTable());
  auto start = fbb.StartTable();
  fbb.AddElement<std::uint64_t>(field(0), 5, 0);
  fbb.AddElement<std::uint8_t>(field(1), 99, 0);
  fbb.AddOffset(field(2), Table(body));
  Bytes bytes = finished(fbb, Table(fbb.EndTable(start)), "SPWA");
  CHECK(decode_request(bytes).error().code == Code::unsupported);
  CHECK(decode_answer(bytes).error().code == Code::unsupported);
}

TEST(Compatibility, a_message_that_unfolds_into_more_than_it_has_is_refused) {
  Builder fbb;
  auto spec = fbb.CreateVector(Bytes(60'000, 1));
  std::vector<Table> items;
  for (std::uint64_t i = 1; i <= 64; ++i) {
    auto start = fbb.StartTable();
    RawId id{1, i};
    fbb.Align(8);
    fbb.PushBytes(reinterpret_cast<const std::uint8_t*>(&id), sizeof id);
    fbb.AddStructOffset(field(0), fbb.GetSize());
    fbb.AddElement<std::uint32_t>(field(1), 1, 0);
    fbb.AddElement<std::int64_t>(field(3), 1, 0);
    fbb.AddOffset(field(4), spec);
    items.push_back(Table(fbb.EndTable(start)));
  }
  Result<Message> message =
      decode_message(message_of(fbb, std::vector<std::uint8_t>(64, 1), items));
  CHECK(message.error().code == Code::corrupt);
  STRCMP_CONTAINS("unfolds", message.error().message.c_str());
}

TEST(Compatibility, pairs_of_a_spec_are_in_order_and_unique) {
  for (const std::vector<std::string>& keys :
       {std::vector<std::string>{"a", "a"}, std::vector<std::string>{"b", "a"}}) {
    Builder fbb;
    std::vector<Table> pairs;
    for (const std::string& key : keys) {
      Text text = fbb.CreateString(key);
      auto start = fbb.StartTable();
      fbb.AddOffset(field(0), text);
      fbb.AddOffset(field(1), text);
      pairs.push_back(Table(fbb.EndTable(start)));
    }
    auto kind = fbb.CreateString("echo");
    auto args = fbb.CreateVector(pairs);
    auto start = fbb.StartTable();
    fbb.AddOffset(field(0), kind);
    fbb.AddOffset(field(1), args);
    Result<TaskSpec> spec = decode_spec(finished(fbb, Table(fbb.EndTable(start))));
    CHECK(spec.error().code == Code::corrupt);
    STRCMP_CONTAINS("order", spec.error().message.c_str());
  }
}

TEST(Compatibility, an_older_peer_reads_that_the_cloud_drains_where_a_device_is_barred) {
  Message message;
  message.session = message.seq = 1;
  message.items = {
      Nack{TaskId{Origin{1}, 1}, Epoch{1}, lifecycle::NackReason::barred, std::chrono::minutes(1)}};
  const Bytes bytes = encode(message).copy();
  using Tables = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::Table>>;
  const auto* root = flatbuffers::GetRoot<flatbuffers::Table>(bytes.data());
  const auto* nack = root->GetPointer<const Tables*>(field(5))->Get(0);
  LONGS_EQUAL(int(lifecycle::NackReason::draining), nack->GetField<std::uint8_t>(field(2), 0));
  CHECK(*decode_message(bytes) == message);
}
