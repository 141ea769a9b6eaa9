#include "common/wire/reader.h"
#include "common/wire/telemetry.h"

// Layout: 'S' 'T', version, flags (bit 0: whole), then variable-length integers of 7 bits a byte,
// low bits first: session, seq, sent_wall in µs, interval in ms, one bit per metric, each of those
// metrics (zigzag), count of cores and a byte for each, length of the kernel's name and its bytes.
// What follows is ignored.
namespace spillway::wire {
namespace {

constexpr std::uint8_t kMagic[] = {'S', 'T', 1};
constexpr std::size_t kMaxKernel = 64;
constexpr Duration kMaxInterval = std::chrono::hours(24);
static_assert(kMetrics <= 64, "one word of bits");

void put(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(std::uint8_t(value | 0x80));
  out.push_back(std::uint8_t(value));
}

// -1 becomes 1, 1 becomes 2: small either way.
std::uint64_t zigzag(std::int64_t value) {
  return (std::uint64_t(value) << 1) ^ std::uint64_t(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
  return std::int64_t(value >> 1) ^ -std::int64_t(value & 1);
}

// Reads from the front; the first thing that is wrong makes all the rest read as 0.
class Input {
 public:
  explicit Input(ByteView bytes) : rest_(bytes) {}
  bool ok() const { return ok_; }
  void refuse() { ok_ = false; }

  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      ByteView one = take(1);
      if (one.empty()) return 0;
      if (shift == 63 && one[0] > 1) break;
      value |= std::uint64_t(one[0] & 0x7F) << shift;
      if (one[0] < 0x80) return value;
    }
    ok_ = false;
    return 0;
  }
  ByteView take(std::uint64_t size) {
    if (!ok_ || size > rest_.size()) {
      ok_ = false;
      return {};
    }
    ByteView taken = rest_.first(std::size_t(size));
    rest_ = rest_.subspan(std::size_t(size));
    return taken;
  }
  ByteView take_counted(std::size_t most) {
    std::uint64_t size = number();
    if (size > most) ok_ = false;
    return take(size);
  }

 private:
  ByteView rest_;
  bool ok_ = true;
};

Metrics read_metrics(Input& in) {
  Metrics metrics;
  std::uint64_t known = in.number();
  for (unsigned i = 0; i < 64 && in.ok(); ++i) {
    if (!(known >> i & 1)) continue;
    std::int64_t value = unzigzag(in.number());
    if (i < kMetrics) metrics.set(Metric(i), value);
  }
  return metrics;
}

bool printable(std::string_view text) {
  for (char c : text) {
    if (c < 0x20 || c > 0x7E) return false;
  }
  return true;
}

Duration read_span(Input& in, std::uint64_t unit_us, Duration most) {
  std::uint64_t count = in.number();
  if (count > std::uint64_t(most.count()) / unit_us) in.refuse();
  return in.ok() ? Duration(std::int64_t(count * unit_us)) : Duration{};
}

}  // namespace

Bytes encode(const Telemetry& telemetry) {
  Bytes out(std::begin(kMagic), std::end(kMagic));
  out.reserve(256);
  out.push_back(telemetry.whole ? 1 : 0);
  put(out, telemetry.session);
  put(out, telemetry.seq);
  put(out, std::uint64_t(std::max<std::int64_t>(telemetry.sent_wall.count(), 0)));
  put(out, std::uint64_t(telemetry.interval / std::chrono::milliseconds(1)));
  std::uint64_t known = 0;
  for (std::size_t i = 0; i < kMetrics; ++i) {
    known |= std::uint64_t(telemetry.metrics.has(Metric(i))) << i;
  }
  put(out, known);
  for (std::size_t i = 0; i < kMetrics; ++i) {
    if (known >> i & 1) put(out, zigzag(telemetry.metrics.get(Metric(i))));
  }
  std::size_t cores = std::min(telemetry.cores.size(), kMaxCores);
  put(out, cores);
  out.insert(out.end(), telemetry.cores.begin(), telemetry.cores.begin() + std::ptrdiff_t(cores));
  std::string_view kernel = std::string_view(telemetry.kernel).substr(0, kMaxKernel);
  put(out, kernel.size());
  out.insert(out.end(), kernel.begin(), kernel.end());
  return out;
}

Result<Telemetry> decode_telemetry(ByteView bytes) {
  Input in(bytes.first(std::min(bytes.size(), kMaxTelemetry + 1)));
  if (bytes.size() > kMaxTelemetry) in.refuse();
  ByteView magic = in.take(std::size(kMagic));
  if (!std::equal(magic.begin(), magic.end(), std::begin(kMagic), std::end(kMagic))) in.refuse();
  ByteView flags = in.take(1);
  Telemetry telemetry;
  telemetry.whole = !flags.empty() && (flags[0] & 1);
  telemetry.session = in.number();
  telemetry.seq = in.number();
  telemetry.sent_wall = read_span(in, 1, Duration::max());
  telemetry.interval = read_span(in, 1000, kMaxInterval);
  telemetry.metrics = read_metrics(in);
  ByteView cores = in.take_counted(kMaxCores);
  telemetry.cores.assign(cores.begin(), cores.end());
  telemetry.kernel = std::string(as_text(in.take_counted(kMaxKernel)));
  bool sane = telemetry.session != 0 && telemetry.seq != 0 &&
              telemetry.interval >= std::chrono::seconds(1) && printable(telemetry.kernel);
  if (!in.ok() || !sane) return fail(Code::corrupt, "this is no telemetry frame");
  return telemetry;
}

Telemetry TelemetryFrames::next(Telemetry measured) {
  constexpr unsigned kWholeEvery = 6;
  bool fresh = measured.session != whole_.session;
  if (fresh) seq_ = 0;
  measured.seq = ++seq_;
  measured.whole = fresh || ++since_whole_ >= kWholeEvery;
  if (measured.whole) {
    whole_ = measured;
    changed_.reset();
    cores_changed_ = false;
    since_whole_ = 0;
    return measured;
  }
  Metrics some;
  for (std::size_t i = 0; i < kMetrics; ++i) {
    auto metric = Metric(i);
    if (measured.metrics.find(metric) != whole_.metrics.find(metric)) changed_.set(i);
    if (changed_[i] && measured.metrics.has(metric)) some.set(metric, measured.metrics.get(metric));
  }
  measured.metrics = some;
  cores_changed_ = cores_changed_ || measured.cores != whole_.cores;
  if (!cores_changed_) measured.cores.clear();
  measured.kernel.clear();
  return measured;
}

}  // namespace spillway::wire
