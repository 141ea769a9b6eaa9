#include <array>

#include "common/wire/codec.h"
#include "common/wire/value_codec.h"
#include "link_generated.h"

namespace spillway::wire {
namespace {

constexpr std::size_t kMaxKinds = 256;
constexpr BufferLimits kPresenceLimits{"presence", kLinkIdentifier, kMaxMessage, 1 + kMaxKinds};

VectorOffset<fb::KindInfo> write_kinds(Builder& fbb, const std::vector<KindInfo>& kinds) {
  if (kinds.empty()) return {};
  std::vector<Offset<fb::KindInfo>> offsets;
  offsets.reserve(kinds.size());
  for (const KindInfo& kind : kinds) {
    const fb::Digest digest = raw_digest(kind.digest);
    offsets.push_back(fb::CreateKindInfo(fbb, fbb.CreateString(kind.name), kind.version, kind.taken,
                                         kind.digest == Digest{} ? nullptr : &digest));
  }
  return fbb.CreateVector(offsets);
}

std::vector<KindInfo> read_kinds(Reader& reader,
                                 const flatbuffers::Vector<Offset<fb::KindInfo>>* raw) {
  std::vector<KindInfo> kinds;
  flatbuffers::uoffset_t size = reader.count(raw, "kinds", kMaxKinds);
  kinds.reserve(size);
  for (flatbuffers::uoffset_t i = 0; i < size && reader.ok(); ++i) {
    const fb::KindInfo& kind = *raw->Get(i);
    kinds.push_back({reader.shown_name(kind.name(), "kinds"), kind.version(), kind.taken(),
                     read_digest(kind.digest())});
  }
  return kinds;
}

Lineage read_lineage(Reader& reader, const fb::Presence& raw) {
  Lineage told{Origin{raw.store()}, raw.life_number(), {}};
  std::array<std::uint64_t, kMaxLineage> lives;
  const std::size_t size = reader.count(raw.lives(), "lives", kMaxLineage);
  copy_numbers(raw.lives(), size, lives.data());
  for (std::size_t i = 0; i < size; ++i) told.lives.push_back({lives[i]});
  reader.require(told.lives.size() <= told.number, "lives", "more than there were");
  return told;
}

Presence read_presence(Reader& reader, const fb::Presence& raw) {
  Presence presence;
  presence.online = raw.online();
  presence.graceful = raw.graceful();
  presence.session = reader.nonzero(raw.session(), "session");
  presence.boot = BootId{raw.boot()};
  presence.version = reader.shown(raw.version(), "version");
  presence.machine = reader.shown(raw.machine(), "machine");
  presence.workers = raw.workers();
  presence.memory = raw.memory();
  presence.tags = reader.names(raw.tags(), "tags");
  for (std::string& tag : presence.tags) tag = plain_text(tag);
  presence.kinds = read_kinds(reader, raw.kinds());
  presence.reconnect_floor = reader.span(raw.reconnect_floor_us(), "reconnect_floor");
  presence.lineage = read_lineage(reader, raw);
  return presence;
}

}  // namespace

Bytes encode(const Presence& presence) {
  Builder& fbb = thread_builder();
  auto version = write_text(fbb, presence.version);
  auto machine = write_text(fbb, presence.machine);
  auto tags = write_texts(fbb, presence.tags);
  auto kinds = write_kinds(fbb, presence.kinds);
  Offset<flatbuffers::Vector<std::uint64_t>> lives;
  if (!presence.lineage.lives.empty()) {
    std::vector<std::uint64_t> values;
    for (Origin life : presence.lineage.lives) values.push_back(life.value);
    lives = fbb.CreateVector(values);
  }
  return finish(
      fbb, fb::CreatePresence(fbb, presence.online, presence.graceful, presence.session,
                              presence.boot.value, version, machine, presence.workers,
                              presence.memory, tags, kinds, to_span_us(presence.reconnect_floor),
                              presence.lineage.store.value, presence.lineage.number, lives));
}

Result<Presence> decode_presence(ByteView bytes) {
  return open<fb::Presence>(bytes, kPresenceLimits, read_presence);
}

}  // namespace spillway::wire
