#include "common/lessee/beats.h"

#include <vector>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;
using lifecycle::LeaseState;

TEST_GROUP(Beats) {
  ManualClock clock;
  NodeTimeline timeline{clock, NodeTime(100s)};
  std::vector<wire::Beat> sent;
  std::size_t room = 100;
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
  room = 100;
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
