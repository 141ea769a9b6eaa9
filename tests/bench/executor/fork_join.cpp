#include <omp.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_invoke.h>

#include <numeric>

#include "tests/bench/executor/workloads.h"

namespace spillway::bench {
namespace {

double ns_per_node(unsigned n, double seconds) {
  return seconds / static_cast<double>(2 * fib(n + 1) - 1) * 1e9;
}

std::uint64_t fib_spillway(executor::Executor& pool, unsigned n) {
  if (n < 2) return n;
  std::uint64_t a = 0, b = 0;
  executor::parallel_invoke(
      pool, [&] { a = fib_spillway(pool, n - 1); }, [&] { b = fib_spillway(pool, n - 2); });
  return a + b;
}

std::uint64_t fib_onetbb(unsigned n) {
  if (n < 2) return n;
  std::uint64_t a = 0, b = 0;
  tbb::parallel_invoke([&] { a = fib_onetbb(n - 1); }, [&] { b = fib_onetbb(n - 2); });
  return a + b;
}

std::uint64_t fib_openmp(unsigned n) {
  if (n < 2) return n;
  std::uint64_t a = 0, b = 0;
#pragma omp task shared(a)
  a = fib_openmp(n - 1);
  b = fib_openmp(n - 2);
#pragma omp taskwait
  return a + b;
}

void grow_onetbb(tbb::task_group& group, Count& count, unsigned n) {
  count.add();
  if (n < 2) return;
  group.run([&group, &count, n] { grow_onetbb(group, count, n - 1); });
  group.run([&group, &count, n] { grow_onetbb(group, count, n - 2); });
}

// Compute-bound: a few dozen multiplications an element, no memory to speak of.
double work(std::size_t i) {
  double x = static_cast<double>(i & 1023) * 1e-3 + 0.5;
  for (int k = 0; k < 16; ++k) x = x * (1.5 - 0.25 * x);
  return x;
}

struct Tiny {
  std::vector<float> x = std::vector<float>(2000, 1.0F), y = std::vector<float>(2000, 2.0F);
  void range(std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) y[i] += 0.5F * x[i];
  }
};

// The time of a run of many, per one, in units of 1 / scale seconds.
template <class Run>
double time_each(unsigned times, double scale, Run&& run) {
  const auto start = Clock::now();
  for (unsigned i = 0; i < times; ++i) run();
  return seconds_since(start) / times * scale;
}

}  // namespace

double spawn_tree_onetbb(unsigned n) {
  TbbPool pool;
  auto count = std::make_unique<Count>();
  const std::uint64_t tasks = 2 * fib(n + 1) - 1;
  const auto start = Clock::now();
  tbb::task_arena arena(kThreads, 1);
  arena.execute([&] {
    tbb::task_group group;
    group.run([&] { grow_onetbb(group, *count, n); });
    group.wait();
  });
  return seconds_since(start) / static_cast<double>(tasks) * 1e9;
}

double fork_join_spillway(unsigned n) {
  executor::Executor pool({.workers = kThreads});
  const auto start = Clock::now();
  executor::parallel_invoke(
      pool, [&] { fib_spillway(pool, n - 1); }, [&] { fib_spillway(pool, n - 2); });
  return ns_per_node(n, seconds_since(start));
}

double fork_join_onetbb(unsigned n) {
  tbb::task_arena arena(kThreads, 1);
  const auto start = Clock::now();
  arena.execute([n] { fib_onetbb(n); });
  return ns_per_node(n, seconds_since(start));
}

// OpenMP's tasks cost so much that fewer do.
double fork_join_openmp(unsigned n) {
  const auto start = Clock::now();
#pragma omp parallel num_threads(kThreads)
#pragma omp single
  fib_openmp(n);
  return ns_per_node(n, seconds_since(start));
}

double compute_loop_spillway(std::size_t n) {
  std::vector<double> out(n);
  executor::Executor pool({.workers = kThreads});
  return time_each(1, 1e3, [&] {
    executor::parallel_for(pool, 0, n, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) out[i] = work(i);
    });
  });
}

double compute_loop_onetbb(std::size_t n) {
  std::vector<double> out(n);
  tbb::task_arena arena(kThreads, 1);
  return time_each(1, 1e3, [&] {
    arena.execute([&] {
      tbb::parallel_for(tbb::blocked_range<std::size_t>(0, n), [&](const auto& range) {
        for (std::size_t i = range.begin(); i < range.end(); ++i) out[i] = work(i);
      });
    });
  });
}

double compute_loop_openmp(std::size_t n) {
  std::vector<double> out(n);
  return time_each(1, 1e3, [&] {
#pragma omp parallel for num_threads(kThreads) schedule(static)
    for (std::size_t i = 0; i < n; ++i) out[i] = work(i);
  });
}

double tiny_loop_spillway(unsigned loops) {
  Tiny tiny;
  executor::Executor pool({.workers = kThreads});
  return time_each(loops, 1e6, [&] {
    executor::parallel_for(pool, 0, tiny.x.size(),
                           [&](std::size_t begin, std::size_t end) { tiny.range(begin, end); });
  });
}

double tiny_loop_onetbb(unsigned loops) {
  Tiny tiny;
  tbb::task_arena arena(kThreads, 1);
  double each = 0;
  arena.execute([&] {
    each = time_each(loops, 1e6, [&] {
      tbb::parallel_for(tbb::blocked_range<std::size_t>(0, tiny.x.size()),
                        [&](const auto& range) { tiny.range(range.begin(), range.end()); });
    });
  });
  return each;
}

double tiny_loop_openmp(unsigned loops) {
  Tiny tiny;
  return time_each(loops, 1e6, [&] {
#pragma omp parallel num_threads(kThreads)
    {
      const std::size_t half = tiny.x.size() / kThreads;
      const auto me = static_cast<std::size_t>(omp_get_thread_num());
      tiny.range(me * half, (me + 1) * half);
    }
  });
}

double tiny_loop_serial(unsigned loops) {
  Tiny tiny;
  return time_each(loops, 1e6, [&] {
    tiny.range(0, tiny.x.size());
    asm volatile("" ::: "memory");
  });
}

}  // namespace spillway::bench
