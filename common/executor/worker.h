#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>

#include "common/executor/deque.h"
#include "common/executor/executor.h"
#include "common/executor/futex.h"
#include "common/executor/idlers.h"
#include "common/executor/injector.h"
#include "common/executor/task.h"
#include "common/executor/telemetry.h"

namespace spillway::executor {

// Work forked off by a frame that will join it before it returns, and that holds it. Aligned so
// that an Entry has its three low bits to itself, on machines of 32 bits, too.
struct alignas(8) Job {
  explicit Job(void (*body)(Job*)) : run(body) {}
  void (*run)(Job*);  // called at most once, by a thief; ends with join.done(), throws nothing
  Join join{1};
};

// A Node or a Job, with the band in bits 1 and 2 and bit 0 set for a Job. Zero is none.
using Entry = std::uintptr_t;
static_assert(alignof(Job) >= 8 && alignof(Node) >= 8);
inline Entry entry_of(Node* node) {
  return reinterpret_cast<Entry>(node) | static_cast<Entry>(node->band) << 1;
}
inline unsigned band_of(Entry entry) { return entry ? entry >> 1 & 3U : kBands; }

// One seat of the executor: a worker thread's, or a guest's, a thread from outside for as long as
// it takes part in its own fork-join work. Only the thread that holds the seat calls members,
// except steal(), oldest_band(), signal() and the counters, which are for all.
class Worker {
 public:
  // Outside work of a band as good as the deque's newest starts after at most kTurn closures of
  // this worker's own (kDeepTurn while its deque is deep, so that it does not grow further), and
  // any work at all, its own or from outside, is passed over for the other at most kAgeLimit times.
  static constexpr unsigned kTurn = 1, kDeepTurn = 8, kAgeLimit = 64;
  // Every 16th of its own is its oldest, so that none stays for ever below those that post
  // themselves again; rarely when deep, for going breadth first makes it deeper.
  static constexpr unsigned kOldestTurn = 16, kDeepOldestTurn = 1024;
  static constexpr std::size_t kDeep = 256;
  // Short closures come from the injector in batches of up to kBatch. A better closure that comes
  // later waits until the batch has taken long, and kLook closures more, for the clock is read that
  // often; then it goes first, as do up to kAgeLimit while one batch waits.
  static constexpr unsigned kBatch = 64, kLook = 8;
  // The most closures from outside that a worker runs before the first one of any band: the batch
  // it had, what the injector gives out first (better ones, and of each worse band one that was due
  // already and one that falls due at the same time), and what passes the batch it comes with.
  // Those before it in that batch are among what the injector gave out.
  static constexpr unsigned kLongestWait = kBatch + Injector::kLongestWait + kAgeLimit;

  static constexpr unsigned kGuest = Idlers<>::kMax;  // index of every guest

  Worker(Executor::Core& core, unsigned index, bool plain);

  static Worker* current() { return current_; }
  static Worker* of(const Executor::Core& core) {
    return current_ && &current_->core_ == &core ? current_ : nullptr;
  }
  static void set_current(Worker* worker) { current_ = worker; }

  void loop();   // until the executor has stopped
  void flush();  // hands what it has queued to the others

  // A closure spawned here; false when the deque is full.
  bool push(Node* node) { return spawned_.push(executor::entry_of(node)); }
  bool full() const { return spawned_.size() >= kSpawned; }
  bool has_spawned() const { return spawned_.size() != 0; }

  // Offers the job to thieves; false when there is no room for it.
  bool fork(Job& job) {
    if (!spawned_.push(entry_of(job))) return false;
    if (idlers_.worth_claiming()) wake_thief();
    return true;
  }
  // Runs what was spawned after the job; true if nobody took the job, which is then the caller's.
  bool take_back(Job& job) {
    for (Entry entry; (entry = spawned_.pop());) {
      if (entry == entry_of(job)) return true;
      run(entry);
    }
    return false;
  }
  // Until finished: runs what this worker spawned, then what others did; then sleeps, its place
  // taken by a spare worker if it is a worker.
  void await(Join& join);

  template <class Wanted>
  Entry steal_spawned(Wanted&& wanted) {
    return spawned_.steal(wanted);
  }
  template <class Wanted>
  Entry steal(Wanted&& wanted) {
    const Entry entry = spawned_.steal(wanted);
    return entry ? entry : inbox_.steal(wanted);
  }
  // The band of something that can be stolen here, kBands if nothing can.
  unsigned oldest_band() const {
    const unsigned band = band_of(spawned_.oldest());
    return band < kBands ? band : band_of(inbox_.oldest());
  }
  void signal();

  unsigned index() const { return index_; }
  Band band() const { return band_; }

  Outcomes outcomes;
  Telemetry telemetry;
  struct Tallies {
    Tally spawned, stolen, injected, parked;
  };
  Tallies tallies;
  std::atomic<bool> taken{true};  // a guest's seat: whether a thread sits on it
  std::size_t last_victim = 0;

 private:
  static constexpr std::size_t kSpawned = 1024;

  Entry entry_of(Job& job) const {
    return reinterpret_cast<Entry>(&job) | static_cast<Entry>(band_) << 1 | 1;
  }
  Entry next();
  bool gives_way();
  Entry next_from_outside(unsigned best);
  Entry refill();
  Entry take(std::size_t count);
  void run(Entry entry);
  void run_timed(Node* node);
  bool park(bool searching);
  void retire();
  void wake_thief();

  inline static constinit thread_local Worker* current_ = nullptr;

  Executor::Core& core_;
  Idlers<>& idlers_;
  const unsigned index_;
  const bool plain_;          // never counts as a searcher: it is kept for high bands
  Band band_ = Band::normal;  // of what runs
  unsigned depth_ = 0;        // closures running on this thread, one inside the other
  unsigned passed_outside_ = 0, passed_own_ = 0, tick_ = 0, runs_ = 0;
  unsigned passed_batch_ = 0, looks_ = 0;
  bool late_ = false;  // the batch has taken long: better ones that came since go first
  std::size_t batch_ = 1;
  std::int64_t refilled_at_ = 0;

  Deque<Entry, kSpawned> spawned_;
  Deque<Entry, kBatch> inbox_;  // a batch from the injector, oldest first, not run yet
  alignas(64) std::atomic<std::uint32_t> signal_{0};
};

}  // namespace spillway::executor
