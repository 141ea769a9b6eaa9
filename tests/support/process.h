#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spillway/status.h"

namespace spillway::test {

struct Command {
  std::vector<std::string> argv;             // argv[0] is looked for in PATH
  std::map<std::string, std::string> env{};  // added to what this process has
  std::string input = "/dev/null";
  std::string output = "/dev/null";  // appended to
  std::string errors = "/dev/null";  // appended to
};

struct Exit {
  int code = 0;    // valid when signal is 0
  int signal = 0;  // that ended it
  bool ok() const { return code == 0 && signal == 0; }
};

// A child process. It is killed and reaped when its owner goes, and killed by the kernel when the
// thread that started it ends, so that nothing is left running after a crash of a test. One owner.
class Process {
 public:
  static Result<Process> start(const Command& command);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;

  pid_t pid() const { return pid_; }  // 0 once it has been reaped
  bool running();
  void signal(int number);  // nothing once it ended
  // Nothing when it still runs after `timeout`.
  std::optional<Exit> wait(std::chrono::milliseconds timeout);
  // SIGKILL, and reaped.
  void kill();

  const Command& command() const { return command_; }
  std::string output() const;
  std::string errors() const;

 private:
  Process(Command command, pid_t pid) : command_(std::move(command)), pid_(pid) {}
  bool reap(int options);

  Command command_;
  pid_t pid_ = 0;
  std::optional<Exit> exit_;
};

// Runs to the end and gives what it wrote to standard output. An Error when it could not be
// started, took longer than `timeout`, or did not exit with 0; it then carries standard error.
Result<std::string> run_command(std::vector<std::string> argv,
                                std::chrono::milliseconds timeout = std::chrono::seconds(30));

}  // namespace spillway::test
