#include "common/executor/worker.h"

#include <thread>

#include "common/executor/core.h"

namespace spillway::executor {
namespace {

// About what a wake-up costs both sides: looking longer costs more than sleeping.
constexpr std::int64_t kSearchNs = 5'000;
// A fork publishes its job without a fence, so a worker that parks while others run might just miss
// it; what was stored is visible to all long before a first short sleep ends.
constexpr std::chrono::microseconds kNap{50};
// A joiner that waits longer than this lends its place.
constexpr std::chrono::microseconds kLendAfter{50};
constexpr unsigned kMaxDepth = 64;  // of strangers' work inside a join
// A batch from the injector should keep a worker busy for about this long.
constexpr std::int64_t kShortBatchNs = 5'000, kLongBatchNs = 20'000;

void pause() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || (defined(__ARM_ARCH) && __ARM_ARCH >= 7)
  asm volatile("yield");
#endif
}

std::uint32_t microseconds(std::int64_t ns) { return static_cast<std::uint32_t>(ns / 1000); }

}  // namespace

Worker::Worker(Executor::Core& core, unsigned index, bool plain)
    : core_(core), idlers_(core.idlers), index_(index), plain_(plain) {}

// A worker's thread, until the executor has stopped; by then all closures have ended. Each turn
// takes the first there is of: its own and outside work, work of others, a short search, sleep. A
// worker that finds something while it searches ends the search and wakes another for the rest, so
// that a burst wakes them one after the other. A seat beyond active() gives its work away and
// sleeps.
void Worker::loop() {
  current_ = this;
  bool searching = false;
  std::int64_t since = 0;  // when the search began
  unsigned streak = 0;     // closures run since it last slept
  while (!core_.stopped()) {
    Entry entry = 0;
    const bool retiring = index_ >= core_.active();
    if (!retiring && !(entry = next())) entry = core_.steal_for(*this, false);
    if ((entry || retiring) && searching) {
      searching = false;
      idlers_.stop();
      core_.wake_for_more(*this);
    }
    if (retiring) {
      retire();
    } else if (entry) {
      run(entry);
      since = 0;
      ++streak;
    } else if (streak != 1 && !since && (searching || (!plain_ && idlers_.start()))) {
      // After a lone closure the next one is rarely near: looking for it would only keep this core
      // from going to whoever brings it.
      searching = true;
      since = now_ns();
    } else if (searching && since && now_ns() - since < kSearchNs) {
      pause();
    } else {
      searching = park(searching);
      since = 0;
      streak = 0;
    }
  }
}

// The next entry to run, of its own and of what waits outside: the better band first, in turns if
// they are equal, and neither passed over for ever.
Entry Worker::next() {
  const unsigned own = band_of(spawned_.newest());
  const bool deep = spawned_.size() > kDeep;
  unsigned outside = band_of(inbox_.oldest());
  if (outside == kBands || gives_way()) outside = std::min(outside, core_.injector.best_band());
  if (outside < kBands && outside <= core_.worst_band(index_)) {
    const unsigned turn = deep ? kDeepTurn : kTurn;
    const bool outside_first = outside < own || (outside == own && passed_outside_ >= turn);
    if (own == kBands || (outside_first ? passed_own_ < kAgeLimit : passed_outside_ >= kAgeLimit)) {
      if (const Entry entry = next_from_outside(outside)) {
        passed_outside_ = 0;
        ++passed_own_;
        return entry;
      }
    }
  }
  if (own == kBands) return 0;
  ++passed_outside_;
  passed_own_ = 0;
  return ++tick_ % (deep ? kDeepOldestTurn : kOldestTurn) ? spawned_.pop() : spawned_.steal();
}

// Whether better closures may pass the batch.
bool Worker::gives_way() {
  if (!late_ && ++looks_ % kLook == 0) late_ = now_ns() - refilled_at_ > kLongBatchNs;
  return late_ && passed_batch_ < kAgeLimit;
}

Entry Worker::next_from_outside(unsigned best) {
  const unsigned waiting = band_of(inbox_.oldest());
  if (waiting == kBands) return refill();
  if (best < waiting) {
    ++passed_batch_;
    if (const Entry entry = take(1)) return entry;
  }
  return inbox_.steal();
}

// Short closures come in large batches, long ones alone. The reserved worker takes each alone, so
// that the best never waits for a batch there.
Entry Worker::refill() {
  const std::int64_t now = now_ns(), took = now - refilled_at_;
  std::size_t batch = batch_;
  if (took > kLongBatchNs) {
    const std::int64_t fits = static_cast<std::int64_t>(batch) * kLongBatchNs / took;
    batch = static_cast<std::size_t>(std::max<std::int64_t>(fits, 1));
  } else if (took < kShortBatchNs && !plain_) {
    batch = std::min<std::size_t>(2 * batch, kBatch);
  }
  const Entry entry = take(batch);
  if (!entry) return 0;
  batch_ = batch;
  refilled_at_ = now;
  late_ = false;
  passed_batch_ = looks_ = 0;
  return entry;
}

// The first of up to `count`; the others wait in the inbox.
Entry Worker::take(std::size_t count) {
  Node* nodes[kBatch];
  bool came = false;
  count = core_.injector.take(nodes, count, core_.worst_band(index_), &came);
  for (std::size_t i = 1; i < count; ++i) inbox_.push(executor::entry_of(nodes[i]));
  if ((count > 1 || came) && idlers_.worth_claiming()) core_.wake_for_more(*this);
  if (!count) return 0;
  tallies.injected.add(count);
  return executor::entry_of(nodes[0]);
}

void Worker::run(Entry entry) {
  const Band outer = std::exchange(band_, static_cast<Band>(band_of(entry)));
  ++depth_;
  if (entry & 1) {
    auto* job = reinterpret_cast<Job*>(entry & ~Entry{7});
    job->run(job);
  } else {
    auto* node = reinterpret_cast<Node*>(entry & ~Entry{7});
    if (node->queued_at || ++runs_ % 64 == 0) {
      run_timed(node);
    } else {
      outcomes.finish(node, core_.discarding());
    }
  }
  --depth_;
  band_ = outer;
}

void Worker::run_timed(Node* node) {
  const std::uint32_t queued_at = node->queued_at;
  const std::int64_t start = now_ns();
  outcomes.finish(node, core_.discarding());
  telemetry.record({start, microseconds(now_ns() - start),
                    queued_at ? microseconds(start) - queued_at : 0, band_},
                   queued_at != 0);
}

// Sleeps until there is something to do; true if woken as a searcher. The order is what loses no
// wake-up, see Idlers: it is marked as parked, looks once more for work or a reason to end, and
// only then sleeps until signal(). While others run the first sleep is a nap, for a fork has no
// fence. Its mark is gone on return, be it by itself or by the claim of whoever woke it.
bool Worker::park(bool searching) {
  auto call = [&] { return index_ >= core_.active() || core_.stopped() || core_.work_for(*this); };
  idlers_.park(index_, searching);
  std::chrono::nanoseconds nap = core_.others_awake() ? kNap : kNap.zero();
  bool first = true;
  while (!call()) {
    if (std::exchange(first, false)) tallies.parked.add();
    // acquire, with signal(): what the waker did is seen.
    while (!signal_.load(std::memory_order_acquire)) {
      futex_wait(signal_, 0, nap);
      if (nap.count()) break;
    }
    nap = {};
    if (signal_.exchange(0, std::memory_order_acquire)) break;
  }
  if (!idlers_.unpark(index_)) return !plain_;
  // Something is there, but out of reach if its pusher was interrupted: let that one go on.
  if (first) std::this_thread::yield();
  return false;
}

void Worker::signal() {
  signal_.store(1, std::memory_order_release);
  futex_wake(signal_);
}

void Worker::flush() {
  for (Entry entry; (entry = steal([](Entry) { return true; }));) {
    core_.injector.push_again(reinterpret_cast<Node*>(entry & ~Entry{7}));
    core_.wake_for_outside(band_of(entry));
  }
}

void Worker::retire() {
  flush();
  while (index_ >= core_.active() && !core_.stopped()) {
    if (!signal_.exchange(0, std::memory_order_acquire)) futex_wait(signal_, 0);
  }
}

void Worker::wake_thief() { core_.wake_for_spawned(); }

void Worker::await(Join& join) {
  for (std::int64_t since = 0; !join.finished();) {
    Entry entry = spawned_.pop();
    if (!entry && depth_ < kMaxDepth) entry = core_.steal_for(*this, true);
    if (entry) {
      run(entry);
      since = 0;
    } else if (!since) {
      since = now_ns();
    } else if (now_ns() - since < kSearchNs) {
      pause();
    } else if (index_ == kGuest) {
      join.sleep();
    } else {
      join.sleep(kLendAfter);
      if (join.finished()) break;
      core_.lend();
      join.sleep();
      core_.take_back();
    }
  }
}

}  // namespace spillway::executor
