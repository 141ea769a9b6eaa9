#include "common/kinds/child_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <limits>

#include "common/kinds/children.h"

namespace spillway::kinds {
namespace {

Error cannot(const std::string& what, int error) {
  return fail(Code::io, "cannot " + what + ": " + std::strerror(error));
}

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return cannot("make a pipe", errno);
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

// A file in memory rather than a pipe: nobody has to feed it, and a program that never reads its
// input does no harm.
Result<Fd> make_input(ByteView input) {
  Fd file(::memfd_create("input", MFD_CLOEXEC));
  if (!file) return cannot("make a file for the input", errno);
  while (!input.empty()) {
    ssize_t put = ::write(file.get(), input.data(), input.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return cannot("store the input", errno);
    input = input.subspan(static_cast<std::size_t>(put));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::vector<char*> as_argv(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

struct Limit {
  int resource;
  rlimit value;
};

// All that the child needs, ready before the fork.
struct Plan {
  std::vector<char*> argv;
  std::vector<char*> environment;
  const char* directory;
  std::array<Limit, 5> limits;
  std::array<int, 3> streams;
  int report;  // of what could not be done
  int status;  // of the program, once it has ended
  pid_t parent;
};

Limit limit(int resource, std::uint64_t soft, std::uint64_t hard) {
  return {resource, {static_cast<rlim_t>(soft), static_cast<rlim_t>(hard)}};
}

std::array<Limit, 5> limits_of(const CommandOptions& options) {
  auto cpu = static_cast<std::uint64_t>(options.cpu.count());
  return {limit(RLIMIT_CPU, cpu, cpu + 1), limit(RLIMIT_AS, options.memory, options.memory),
          limit(RLIMIT_FSIZE, options.file_size, options.file_size),
          limit(RLIMIT_NOFILE, options.open_files, options.open_files), limit(RLIMIT_CORE, 0, 0)};
}

// What the child could not do.
struct Trouble {
  char step[16];
  int error;
};

// From here to the exec only async-signal-safe functions: another thread may have held any lock at
// the fork.
[[noreturn]] void give_up(int report, const char* step) {
  Trouble trouble{};
  trouble.error = errno;
  for (std::size_t i = 0; step[i] != 0 && i + 1 < sizeof trouble.step; ++i) {
    trouble.step[i] = step[i];
  }
  [[maybe_unused]] ssize_t put = ::write(report, &trouble, sizeof trouble);
  ::_exit(127);
}

// Our handlers must not run in the child, where they would write to what we share with it.
void reset_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &action, nullptr);
}

void unblock_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void close_from(int first, int last) {
  if (first > last) return;
  if (::syscall(SYS_close_range, first, last, 0) == 0) return;
  for (int fd = first; fd <= std::min(last, 65'535); ++fd) ::close(fd);
}

struct Reports {
  int trouble, status;
};

// Moves what must survive out of the way of 0, 1 and 2 first: we may have been started without.
Reports place_streams(const Plan& plan) {
  constexpr int kClear = 16;
  int report = ::fcntl(plan.report, F_DUPFD_CLOEXEC, kClear);
  if (report < 0) give_up(plan.report, "dup");
  int status = ::fcntl(plan.status, F_DUPFD_CLOEXEC, report + 1);
  if (status < 0) give_up(report, "dup");
  int moved[3];
  for (int i = 0; i < 3; ++i) {
    moved[i] = ::fcntl(plan.streams[static_cast<std::size_t>(i)], F_DUPFD_CLOEXEC, kClear);
    if (moved[i] < 0) give_up(report, "dup");
  }
  for (int i = 0; i < 3; ++i) {
    if (::dup2(moved[i], i) < 0) give_up(report, "dup2");
  }
  close_from(3, report - 1);
  close_from(report + 1, status - 1);
  close_from(status + 1, std::numeric_limits<int>::max());
  return {report, status};
}

[[noreturn]] void become(const Plan& plan, int report, pid_t keeper) {
  ::setpgid(0, 0);
  // Should the keeper be killed: the program at least.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != keeper) ::_exit(127);
  unblock_signals();
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up(report, "no_new_privs");
  if (::chdir(plan.directory) != 0) give_up(report, "chdir");
  for (const Limit& one : plan.limits) {
    rlimit now{};
    // Nobody may raise a hard limit that is lower already.
    if (::getrlimit(static_cast<__rlimit_resource>(one.resource), &now) != 0) continue;
    rlimit wanted{std::min(one.value.rlim_cur, now.rlim_max),
                  std::min(one.value.rlim_max, now.rlim_max)};
    if (::setrlimit(static_cast<__rlimit_resource>(one.resource), &wanted) != 0) {
      give_up(report, "setrlimit");
    }
  }
  ::execve(plan.argv[0], plan.argv.data(), plan.environment.data());
  give_up(report, "exec");
}

// Children of those that are killed become ours, and are found in the next round.
void end_all(pid_t program) {
  ::kill(-program, SIGKILL);
  while (kill_children()) {
    if (::waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) return;
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
}

// Waits for signals and for the end of the program, whose status it gives.
int look_after(pid_t program) {
  sigset_t awaited;
  ::sigemptyset(&awaited);
  for (int signal : {kAskToEnd, kEndAll, SIGCHLD}) ::sigaddset(&awaited, signal);
  for (;;) {
    int status = 0;
    for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended == program) return status;
    }
    const int signal = ::sigwaitinfo(&awaited, nullptr);
    if (signal == kAskToEnd) ::kill(-program, SIGTERM);
    if (signal == kEndAll) {
      ::kill(-program, SIGKILL);
      ::kill(program, SIGKILL);
    }
  }
}

[[noreturn]] void keep(const Plan& plan) {
  ::setpgid(0, 0);
  // Nothing may outlive us; if we died before the call, it would not notice.
  ::prctl(PR_SET_PDEATHSIG, kEndAll);
  if (::getppid() != plan.parent) ::_exit(127);
  ::prctl(PR_SET_NAME, "program-keeper");
  const Reports reports = place_streams(plan);
  reset_signals();
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) give_up(reports.trouble, "subreaper");
  const pid_t keeper = ::getpid();
  const pid_t program = ::_Fork();
  if (program < 0) give_up(reports.trouble, "fork");
  if (program == 0) become(plan, reports.trouble, keeper);
  ::setpgid(program, program);
  for (int fd : {0, 1, 2, reports.trouble}) ::close(fd);
  const int status = look_after(program);
  end_all(program);
  [[maybe_unused]] ssize_t put = ::write(reports.status, &status, sizeof status);
  ::_exit(0);
}

pid_t fork_with_signals_blocked(const Plan& plan) {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t pid = ::fork();
  if (pid == 0) keep(plan);
  int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

void reap(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

// Waits for the exec, which closes the other end, or for the news that it failed.
Status await_exec(const Fd& report, const std::string& program) {
  Trouble trouble{};
  ssize_t got = 0;
  do {
    got = ::read(report.get(), &trouble, sizeof trouble);
  } while (got < 0 && errno == EINTR);
  if (got == 0) return {};
  trouble.step[sizeof trouble.step - 1] = 0;
  return cannot("start " + program + " (" + trouble.step + ")", trouble.error);
}

void do_not_block(const Fd& fd) { ::fcntl(fd.get(), F_SETFL, O_NONBLOCK); }

}  // namespace

Result<Child> start_child(const CommandOptions& options,
                          const std::vector<std::string>& environment, ByteView input) {
  Result<Fd> in = make_input(input);
  Result<Pipe> out = make_pipe();
  Result<Pipe> err = make_pipe();
  Result<Pipe> report = make_pipe();
  Result<Pipe> status = make_pipe();
  if (!in) return in.error();
  for (const Result<Pipe>* pipe : {&out, &err, &report, &status}) {
    if (!*pipe) return pipe->error();
  }
  Plan plan{as_argv(options.argv),
            as_argv(environment),
            options.directory.c_str(),
            limits_of(options),
            {in->get(), out->write.get(), err->write.get()},
            report->write.get(),
            status->write.get(),
            ::getpid()};
  Child child;
  child.pid = fork_with_signals_blocked(plan);
  if (child.pid < 0) return cannot("start a process", errno);
  for (Result<Pipe>* pipe : {&out, &err, &report, &status}) (*pipe)->write.close();
  if (Status started = await_exec(report->read, options.argv[0]); !started) {
    reap(child.pid);
    return started.error();
  }
  child.exited = Fd(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.exited) {
    int error = errno;
    ::kill(child.pid, kEndAll);
    reap(child.pid);
    return cannot("watch a process (this needs Linux 5.3)", error);
  }
  child.out = std::move(out->read);
  child.err = std::move(err->read);
  child.status = std::move(status->read);
  do_not_block(child.status);
  do_not_block(child.out);
  do_not_block(child.err);
  return child;
}

}  // namespace spillway::kinds
