#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "common/executor/executor.h"
#include "common/executor/injector.h"
#include "common/executor/limits.h"
#include "common/executor/telemetry.h"
#include "common/executor/worker.h"
#include "tests/unit/executor/unit.h"

using namespace spillway;
using namespace spillway::executor;

namespace {

// One worker, held by a gate while closures are queued, then let go: the order in which they ran.
class Queue {
 public:
  Queue() {
    CHECK(executor_.try_submit([this] { gate_.pass(); }, {.band = Band::urgent}).ok());
    gate_.reached();
  }
  void add(const std::string& name, const SubmitOptions& options = {}, std::int64_t ns = 0) {
    auto body = [this, name, ns] {
      ran_ += name;
      for (const std::int64_t start = now_ns(); ns && now_ns() < start + ns;) {
      }
    };
    CHECK(executor_.try_submit(body, options).ok());
  }
  std::string run() {
    gate_.open();
    executor_.shutdown(Shutdown::drain);
    return ran_;
  }

 private:
  Gate gate_;
  std::string ran_;
  Executor executor_{{.workers = 1}};
};

std::string temporary_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "spillway_limits_XXXXXX").string();
  CHECK(mkdtemp(path.data()) != nullptr);
  return path;
}

SubmitOptions due(int seconds) {
  SubmitOptions options;
  options.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  return options;
}

}  // namespace

TEST_GROUP(Order){};

TEST(Order, better_bands_run_first) {
  Queue queue;
  queue.add("d", {.band = Band::background});
  queue.add("c", {.band = Band::normal});
  queue.add("b", {.band = Band::high});
  queue.add("a", {.band = Band::urgent});
  CHECK_EQUAL(std::string("abcd"), queue.run());
}

TEST(Order, inside_a_band_the_earliest_deadline_runs_first_and_then_those_without_as_they_came) {
  Queue queue;
  queue.add("x");
  queue.add("c", due(300));
  queue.add("y");
  queue.add("a", due(100));
  queue.add("b", due(200));
  CHECK_EQUAL(std::string("abcxy"), queue.run());
}

// The injector gives it out after its age limit; then as many may pass the batch it waits in, once
// that has taken long. What is before it in the batch came out before it.
TEST(Order, no_band_waits_for_more_than_twice_the_age_limit_of_better_ones) {
  for (const std::int64_t ns : {0, 1'000, 30'000}) {
    Queue queue;
    queue.add("z", {.band = Band::background});
    for (unsigned i = 0; i < 4 * Injector::kAgeLimit; ++i) {
      // The first are quick, so that batches are large when the others turn out to be slow.
      queue.add("a", {.band = Band::urgent}, i < 40 ? 0 : ns);
    }
    const std::size_t at = queue.run().find('z');
    CHECK(at >= Injector::kAgeLimit && at <= 2 * Injector::kAgeLimit);
  }
}

TEST(Order, a_closure_without_a_deadline_is_not_starved_by_those_with_one) {
  Queue queue;
  queue.add("x");
  for (int i = 0; i < 40; ++i) queue.add("a", due(100));
  CHECK(queue.run().find('x') <= Injector::kPlainTurn);
}

TEST(Order, outside_work_starts_within_the_stated_number_of_closures_that_keep_posting_themselves) {
  std::atomic<bool> stop{false};
  std::atomic<unsigned> turns{0};
  Executor executor({.workers = 1});
  struct Again {
    Executor& executor;
    std::atomic<bool>& stop;
    std::atomic<unsigned>& turns;
    void operator()() const {
      ++turns;
      if (!stop) executor.post(*this);
    }
  };
  for (int i = 0; i < 8; ++i) CHECK(executor.try_submit(Again{executor, stop, turns}).ok());
  for (int i = 0; i < 200; ++i) {
    // Submitted from inside, so that what the executor does between the two is all that is counted.
    std::atomic<unsigned> waited{~0U};
    CHECK(executor
              .try_submit([&] {
                const unsigned before = turns;
                CHECK(executor.try_submit([&, before] { waited = turns - before; }).ok());
              })
              .ok());
    while (waited == ~0U) std::this_thread::yield();
    CHECK(waited <= Worker::kDeepTurn);
  }
  stop = true;
}

// Closures so short that the worker takes them in batches; from inside, so that what the executor
// does between the two is all that is counted.
TEST(Order, the_first_of_any_band_starts_within_the_stated_number_of_closures) {
  Executor executor({.workers = 1});
  std::atomic<unsigned> turns{0};
  for (int round = 0; round < 60; ++round) {
    const auto band = static_cast<Band>(round % 3);
    std::atomic<unsigned> waited{~0U};
    for (unsigned i = 0; i < 600; ++i) {
      const auto any = static_cast<Band>(round % 2 ? 3 : i * 7 % kBands);
      if (any != band) CHECK(executor.try_submit([&] { ++turns; }, {.band = any}).ok());
    }
    auto probe = [&] {
      const unsigned before = turns;
      auto count = [&, before] { waited = turns - before; };
      CHECK(executor.try_submit(count, {.band = band}).ok());
    };
    CHECK(executor.try_submit(probe, {.band = Band::background}).ok());
    while (waited == ~0U) std::this_thread::yield();
    CHECK(waited <= Worker::kLongestWait);
  }
}

TEST(Order, P17_an_urgent_closure_waits_for_none_of_the_long_ones_when_a_worker_is_reserved) {
  std::atomic<bool> release{false};
  std::atomic<int> held{0};
  Executor executor({.workers = 4});
  for (int i = 0; i < 12; ++i) {
    CHECK(executor
              .try_submit([&] {
                ++held;
                release.wait(false);
              })
              .ok());
  }
  while (held < 3) std::this_thread::yield();
  std::atomic<bool> ran{false};
  CHECK(executor
            .try_submit(
                [&] {
                  ran = true;
                  ran.notify_one();
                },
                {.band = Band::urgent})
            .ok());
  ran.wait(false);  // for ever, had the fourth worker taken a long one
  CHECK_EQUAL(3, held.load());
  release = true;
  release.notify_all();
}

TEST(Order, a_worker_that_waits_in_a_join_lends_its_place) {
  std::atomic<bool> joined{false};
  Gate gate;
  Executor executor({.workers = 1});
  std::thread thread;
  CHECK(executor
            .try_submit([&] {
              Join join{1};
              thread = std::thread([&] {
                gate.pass();
                join.done();
              });
              Worker::current()->await(join);
              joined = true;
            })
            .ok());
  gate.reached();
  std::atomic<bool> ran{false};
  CHECK(executor
            .try_submit([&] {
              ran = true;
              ran.notify_one();
            })
            .ok());
  ran.wait(false);  // on the only worker's place, while that one waits
  CHECK_FALSE(joined);
  gate.open();
  CHECK_EQUAL(2u, executor.shutdown(Shutdown::drain).ran);
  thread.join();
}

TEST_GROUP(Limits){};

TEST(Limits, reads_a_cgroup_quota) {
  DOUBLES_EQUAL(1.5, parse_cpu_max("150000 100000").value_or(0), 1e-9);
  CHECK_FALSE(parse_cpu_max("max 100000").has_value());
}

TEST(Limits, takes_no_nonsense_for_a_quota) {
  for (const char* text : {"", "x", "100000", "-1 100000", "100000 0", "nan 1"}) {
    CHECK_FALSE(parse_cpu_max(text).has_value());
  }
  CHECK(usable_cpus() >= 1);
}

TEST(Limits, finds_the_tightest_quota_of_either_kind_of_cgroup_and_of_those_above) {
  const std::string root = temporary_folder();
  const auto write = [&](const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  };
  write("/unified/cpu.max", "200000 100000\n");
  write("/unified/inner/cpu.max", "max 100000\n");
  write("/cpu,cpuacct/old/cpu.cfs_quota_us", "50000\n");
  write("/cpu,cpuacct/old/cpu.cfs_period_us", "100000\n");
  write("/cpu,cpuacct/free/cpu.cfs_quota_us", "-1\n");
  write("/cpu,cpuacct/free/cpu.cfs_period_us", "100000\n");
  DOUBLES_EQUAL(2.0, cpu_quota(root, "0::/unified/inner\n").value_or(0), 1e-9);
  DOUBLES_EQUAL(0.5, cpu_quota(root, "9:memory:/old\n4:cpu,cpuacct:/old/gone\n").value_or(0), 1e-9);
  DOUBLES_EQUAL(0.5, cpu_quota(root, "4:cpu,cpuacct:/old\n0::/unified\n").value_or(0), 1e-9);
  CHECK_FALSE(cpu_quota(root, "4:cpu,cpuacct:/free\n9:memory:/old\n").has_value());
  for (const char* text : {"", "\n", "::", "4:cpu", "0::relative", "x"}) {
    CHECK_FALSE(cpu_quota(root, text).has_value());
  }
  std::filesystem::remove_all(root);
}

TEST_GROUP(Observability){};

TEST(Observability, counts_delays_and_traces_what_ran) {
  Gate gate;
  Executor executor({.workers = 1});
  CHECK(executor.try_submit([&] { gate.pass(); }, {.band = Band::high}).ok());
  gate.reached();
  gate.open();
  executor.shutdown(Shutdown::drain);
  const Counters counters = executor.counters();
  std::uint64_t delays = 0;
  for (std::uint64_t bucket : counters.queue_delay[1]) delays += bucket;
  CHECK_EQUAL(1u, delays);
  CHECK_EQUAL(1u, counters.workers.at(0).run);
  STRCMP_CONTAINS("\"name\":\"high\"", executor.chrome_trace().c_str());
}

TEST(Observability, traces_no_more_than_asked_for_and_the_latest) {
  Executor executor({.workers = 1});
  for (int i = 0; i < 8; ++i) {
    Gate gate;
    const Band band = i < 6 ? Band::normal : Band::high;
    CHECK(executor.try_submit([&] { gate.pass(); }, {.band = band}).ok());
    gate.reached();
    gate.open();
    while (executor.counters().closures.ran <= static_cast<std::uint64_t>(i)) {
      std::this_thread::yield();
    }
  }
  executor.shutdown(Shutdown::drain);
  const std::string trace = executor.chrome_trace(2);
  STRCMP_CONTAINS("\"name\":\"high\"", trace.c_str());
  CHECK(trace.find("\"name\":\"normal\"") == std::string::npos);
}

TEST_GROUP(Blocking){};

TEST(Blocking, runs_on_threads_of_its_own_while_every_worker_is_busy) {
  Gate gate;
  Executor executor({.workers = 1, .blocking_limit = 2});
  CHECK(executor.try_submit([&] { gate.pass(); }).ok());
  gate.reached();
  std::atomic<bool> ran{false};
  CHECK(executor
            .try_submit(
                [&] {
                  ran = true;
                  ran.notify_one();
                },
                {.blocking = true})
            .ok());
  ran.wait(false);
  gate.open();
  CHECK_EQUAL(2u, executor.shutdown(Shutdown::drain).ran);
}

TEST(Blocking, runs_no_more_at_once_than_its_limit_and_ends_what_idles) {
  Executor executor(
      {.workers = 1, .blocking_limit = 2, .blocking_idle = std::chrono::milliseconds(1)});
  std::array<Gate, 3> gates;
  std::atomic<int> running{0};
  for (Gate& gate : gates) {
    auto body = [&] {
      ++running;
      gate.pass();
      --running;
    };
    CHECK(executor.try_submit(body, {.blocking = true}).ok());
  }
  gates[0].reached();
  gates[1].reached();
  CHECK_EQUAL(2, running.load());
  CHECK_EQUAL(2u, executor.counters().blocking_threads);
  for (Gate& gate : gates) gate.open();
  gates[2].reached();
  while (executor.counters().blocking_threads) std::this_thread::yield();
  CHECK_EQUAL(3u, executor.counters().closures.ran);
}

TEST_GROUP(Width){};

TEST(Width, workers_beyond_the_bound_run_at_most_what_they_were_about_to_and_nothing_is_lost) {
  Executor executor({.workers = 4});
  std::atomic<unsigned> ran{0};
  unsigned submitted = 0;
  for (unsigned bound : {1U, 3U, 1U}) {
    executor.set_width(bound);
    CHECK_EQUAL(bound, executor.width());
    const auto before = executor.counters().workers;
    for (int i = 0; i < 2000; ++i) CHECK(executor.try_submit([&] { ++ran; }).ok());
    submitted += 2000;
    while (ran < submitted) std::this_thread::yield();
    const auto after = executor.counters().workers;
    for (std::size_t i = bound; i < 4; ++i) CHECK(after[i].run <= before[i].run + 1);
    executor.set_width(100);
    CHECK_EQUAL(4u, executor.width());
    for (int i = 0; i < 2000; ++i) CHECK(executor.try_submit([&] { ++ran; }).ok());
    submitted += 2000;
    while (ran < submitted) std::this_thread::yield();
  }
  CHECK_EQUAL(submitted, executor.shutdown(Shutdown::drain).ran);
}

// What the mask says is also what a CPU that is unplugged does to it.
TEST(Width, follows_the_affinity_of_the_process_while_it_runs) {
  cpu_set_t all;
  CHECK_EQUAL(0, sched_getaffinity(getpid(), sizeof all, &all));
  const unsigned usable = usable_cpus();
  cpu_set_t one;
  CPU_ZERO(&one);
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
  }
  Executor executor;
  CHECK_EQUAL(usable, executor.width());
  CHECK_EQUAL(0, sched_setaffinity(getpid(), sizeof one, &one));
  CHECK_EQUAL(1u, usable_cpus());
  executor.set_width(100);  // looks at the limits, as the executor does itself every second
  CHECK_EQUAL(1u, executor.width());
  CHECK_EQUAL(0, sched_setaffinity(getpid(), sizeof all, &all));
  while (executor.width() != usable) std::this_thread::yield();
}
