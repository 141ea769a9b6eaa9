#include "common/kinds/command.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/emulator.h"
#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

namespace {

// Whether a limit on addresses, once set, is there.
bool limits_addresses() {
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  rlimit lower = before;
  lower.rlim_cur = RLIM_INFINITY / 2;
  ::setrlimit(RLIMIT_AS, &lower);
  rlimit after{};
  ::getrlimit(RLIMIT_AS, &after);
  ::setrlimit(RLIMIT_AS, &before);
  return after.rlim_cur == lower.rlim_cur;
}

}  // namespace

TEST_GROUP(Command) {
  std::string dir;
  CommandOptions options;

  void setup() override {
    if (test::emulator_leaves_orphans()) {
      UT_PRINT("skipped: this emulator does not let a process inherit orphans");
      TEST_EXIT;
    }
    char name[] = "/tmp/spillway_command_XXXXXX";
    dir = ::mkdtemp(name);
    options.name = "tool";
    // The sanitizers' address space does not concern the programs, which have none.
    options.memory = 2ULL << 30;
  }
  void teardown() override { std::filesystem::remove_all(dir); }

  Kind kind_of(std::vector<std::string> argv) {
    options.argv = std::move(argv);
    Result<Kind> kind = make_command_kind(options);
    CHECK_TEXT(kind.ok(), kind ? "" : kind.error().message.c_str());
    return std::move(*kind);
  }
  Kind shell(const std::string& script) { return kind_of({"/bin/sh", "-c", script, "sh", dir}); }
  Error refusal(std::vector<std::string> argv) {
    options.argv = std::move(argv);
    Result<Kind> kind = make_command_kind(options);
    CHECK(!kind.ok());
    return kind.error();
  }
  std::string read(const std::string& name) {
    std::ifstream file(dir + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // A process that was killed may stay a zombie until its new parent looks.
  static bool is_gone(const std::string& pid) {
    std::ifstream stat("/proc/" + pid.substr(0, pid.find('\n')) + "/stat");
    std::string text;
    std::getline(stat, text);  // fails, and throws nothing, when it goes while it is read
    return text.empty() || text.find(") Z ") != std::string::npos;
  }
  // The signal is sent when this is asked, the death a moment later.
  static bool dies(const std::string& pid) {
    for (int i = 0; i < 1'000'000; ++i) {
      if (is_gone(pid)) return true;
      std::this_thread::yield();
    }
    return false;
  }
};

TEST(Command, gives_stdin_to_the_program_and_takes_its_stdout) {
  std::string input(1 << 20, '\0');
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<char>(i * 31);
  CHECK(run_text(kind_of({"/bin/cat"}), input) == input);
  STRCMP_EQUAL("3\n", run_text(kind_of({"/usr/bin/wc", "-c"}), "abc").c_str());
}

TEST(Command, does_not_need_the_program_to_read_its_input) {
  STRCMP_EQUAL("done", run_text(shell("printf done"), std::string(1 << 20, 'x')).c_str());
}

TEST(Command, is_blocking_and_otherwise_what_the_options_say) {
  options.pure = true;
  Kind kind = kind_of({"/bin/cat"});
  CHECK(kind.traits.blocking);
  CHECK(kind.traits.pure);
  CHECK(!kind.traits.deterministic);
}

TEST(Command, tells_a_bad_status_with_the_end_of_stderr) {
  STRCMP_EQUAL("io: ended with status 3: no such sensor",
               run_text(shell("echo no such sensor >&2; exit 3"), "").c_str());
  STRCMP_EQUAL("io: ended with status 1", run_text(kind_of({"/bin/false"}), "").c_str());
}

TEST(Command, keeps_only_the_end_of_a_flood_on_stderr) {
  std::string text =
      run_text(shell("yes flood | head -c 1000000 >&2; echo last words >&2; exit 1"), "");
  CHECK(text.size() < 500);
  STRCMP_CONTAINS("last words", text.c_str());
}

TEST(Command, tells_by_which_signal_the_program_died) {
  STRCMP_CONTAINS("was killed: Killed", run_text(shell("kill -9 $$"), "").c_str());
}

TEST(Command, refuses_a_value_over_the_limit_and_ends_the_program) {
  options.most_value = 1000;
  STRCMP_CONTAINS("wrote more than the 1000 bytes", run_text(shell("yes"), "").c_str());
  UNSIGNED_LONGS_EQUAL(1000, run_text(shell("yes | head -c 1000"), "").size());
  STRCMP_CONTAINS("wrote more than", run_text(shell("yes | head -c 1001"), "").c_str());
}

TEST(Command, ends_the_whole_group_at_the_timeout) {
  options.timeout = std::chrono::milliseconds(100);
  std::string text = run_text(shell("sleep 1000 & echo $! > $1/pid; wait"), "");
  STRCMP_EQUAL("timeout: still ran after 100 ms; give it more time or less work", text.c_str());
  CHECK(!read("pid").empty());
  CHECK(dies(read("pid")));
}

TEST(Command, kills_a_program_that_will_not_end_when_asked) {
  options.timeout = std::chrono::milliseconds(50);
  options.grace = std::chrono::milliseconds(50);
  STRCMP_CONTAINS(
      "timeout:",
      run_text(shell("trap '' TERM; echo $$ > $1/pid; while :; do :; done"), "").c_str());
  CHECK(read("pid").empty() || dies(read("pid")));
}

TEST(Command, lets_a_program_clean_up_within_the_grace_time) {
  options.timeout = std::chrono::milliseconds(200);
  run_text(shell("trap 'echo clean > $1/state; exit 0' TERM; sleep 1000 & wait"), "");
  STRCMP_EQUAL("clean\n", read("state").c_str());
}

TEST(Command, is_cancelled_while_it_runs) {
  std::string fifo = dir + "/started";
  CHECK_EQUAL(0, ::mkfifo(fifo.c_str(), 0600));
  Kind kind = shell("echo > $1/started; exec sleep 1000");
  std::stop_source source;
  std::jthread canceller([&] {
    int fd = ::open(fifo.c_str(), O_RDONLY);  // until the program opens its end
    source.request_stop();
    ::close(fd);
  });
  Labels args;
  InlineContext context({}, args, source.get_token());
  CHECK(run_kind(kind, context).error().code == Code::cancelled);
}

// Programs end as by a service manager that signals this process and its programs at once.
TEST(Command, is_cancelled_when_a_program_that_others_asked_to_end_is_told_to_stop_a_moment_later) {
  for (const char* end : {"kill $$", "kill -INT $$", "kill -HUP $$", "exit 143"}) {
    const std::string fifo = dir + "/keeper";
    CHECK_EQUAL(0, ::mkfifo(fifo.c_str(), 0600));
    Kind kind = shell(std::string("echo $PPID > $1/keeper; ") + end);
    std::stop_source source;
    std::jthread stopper([&] {
      pid_t keeper = 0;
      std::ifstream(fifo) >> keeper;
      while (::kill(keeper, 0) == 0) std::this_thread::yield();  // reaped: the program has ended
      source.request_stop();
    });
    Labels args;
    InlineContext context({}, args, source.get_token());
    Result<Bytes> value = run_kind(kind, context);
    CHECK_TEXT(!value.ok() && value.error().code == Code::cancelled, end);
    stopper.join();
    ::unlink(fifo.c_str());
  }
}

TEST(Command, tells_that_a_program_died_of_a_request_to_end_when_no_stop_follows) {
  STRCMP_EQUAL("io: was killed: Terminated", run_text(shell("kill $$"), "").c_str());
}

TEST(Command, does_not_start_when_it_is_cancelled_before) {
  std::stop_source source;
  source.request_stop();
  Labels args;
  InlineContext context({}, args, source.get_token());
  CHECK(run_kind(shell("touch $1/ran"), context).error().code == Code::cancelled);
  CHECK(!std::filesystem::exists(dir + "/ran"));
}

TEST(Command, leaves_nothing_of_its_group_behind) {
  std::string pid = run_text(shell("sleep 1000 & echo $!"), "");
  CHECK(dies(pid));
}

TEST(Command, is_not_held_up_by_a_child_that_left_the_group_with_its_stdout) {
  STRCMP_EQUAL("value", run_text(shell("setsid sleep 2 & printf value"), "").c_str());
}

// A stray's parent is gone, its session its own, and it is deaf to polite requests.
const std::string kStray =
    "(setsid sh -c 'trap \"\" TERM HUP QUIT; echo $$ > $0/stray; while :; do sleep 1; done' $1 "
    ">/dev/null 2>&1 &); until [ -s $1/stray ]; do :; done; ";

TEST(Command, leaves_nothing_of_another_session_behind_at_its_end) {
  STRCMP_EQUAL("value", run_text(shell(kStray + "printf value"), "").c_str());
  CHECK(dies(read("stray")));
}

TEST(Command, leaves_nothing_of_another_session_behind_at_the_timeout) {
  options.timeout = std::chrono::milliseconds(1500);
  options.grace = std::chrono::milliseconds(50);
  STRCMP_CONTAINS("timeout:", run_text(shell(kStray + "sleep 1000"), "").c_str());
  CHECK(!read("stray").empty());
  CHECK(dies(read("stray")));
}

TEST(Command, leaves_nothing_of_another_session_behind_when_this_process_dies) {
  Kind kind = shell(kStray + "sleep 1000");
  const pid_t other = ::fork();
  if (other == 0) {
    run_text(kind, "");
    ::_exit(0);
  }
  while (read("stray").empty()) ::sched_yield();
  ::kill(other, SIGKILL);
  ::waitpid(other, nullptr, 0);
  CHECK(dies(read("stray")));
}

TEST(Command, passes_nothing_of_our_environment_on) {
  ::setenv("SPILLWAY_TEST_SECRET", "hunter2", 1);
  options.environment = {{"LANG", "C"}};
  options.args = {"level"};
  Labels args = {{"level", "a b;$(id)\n"}};
  std::string text = run_text(kind_of({"/usr/bin/env"}), "", args);
  ::unsetenv("SPILLWAY_TEST_SECRET");
  STRCMP_EQUAL("PATH=/usr/local/bin:/usr/bin:/bin\nLANG=C\nSPILLWAY_ARG_LEVEL=a b;$(id)\n\n",
               text.c_str());
}

TEST(Command, passes_no_open_file_on) {
  int leak = ::open("/dev/null", O_RDONLY);
  int high = ::fcntl(leak, F_DUPFD, 200);
  // 3 is the folder that ls itself opens.
  STRCMP_EQUAL("0\n1\n2\n3\n", run_text(kind_of({"/bin/ls", "/proc/self/fd"}), "").c_str());
  ::close(leak);
  ::close(high);
}

TEST(Command, runs_under_the_limits_of_its_options) {
  options.memory = 1ULL << 30;
  options.file_size = 1 << 20;
  options.open_files = 17;
  options.cpu = std::chrono::seconds(9);
  // QEMU's user emulation keeps the limit on addresses from its programs.
  const std::string memory = limits_addresses() ? "1048576" : "unlimited";
  STRCMP_EQUAL((memory + " 2048 17 9 0 /\n").c_str(),
               run_text(shell("echo $(ulimit -v) $(ulimit -f) $(ulimit -n) $(ulimit -t) "
                              "$(ulimit -c) $(pwd)"),
                        "")
                   .c_str());
}

TEST(Command, cannot_write_files_over_its_limit) {
  options.file_size = 4096;
  STRCMP_CONTAINS("io: ", run_text(shell("exec head -c 100000 /dev/zero > $1/big"), "").c_str());
  CHECK(std::filesystem::file_size(dir + "/big") <= 4096);
}

TEST(Command, has_default_signals_and_no_way_to_gain_privileges) {
  ::signal(SIGPIPE, SIG_IGN);
  std::string status = run_text(shell("cat /proc/self/status"), "");
  ::signal(SIGPIPE, SIG_DFL);
  STRCMP_CONTAINS("SigIgn:\t0000000000000000", status.c_str());
  STRCMP_CONTAINS("SigBlk:\t0000000000000000", status.c_str());
  STRCMP_CONTAINS("NoNewPrivs:\t1", status.c_str());
}

TEST(Command, runs_on_many_threads_at_once) {
  Kind kind = kind_of({"/bin/cat"});
  std::vector<int> wrong(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < wrong.size(); ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 4; ++i) {
          std::string input = std::to_string(t) + "/" + std::to_string(i);
          wrong[t] += run_text(kind, input) != input;
        }
      });
    }
  }
  CHECK(wrong == std::vector<int>(4));
}

TEST(Command, tells_when_a_program_cannot_be_started) {
  std::string script = dir + "/script";
  std::ofstream(script) << "#!/nonexistent/interpreter\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  std::string text = run_text(kind_of({script}), "");
  STRCMP_CONTAINS("io: cannot start ", text.c_str());
  STRCMP_CONTAINS("(exec): No such file or directory", text.c_str());
  options.directory = "/nonexistent";
  STRCMP_CONTAINS("(chdir): No such file", run_text(kind_of({"/bin/cat"}), "").c_str());
}

TEST(Command, refuses_args_it_does_not_take) {
  options.args = {"level"};
  Kind kind = kind_of({"/bin/cat"});
  STRCMP_EQUAL("invalid_argument: unknown arg 'levle'; did you mean 'level'?",
               run_text(kind, "", {{"levle", "1"}}).c_str());
  STRCMP_CONTAINS("NUL", run_text(kind, "", {{"level", std::string(1, '\0')}}).c_str());
}

TEST(Command, refuses_a_program_that_is_missing_relative_or_not_to_be_trusted) {
  CHECK(refusal({"/nonexistent/tool"}).code == Code::not_found);
  CHECK(refusal({"cat"}).code == Code::invalid_argument);
  CHECK(refusal({}).code == Code::invalid_argument);
  CHECK(refusal({"/bin"}).code == Code::denied);
  std::string script = dir + "/script";
  std::ofstream(script) << "#!/bin/sh\n";
  ::chmod(script.c_str(), 0644);
  STRCMP_CONTAINS("chmod +x", refusal({script}).message.c_str());
  ::chmod(script.c_str(), 0777);
  STRCMP_CONTAINS("chmod o-w", refusal({script}).message.c_str());
}

TEST(Command, refuses_options_that_make_no_sense) {
  const CommandOptions good = options;
  auto refused_with = [&](auto change) {
    options = good;
    change(options);
    return refusal({"/bin/cat"}).code == Code::invalid_argument;
  };
  CHECK(refused_with([](CommandOptions& o) { o.timeout = std::chrono::milliseconds(0); }));
  CHECK(refused_with([](CommandOptions& o) { o.grace = std::chrono::milliseconds(-1); }));
  CHECK(refused_with([](CommandOptions& o) { o.cpu = std::chrono::seconds(0); }));
  CHECK(refused_with([](CommandOptions& o) { o.open_files = 2; }));
  CHECK(refused_with([](CommandOptions& o) { o.directory = "relative"; }));
  CHECK(refused_with([](CommandOptions& o) { o.args = {"Bad-Name"}; }));
  CHECK(refused_with([](CommandOptions& o) { o.environment = {{"A=B", ""}}; }));
  CHECK(refused_with([](CommandOptions& o) { o.most_value = ~0ULL; }));
}
