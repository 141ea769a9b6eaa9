#include "common/base/owed.h"

#include <map>
#include <vector>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;

TEST_GROUP(Owed) {
  Owed<int> owed{5s};
  std::map<int, OwedMark> marks;
  NodeTime now{100s};

  void add(int id) { owed.add(id, marks[id]); }
  // All that is due, sent.
  std::vector<int> send(bool quiet = true) {
    std::vector<int> sent;
    while (auto id = owed.next(now, quiet)) {
      owed.on_sent(*id, marks[*id], now);
      sent.push_back(*id);
    }
    return sent;
  }
  static std::vector<int> ids(std::initializer_list<int> list) { return list; }
};

TEST(Owed, each_goes_out_once) {
  add(1);
  add(2);
  CHECK(send() == ids({1, 2}));
  CHECK(send().empty());
}

TEST(Owed, what_is_new_goes_ahead_of_what_goes_again) {
  add(1);
  CHECK(send() == ids({1}));
  add(2);
  now += 5s;
  CHECK(send() == ids({2, 1}));
}

TEST(Owed, nothing_goes_again_while_what_was_sent_has_not_left) {
  add(1);
  send();
  now += 1h;
  CHECK(send(false).empty());
  CHECK(send(true) == ids({1}));
  CHECK(send(true).empty());
}

TEST(Owed, a_new_session_is_told_all_of_it_once_however_often_it_begins) {
  add(1);
  add(2);
  send();
  for (int i = 0; i < 3; ++i) owed.on_session();
  CHECK(send(false) == ids({1, 2}));
  CHECK(send(false).empty());
}

TEST(Owed, what_is_added_anew_goes_at_once_and_what_is_removed_does_not) {
  add(1);
  add(2);
  send();
  add(1);
  owed.remove(2, marks[2]);
  owed.on_session();
  CHECK(send() == ids({1}));
  owed.remove(1, marks[1]);
  CHECK(owed.empty());
}
