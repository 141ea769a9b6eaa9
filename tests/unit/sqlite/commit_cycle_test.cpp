#include "common/sqlite/commit_cycle.h"

#include <string>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using sqlite::CommitCycle;

TEST_GROUP(CommitCycle) {
  using Batch = std::string;

  std::string disk, log;
  std::function<void(Result<void>)> answer;  // of the commit under way
  CommitCycle<Batch> cycle{
      [this](const sqlite::SharedBatch<Batch>& batch, std::function<void(Result<void>)> done) {
        log += "hand over " + *batch + "; ";
        disk = *batch;
        answer = std::move(done);
      },
      {.failed = [this](const Error&) { log += "failed; "; },
       .gathered = [this] { cycle.flush(); },
       .committed = [this] { log += "committed; "; }}};

  void add(const std::string& what) {
    cycle.batch() += what;
    cycle.after([this, what] { log += "after " + what + "; "; });
  }
  void finish(const Result<void>& result) { std::exchange(answer, nullptr)(result); }
};

TEST(CommitCycle, what_waits_for_a_commit_runs_once_it_is_durable) {
  add("a");
  cycle.flush();
  STRCMP_EQUAL("hand over a; ", log.c_str());
  finish({});
  STRCMP_EQUAL("hand over a; after a; committed; ", log.c_str());
  CHECK_TRUE(cycle.idle());
}

TEST(CommitCycle, what_gathers_meanwhile_is_handed_over_before_anybody_is_answered) {
  add("a");
  cycle.flush();
  add("b");
  add("c");
  cycle.flush();
  finish({});
  STRCMP_EQUAL("hand over a; hand over bc; after a; committed; ", log.c_str());
  log.clear();
  finish({});
  STRCMP_EQUAL("after b; after c; committed; ", log.c_str());
}

TEST(CommitCycle, a_batch_that_failed_is_tried_again_ahead_of_everything_later) {
  add("a");
  cycle.flush();
  add("b");
  finish(fail(Code::io, "full"));
  cycle.flush();
  STRCMP_EQUAL("hand over a; failed; ", log.c_str());
  cycle.retry();
  cycle.retry();
  finish({});
  STRCMP_EQUAL("hand over a; failed; hand over a; hand over b; after a; committed; ", log.c_str());
}

TEST(CommitCycle, an_action_without_anything_to_write_waits_for_nothing_but_its_turn) {
  cycle.after([this] { log += "done; "; });
  cycle.flush();
  STRCMP_EQUAL("done; committed; ", log.c_str());
}
