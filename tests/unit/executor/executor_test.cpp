#include "common/executor/executor.h"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "common/executor/parallel.h"
#include "common/executor/task_group.h"
#include "tests/unit/executor/unit.h"

using namespace spillway;
using namespace spillway::executor;

TEST_GROUP(Executor){};

TEST(Executor, P15_runs_every_submitted_closure_once) {
  std::atomic<int> runs{0};
  Executor executor({.workers = 2});
  for (int i = 0; i < 1000; ++i) CHECK(executor.try_submit([&] { ++runs; }).ok());
  const ShutdownReport report = executor.shutdown(Shutdown::drain);
  CHECK_EQUAL(1000, runs.load());
  CHECK_EQUAL(1000u, report.accepted);
  CHECK_EQUAL(1000u, report.ran);
}

TEST(Executor, refuses_after_shutdown_and_tells_the_closure) {
  Executor executor({.workers = 1});
  executor.shutdown(Shutdown::drain);
  Outcome told = Outcome::ran;
  const Status status = executor.try_submit([&](Outcome outcome) { told = outcome; });
  CHECK(!status.ok());
  CHECK(status.error().code == Code::unavailable);
  CHECK(told == Outcome::dropped);
}

TEST(Executor, tells_an_expired_closure) {
  std::atomic<int> expired{0};
  Executor executor({.workers = 1});
  SubmitOptions options;
  options.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  CHECK(
      executor.try_submit([&](Outcome outcome) { expired += outcome == Outcome::expired; }, options)
          .ok());
  const ShutdownReport report = executor.shutdown(Shutdown::drain);
  CHECK_EQUAL(1, expired.load());
  CHECK_EQUAL(1u, report.expired);
}

TEST(Executor, tells_a_closure_whose_stop_token_was_stopped) {
  Executor executor({.workers = 1});
  std::stop_source source;
  source.request_stop();
  std::atomic<int> cancelled{0};
  SubmitOptions options;
  options.stop = source.get_token();
  CHECK(
      executor
          .try_submit([&](Outcome outcome) { cancelled += outcome == Outcome::cancelled; }, options)
          .ok());
  CHECK_EQUAL(1u, executor.shutdown(Shutdown::drain).cancelled);
  CHECK_EQUAL(1, cancelled.load());
}

TEST(Executor, answers_busy_with_a_hint_when_the_queue_is_full) {
  Gate gate;
  Executor executor({.workers = 1, .capacity = 8});
  CHECK(executor.try_submit([&] { gate.pass(); }).ok());
  gate.reached();
  int accepted = 0;
  Status status;
  while ((status = executor.try_submit([] {})).ok()) ++accepted;
  gate.open();
  CHECK(status.error().code == Code::busy);
  CHECK(status.error().retry_after.has_value());
  CHECK(accepted >= 8 && accepted <= 16);
}

TEST_GROUP(ForkJoin){};

TEST(ForkJoin, covers_every_index_once) {
  std::vector<std::atomic<int>> hits(10000);
  Executor executor({.workers = 2});
  parallel_for(executor, 0, hits.size(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) ++hits[i];
  });
  for (auto& hit : hits) CHECK_EQUAL(1, hit.load());
}

TEST(ForkJoin, nests_without_blocking_a_worker) {
  std::atomic<int> leaves{0};
  Executor executor({.workers = 2});
  TaskGroup group(executor);
  for (int i = 0; i < 8; ++i) {
    group.spawn([&] {
      TaskGroup inner(executor);
      for (int j = 0; j < 8; ++j) {
        inner.spawn([&] {
          parallel_for(executor, 0, 8, [&](std::size_t begin, std::size_t end) {
            leaves += static_cast<int>(end - begin);
          });
        });
      }
      inner.wait();
    });
  }
  group.wait();
  CHECK_EQUAL(512, leaves.load());
}

TEST(ForkJoin, an_exception_travels_to_the_joiner) {
  Executor executor({.workers = 2});
  TaskGroup group(executor);
  group.spawn([] { throw std::runtime_error("seen"); });
  CHECK_THROWS(std::runtime_error, group.wait());
  group.spawn([] {});
  group.wait();
  CHECK_THROWS(std::runtime_error, parallel_for(executor, 0, 100, [](std::size_t, std::size_t) {
                 throw std::runtime_error("seen");
               }));
}

TEST(ForkJoin, a_cancelled_group_starts_nothing_more) {
  Executor executor({.workers = 1});
  TaskGroup group(executor);
  group.cancel();
  int runs = 0;
  group.spawn([&] { ++runs; });
  group.wait();
  CHECK_EQUAL(0, runs);
}

TEST(ForkJoin, reduces_in_order_of_index_to_the_same_bits_at_any_width) {
  auto sum = [](unsigned workers) {
    Executor executor({.workers = workers});
    return parallel_reduce(
        executor, 0, 100000, 0.0,
        [](std::size_t begin, std::size_t end) {
          double part = 0;
          for (std::size_t i = begin; i < end; ++i) part += 1.0 / static_cast<double>(i + 1);
          return part;
        },
        [](double a, double b) { return a + b; });
  };
  const double one = sum(1), three = sum(3);
  CHECK(one == three);
  DOUBLES_EQUAL(12.0901461, one, 1e-6);
}

TEST(ForkJoin, reduces_in_any_order_every_range_once) {
  Executor executor({.workers = 3});
  const auto sum = parallel_reduce(
      executor, 0, 100000, std::uint64_t{0},
      [](std::size_t begin, std::size_t end) {
        std::uint64_t part = 0;
        for (std::size_t i = begin; i < end; ++i) part += i;
        return part;
      },
      [](std::uint64_t a, std::uint64_t b) { return a + b; }, Order::any);
  CHECK_EQUAL(99999ULL * 100000 / 2, sum);
}

TEST(ForkJoin, a_wide_group_takes_no_more_memory_than_the_deque_has_room_for) {
  Executor executor({.workers = 1});
  std::size_t started = 0, most_waiting = 0;
  CHECK(executor
            .try_submit([&] {
              TaskGroup group(executor);
              for (std::size_t i = 0; i < 20000; ++i) {
                group.spawn([&] { ++started; });
                most_waiting = std::max(most_waiting, i + 1 - started);
              }
              group.wait();
            })
            .ok());
  executor.shutdown(Shutdown::drain);
  CHECK_EQUAL(20000u, started);
  CHECK(most_waiting <= 1024);
}

TEST(ForkJoin, joins_nested_deeper_than_the_deque_has_room_for_end) {
  Executor executor({.workers = 2});
  std::atomic<unsigned> leaves{0};
  std::function<void(unsigned)> descend = [&](unsigned depth) {
    if (depth == 0) return;
    parallel_invoke(
        executor, [&] { descend(depth - 1); }, [&] { ++leaves; });
  };
  descend(1500);
  CHECK_EQUAL(1500u, leaves.load());
}

TEST_GROUP(Closures){};

TEST(Closures, capture_64_bytes_without_an_allocation_of_their_own) {
  struct Recorder {
    const void** at;
    std::array<char, 64 - sizeof(const void**)> rest;
    void operator()() { *at = this; }
  };
  static_assert(sizeof(Recorder) == 64);
  const void* at = nullptr;
  Task task(Recorder{&at, {}});
  const std::byte* const storage = task->storage();
  Node* node = task.release();
  node->finish(node, Outcome::ran);
  CHECK(at == storage);
}

TEST(Closures, capture_what_is_larger_or_moves_only_all_the_same) {
  std::array<char, 500> large{};
  large[499] = 7;
  int seen = 0;
  Executor executor({.workers = 1});
  CHECK(executor
            .try_submit([large, unique = std::make_unique<int>(35), &seen] {
              seen = large[499] * *unique / 5;
            })
            .ok());
  executor.shutdown(Shutdown::drain);
  CHECK_EQUAL(49, seen);
}
