#include "tests/support/process.h"

#include <signal.h>

#include <filesystem>

#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;

TEST_GROUP(Process) {
  TempDir dir;
  Command shell(const std::string& script) const {
    return {.argv = {"sh", "-c", script}, .output = dir.file("out"), .errors = dir.file("err")};
  }
};

TEST(Process, keeps_what_a_child_writes_apart) {
  auto process = Process::start(shell("echo data; echo trouble >&2; exit 3"));
  CHECK(process.ok());
  const auto exit = process->wait(10s);
  CHECK(exit.has_value());
  LONGS_EQUAL(3, exit->code);
  STRCMP_EQUAL("data\n", process->output().c_str());
  STRCMP_EQUAL("trouble\n", process->errors().c_str());
}

TEST(Process, gives_the_child_more_environment) {
  Command command = shell("echo $SPILLWAY_A-$HOME");
  command.env = {{"SPILLWAY_A", "b"}, {"HOME", "/h"}};
  auto process = Process::start(command);
  process->wait(10s);
  STRCMP_EQUAL("b-/h\n", process->output().c_str());
}

TEST(Process, can_be_signalled_and_tells_what_ended_it) {
  auto process = Process::start(shell("sleep 60"));
  CHECK(process->running());
  CHECK_FALSE(process->wait(1ms).has_value());
  process->signal(SIGTERM);
  const auto exit = process->wait(10s);
  CHECK(exit.has_value());
  LONGS_EQUAL(SIGTERM, exit->signal);
  CHECK_FALSE(exit->ok());
  LONGS_EQUAL(0, process->pid());
  process->signal(SIGTERM);
}

TEST(Process, is_gone_with_its_owner) {
  pid_t pid = 0;
  {
    auto process = Process::start(shell("exec sleep 60"));
    pid = process->pid();
    LONGS_EQUAL(0, ::kill(pid, 0));
  }
  LONGS_EQUAL(-1, ::kill(pid, 0));
}

TEST(Process, that_cannot_be_started_is_an_error_naming_it) {
  const auto missing = Process::start({.argv = {"no-such-program-here"}});
  CHECK_FALSE(missing.ok());
  STRCMP_CONTAINS("no-such-program-here", missing.error().message.c_str());
  CHECK_FALSE(Process::start({.argv = {}}).ok());
  CHECK_FALSE(Process::start({.argv = {"true"}, .output = "/nonexistent/x"}).ok());
}

TEST(Process, run_gives_the_output_or_the_complaint) {
  STRCMP_EQUAL("x\n", run_command({"echo", "x"})->c_str());
  const auto failed = run_command({"sh", "-c", "echo why >&2; exit 1"});
  CHECK_FALSE(failed.ok());
  STRCMP_CONTAINS("why", failed.error().message.c_str());
  CHECK(run_command({"sleep", "60"}, 10ms).error().code == Code::timeout);
}

TEST(Process, a_temporary_directory_is_removed_with_what_is_in_it) {
  std::string path;
  {
    const TempDir inner;
    path = inner.path();
    write_text(inner.file("a"), "text");
    STRCMP_EQUAL("text", read_text(inner.file("a")).c_str());
  }
  CHECK_FALSE(std::filesystem::exists(path));
}
