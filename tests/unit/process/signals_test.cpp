#include "common/process/signals.h"

#include <unistd.h>

#include <csignal>
#include <vector>

#include <CppUTest/TestHarness.h>

using namespace spillway::process;

TEST_GROUP(Signals) { Loop loop; };

TEST(Signals, arrive_as_calls_on_the_loop) {
  std::vector<int> seen;
  const Signals signals(loop, {SIGTERM, SIGHUP}, [&](int number) {
    seen.push_back(number);
    if (number == SIGHUP) {
      std::raise(SIGTERM);
    } else {
      loop.stop();
    }
  });
  std::raise(SIGHUP);
  loop.run();
  LONGS_EQUAL(2, seen.size());
  LONGS_EQUAL(SIGHUP, seen[0]);
  LONGS_EQUAL(SIGTERM, seen[1]);
}

TEST(Signals, are_no_longer_delivered_once_dropped) {
  int calls = 0;
  {
    const Signals first(loop, {SIGHUP}, [&](int) { ++calls; });
  }
  const Signals second(loop, {SIGHUP}, [&](int) { loop.stop(); });
  std::raise(SIGHUP);
  loop.run();
  CHECK_EQUAL(0, calls);
}

TEST(Signals, a_broken_pipe_does_not_end_the_process) {
  const Signals signals(loop, {SIGTERM}, [](int) {});
  int ends[2];
  CHECK_EQUAL(0, pipe(ends));
  close(ends[0]);
  CHECK_EQUAL(-1, write(ends[1], "x", 1));
  close(ends[1]);
}
