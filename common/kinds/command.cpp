#include "common/kinds/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>

#include "common/kinds/child_process.h"
#include "common/kinds/fd.h"
#include "common/kinds/nearest.h"
#include "common/kinds/stopped.h"
#include "common/kinds/trusted_file.h"

namespace spillway::kinds {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadPiece = 64 * 1024;
constexpr std::size_t kTail = 400;  // bytes of stderr that an error quotes
constexpr int kMostErrPiecesLeft = 16;
constexpr std::size_t kMostArgs = 32;
// How long the word to stop is awaited when a program was asked to end: whoever stops this process
// may signal its programs, too, and these may end sooner.
constexpr std::chrono::milliseconds kWordOfStop{500};

bool asks_to_end(int signal) { return signal == SIGTERM || signal == SIGINT || signal == SIGHUP; }

// Ended by a request to, or by a shell whose command was.
bool was_asked_to_end(int status) {
  if (WIFSIGNALED(status)) return asks_to_end(WTERMSIG(status));
  return WIFEXITED(status) && asks_to_end(WEXITSTATUS(status) - 128);
}

// Watches one child from its start to its end.
class Watch {
 public:
  // `stopped` is an eventfd.
  Watch(const CommandOptions& options, Child child, Fd stopped, std::stop_token stop)
      : options_(options),
        child_(std::move(child)),
        stopped_(std::move(stopped)),
        on_stop_(std::move(stop), [this] { ::eventfd_write(stopped_.get(), 1); }),
        deadline_(Clock::now() + options.timeout) {}

  ~Watch() { finish(); }

  Result<Bytes> run() {
    while (!step()) {
    }
    read_out();
    for (int i = 0; i < kMostErrPiecesLeft && read_err(); ++i) {
    }
    finish();
    if (cause_) return *cause_;
    int status = 0;
    if (::read(child_.status.get(), &status, sizeof status) != sizeof status) {
      return fail(Code::io, "ended, and so did who had its status");
    }
    // We did not ask it to.
    if (was_asked_to_end(status) && stop_follows()) return stopped();
    return judge(status);
  }

 private:
  bool stop_follows() const {
    const auto until = Clock::now() + kWordOfStop;
    pollfd word{stopped_.get(), POLLIN, 0};
    while (::poll(&word, 1, ms_until(until)) < 0 && errno == EINTR) {
    }
    return word.revents != 0;
  }

  // Waits for the next thing to happen; true when the program has ended, and all that it left.
  bool step() {
    std::array<pollfd, 4> fds = {{{child_.exited.get(), POLLIN, 0},
                                  {child_.out.get(), POLLIN, 0},
                                  {child_.err.get(), POLLIN, 0},
                                  {cause_ ? -1 : stopped_.get(), POLLIN, 0}}};
    int ready = ::poll(fds.data(), fds.size(), wait_ms());
    if (ready < 0) return false;
    if (fds[1].revents != 0) read_out();
    if (fds[2].revents != 0) read_err();
    if (fds[3].revents != 0) end(stopped());
    if (Clock::now() >= deadline_) pass_deadline();
    return fds[0].revents != 0;
  }

  // Ends the program, whatever state it is in, and reaps its keeper.
  void finish() {
    if (child_.pid < 0) return;
    ::kill(child_.pid, kEndAll);
    while (::waitpid(child_.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    child_.pid = -1;
  }

  int wait_ms() const { return ms_until(deadline_); }

  static int ms_until(Clock::time_point then) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(then - Clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
  }

  void pass_deadline() {
    if (cause_) {
      ::kill(child_.pid, kEndAll);
      deadline_ = Clock::time_point::max() - std::chrono::hours(1);
    } else {
      end(fail(Code::timeout, "still ran after " + std::to_string(options_.timeout.count()) +
                                  " ms; give it more time or less work"));
    }
  }

  // Asks the program to end. The first cause is the one that is told.
  void end(Error cause) {
    if (cause_) return;
    cause_ = std::move(cause);
    ::kill(child_.pid, kAskToEnd);
    deadline_ = Clock::now() + options_.grace;
  }

  // Reads what is there, never more than a byte above the limit.
  void read_out() {
    while (child_.out) {
      std::size_t before = value_.size();
      auto room = static_cast<std::size_t>(
          std::min<std::uint64_t>(kReadPiece, options_.most_value + 1 - before));
      value_.resize(before + room);
      ssize_t got = ::read(child_.out.get(), value_.data() + before, room);
      value_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got < 0 && errno != EINTR) return;
      if (got == 0) child_.out.close();
      if (value_.size() <= options_.most_value) continue;
      child_.out.close();
      end(fail(Code::invalid_argument, "wrote more than the " +
                                           std::to_string(options_.most_value) +
                                           " bytes it may give as its value"));
    }
  }

  // Reads a piece; false when there is none.
  bool read_err() {
    char piece[kReadPiece];
    ssize_t got = child_.err ? ::read(child_.err.get(), piece, sizeof piece) : -1;
    if (got == 0) child_.err.close();
    if (got <= 0) return false;
    tail_.append(piece, static_cast<std::size_t>(got));
    if (tail_.size() > kTail) tail_.erase(0, tail_.size() - kTail);
    return true;
  }

  Result<Bytes> judge(int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::move(value_);
    std::string how = "ended with status " + std::to_string(WEXITSTATUS(status));
    if (WIFSIGNALED(status)) {
      const char* name = ::sigdescr_np(WTERMSIG(status));
      how = std::string("was killed: ") + (name ? name : "unknown signal");
    }
    return fail(Code::io, how + said());
  }

  std::string said() const {
    std::string line;
    for (char c : tail_) line += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    std::size_t first = line.find_first_not_of(' ');
    if (first == std::string::npos) return {};
    return ": " + line.substr(first, line.find_last_not_of(' ') + 1 - first);
  }

  const CommandOptions& options_;
  Child child_;
  Fd stopped_;
  std::stop_callback<std::function<void()>> on_stop_;
  Clock::time_point deadline_;
  std::optional<Error> cause_;
  Bytes value_;
  std::string tail_;
};

bool is_word(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

std::string variable_of(const std::string& arg) {
  std::string name = "SPILLWAY_ARG_";
  for (char c : arg) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return name;
}

Result<std::vector<std::string>> environment_of(const CommandOptions& options, const Labels& args) {
  std::vector<std::string> all;
  if (!options.environment.contains("PATH")) all.push_back("PATH=/usr/local/bin:/usr/bin:/bin");
  for (const auto& [name, value] : options.environment)
    all.emplace_back(name).append("=").append(value);
  for (const auto& [name, value] : args) {
    if (std::find(options.args.begin(), options.args.end(), name) == options.args.end()) {
      std::vector<std::string_view> known(options.args.begin(), options.args.end());
      return fail(Code::invalid_argument,
                  "unknown arg '" + name.substr(0, 64) + "'" +
                      (known.empty() ? "; it takes none" : did_you_mean(name, known)));
    }
    if (has_nul(value)) return fail(Code::invalid_argument, "arg " + name + ": holds a NUL byte");
    all.push_back(variable_of(name) + "=" + value);
  }
  return all;
}

Status check_program(const std::string& path) {
  Fd file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!file) {
    return fail(errno == ENOENT ? Code::not_found : Code::io,
                "cannot find program " + path + ": " + std::strerror(errno));
  }
  if (Status trusted = check_trusted(file.get(), path); !trusted) return trusted;
  if (::access(path.c_str(), X_OK) == 0) return {};
  return fail(Code::denied, path + " is not executable; run: chmod +x " + path);
}

Status check_environment(const CommandOptions& options) {
  for (const auto& [name, value] : options.environment) {
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(value)) {
      return fail(Code::invalid_argument, "environment: '" + name.substr(0, 64) +
                                              "' is not a variable's name, or its value holds NUL");
    }
  }
  return {};
}

Status check(const CommandOptions& options) {
  auto bad = [](const char* message) { return fail(Code::invalid_argument, message); };
  if (options.argv.empty() || options.argv[0].empty() || options.argv[0][0] != '/') {
    return bad("argv: must start with the program's absolute path");
  }
  if (std::any_of(options.argv.begin(), options.argv.end(), has_nul)) {
    return bad("argv: holds a NUL byte");
  }
  if (options.args.size() > kMostArgs ||
      !std::all_of(options.args.begin(), options.args.end(), is_word)) {
    return bad("args: at most 32 names of a-z, 0-9 and '_'");
  }
  if (options.timeout.count() <= 0 || options.timeout > std::chrono::hours(24 * 366)) {
    return bad("timeout: must be from 1 ms to 366 days");
  }
  if (options.grace.count() < 0 || options.grace > std::chrono::hours(1)) {
    return bad("grace: must be from 0 to an hour");
  }
  if (options.cpu.count() <= 0) return bad("cpu: must be at least a second");
  if (options.most_value > (1ULL << 30)) return bad("most_value: must be at most 1 GiB");
  if (options.open_files < 3) return bad("open_files: must be at least 3");
  if (options.directory.empty() || options.directory[0] != '/' || has_nul(options.directory)) {
    return bad("directory: must be an absolute path");
  }
  return check_environment(options);
}

Result<Bytes> run(const CommandOptions& options, KindContext& context) {
  Result<std::vector<std::string>> environment = environment_of(options, context.args());
  if (!environment) return environment.error();
  if (context.stop().stop_requested()) return stopped();
  Fd stop(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop) return fail(Code::io, std::string("cannot make an eventfd: ") + std::strerror(errno));
  Result<Child> child = start_child(options, *environment, context.input());
  if (!child) return child.error();
  return Watch(options, std::move(*child), std::move(stop), context.stop()).run();
}

}  // namespace

Result<Kind> make_command_kind(CommandOptions options) {
  if (Status good = check(options); !good) {
    return fail(good.error().code, options.name.substr(0, 64) + ": " + good.error().message);
  }
  if (Status good = check_program(options.argv[0]); !good) return good.error();
  Kind kind;
  kind.name = options.name;
  kind.traits.pure = options.pure;
  kind.traits.deterministic = options.deterministic;
  kind.traits.blocking = true;
  kind.help = options.help;
  kind.args.emplace();
  for (const std::string& name : options.args) kind.args->push_back({name});
  auto shared = std::make_shared<const CommandOptions>(std::move(options));
  kind.run = [shared](KindContext& context) { return run(*shared, context); };
  return kind;
}

}  // namespace spillway::kinds
