#include <bit>
#include <cmath>
#include <concepts>

#include "agent/placement/placement.h"

// The learned state as bytes: little-endian, versioned, refused as a whole when anything is off.
namespace spillway::placement {
namespace {

constexpr std::uint64_t kFormat = 0x3130'4c50'5753;  // "SWPL01"
constexpr std::size_t kMaxSavedKinds = 4096;
constexpr std::size_t kMaxName = 64;

void put(Bytes& out, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}
void put(Bytes& out, double value) { put(out, std::bit_cast<std::uint64_t>(value)); }
void put(Bytes& out, NodeTime value) {
  put(out, static_cast<std::uint64_t>(value.time_since_epoch().count()));
}

// Reads what put() wrote; after the first short read everything is zero and ok() is false.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}
  std::uint64_t number() {
    const ByteView raw = take(8);
    std::uint64_t value = 0;
    for (std::size_t i = raw.size(); i-- > 0;) value = value << 8 | raw[i];
    return value;
  }
  double real() { return std::bit_cast<double>(number()); }
  NodeTime time() { return NodeTime(Duration(static_cast<Duration::rep>(number()))); }
  std::string text(std::size_t size) { return std::string(as_text(take(size))); }
  ByteView rest() const { return bytes_; }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && bytes_.empty(); }

 private:
  ByteView take(std::size_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      bytes_ = {};
      return {};
    }
    const ByteView taken = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return taken;
  }
  ByteView bytes_;
  bool ok_ = true;
};

void put(Bytes& out, const RunTimeModel::State& s) {
  for (const double number : {s.theta[0], s.theta[1], s.p[0], s.p[1], s.p[2], s.residual, s.mass}) {
    put(out, number);
  }
  put(out, s.samples);
}

RunTimeModel::State read_model(Reader& in) {
  RunTimeModel::State s;
  for (double* number :
       {&s.theta[0], &s.theta[1], &s.p[0], &s.p[1], &s.p[2], &s.residual, &s.mass}) {
    *number = in.real();
  }
  s.samples = in.number();
  return s;
}

}  // namespace

Bytes Placement::save() const {
  Bytes out;
  put(out, kFormat);
  const LinkModel::State& link = link_.state();
  for (const double number : {link.rtt, link.rtt_dev, link.log_bandwidth, link.bandwidth_dev}) {
    put(out, number);
  }
  put(out, link.rtt_at);
  put(out, link.bandwidth_at);
  for (const auto& [kind, places] : kinds_) {
    put(out, static_cast<std::uint64_t>(kind.size()));
    out.insert(out.end(), kind.begin(), kind.end());
    for (const Learned& learned : places) {
      put(out, learned.model.state());
      put(out, learned.last);
    }
  }
  return out;
}

std::optional<Placement::Kinds> Placement::parse_kinds(ByteView bytes) {
  Reader in(bytes);
  Kinds kinds;
  while (in.ok() && !in.done()) {
    const std::uint64_t size = in.number();
    if (size == 0 || size > kMaxName || kinds.size() >= kMaxSavedKinds) return std::nullopt;
    std::array<Learned, 2>& places = kinds[in.text(static_cast<std::size_t>(size))];
    for (Learned& learned : places) {
      const auto model = RunTimeModel::restore(read_model(in));
      learned.last = in.time();
      if (!in.ok() || !model || learned.last < NodeTime{}) return std::nullopt;
      learned.model = *model;
    }
  }
  if (!in.ok()) return std::nullopt;
  return kinds;
}

bool Placement::load(ByteView bytes) {
  Reader in(bytes);
  if (in.number() != kFormat) return false;
  LinkModel::State link;
  for (double* number : {&link.rtt, &link.rtt_dev, &link.log_bandwidth, &link.bandwidth_dev}) {
    *number = in.real();
  }
  link.rtt_at = in.time();
  link.bandwidth_at = in.time();
  if (!in.ok()) return false;
  auto kinds = parse_kinds(in.rest());
  if (!kinds || !link_.restore(link)) return false;
  kinds_ = std::move(*kinds);
  return true;
}

}  // namespace spillway::placement
