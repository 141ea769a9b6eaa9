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

TEST(LossChecker, adds_up_the_periods_of_a_cause) {
  count(DataClass::tasks, LossCause::items, 30);
  const LossSums sums = sums_of(node);
  UNSIGNED_LONGS_EQUAL(33, sums.at({"tasks", "items"}));
  UNSIGNED_LONGS_EQUAL(4, sums.size());
}
