#include "common/link/link.h"

#include <string>
#include <vector>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::link;
using namespace std::chrono_literals;

namespace {

std::uint64_t next_random(std::uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 16;
}

}  // namespace

TEST_GROUP(Link) {
  LinkPolicy policy{.backoff_base = 100ms,
                    .backoff_cap = 10s,
                    .connect_timeout = 15s,
                    .window = 4,
                    .publish_stall = 20s,
                    .quiet = 30s};
  NodeTime now{1s};

  LinkMachine up() {
    LinkMachine link(policy);
    link.start(now);
    link.on_connected(now);
    return link;
  }
  // Waits until the machine's timer and fires it.
  LinkMachine::Ask fire(LinkMachine & link, std::uint64_t random = 0) {
    now = link.next_timer();
    return link.on_timer(now, random);
  }
};

TEST(Link, connects_at_once_when_started_and_only_once) {
  LinkMachine link(policy);
  CHECK(link.start(now).connect);
  CHECK_FALSE(link.start(now).connect);
  CHECK(link.state() == LinkState::connecting);
}

TEST(Link, does_nothing_before_it_is_started) {
  LinkMachine link(policy);
  CHECK_FALSE(link.on_timer(now + 1h, 7).connect);
  CHECK_FALSE(link.may_publish());
  CHECK(link.next_timer() == kNever);
}

TEST(Link, waits_a_random_part_of_a_range_that_doubles_up_to_the_cap) {
  LinkMachine link(policy);
  link.start(now);
  const std::uint64_t most = UINT64_MAX;
  std::vector<Duration> ranges;
  for (int i = 0; i < 10; ++i) {
    const NodeTime failed = now;
    // A random number one less than a multiple of the width gives the longest wait there is.
    Duration longest{0};
    for (std::uint64_t random : {most, std::uint64_t{100'000}, std::uint64_t{12'345'678}}) {
      LinkMachine copy = link;
      copy.on_disconnected(failed, random);
      longest = std::max(longest, copy.next_timer() - failed);
    }
    CHECK(longest <= std::min<Duration>(10s, 100ms * (1 << i)));
    LinkMachine shortest = link;
    shortest.on_disconnected(failed, 0);
    CHECK(shortest.next_timer() == failed);
    link.on_disconnected(failed, 0);
    CHECK(fire(link).connect);
  }
  LONGS_EQUAL(10, link.failures());
}

TEST(Link, waits_spread_evenly_over_the_range) {
  std::uint64_t seed = 7;
  int quarters[4] = {};
  for (int i = 0; i < 4000; ++i) {
    LinkMachine link(policy);
    link.start(now);
    for (int f = 0; f < 20; ++f) {
      link.on_disconnected(now, 0);
      link.on_timer(now, 0);
    }
    link.on_disconnected(now, next_random(seed));
    const Duration wait = link.next_timer() - now;
    CHECK(wait >= 0s && wait <= 10s);
    ++quarters[std::min<std::int64_t>(3, wait / Duration(2500ms))];
  }
  for (int count : quarters) CHECK(count > 850 && count < 1150);
}

TEST(Link, never_waits_less_than_the_floor_and_still_spreads_above_it) {
  LinkMachine link = up();
  link.set_floor(30s);
  link.on_disconnected(now, 0);
  CHECK(link.next_timer() == now + 30s);
  LinkMachine other = up();
  other.set_floor(30s);
  other.on_disconnected(now, 99'999);
  CHECK(other.next_timer() > now + 30s);
}

TEST(Link, gives_up_an_attempt_that_is_not_answered) {
  LinkMachine link(policy);
  link.start(now);
  CHECK_FALSE(link.on_timer(now + 14s, 0).disconnect);
  const auto ask = link.on_timer(now + 15s, 5);
  CHECK(ask.disconnect);
  CHECK_FALSE(ask.connect);
  CHECK(link.state() == LinkState::down);
  CHECK(fire(link).connect);
}

TEST(Link, undoes_a_connection_that_comes_after_it_was_given_up) {
  LinkMachine link(policy);
  link.start(now);
  link.on_timer(now + 15s, 5);
  CHECK(link.on_connected(now + 16s).disconnect);
  CHECK(link.state() == LinkState::down);
}

TEST(Link, ignores_news_of_a_connection_that_is_already_gone) {
  LinkMachine link = up();
  link.on_disconnected(now, 1000);
  const NodeTime retry = link.next_timer();
  link.on_disconnected(now + 1s, 99);
  CHECK(link.next_timer() == retry);
  LONGS_EQUAL(1, link.failures());
}

TEST(Link, starts_over_with_short_waits_after_a_connection_that_lasted) {
  LinkMachine link = up();
  for (int i = 0; i < 6; ++i) {
    link.on_disconnected(now, 0);
    fire(link);
    link.on_connected(now);
  }
  LONGS_EQUAL(6, link.failures());
  link.on_disconnected(now + 10s, 0);
  LONGS_EQUAL(1, link.failures());
}

TEST(Link, a_connection_that_does_not_last_counts_as_a_failure) {
  LinkMachine link = up();
  for (int i = 0; i < 8; ++i) {
    link.on_disconnected(now, 0);
    fire(link);
    link.on_connected(now);
    now += 1s;
  }
  LONGS_EQUAL(8, link.failures());
}

TEST(Link, the_window_is_never_exceeded_and_a_puback_frees_a_place) {
  LinkMachine link = up();
  for (int i = 0; i < 4; ++i) {
    CHECK(link.may_publish());
    link.on_publish(now);
  }
  CHECK_FALSE(link.may_publish());
  link.on_published(now);
  CHECK(link.may_publish());
  LONGS_EQUAL(3, link.in_flight());
}

TEST(Link, the_window_shrinks_to_what_the_broker_allows_for_that_connection) {
  LinkMachine link = up();
  link.limit_window(1);
  link.on_publish(now);
  CHECK_FALSE(link.may_publish());
  link.on_disconnected(now, 0);
  fire(link);
  link.on_connected(now);
  for (int i = 0; i < 3; ++i) link.on_publish(now);
  CHECK(link.may_publish());
  link.limit_window(1000);
  link.on_publish(now);
  CHECK_FALSE(link.may_publish());
}

TEST(Link, more_pubacks_than_publications_do_not_widen_the_window) {
  LinkMachine link = up();
  link.on_published(now);
  LONGS_EQUAL(0, link.in_flight());
}

TEST(Link, a_disconnect_empties_the_window) {
  LinkMachine link = up();
  for (int i = 0; i < 4; ++i) link.on_publish(now);
  link.on_disconnected(now, 0);
  LONGS_EQUAL(0, link.in_flight());
  CHECK_FALSE(link.may_publish());
  link.on_publish(now);
  LONGS_EQUAL(0, link.in_flight());
}

TEST(Link, reconnects_when_nothing_is_acknowledged_for_too_long) {
  LinkMachine link = up();
  link.on_publish(now);
  CHECK(link.next_timer() == now + 20s);
  const auto ask = link.on_timer(now + 20s, 0);
  CHECK(ask.disconnect);
  CHECK(link.state() == LinkState::down);
}

TEST(Link, slow_acknowledgements_are_progress) {
  LinkMachine link = up();
  link.on_publish(now);
  for (int i = 0; i < 10; ++i) {
    link.on_publish(now);
    link.on_published(now + 19s);
    now += 19s;
    if (now >= link.next_timer()) CHECK_FALSE(link.on_timer(now, 0).disconnect);
  }
  CHECK(link.state() == LinkState::up);
  CHECK(fire(link).disconnect);
}

TEST(Link, an_idle_link_asks_for_a_sign_of_life_and_stays_up_when_it_gets_one) {
  LinkMachine link = up();
  for (int i = 0; i < 100; ++i) {
    CHECK(link.next_timer() == now + 30s);
    const auto ask = fire(link);
    CHECK(ask.probe);
    CHECK_FALSE(ask.disconnect);
    now += 19s;
    link.on_heard(now);
    // The deadline of the answer that came.
    now = link.next_timer();
    CHECK_FALSE(link.on_timer(now, 0).probe);
    now = link.next_timer() - 30s;
  }
  CHECK(link.state() == LinkState::up);
}

TEST(Link, a_broker_that_answers_nothing_is_left_though_nobody_reports_its_end) {
  LinkMachine link = up();
  CHECK(fire(link).probe);
  CHECK(link.next_timer() == now + 20s);
  const auto ask = fire(link);
  CHECK(ask.disconnect);
  STRCMP_EQUAL("the broker stopped answering", std::string(ask.because).c_str());
  CHECK(link.state() == LinkState::down);
  CHECK(fire(link).connect);
}

TEST(Link, what_is_heard_of_itself_needs_no_probe) {
  LinkMachine link = up();
  for (int i = 0; i < 100; ++i) {
    now += 29s;
    link.on_heard(now);
    if (now >= link.next_timer()) CHECK_FALSE(link.on_timer(now, 0).probe);
  }
  now += 1h;  // asleep: asked first, not given up
  const auto ask = link.on_timer(now, 0);
  CHECK(ask.probe);
  CHECK_FALSE(ask.disconnect);
}

TEST(Link, says_something_within_the_keep_alive_that_the_broker_set_itself) {
  LinkMachine link(policy);
  link.start(now);
  link.on_connected(now, 8s);
  const NodeTime end = now + 10min;
  NodeTime said = now;
  while (now < end) {
    const auto ask = fire(link);
    CHECK_FALSE(ask.disconnect);
    CHECK(now - said <= 8s);
    if (ask.probe) {
      said = now;
      link.on_heard(now);
    }
  }
  CHECK(said > end - 8s);
}

TEST(Link, a_connection_that_is_not_there_ends_at_the_next_turn) {
  LinkMachine link = up();
  link.on_missing(now);
  const auto ask = fire(link);
  CHECK(ask.disconnect);
  STRCMP_EQUAL("the connection ended without a word", std::string(ask.because).c_str());
  link.on_missing(now);
  CHECK(link.next_timer() > now - 1s);
  CHECK(link.state() == LinkState::down);
  fire(link);
  link.on_connected(now);
  CHECK(fire(link).probe);  // and nothing of it clings to the next one
}

TEST(Link, comes_back_slowly_where_it_was_told_to) {
  LinkMachine link = up();
  link.on_disconnected(now, 0, Pace::slow);
  CHECK(link.next_timer() == now + 5s);
  link = up();
  link.on_disconnected(now, 5'000'000, Pace::slow);
  CHECK(link.next_timer() == now + 10s);
  link.set_floor(3s);
  link = up();
  link.on_disconnected(now, 5'000'001, Pace::slow);
  CHECK(link.next_timer() == now + 5s);
}

TEST(Link, stays_down_once_stopped_and_can_be_started_again) {
  LinkMachine link = up();
  CHECK(link.stop().disconnect);
  CHECK_FALSE(link.stop().disconnect);
  CHECK(link.next_timer() == kNever);
  link.on_disconnected(now, 0);
  CHECK_FALSE(link.on_timer(now + 1h, 0).connect);
  CHECK(link.on_connected(now).disconnect);
  CHECK(link.start(now).connect);
}
