#include "common/kinds/children.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <CppUTest/TestHarness.h>

using namespace spillway::kinds;

namespace {

constexpr ChildLists kNoList{.children = "/nowhere/children"};

pid_t begin_child() {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // should the test fail
  // A name as hard to read as one can be.
  ::prctl(PR_SET_NAME, "a) R 1 (b) R 1");
  for (;;) ::pause();
}

bool was_killed(pid_t pid) {
  int status = 0;
  return ::waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

// Makes the attempt as a process that has no other children.
int alone(bool (*attempt)()) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::alarm(30);
    ::_exit(attempt() ? 0 : 1);
  }
  int status = -1;
  ::waitpid(pid, &status, 0);
  return status;
}

}  // namespace

TEST_GROUP(Children){};

TEST(Children, are_killed_whatever_session_and_name_they_have) {
  LONGS_EQUAL(0, alone([] {
                const pid_t one = begin_child(), other = begin_child();
                return kill_children() && was_killed(one) && was_killed(other) && !kill_children();
              }));
}

TEST(Children, are_found_where_the_kernel_keeps_no_list_of_them) {
  LONGS_EQUAL(0, alone([] {
                const pid_t one = begin_child(), other = begin_child();
                return kill_children(kNoList) && was_killed(one) && was_killed(other) &&
                       !kill_children(kNoList);
              }));
}

TEST(Children, are_left_alone_where_none_can_be_seen) {
  LONGS_EQUAL(0, alone([] {
                const pid_t one = begin_child();
                const bool none = !kill_children({"/nowhere", "/nowhere"});
                ::kill(one, SIGKILL);
                return none && was_killed(one);
              }));
}
