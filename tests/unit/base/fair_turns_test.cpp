#include "common/base/fair_turns.h"

#include <map>
#include <string>

#include <CppUTest/TestHarness.h>

using namespace spillway;

TEST_GROUP(FairTurns) {
  FairTurns<std::string> turns;
  std::map<std::string, double> given;

  void serve(int times, const std::map<std::string, double>& costs) {
    for (int i = 0; i < times; ++i) {
      const std::string key = *turns.next();
      given[key] += costs.at(key);
      turns.charge(key, costs.at(key));
    }
  }
};

TEST(FairTurns, each_gets_the_same_amount_however_long_its_turns) {
  turns.join("long");
  turns.join("short");
  serve(1100, {{"long", 1.0}, {"short", 0.1}});
  DOUBLES_EQUAL(given["long"], given["short"], 1.1);
}

TEST(FairTurns, who_comes_late_has_saved_up_nothing) {
  turns.join("early");
  serve(100, {{"early", 1.0}});
  turns.join("late");
  given.clear();
  serve(20, {{"early", 1.0}, {"late", 1.0}});
  DOUBLES_EQUAL(given["early"], given["late"], 1.1);
}

TEST(FairTurns, who_leaves_after_each_turn_gains_nothing_by_it) {
  turns.join("steady");
  for (int i = 0; i < 100; ++i) {
    turns.join("hasty");
    const std::string key = *turns.next();
    turns.charge(key, 1.0);
    given[key] += 1;
    turns.leave("hasty");
  }
  DOUBLES_EQUAL(50, given["steady"], 1.1);
}

TEST(FairTurns, what_was_not_used_is_given_back) {
  turns.join("a");
  turns.join("b");
  turns.charge("a", 10);
  turns.charge("a", -10);
  turns.charge("b", 1);
  STRCMP_EQUAL("a", turns.next()->c_str());
}

TEST(FairTurns, goes_past_those_that_may_not) {
  turns.join("a");
  turns.join("b");
  STRCMP_EQUAL("b", turns.next([](const std::string& key) { return key != "a"; })->c_str());
  CHECK(turns.next([](const std::string&) { return false; }) == nullptr);
}

TEST(FairTurns, forgets_those_that_left_once_the_others_had_as_much) {
  turns.join("steady");
  for (int i = 0; i < 1000; ++i) {
    const std::string once = "once-" + std::to_string(i);
    turns.join(once);
    turns.charge(once, 1.0);
    turns.leave(once);
    turns.charge("steady", 1.0);
  }
  CHECK(turns.remembered() <= 3);
}

// A debtor is far behind the others, and nobody's turn is as far as that.
TEST(FairTurns, who_owes_for_a_long_turn_does_not_hold_up_those_who_come_in_afterwards) {
  turns.join("long");
  turns.join("steady");
  serve(2, {{"long", 1.0}, {"steady", 1.0}});
  turns.correct("long", 600);
  turns.correct("long", 600);
  turns.join("late");
  given.clear();
  serve(20, {{"long", 1.0}, {"steady", 1.0}, {"late", 1.0}});
  DOUBLES_EQUAL(given["steady"], given["late"], 1.1);
  DOUBLES_EQUAL(0, given["long"], 0.1);
}
