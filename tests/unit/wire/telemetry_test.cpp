#include "common/wire/telemetry.h"

#include <limits>
#include <random>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::wire;

namespace {

Telemetry measured(std::uint64_t session = 7) {
  Telemetry telemetry;
  telemetry.session = session;
  telemetry.sent_wall = std::chrono::seconds(1'700'000'000);
  for (std::size_t i = 0; i < kMetrics; ++i) telemetry.metrics.set(Metric(i), std::int64_t(i) * 7);
  telemetry.metrics.set(Metric::temperature_mc, -40'000);
  telemetry.metrics.set(Metric::memory_total, 8LL << 30);
  telemetry.cores = {0, 50, 100, 3};
  telemetry.kernel = "6.1.0-18-arm64";
  return telemetry;
}

// What a receiver holds after taking frames.
struct Receiver {
  Metrics metrics;
  std::vector<std::uint8_t> cores;
  void take(const Telemetry& frame) {
    metrics.take(frame.metrics);
    if (!frame.cores.empty()) cores = frame.cores;
  }
};

}  // namespace

TEST_GROUP(Telemetry){};

TEST(Telemetry, a_frame_comes_back_as_it_was) {
  Telemetry frame = measured();
  frame.seq = 3;
  frame.whole = true;
  Result<Telemetry> back = decode_telemetry(encode(frame));
  CHECK(back.ok());
  CHECK(*back == frame);
}

TEST(Telemetry, the_extremes_of_a_number_come_back) {
  Telemetry frame = measured(~0ULL);
  frame.seq = 1;
  frame.metrics.set(Metric::lost, std::numeric_limits<std::int64_t>::max());
  frame.metrics.set(Metric::waiting, std::numeric_limits<std::int64_t>::min());
  Result<Telemetry> back = decode_telemetry(encode(frame));
  CHECK(back.ok());
  CHECK(*back == frame);
}

TEST(Telemetry, a_whole_frame_fits_into_200_bytes) {
  Telemetry frame = measured(3ULL << 32 | 9);
  frame.seq = 100'000;
  frame.metrics.set(Metric::disk_free, 20LL << 30);
  frame.metrics.set(Metric::flash_written, 1LL << 34);
  frame.metrics.set(Metric::certificate_expires_s, 1'800'000'000);
  CHECK(encode(frame).size() <= 200);
}

TEST(Telemetry, a_frame_of_a_few_changes_fits_into_40_bytes) {
  TelemetryFrames frames;
  (void)frames.next(measured());
  Telemetry later = measured();
  later.metrics.set(Metric::cpu_permille, 700);
  later.metrics.set(Metric::uptime_s, 1000);
  CHECK(encode(frames.next(later)).size() <= 40);
}

TEST(Telemetry, the_first_frame_of_a_session_and_every_sixth_are_whole) {
  TelemetryFrames frames;
  for (std::uint64_t i = 0; i < 13; ++i) {
    Telemetry frame = frames.next(measured());
    CHECK_EQUAL(i % 6 == 0, frame.whole);
    CHECK_EQUAL(i + 1, frame.seq);
  }
  Telemetry fresh = frames.next(measured(8));
  CHECK(fresh.whole);
  CHECK_EQUAL(1U, fresh.seq);
}

TEST(Telemetry, a_lost_frame_is_made_good_by_any_later_one) {
  std::mt19937_64 random(11);
  TelemetryFrames frames;
  Receiver receiver;
  Telemetry now = measured();
  bool heard_whole = false;
  for (int step = 0; step < 3000; ++step) {
    // Few values, so that metrics often change back to what the whole frame said.
    now.metrics.set(Metric(random() % kMetrics), std::int64_t(random() % 3));
    now.cores[random() % now.cores.size()] = std::uint8_t(random() % 2);
    Telemetry frame = frames.next(now);
    if (frame.whole && random() % 4 == 0) {
      heard_whole = false;
      continue;
    }
    if (!frame.whole && random() % 3 == 0) continue;
    heard_whole = heard_whole || frame.whole;
    receiver.take(*decode_telemetry(encode(frame)));
    if (!heard_whole) continue;
    CHECK(receiver.metrics == now.metrics);
    CHECK(receiver.cores == now.cores);
  }
}

TEST(Telemetry, metrics_of_a_newer_device_are_skipped) {
  Telemetry frame = measured();
  frame.seq = 1;
  frame.metrics = {};
  frame.metrics.set(Metric(0), 1);
  Bytes bytes = encode(frame);
  // Session 7, seq 1 and the rest are short: the word of bits follows the interval.
  Bytes newer = bytes;
  newer.resize(4 + 1 + 1 + 8 + 2);
  for (int i = 0; i < 9; ++i) newer.push_back(0xFF);
  newer.push_back(1);
  for (int i = 0; i < 64; ++i) newer.push_back(2);
  newer.push_back(0);
  newer.push_back(0);
  Result<Telemetry> back = decode_telemetry(newer);
  CHECK(back.ok());
  CHECK_EQUAL(1, back->metrics.get(Metric::sleep_s));
}

TEST(Telemetry, every_cut_of_a_frame_is_refused) {
  Telemetry frame = measured();
  frame.seq = 1;
  Bytes bytes = encode(frame);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(decode_telemetry(ByteView(bytes).first(size)).ok());
  }
}

TEST(Telemetry, hostile_bytes_are_an_error_and_never_a_crash) {
  std::mt19937_64 random(5);
  Telemetry frame = measured();
  frame.seq = 1;
  const Bytes good = encode(frame);
  int refused = 0;
  for (int round = 0; round < 100'000; ++round) {
    Bytes bad = good;
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
      bad[random() % bad.size()] = std::uint8_t(random());
    }
    if (random() % 4 == 0) bad.resize(random() % (2 * good.size()));
    Result<Telemetry> read = decode_telemetry(bad);
    if (!read) {
      ++refused;
      CHECK(read.error().code == Code::corrupt);
    } else {
      CHECK(read->session != 0);
      CHECK(read->seq != 0);
      CHECK(read->cores.size() <= kMaxCores);
      CHECK(read->interval >= std::chrono::seconds(1));
      CHECK(read->interval <= std::chrono::hours(24));
    }
  }
  CHECK(refused > 10'000);
}

TEST(Telemetry, too_many_bytes_are_refused) {
  Telemetry frame = measured();
  frame.seq = 1;
  Bytes bytes = encode(frame);
  bytes.resize(kMaxTelemetry + 1);
  CHECK_FALSE(decode_telemetry(bytes).ok());
}

TEST(Telemetry, every_metric_is_found_by_its_name) {
  for (std::size_t i = 0; i < kMetrics; ++i) {
    CHECK(metric_of(to_string(Metric(i))) == Metric(i));
  }
  CHECK_FALSE(metric_of("no_such").has_value());
}
