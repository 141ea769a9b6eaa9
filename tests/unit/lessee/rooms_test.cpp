#include "common/lessee/rooms.h"

#include <map>
#include <string>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;

TEST_GROUP(Rooms) {
  std::map<std::string, unsigned> told;
  bool up = true, full = false;
  lessee::Parts parts;
  lessee::LeaseTable table{{}, 60s};
  lessee::Rooms rooms{parts, table};
  NodeTime now{100s};

  void setup() override {
    parts.up = [this] { return up; };
    parts.send_ack = [this](const std::string& lessor, const wire::Item&) {
      if (!full) told[lessor] += 1;
      return !full;
    };
    rooms.begin(room(100));
  }
  static wire::Credits room(std::uint32_t offers) {
    wire::Credits credits;
    credits.offers = offers;
    return credits;
  }
  void come(const std::string& name) {
    table.set_online(table.lessor(name), true);
    rooms.forget(table.lessor(name));
  }
};

TEST(Rooms, a_newcomer_is_told_what_all_know_and_the_others_are_left_alone) {
  come("a");
  rooms.tell(room(110), now);
  come("b");
  rooms.tell(room(110), now);
  LONGS_EQUAL(1, told["a"]);
  LONGS_EQUAL(1, told["b"]);
  LONGS_EQUAL(100, rooms.told().offers);
}

TEST(Rooms, all_are_told_when_the_room_moves_by_more_than_a_fifth_but_not_at_every_turn) {
  come("a");
  come("b");
  rooms.tell(room(50), now);
  LONGS_EQUAL(1, told["a"]);
  LONGS_EQUAL(1, told["b"]);
  LONGS_EQUAL(50, rooms.told().offers);
  rooms.tell(room(100), now);
  LONGS_EQUAL(1, told["a"]);
  rooms.tell(room(100), rooms.due(now));
  LONGS_EQUAL(2, told["a"]);
  rooms.hurry(now);
  rooms.tell(room(0), now);
  LONGS_EQUAL(3, told["b"]);
}

TEST(Rooms, who_could_not_be_told_is_told_later_and_who_is_away_is_not) {
  come("a");
  full = true;
  rooms.tell(room(100), now);
  full = false;
  up = false;
  rooms.tell(room(100), now);
  LONGS_EQUAL(0, told["a"]);
  up = true;
  rooms.tell(room(100), now);
  LONGS_EQUAL(1, told["a"]);
  come("b");
  table.set_online(table.lessor("b"), false);
  rooms.tell(room(100), now);
  LONGS_EQUAL(0, told["b"]);
}
