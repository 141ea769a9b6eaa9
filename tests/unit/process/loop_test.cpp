#include "common/process/loop.h"

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::process;
using namespace std::chrono_literals;

TEST_GROUP(Loop) { Loop loop; };

TEST(Loop, makes_posted_calls_in_order) {
  std::string order;
  loop.post([&] { order += 'a'; });
  loop.post([&] { order += 'b'; });
  loop.post([&] { loop.stop(); });
  loop.run();
  STRCMP_EQUAL("ab", order.c_str());
}

TEST(Loop, makes_every_call_posted_from_many_threads_on_its_own_thread) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 2000;
  int made = 0;
  bool strayed = false;
  const auto self = std::this_thread::get_id();
  std::vector<std::thread> posters;
  posters.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    posters.emplace_back([&] {
      for (int i = 0; i < kCalls; ++i) {
        loop.post([&] {
          strayed |= std::this_thread::get_id() != self;
          if (++made == kThreads * kCalls) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (auto& poster : posters) poster.join();
  CHECK_EQUAL(kThreads * kCalls, made);
  CHECK_FALSE(strayed);
}

TEST(Loop, makes_timed_calls_in_order_of_their_time) {
  std::string order;
  const Timer late = loop.after(2ms, [&] {
    order += 'b';
    loop.stop();
  });
  const Timer early = loop.after(1ms, [&] { order += 'a'; });
  loop.run();
  STRCMP_EQUAL("ab", order.c_str());
}

TEST(Loop, a_timed_call_is_not_early) {
  const auto begin = std::chrono::steady_clock::now();
  const Timer timer = loop.after(20ms, [&] { loop.stop(); });
  loop.run();
  CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
}

TEST(Loop, a_cancelled_call_is_not_made_even_when_its_time_had_come) {
  int calls = 0;
  Timer second;
  // Both are due in the same round: the first takes the second back.
  const Timer first = loop.after(0ms, [&] { second.cancel(); });
  second = loop.after(0ms, [&] { ++calls; });
  const Timer end = loop.after(1ms, [&] { loop.stop(); });
  loop.run();
  CHECK_EQUAL(0, calls);
  CHECK_FALSE(second.pending());
}

TEST(Loop, dropping_a_handle_takes_the_call_back) {
  int calls = 0;
  {
    const Timer dropped = loop.after(0ms, [&] { ++calls; });
  }
  Timer replaced = loop.after(0ms, [&] { ++calls; });
  replaced = loop.after(1ms, [&] { loop.stop(); });
  loop.run();
  CHECK_EQUAL(0, calls);
}

TEST(Loop, a_timed_call_may_set_its_own_handle_again) {
  int calls = 0;
  Timer timer;
  std::function<void()> again = [&] {
    if (++calls == 3) {
      loop.stop();
    } else {
      timer = loop.after(0ms, again);
    }
  };
  timer = loop.after(0ms, again);
  CHECK(timer.pending());
  loop.run();
  CHECK_EQUAL(3, calls);
  CHECK_FALSE(timer.pending());
}

TEST(Loop, a_handle_may_outlive_its_loop) {
  Timer orphan;
  {
    Loop inner;
    orphan = inner.after(1h, [] {});
  }
  orphan.cancel();
  CHECK_FALSE(orphan.pending());
}

TEST(Loop, calls_still_queued_when_it_dies_are_dropped) {
  int calls = 0;
  {
    Loop inner;
    inner.post([&] { ++calls; });
  }
  CHECK_EQUAL(0, calls);
}

TEST(Loop, run_ready_makes_what_is_due_and_returns) {
  int calls = 0;
  loop.post([&] { ++calls; });
  loop.run_ready();
  loop.run_ready();
  CHECK_EQUAL(1, calls);
}
