#include "common/runner/run_register.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "tests/support/temp_dir.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using runner::RunRegister;

TEST_GROUP(RunRegister) {
  test::TempDir dir;
  const std::string path = dir.path() + "/running";
  static TaskId id(std::uint64_t seq) { return {Origin{0x5111}, seq}; }

  std::shared_ptr<RunRegister> open(std::string_view machine = "one") {
    auto opened = RunRegister::open(path, machine);
    CHECK_TEXT(opened.ok(), opened.ok() ? "" : opened.error().message.c_str());
    return *std::move(opened);
  }
  // Runs `work` on the register in a process that is then killed.
  template <typename Work>
  void in_a_process_that_is_killed(Work work) {
    const pid_t child = fork();
    if (child == 0) {
      auto marks = RunRegister::open(path, "one");
      if (marks) work(**marks);
      kill(getpid(), SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
  }
};

TEST(RunRegister, without_a_file_everything_may_have_begun) {
  CHECK(open()->may_have_begun(id(1)));
}

TEST(RunRegister, P6_a_kill_leaves_the_marks_of_what_had_begun_and_of_nothing_else) {
  in_a_process_that_is_killed([](RunRegister& marks) {
    auto* stays = new std::shared_ptr<const void>(marks.begin(id(1)));
    (void)stays;
    auto ends = marks.begin(id(2));
    ends.reset();
  });
  const auto next = open();
  CHECK(next->may_have_begun(id(1)));
  CHECK_FALSE(next->may_have_begun(id(2)));
  CHECK_FALSE(next->may_have_begun(id(3)));
}

TEST(RunRegister, speaks_only_of_the_process_right_before) {
  in_a_process_that_is_killed(
      [](RunRegister& marks) { new std::shared_ptr<const void>(marks.begin(id(1))); });
  open();
  CHECK_FALSE(open()->may_have_begun(id(1)));
}

TEST(RunRegister, knows_nothing_once_the_machine_was_started_anew) {
  open();
  CHECK_FALSE(open("one")->may_have_begun(id(1)));
  CHECK(open("another")->may_have_begun(id(1)));
  CHECK(open("")->may_have_begun(id(1)));
  CHECK(open("")->may_have_begun(id(1)));
}

TEST(RunRegister, a_spoiled_or_truncated_file_says_nothing) {
  open();
  std::ofstream(path, std::ios::in | std::ios::binary).write("no register", 11);
  CHECK(open()->may_have_begun(id(1)));
  CHECK_EQUAL(0, truncate(path.c_str(), 100));
  CHECK(open()->may_have_begun(id(1)));
}

TEST(RunRegister, one_that_runs_out_of_room_is_taken_away) {
  {
    auto marks = open();
    std::vector<std::shared_ptr<const void>> kept;
    while (auto mark = marks->begin(id(kept.size() + 1))) kept.push_back(std::move(mark));
    CHECK(kept.size() >= 1024);
  }
  CHECK(open()->may_have_begun(id(99'999)));
}

TEST(RunRegister, takes_marks_from_many_threads_at_once) {
  auto marks = open();
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&marks, thread] {
      for (std::uint64_t i = 1; i <= 2000; ++i) (void)marks->begin(id(thread * 10'000 + i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  marks.reset();
  CHECK_FALSE(open()->may_have_begun(id(1)));
}

TEST(RunRegister, a_place_it_cannot_write_is_an_error_that_names_it) {
  auto refused = RunRegister::open(dir.path() + "/missing/running", "one");
  CHECK_FALSE(refused.ok());
  STRCMP_CONTAINS("missing/running", refused.error().message.c_str());
}
