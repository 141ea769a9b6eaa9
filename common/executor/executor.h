#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/executor/task.h"
#include "spillway/status.h"
#include "spillway/task.h"

namespace spillway::executor {

struct Options {
  unsigned workers = 0;            // at most 48; 0: as affinity and cgroup quota allow
  std::size_t capacity = 1 << 16;  // closures from outside that may wait; 4 MB of small ones
  unsigned blocking_limit = 16;    // threads for blocking closures
  std::chrono::milliseconds blocking_idle{5000};  // after which such a thread ends
};

struct SubmitOptions {
  Band band = Band::normal;
  std::optional<std::chrono::steady_clock::time_point> deadline;  // to have started by
  std::stop_token stop;
  bool blocking = false;  // waits more than it computes: runs on the elastic pool
};

// What became of every closure: accepted == ran + expired + cancelled + dropped, once shut down.
// `failed` counts those of `ran` that threw with nobody to tell.
struct ShutdownReport {
  std::uint64_t accepted = 0, ran = 0, expired = 0, cancelled = 0, dropped = 0, failed = 0;
};

// Upper bounds of the delay histogram's buckets are 2^i microseconds; the last has none.
inline constexpr std::size_t kDelayBuckets = 24;
using DelayHistogram = std::array<std::uint64_t, kDelayBuckets>;

struct WorkerCounters {
  std::uint64_t run = 0, stolen = 0, injected = 0, parked = 0;
};

// A snapshot; each number is exact for some instant of the call, together they need not be.
struct Counters {
  ShutdownReport closures;
  std::uint64_t refused = 0;  // submissions answered busy
  std::size_t queued = 0;     // closures from outside that wait for a worker
  std::size_t blocking_threads = 0;
  std::array<DelayHistogram, kBands> queue_delay{};  // sampled
  std::vector<WorkerCounters> workers;
};

enum class Shutdown { drain, cancel };

// A pool of workers that steal from each other. All members may be called from any thread.
class Executor {
 public:
  explicit Executor(Options options = {});
  ~Executor();  // shutdown(cancel)
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Queues a closure by band, earliest deadline first inside a band, else in order of arrival.
  // Never blocks. Refused with Code::busy (a budget is full; retry_after is a hint) or
  // Code::unavailable (shut down); a refused closure is told Outcome::dropped.
  Status try_submit(Task closure, const SubmitOptions& options = {});

  // Continues work that was admitted before: from a worker the closure goes to that worker's own
  // deque, newest first, and is never refused for want of room; from outside it joins the queue of
  // `normal`, whatever its length. After shutdown the closure is told Outcome::dropped.
  void post(Task closure);

  unsigned width() const;
  unsigned blocking_limit() const;  // threads for blocking closures, as in Options
  // Keeps at most this many workers (>= 1) active, within what the process may use; running
  // closures finish where they are, waiting ones move. Takes effect at once or at their end.
  void set_width(unsigned upper_bound);

  Counters counters() const;
  // The latest timed closures, a thousand a worker or `most` in all, in the JSON that
  // chrome://tracing reads; about 110 bytes each.
  std::string chrome_trace(std::size_t most = ~std::size_t{0}) const;

  // Ends admission, then runs what waits or tells it Outcome::dropped; returns when every closure
  // is accounted for. Not from a worker. A second call returns the same report.
  ShutdownReport shutdown(Shutdown mode);

  class Core;
  Core& core() { return *core_; }  // for the fork-join templates

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace spillway::executor
