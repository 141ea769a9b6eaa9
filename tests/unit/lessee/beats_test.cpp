#include "common/lessee/beats.h"

#include <algorithm>
#include <string>
#include <vector>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;
using lifecycle::LeaseState;

TEST_GROUP(Beats) {
  ManualClock clock;
  NodeTimeline timeline{clock, NodeTime(100s)};
  std::vector<wire::Beat> sent;
  std::size_t room = 10'000;
  lessee::Parts parts;
  lessee::LeaseTable table{{}, 60s};
  lessee::Beats beats{parts, table, timeline};

  void setup() override {
    parts.up = [] { return true; };
    parts.send_ack = [this](const std::string&, const wire::Item& item) {
      if (sent.size() >= room) return false;
      sent.push_back(std::get<wire::Beat>(item));
      return true;
    };
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
      lessee::HeldTask& task = table.add("a", {Origin{1}, seq});
      task.state.state = seq == 3 ? LeaseState::answered : LeaseState::running;
    }
    table.set_online(table.lessor("a"), true);
  }
  void hold(const char* owner, std::uint64_t seq, Duration lease) {
    lessee::HeldTask& task = table.add(owner, {Origin{2}, seq});
    task.state.state = LeaseState::running;
    task.terms.lease = lease;
    table.set_online(table.lessor(owner), true);
    beats.on_lease(task);
  }
  // When each BEAT of a task was sent, in so long.
  std::vector<Duration> beaten(TaskId id, Duration within) {
    std::vector<Duration> times;
    const NodeTime begin = timeline.now();
    sent.clear();
    for (; timeline.now() <= begin + within; clock.advance(beats.due() - timeline.now())) {
      const std::size_t before = sent.size();
      beats.on_timers();
      for (std::size_t i = before; i < sent.size(); ++i) {
        if (sent[i].id == id) times.push_back(timeline.now() - begin);
      }
    }
    return times;
  }
  // The longest pause between two.
  static Duration longest(const std::vector<Duration>& times) {
    Duration most{};
    for (std::size_t i = 1; i < times.size(); ++i) most = std::max(most, times[i] - times[i - 1]);
    return most;
  }
};

TEST(Beats, a_round_speaks_of_each_task_that_is_held_and_is_known_by_when_it_went_out) {
  beats.on_timers();
  LONGS_EQUAL(2, sent.size());
  const std::uint64_t round = sent.front().round;
  CHECK(beats.sent(round) == NodeTime(100s));
  CHECK_FALSE(beats.sent(round + 1).has_value());
  beats.on_timers();
  LONGS_EQUAL(2, sent.size());
  clock.advance(beats.due() - timeline.now());
  beats.on_timers();
  LONGS_EQUAL(4, sent.size());
  CHECK(sent.back().round == round + 1);
}

TEST(Beats, those_for_whom_there_was_no_room_are_spoken_of_a_little_later) {
  room = 1;
  beats.on_timers();
  LONGS_EQUAL(1, sent.size());
  CHECK(beats.due() - timeline.now() < 1s);
  room = 10'000;
  clock.advance(beats.due() - timeline.now());
  beats.on_timers();
  LONGS_EQUAL(2, sent.size());
  CHECK(sent[0].id != sent[1].id);
  CHECK_EQUAL(sent[0].round, sent[1].round);
}

TEST(Beats, nothing_is_said_to_a_lessor_that_is_away_or_of_what_is_not_on_disk) {
  table.find(TaskId{Origin{1}, 1})->unsaved = 1;
  beats.on_timers();
  LONGS_EQUAL(1, sent.size());
  table.set_online(table.lessor("a"), false);
  clock.advance(10s);
  beats.on_timers();
  LONGS_EQUAL(1, sent.size());
}

TEST(Beats, there_are_three_in_the_shortest_lease_that_a_lessor_has_here) {
  beats.on_timers();
  clock.advance(3s);
  hold("a", 7, 30s);
  CHECK(beats.due() - timeline.now() == 7s);
  hold("a", 8, 6s);
  CHECK(beats.due() - timeline.now() == 2s);
  clock.advance(2s);
  sent.clear();
  beats.on_timers();
  LONGS_EQUAL(4, sent.size());  // all of its tasks, in one round
  CHECK(beats.due() - timeline.now() == 2s);
  // Once that one is gone, it is as before.
  table.find(TaskId{Origin{2}, 8})->state.state = LeaseState::answered;
  clock.advance(2s);
  beats.on_timers();
  CHECK(beats.due() - timeline.now() == 10s);
}

TEST(Beats, who_has_long_leases_is_not_told_more_often_because_another_has_short_ones) {
  hold("b", 7, 5s);
  const std::vector<Duration> times = beaten(TaskId{Origin{1}, 1}, 60s);
  CHECK(times.size() >= 6 && times.size() <= 8);
  CHECK(longest(times) <= 10s);
}

TEST(Beats, leases_of_all_lengths_go_on_by_three_beats_each_whoever_shares_their_rounds) {
  const Duration leases[] = {3s, 4s, 5s, 7s, 13s, 29s, 40s};
  for (std::size_t i = 0; i < std::size(leases); ++i) {
    hold(("x" + std::to_string(i)).c_str(), i, leases[i]);
  }
  for (std::size_t i = 0; i < std::size(leases); ++i) {
    const std::vector<Duration> times = beaten(TaskId{Origin{2}, i}, 60s);
    CHECK(longest(times) <= std::min<Duration>(leases[i] / 3, 10s));
  }
}

TEST(Beats, no_lease_is_so_short_that_there_is_more_than_one_round_in_a_second) {
  hold("a", 7, Duration(1));
  hold("b", 8, Duration(0));
  const std::vector<Duration> times = beaten(TaskId{Origin{2}, 7}, 60s);
  CHECK(times.size() <= 61);
}

TEST(Beats, an_answer_counts_from_its_round_although_others_had_many_since) {
  hold("b", 7, 3s);
  beats.on_timers();
  const std::uint64_t round = sent.back().round;
  beaten(TaskId{Origin{2}, 7}, 30s);
  CHECK(beats.sent(round) == NodeTime(100s));
  beaten(TaskId{Origin{2}, 7}, 100s);
  CHECK_FALSE(beats.sent(round).has_value());
}
