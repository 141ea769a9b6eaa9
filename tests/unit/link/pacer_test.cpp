#include "common/link/pacer.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::link;
using namespace std::chrono_literals;

TEST_GROUP(Pacing) {
  NodeTime now{1h};
  Pacer pacer;
  Flight flight;
};

TEST(Pacing, without_a_rate_everything_goes_at_once) {
  for (int i = 0; i < 1000; ++i) {
    CHECK(pacer.may_send(now));
    pacer.on_sent(now, 1 << 20);
  }
}

TEST(Pacing, a_rate_is_used_to_the_full_and_never_exceeded) {
  pacer.set_rate(10'000);
  std::uint64_t sent = 0;
  const NodeTime end = now + 60s;
  while (now < end) {
    if (pacer.may_send(now)) {
      pacer.on_sent(now, 700);
      sent += 700;
    } else {
      now = pacer.free_at() + 3ms;  // a loop is never on time
    }
  }
  CHECK(sent <= 60 * 10'000 + 700 + 1000);
  CHECK(sent >= 60 * 10'000 * 95 / 100);
}

TEST(Pacing, a_pause_is_not_made_up_for_in_one_burst) {
  pacer.set_rate(10'000);
  now += 1h;
  std::uint64_t sent = 0;
  while (pacer.may_send(now)) pacer.on_sent(now, 500), sent += 500;
  CHECK(sent <= 1500);
}

// A link that carries `rate` bytes a second after `delay`, and a sender that always has more.
static std::pair<Duration, double> fill(Flight& flight, NodeTime& now, double rate, Duration delay,
                                        std::uint64_t message) {
  std::deque<std::pair<NodeTime, std::uint64_t>> arrives;
  NodeTime busy_until = now;
  Duration queued{};
  std::uint64_t carried = 0;
  const NodeTime end = now + 20s, half = now + 10s;
  for (; now < end; now += 1ms) {
    while (!arrives.empty() && arrives.front().first <= now) {
      if (now > half) carried += arrives.front().second;
      flight.on_acknowledged(now);
      arrives.pop_front();
    }
    while (flight.bytes() + message <= flight.room(now)) {
      busy_until = std::max(busy_until, now) + Duration(std::int64_t(double(message) / rate * 1e6));
      arrives.push_back({busy_until + delay, message});
      flight.on_sent(now, message);
    }
    if (now > half) queued = std::max(queued, busy_until - now);
  }
  return {queued, double(carried) / 10};
}

TEST(Pacing, the_backlog_fills_a_link_and_queues_no_more_than_half_a_round_trip) {
  const std::pair<double, Duration> links[] = {
      {20e3, 50ms}, {125e3, 50ms}, {1e6, 100ms}, {10e6, 30ms}, {5e6, 300ms}};
  for (const auto& [rate, delay] : links) {
    Flight fresh;
    const auto message = std::uint64_t(std::min(2000.0, rate / 50));
    const auto [queued, carried] = fill(fresh, now, rate, delay, message);
    CHECK(carried >= 0.9 * rate);
    CHECK(queued <=
          std::max<Duration>(delay / 2, 10ms) + Duration(std::int64_t(4096 / rate * 1e6)) + 10ms);
  }
}

TEST(Pacing, what_was_measured_is_forgotten_after_a_pause) {
  fill(flight, now, 1e6, 50ms, 2000);
  CHECK(flight.room(now) > 70'000);
  UNSIGNED_LONGS_EQUAL(65'536, flight.room(now + 11s));
}

TEST(Pacing, an_acknowledgement_of_nothing_changes_nothing) {
  flight.on_acknowledged(now);
  UNSIGNED_LONGS_EQUAL(0, flight.bytes());
  UNSIGNED_LONGS_EQUAL(65'536, flight.room(now));
}
