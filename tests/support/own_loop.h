#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include "common/threads/door.h"

#include <CppUTest/TestHarness.h>

namespace spillway::test {

// What a process of its own says when it does that, and whether it was aborted.
struct End {
  bool aborted = false;
  std::string said;
};
inline End end_of(const std::function<void()>& does) {
  int pipe[2];
  CHECK_EQUAL(0, ::pipe(pipe));
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], 2);
    does();
    ::_exit(0);
  }
  ::close(pipe[1]);
  End end;
  char text[256];
  for (ssize_t size; (size = ::read(pipe[0], text, sizeof text)) > 0;) {
    end.said.append(text, static_cast<std::size_t>(size));
  }
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  end.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  return end;
}

// A loop on a thread of its own, which makes one call and goes on until it is told to end.
class Loop {
 public:
  explicit Loop(const std::function<void()>& call)
      : thread_([this, &call] {
          threads::LoopRun run;
          call();
          called_.set_value();
          end_.get_future().wait();
        }) {
    called_.get_future().wait();
  }
  ~Loop() {
    end_.set_value();
    thread_.join();
  }

 private:
  std::promise<void> called_, end_;
  std::thread thread_;
};

}  // namespace spillway::test
