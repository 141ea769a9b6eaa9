#pragma once

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "common/executor/parallel.h"
#include "tests/bench/executor/pools.h"

// Each workload is one run on one pool and returns one figure.
namespace spillway::bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Closures run, counted by thread, so that counting costs every pool the same and next to nothing.
class Count {
 public:
  void add() {
    std::atomic<std::uint64_t>& slot = slots_[mine() % kSlots].count;
    slot.store(slot.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  void reach(std::uint64_t wanted) const {
    while (total() < wanted) std::this_thread::sleep_for(std::chrono::microseconds(50));
  }

 private:
  static constexpr std::size_t kSlots = 256;
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> count{0};
  };
  static std::size_t mine() {
    static std::atomic<std::size_t> threads{0};
    thread_local const std::size_t index = threads++;
    return index;
  }
  std::uint64_t total() const {
    std::uint64_t total = 0;
    for (const Slot& slot : slots_) total += slot.count.load(std::memory_order_acquire);
    return total;
  }
  std::array<Slot, kSlots> slots_;
};

inline auto counting(Count& count) {
  return [&count] { count.add(); };
}

// Million closures a second from `producers` outside threads. `submit(closure, i)` posts one.
template <class Submit>
double flood(std::uint64_t closures, unsigned producers, Submit&& submit) {
  auto count = std::make_unique<Count>();
  const auto start = Clock::now();
  std::vector<std::thread> threads;
  const std::uint64_t each = closures / producers;
  for (unsigned p = 0; p < producers; ++p) {
    threads.emplace_back([&, p] {
      for (std::uint64_t i = 0; i < each; ++i) submit(counting(*count), p * each + i);
    });
  }
  for (auto& thread : threads) thread.join();
  count->reach(each * producers);
  return static_cast<double>(each * producers) / seconds_since(start) / 1e6;
}

template <class Pool>
double plain_flood(std::uint64_t closures, unsigned producers) {
  Pool pool;
  return flood(closures, producers, [&](auto closure, std::uint64_t) { pool.post(closure); });
}

inline double banded_flood(std::uint64_t closures, unsigned producers) {
  SpillwayPool pool;
  const auto start = Clock::now();
  return flood(closures, producers, [&](auto closure, std::uint64_t i) {
    const std::uint64_t random = (i + 1) * 0x9E3779B97F4A7C15ULL >> 32;
    executor::SubmitOptions options;
    options.band = static_cast<Band>(random % 4);
    // Far enough that none expires.
    options.deadline =
        start + std::chrono::seconds(60) + std::chrono::microseconds(random % 100000);
    pool.post(closure, options);
  });
}

// ns a task of a binary tree of tasks that each post two more: fib(n) has 2 fib(n + 1) - 1.
template <class Pool>
struct Tree {
  Pool& pool;
  Count& count;
  void grow(unsigned n) const {
    count.add();
    if (n < 2) return;
    pool.again([tree = *this, n] { tree.grow(n - 1); });
    pool.again([tree = *this, n] { tree.grow(n - 2); });
  }
};

inline std::uint64_t fib(unsigned n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

template <class Pool>
double spawn_tree(unsigned n) {
  Pool pool;
  auto count = std::make_unique<Count>();
  const std::uint64_t tasks = 2 * fib(n + 1) - 1;
  const auto start = Clock::now();
  pool.post([&pool, &count, n] { Tree<Pool>{pool, *count}.grow(n); });
  count->reach(tasks);
  return seconds_since(start) / static_cast<double>(tasks) * 1e9;
}
// The library's own way to spawn from inside.
double spawn_tree_onetbb(unsigned n);

// ns a node of fork-join fib(n).
double fork_join_spillway(unsigned n);
double fork_join_onetbb(unsigned n);
double fork_join_openmp(unsigned n);

// ms for a loop of `n` elements of some floating point work each.
double compute_loop_spillway(std::size_t n);
double compute_loop_onetbb(std::size_t n);
double compute_loop_openmp(std::size_t n);
// µs a loop of 2,000 tiny elements.
double tiny_loop_spillway(unsigned loops);
double tiny_loop_onetbb(unsigned loops);
double tiny_loop_openmp(unsigned loops);
double tiny_loop_serial(unsigned loops);

struct Delays {
  double p50, p99;  // µs
};
inline Delays percentiles(std::vector<double> delays) {
  std::sort(delays.begin(), delays.end());
  return {delays[delays.size() / 2], delays[delays.size() * 99 / 100]};
}

// Delays from submit to start of one closure every `gap`, µs.
template <class Post>
Delays probe(Post&& post, unsigned probes, std::chrono::microseconds gap) {
  std::vector<double> delays(probes);
  std::atomic<unsigned> started{0};
  for (unsigned i = 0; i < probes; ++i) {
    std::this_thread::sleep_for(gap);
    const auto submitted = Clock::now();
    post([&delays, &started, submitted, i] {
      delays[i] = seconds_since(submitted) * 1e6;
      started.fetch_add(1, std::memory_order_release);
    });
  }
  while (started.load(std::memory_order_acquire) < probes) std::this_thread::yield();
  return percentiles(std::move(delays));
}

template <class Pool>
Delays idle_probe(unsigned probes) {
  constexpr std::chrono::microseconds kGap(300);
  Pool pool;
  const auto post = [&](auto closure) { pool.post(closure); };
  // For some tenths of a second after its start a thread may live on a core that sleeps deeply: of
  // one probe in a hundred that would be all there is to see.
  probe(post, probes, kGap);
  return probe(post, 4 * probes, kGap);
}

// A closure of 10 µs that posts itself again until told to stop.
template <class Pool>
struct Reposter {
  Pool& pool;
  std::atomic<bool>& stop;
  std::atomic<unsigned>& running;
  void turn() const {
    const auto start = Clock::now();
    while (seconds_since(start) < 10e-6) {
    }
    if (stop.load(std::memory_order_relaxed)) {
      running.fetch_sub(1, std::memory_order_release);
    } else {
      pool.again([self = *this] { self.turn(); });
    }
  }
};

template <class Pool, class Post>
Delays busy_probe(unsigned tasks, unsigned probes, Post&& post) {
  Pool pool;
  std::atomic<bool> stop{false};
  std::atomic<unsigned> running{tasks};
  const Reposter<Pool> reposter{pool, stop, running};
  for (unsigned i = 0; i < tasks; ++i) pool.post([reposter] { reposter.turn(); });
  const Delays delays =
      probe([&](auto closure) { post(pool, closure); }, probes, std::chrono::microseconds(500));
  stop = true;
  while (running.load(std::memory_order_acquire)) std::this_thread::yield();
  return delays;
}

// Bytes of memory this process has to itself, page by page: /proc/self/statm is a sum of estimates,
// and counts the code that measures.
inline double resident() {
  std::ifstream file("/proc/self/smaps_rollup");
  double kilobytes = 0;
  for (std::string word; file >> word;) {
    if (word == "Anonymous:" && file >> kilobytes) break;
  }
  return kilobytes * 1024;
}

struct Memory {
  double each;      // bytes a pending closure
  double returned;  // share given back to the system three seconds after they ran
};

template <class Pool, std::size_t kBytes>
Memory queued_memory(std::size_t closures) {
  auto roomy = [&] {
    if constexpr (std::is_same_v<Pool, SpillwayPool>) {
      return std::make_unique<Pool>(2 * closures);  // the others know no bound
    } else {
      return std::make_unique<Pool>();
    }
  }();
  Pool& pool = *roomy;
  auto count = std::make_unique<Count>();
  std::atomic<bool> open{false};
  std::atomic<unsigned> held{0};
  for (unsigned i = 0; i < kThreads; ++i) {
    pool.post([&] {
      ++held;
      open.wait(false);
    });
  }
  while (held < kThreads) std::this_thread::yield();
  struct Captured {
    Count* count;
    std::array<char, kBytes - sizeof(void*)> rest;
  };
  auto post = [&] { pool.post([captured = Captured{count.get(), {}}] { captured.count->add(); }); };
  // What comes once and for all is not counted; the system gives memory in pieces of up to 64 KiB,
  // of which this fills some.
  constexpr std::size_t kFirst = 1024;
  for (std::size_t i = 0; i < kFirst; ++i) post();
  const double before = resident();
  for (std::size_t i = 0; i < closures; ++i) post();
  const double full = resident();
  open = true;
  open.notify_all();
  count->reach(closures + kFirst);
  std::this_thread::sleep_for(std::chrono::seconds(3));
  return {(full - before) / static_cast<double>(closures), (full - resident()) / (full - before)};
}

// Share of a core, in percent, that an executor uses while it has nothing to do.
inline double idle_cpu(std::chrono::milliseconds span) {
  SpillwayPool pool;
  pool.post([] {});
  std::this_thread::sleep_for(std::chrono::milliseconds(10));
  auto used = [] {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  const double before = used();
  std::this_thread::sleep_for(span);
  return (used() - before) / std::chrono::duration<double>(span).count() * 100;
}

}  // namespace spillway::bench
