#include "common/sqlite/commit_queue.h"

#include <future>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/store/answers.h"

// After all others: it redefines `new`.
#include "tests/unit/store/check_result.h"

using namespace spillway;
using namespace spillway::sqlite;

namespace {

// Writes down what it is told, and fails when told to.
struct RecordingCommitter final : Committer {
  Status begin() override {
    if (begins_to_fail > 0) {
      --begins_to_fail;
      log += "locked ";
      return fail(Code::busy, "locked");
    }
    log += "begin ";
    return {};
  }
  Status commit() override {
    if (commits_to_fail > 0) {
      --commits_to_fail;
      log += "full ";
      return fail(Code::busy, "no space left");
    }
    log += "commit ";
    return {};
  }
  void rollback() override { log += "rollback "; }
  void failed(const Error&) override { log += "failed "; }
  void rest() override {
    log += "rest ";
    rests.release();
  }

  std::string log;
  std::counting_semaphore<> rests{0};
  int begins_to_fail = 0, commits_to_fail = 0;
};

}  // namespace

TEST_GROUP(CommitQueue) {
  RecordingCommitter committer;
  Answers answers;
  std::string answered;
  std::promise<void> gate;
  const std::thread::id tester = std::this_thread::get_id();
  bool ran_here = false;  // what was written last

  // Holds the queue's thread until open_gate, so that what follows is queued together.
  void close_gate(CommitQueue & queue) {
    queue.read<void>(
        [passed = gate.get_future().share()]() -> Status {
          passed.wait();
          return {};
        },
        nullptr);
  }
  void open_gate() { gate.set_value(); }

  void write(CommitQueue & queue, const std::string& name, const Status& outcome = {},
             bool small = false) {
    queue.write<void>(
        [this, name, outcome] {
          ran_here = std::this_thread::get_id() == tester;
          committer.log += name + " ";
          return outcome;
        },
        [this, name](const Status& status) { answered += name + (status.ok() ? "+ " : "- "); },
        small);
  }
  // Waits for its answer, and so for the queue to be idle but for a few instructions.
  bool small_write_runs_here(CommitQueue & queue) {
    const std::size_t before = answered.size();
    write(queue, "s", {}, true);
    run_answers(before + 1);
    return ran_here;
  }
  void read(CommitQueue & queue, const std::string& name) {
    queue.read<void>(
        [this, name]() -> Status {
          committer.log += name + " ";
          return {};
        },
        [this, name](const Status& status) { answered += name + (status.ok() ? "+ " : "- "); });
  }
  void run_answers(std::size_t size) {
    while (answered.size() < size) answers.run_one();
  }
};

TEST(CommitQueue, each_write_is_a_transaction_and_reads_open_none) {
  {
    CommitQueue queue(committer, answers.poster(), {});
    write(queue, "a");
    read(queue, "r");
    write(queue, "b");
  }
  STRCMP_EQUAL("begin a commit r begin b commit ", committer.log.c_str());
  run_answers(9);
  STRCMP_EQUAL("a+ r+ b+ ", answered.c_str());
}

TEST(CommitQueue, a_write_that_fails_is_undone_and_the_next_one_goes_on) {
  {
    CommitQueue queue(committer, answers.poster(), {});
    write(queue, "a", fail(Code::conflict, "stale"));
    write(queue, "b", fail(Code::io, "I/O error"));
    write(queue, "c");
  }
  STRCMP_EQUAL("begin a failed rollback begin b failed rollback begin c commit ",
               committer.log.c_str());
  run_answers(9);
  STRCMP_EQUAL("a- b- c+ ", answered.c_str());
}

TEST(CommitQueue, a_commit_that_fails_is_undone_and_refused) {
  committer.commits_to_fail = 1;
  {
    CommitQueue queue(committer, answers.poster(), {});
    write(queue, "a");
    read(queue, "r");
    write(queue, "b");
  }
  STRCMP_EQUAL("begin a full failed rollback r begin b commit ", committer.log.c_str());
  run_answers(9);
  STRCMP_EQUAL("a- r+ b+ ", answered.c_str());
}

TEST(CommitQueue, a_transaction_that_cannot_begin_is_refused) {
  committer.begins_to_fail = 1;
  {
    CommitQueue queue(committer, answers.poster(), {});
    write(queue, "a");
    write(queue, "b");
  }
  STRCMP_EQUAL("locked failed begin b commit ", committer.log.c_str());
  run_answers(6);
  STRCMP_EQUAL("a- b+ ", answered.c_str());
}

TEST(CommitQueue, the_committer_rests_once_when_nothing_has_come_for_a_while) {
  {
    CommitQueue queue(committer, answers.poster(), {.rest = std::chrono::milliseconds(1)});
    committer.rests.acquire();  // nothing has come yet
    write(queue, "a");
    committer.rests.acquire();
  }
  STRCMP_EQUAL("rest begin a commit rest ", committer.log.c_str());
}

TEST(CommitQueue, a_small_write_that_is_alone_is_committed_by_who_pushes_it_and_answered_later) {
  CommitQueue queue(committer, answers.poster(), {.here = std::chrono::seconds(60)});
  write(queue, "a", {}, true);
  CHECK(ran_here);
  STRCMP_EQUAL("begin a commit ", committer.log.c_str());
  STRCMP_EQUAL("", answered.c_str());
  write(queue, "b", fail(Code::conflict, "stale"), true);
  STRCMP_EQUAL("begin a commit begin b failed rollback ", committer.log.c_str());
  run_answers(6);
  STRCMP_EQUAL("a+ b- ", answered.c_str());
}

TEST(CommitQueue, a_small_write_waits_its_turn_behind_what_is_queued) {
  {
    CommitQueue queue(committer, answers.poster(), {.here = std::chrono::seconds(60)});
    close_gate(queue);
    read(queue, "r");
    write(queue, "a", {}, true);
    open_gate();
  }
  CHECK_FALSE(ran_here);
  STRCMP_EQUAL("r begin a commit ", committer.log.c_str());
}

TEST(CommitQueue, small_writes_go_to_the_thread_for_a_while_after_one_that_was_slow) {
  CommitQueue queue(committer, answers.poster(), {.here = std::chrono::microseconds(1)});
  queue.write<void>(
      [this]() -> Status {
        ran_here = std::this_thread::get_id() == tester;
        const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(2);
        while (std::chrono::steady_clock::now() < until) {
        }
        return {};
      },
      [this](const Status&) { answered += "slow"; }, true);
  CHECK(ran_here);
  run_answers(4);
  for (unsigned i = 1; i < CommitQueue::kSlow; ++i) CHECK_FALSE(small_write_runs_here(queue));
}

TEST(CommitQueue, small_writes_go_to_the_thread_for_a_while_after_a_large_one) {
  CommitQueue queue(committer, answers.poster(), {.here = std::chrono::seconds(60)});
  CHECK(small_write_runs_here(queue));
  write(queue, "large");
  run_answers(answered.size() + 1);
  unsigned elsewhere = 0;
  while (!small_write_runs_here(queue)) ++elsewhere;
  CHECK(elsewhere >= CommitQueue::kCrowd - 1);
  CHECK(small_write_runs_here(queue));
}

TEST(CommitQueue, without_leave_everything_goes_to_the_thread) {
  CommitQueue queue(committer, answers.poster(), {});
  CHECK_FALSE(small_write_runs_here(queue));
}

TEST(CommitQueue, the_committer_rests_after_small_writes_too) {
  CommitQueue queue(committer, answers.poster(),
                    {.rest = std::chrono::milliseconds(1), .here = std::chrono::seconds(60)});
  committer.rests.acquire();
  while (!small_write_runs_here(queue)) {
  }
  committer.rests.acquire();
}
