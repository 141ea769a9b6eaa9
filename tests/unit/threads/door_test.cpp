#include "common/threads/door.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <future>
#include <string>
#include <thread>

#include <CppUTest/TestHarness.h>

namespace spillway::threads {
namespace {

// What a process of its own says when it does that, and whether it was aborted.
struct End {
  bool aborted = false;
  std::string said;
};
End end_of(const std::function<void()>& does) {
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
          LoopRun run;
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

}  // namespace

TEST_GROUP(Door) { Door door{"Owner"}; };

#ifndef NDEBUG
TEST(Door, while_its_loop_runs_a_call_by_another_thread_ends_the_process) {
  const End end = end_of([this] {
    Loop loop([this] { door.enter(); });
    door.enter();
  });
  CHECK(end.aborted);
  STRCMP_EQUAL("Owner was called by another thread than its loop's: post() it there\n",
               end.said.c_str());
}

TEST(Door, so_does_a_call_by_another_loop) {
  const End end = end_of([this] {
    Loop loop([this] { door.enter(); });
    Loop other([this] { door.enter(); });
  });
  CHECK(end.aborted);
}
#endif

TEST(Door, who_makes_and_destroys_it_may_enter_before_its_loop_begins_and_when_it_has_ended) {
  const End end = end_of([this] {
    door.enter();
    {
      Loop loop([this] { door.enter(); });
    }
    door.enter();
    Loop another([this] { door.enter(); });
  });
  CHECK_FALSE(end.aborted);
  STRCMP_EQUAL("", end.said.c_str());
}

TEST(Door, a_loop_inside_another_is_the_same_one) {
  const End end = end_of([this] {
    LoopRun outer;
    door.enter();
    {
      LoopRun inner;
      door.enter();
    }
    door.enter();
    std::thread([] { LoopRun elsewhere; }).join();
    door.enter();
  });
  CHECK_FALSE(end.aborted);
}

}  // namespace spillway::threads
