#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include "common/executor/executor.h"
#include "common/executor/task.h"

namespace spillway::executor {

inline std::int64_t now_ns() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

// Whether the steady clock is past it. A coarse clock costs a fifth and lags by a tick, so it will
// do for what is a second away.
inline bool has_passed(std::int64_t deadline) {
  constexpr std::int64_t kNear = 1'000'000'000;
  timespec coarse{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &coarse);
  return deadline < coarse.tv_sec * 1'000'000'000LL + coarse.tv_nsec + kNear && deadline < now_ns();
}

// A counter one thread writes and any reads. release: who reads the count sees what was counted.
class Tally {
 public:
  void add(std::uint64_t n = 1) {
    count_.store(count_.load(std::memory_order_relaxed) + n, std::memory_order_release);
  }
  std::uint64_t get() const { return count_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> count_{0};
};

// What one worker ran, by outcome.
struct Outcomes {
  std::array<Tally, 4> ended;
  Tally failed;

  // Runs the node's callable, or tells it why not, and counts it.
  void finish(Node* node, bool discard) {
    Outcome outcome = Outcome::ran;
    if (discard) {
      outcome = Outcome::dropped;
    } else if (node->deadline != kNoDeadline && has_passed(node->deadline)) {
      outcome = Outcome::expired;
    }
    try {
      outcome = node->finish(node, outcome);
    } catch (...) {
      failed.add();
    }
    ended[static_cast<std::size_t>(outcome)].add();
  }
  std::uint64_t total() const {
    std::uint64_t total = 0;
    for (const Tally& tally : ended) total += tally.get();
    return total;
  }
  void add_to(ShutdownReport& report) const {
    report.ran += ended[0].get();
    report.expired += ended[1].get();
    report.cancelled += ended[2].get();
    report.dropped += ended[3].get();
    report.failed += failed.get();
  }
};

// One closure that was timed.
struct Event {
  std::int64_t start;      // ns of the steady clock
  std::uint32_t duration;  // µs
  std::uint32_t delay;     // µs in the queue
  Band band;
};

// The delays and the last kEvents timed closures of one worker, which alone records; any thread
// reads. Relaxed throughout: an event that is overwritten while read comes out mixed, so readers
// leave the oldest ones alone.
class Telemetry {
 public:
  static constexpr std::uint64_t kEvents = 1024;

  void record(const Event& event, bool queued) {
    const auto band = static_cast<std::size_t>(event.band);
    if (queued) {
      const auto width = static_cast<std::size_t>(std::bit_width(event.delay));
      delays_[band][std::min(width, kDelayBuckets - 1)].add();
    }
    Slot& slot = slots_[recorded_.get() % kEvents];
    slot.start.store(event.start, std::memory_order_relaxed);
    slot.rest.store(std::uint64_t{event.duration} << 34 | std::uint64_t{event.delay} << 2 | band,
                    std::memory_order_relaxed);
    recorded_.add();
  }

  void add_to(std::array<DelayHistogram, kBands>& delays) const {
    for (std::size_t band = 0; band < kBands; ++band) {
      for (std::size_t i = 0; i < kDelayBuckets; ++i) delays[band][i] += delays_[band][i].get();
    }
  }

  // The latest, `most` at most, the oldest first.
  template <class Visit>
  void each(std::uint64_t most, Visit&& visit) const {
    const std::uint64_t end = recorded_.get();
    for (std::uint64_t i = end - std::min({end, most, kEvents - 16}); i < end; ++i) {
      const Slot& slot = slots_[i % kEvents];
      const std::uint64_t rest = slot.rest.load(std::memory_order_relaxed);
      visit(Event{slot.start.load(std::memory_order_relaxed),
                  static_cast<std::uint32_t>(rest >> 34), static_cast<std::uint32_t>(rest >> 2),
                  static_cast<Band>(rest & 3)});
    }
  }

 private:
  struct Slot {
    std::atomic<std::int64_t> start;
    std::atomic<std::uint64_t> rest;  // 30 bits of duration, 32 of delay, 2 of band
  };
  std::array<std::array<Tally, kDelayBuckets>, kBands> delays_;
  std::array<Slot, kEvents> slots_;
  Tally recorded_;
};

}  // namespace spillway::executor
