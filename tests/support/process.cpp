#include "tests/support/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "tests/support/emulator.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace spillway::test {
namespace {

// What exec needs, prepared before the fork: after it, in a process that had threads, nothing may
// allocate.
struct Prepared {
  explicit Prepared(const Command& command) : before(emulator_for(command.argv[0])) {
    for (auto& word : before) argv.push_back(word.data());
    for (const auto& argument : command.argv) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    for (char** variable = environ; *variable; ++variable) {
      const std::string text = *variable;
      if (!command.env.contains(text.substr(0, text.find('=')))) texts.push_back(text);
    }
    for (const auto& [name, value] : command.env)
      texts.emplace_back(name).append("=").append(value);
    for (auto& text : texts) env.push_back(text.data());
    env.push_back(nullptr);
  }
  std::vector<std::string> before, texts;
  std::vector<char*> argv, env;
};

bool redirect(const char* path, int flags, int to) {
  const int file = ::open(path, flags | O_CLOEXEC, 0600);
  return file >= 0 && dup2(file, to) >= 0;
}

[[noreturn]] void become(const Command& command, const Prepared& prepared, pid_t parent,
                         int error_pipe) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  if (getppid() == parent && redirect(command.input.c_str(), O_RDONLY, 0) &&
      redirect(command.output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 1) &&
      redirect(command.errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 2)) {
    // Asio's sockets are inherited: a child that holds a listening one keeps it open for ever.
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    execvpe(prepared.argv[0], prepared.argv.data(), prepared.env.data());
  }
  const int error = errno;
  [[maybe_unused]] const auto told = ::write(error_pipe, &error, sizeof error);
  _exit(127);
}

}  // namespace

Result<Process> Process::start(const Command& command) {
  if (command.argv.empty()) return fail(Code::invalid_argument, "no command");
  const Prepared prepared(command);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail(Code::io, "no pipe for a child process");
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) become(command, prepared, parent, ends[1]);
  ::close(ends[1]);
  int error = pid < 0 ? errno : 0;
  // Closed by a successful exec: then there is nothing to read.
  if (pid > 0 && ::read(ends[0], &error, sizeof error) == 0) error = 0;
  ::close(ends[0]);
  if (error != 0) {
    if (pid > 0) waitpid(pid, nullptr, 0);
    return fail(Code::io, "cannot start " + command.argv[0] + ": " + std::strerror(error));
  }
  return Process(command, pid);
}

Process::~Process() { kill(); }

Process::Process(Process&& other) noexcept
    : command_(std::move(other.command_)),
      pid_(std::exchange(other.pid_, 0)),
      exit_(std::exchange(other.exit_, {})) {}

Process& Process::operator=(Process&& other) noexcept {
  if (this != &other) {
    kill();
    command_ = std::move(other.command_);
    pid_ = std::exchange(other.pid_, 0);
    exit_ = std::exchange(other.exit_, {});
  }
  return *this;
}

bool Process::reap(int options) {
  if (pid_ == 0) return true;
  int status = 0;
  const pid_t reaped = waitpid(pid_, &status, options);
  if (reaped == 0 || (reaped < 0 && errno == EINTR)) return false;
  exit_ =
      Exit{WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0};
  pid_ = 0;
  return true;
}

bool Process::running() { return !reap(WNOHANG); }

void Process::signal(int number) {
  if (running()) ::kill(pid_, number);
}

std::optional<Exit> Process::wait(std::chrono::milliseconds timeout) {
  eventually(timeout, [this] { return !running(); });
  return exit_;
}

void Process::kill() {
  signal(SIGKILL);
  while (!reap(0)) {
  }
}

std::string Process::output() const { return read_text(command_.output); }
std::string Process::errors() const { return read_text(command_.errors); }

Result<std::string> run_command(std::vector<std::string> argv, std::chrono::milliseconds timeout) {
  const TempDir dir("spillway-run");
  const std::string name = argv.empty() ? "" : argv[0];
  auto process = Process::start(
      {.argv = std::move(argv), .output = dir.file("out"), .errors = dir.file("err")});
  if (!process) return process.error();
  const auto exit = process->wait(timeout);
  if (!exit) return fail(Code::timeout, name + " takes too long");
  if (!exit->ok()) {
    return fail(Code::internal, name + " ended with " + std::to_string(exit->code) + ", signal " +
                                    std::to_string(exit->signal) + ": " + process->errors());
  }
  return process->output();
}

}  // namespace spillway::test
