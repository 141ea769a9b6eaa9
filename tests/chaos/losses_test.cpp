#include "tests/chaos/losses.h"

// After all others: it redefines `new`.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::chaos;

TEST_GROUP(LossChecker) {
  SeenLosses seen;
  NodeView node;

  void setup() override {
    seen.refused = 7;
    seen.expired = 2;
    seen.gone = 3;
    seen.finished = 5;
    count(DataClass::tasks, LossCause::disk_budget, 4);
    count(DataClass::tasks, LossCause::items, 3);
    count(DataClass::tasks, LossCause::deadline, 2);
    count(DataClass::results, LossCause::disk_budget, 3);
    node.produced[0] = 10 + 7;
    node.produced[1] = 8;
  }
  void count(DataClass data, LossCause cause, std::uint64_t many) {
    LossView loss;
    loss.data = data;
    loss.cause = cause;
    loss.count = many;
    node.losses.push_back(loss);
  }
  std::string complaint() const {
    const auto wrong = check_losses("pump", seen, 10, node);
    return wrong.empty() ? "" : wrong.front();
  }
};

TEST(LossChecker, P23_agrees_when_every_refusal_expiry_and_dropped_result_is_counted) {
  STRCMP_EQUAL("", complaint().c_str());
}

TEST(LossChecker, sees_a_refusal_that_was_not_counted_and_one_that_never_was) {
  seen.refused = 8;
  STRCMP_CONTAINS("8 submits were refused and 0 not answered, the ledger says 7",
                  complaint().c_str());
  seen.refused = 6;
  STRCMP_CONTAINS("6 submits were refused", complaint().c_str());
}

TEST(LossChecker, lets_a_submit_without_an_answer_be_either) {
  seen.refused = 5;
  seen.unanswered = 2;
  STRCMP_EQUAL("", complaint().c_str());
  seen.unanswered = 1;
  STRCMP_CONTAINS("1 not answered", complaint().c_str());
}

TEST(LossChecker, lets_a_kill_forget_what_a_store_could_not_write_but_nothing_be_made_up) {
  seen.unwritten = 4;
  STRCMP_EQUAL("", complaint().c_str());
  count(DataClass::tasks, LossCause::store, 5);
  node.produced[0] += 5;
  STRCMP_CONTAINS("met a store that could not write", complaint().c_str());
}

TEST(LossChecker, sees_expired_tasks_and_results_that_nobody_counted) {
  seen.expired = 3;
  STRCMP_CONTAINS("3 tasks expired, the ledger says 2", complaint().c_str());
  seen.expired = 2;
  seen.gone = 4;
  STRCMP_CONTAINS("4 results are gone, the ledger says 3", complaint().c_str());
}

TEST(LossChecker, sees_that_what_was_produced_is_not_all_accounted_for) {
  node.produced[0] = 18;
  STRCMP_CONTAINS("18 tasks were produced, 10 accepted and 7 refused", complaint().c_str());
  node.produced[0] = 17;
  node.produced[1] = 9;
  STRCMP_CONTAINS("9 results were produced, 5 are there and 3 gone", complaint().c_str());
}

TEST(LossChecker, asks_a_device_whose_store_was_damaged_to_say_that_nobody_knows_how_much_is_lost) {
  Verdicts verdicts;
  verdicts.node = node;
  const auto complaints = [&](bool set_aside) {
    return check_damage("pump", verdicts, set_aside).size();
  };
  UNSIGNED_LONGS_EQUAL(0, complaints(false));
  UNSIGNED_LONGS_EQUAL(1, complaints(true));
  verdicts.by_page = 2;
  UNSIGNED_LONGS_EQUAL(1, complaints(false));
  // Refusals by a store that could not write are counted there, too.
  count(DataClass::tasks, LossCause::store, 4);
  verdicts.node = node;
  UNSIGNED_LONGS_EQUAL(2, complaints(true));
  verdicts.node->losses.back().at_least = true;
  UNSIGNED_LONGS_EQUAL(0, complaints(true));
}

TEST(LossChecker, excuses_what_was_acknowledged_before_a_store_was_damaged_and_nothing_after) {
  using namespace std::chrono_literals;
  const std::chrono::steady_clock::time_point start{};
  StoreDamage damage;
  CHECK_FALSE(damage.excuses(start));
  damage.log = start + 10s;
  CHECK_TRUE(damage.excuses(start + 9s));
  CHECK_FALSE(damage.is_by_page(start + 9s));
  CHECK_FALSE(damage.excuses(start + 10s));
  damage.page = start + 20s;
  CHECK_FALSE(damage.is_by_page(start + 9s));
  CHECK_TRUE(damage.is_by_page(start + 10s));
  CHECK_FALSE(damage.excuses(start + 20s));
}

TEST(LossChecker, adds_up_the_periods_of_a_cause) {
  count(DataClass::tasks, LossCause::items, 30);
  const LossSums sums = sums_of(node);
  UNSIGNED_LONGS_EQUAL(33, sums.at({"tasks", "items"}));
  UNSIGNED_LONGS_EQUAL(4, sums.size());
}
