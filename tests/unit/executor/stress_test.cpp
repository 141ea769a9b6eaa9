#include <random>
#include <vector>

#include "common/executor/executor.h"
#include "common/executor/parallel.h"
#include "common/executor/task_group.h"
#include "tests/unit/executor/unit.h"

using namespace spillway;
using namespace spillway::executor;

namespace {

// One storm: several threads submit closures with random bands, deadlines, stop tokens and depths
// while another resizes the pool, until it is shut down. Counts what every closure was told.
class Storm {
 public:
  Storm(unsigned seed, unsigned workers) : seed_(seed), executor_({.workers = workers}) {}

  void blow(Shutdown mode, int closures) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 3; ++i) {
      threads.emplace_back([this, i, closures] { submit(seed_ + i, closures); });
    }
    threads.emplace_back([this] {
      for (unsigned i = 0; i < 50; ++i) {
        executor_.set_width(1 + (seed_ + i) % 6);
        std::this_thread::yield();
      }
    });
    if (mode == Shutdown::drain) {
      for (auto& thread : threads) thread.join();
    }
    const ShutdownReport report = executor_.shutdown(mode);
    if (mode == Shutdown::cancel) {
      for (auto& thread : threads) thread.join();
    }
    CHECK_EQUAL(report.accepted, report.ran + report.expired + report.cancelled + report.dropped);
    CHECK_EQUAL(0u, report.failed);
    CHECK_EQUAL(made_.load(), told_[0] + told_[1] + told_[2] + told_[3]);
    CHECK_EQUAL(told_[1].load(), report.expired);
    CHECK_EQUAL(told_[2].load(), report.cancelled);
    if (mode == Shutdown::drain) CHECK_EQUAL(0u, report.dropped);
  }

 private:
  void submit(unsigned seed, int closures) {
    std::minstd_rand random(seed);
    for (int i = 0; i < closures; ++i) {
      std::stop_source source;
      SubmitOptions options;
      options.band = static_cast<Band>(random() % 4);
      options.blocking = random() % 64 == 0;
      options.stop = source.get_token();
      if (random() % 2) {
        options.deadline = std::chrono::steady_clock::now() +
                           std::chrono::microseconds(static_cast<long>(random() % 400) - 10);
      }
      const auto depth = static_cast<unsigned>(random() % 5);
      ++made_;
      (void)executor_.try_submit([this, depth](Outcome outcome) { ended(outcome, depth); },
                                 options);
      if (random() % 8 == 0) source.request_stop();
    }
  }

  void ended(Outcome outcome, unsigned depth) {
    if (outcome == Outcome::ran) grow(depth);
    ++told_[static_cast<std::size_t>(outcome)];
  }

  void grow(unsigned depth) {
    if (depth == 0) return;
    if (depth == 1) {
      parallel_for(executor_, 0, 64,
                   [this](std::size_t begin, std::size_t end) { indices_ += end - begin; });
    } else if (depth == 2) {
      parallel_invoke(
          executor_, [&] { grow(depth - 1); }, [&] { grow(depth - 1); });
    } else if (depth == 3) {
      ++made_;
      executor_.post([this](Outcome outcome) { ended(outcome, 2); });
    } else {
      TaskGroup group(executor_);
      for (int i = 0; i < 4; ++i) group.spawn([this, depth] { grow(depth - 2); });
      group.wait();
    }
  }

  const unsigned seed_;
  std::atomic<std::uint64_t> made_{0}, indices_{0};
  std::array<std::atomic<std::uint64_t>, 4> told_{};
  Executor executor_;  // last: its closures use the rest
};

}  // namespace

TEST_GROUP(Stress){};

TEST(Stress, P15_every_closure_of_a_drained_storm_is_told_once_how_it_ended) {
  for (unsigned seed = 1; seed <= 8; ++seed) Storm(seed, 1 + seed % 5).blow(Shutdown::drain, 2000);
}

TEST(Stress, P15_every_closure_of_a_cancelled_storm_is_told_once_how_it_ended) {
  for (unsigned seed = 1; seed <= 8; ++seed) Storm(seed, 1 + seed % 5).blow(Shutdown::cancel, 2000);
}

TEST(Stress, P16_a_closure_that_finds_everybody_asleep_is_run) {
  Executor executor({.workers = 2});
  for (int i = 0; i < 5000; ++i) {
    std::atomic<bool> ran{false};
    CHECK(executor
              .try_submit([&] {
                ran = true;
                ran.notify_one();
              })
              .ok());
    ran.wait(false);  // for ever, were the wake-up lost
  }
}

TEST(Stress, joins_from_many_outside_threads_at_once_are_all_served) {
  std::atomic<std::uint64_t> total{0};
  std::vector<std::thread> threads;
  threads.reserve(12);
  Executor executor({.workers = 2});
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        total += parallel_reduce(
            executor, 0, 1000, std::uint64_t{0},
            [](std::size_t begin, std::size_t end) { return std::uint64_t{end - begin}; },
            [](std::uint64_t a, std::uint64_t b) { return a + b; });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK_EQUAL(12u * 20u * 1000u, total.load());
}
