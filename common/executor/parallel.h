#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <utility>
#include <vector>

#include "common/executor/core.h"
#include "common/executor/task_group.h"
#include "common/threads/mutex.h"

// Fork-join. The caller takes part, be it a worker or a thread from outside; a join runs what was
// forked and never blocks a worker. Hold no lock across these calls: what runs meanwhile may want
// it.
namespace spillway::executor {

// This thread's seat, taken as a guest if it has none; null when the guests' seats are all taken.
class Seat {
 public:
  explicit Seat(Executor& executor) : core_(executor.core()), worker_(Worker::of(core_)) {
    if (worker_) return;
    if ((guest_ = worker_ = core_.sit_down())) {
      outer_ = Worker::current();
      Worker::set_current(guest_);
    }
  }
  ~Seat() {
    if (!guest_) return;
    Worker::set_current(outer_);
    core_.stand_up(guest_);
  }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

  Worker* worker() const { return worker_; }

 private:
  Executor::Core& core_;
  Worker* worker_;
  Worker* guest_ = nullptr;
  Worker* outer_ = nullptr;
};

template <class F>
class ForkedCall : public Job {
 public:
  explicit ForkedCall(F& f) : Job(&steal), f_(f) {}
  std::exception_ptr error;

 private:
  static void steal(Job* job) {
    auto* self = static_cast<ForkedCall*>(job);
    try {
      self->f_();
    } catch (...) {
      self->error = std::current_exception();
    }
    self->join.done();
  }
  F& f_;
};

// On the worker's thread: `g` is on offer while `f` runs, then taken back, or waited for when it
// was taken. On return, be it by an exception, nobody has it any more.
template <class F, class G>
void parallel_invoke(Worker& worker, F& f, G& g) {
  ForkedCall<G> second(g);
  if (!worker.fork(second)) {
    f();
    g();
    return;
  }
  try {
    f();
  } catch (...) {
    if (!worker.take_back(second)) worker.await(second.join);
    throw;
  }
  if (worker.take_back(second)) {
    g();
    return;
  }
  worker.await(second.join);
  if (second.error) std::rethrow_exception(second.error);
}

// Runs both, in parallel where that is possible; returns when both are done. If both throw, the
// exception of f goes on; if f throws, g may not have been run.
template <class F, class G>
void parallel_invoke(Executor& executor, F&& f, G&& g) {
  if (Worker* worker = Worker::of(executor.core())) return parallel_invoke(*worker, f, g);
  Seat seat(executor);
  if (seat.worker()) return parallel_invoke(*seat.worker(), f, g);
  f();
  g();
}

// One parallel_for in progress. Ranges are split lazily (Tzannes et al., PPoPP'10): half of what
// is left is offered whenever nothing of ours is on offer, so nobody needs to choose a grain.
template <class Body>
class Loop {
 public:
  Loop(Body& body, unsigned width) : body_(body), width_(width) {}

  void run(Worker* worker, std::size_t begin, std::size_t end) {
    grain_ = 1;
    // Waking others costs microseconds. A loop of many elements first shows that it takes longer;
    // one of few cannot tell in time.
    if (end - begin > kProbeFrom * width_) begin = probe(begin, end);
    if (worker && width_ > 1) {
      split(*worker, begin, end);
    } else {
      call(begin, end);
    }
    error_.rethrow();
  }

 private:
  static constexpr std::size_t kProbeFrom = 16;
  static constexpr std::int64_t kProbeNs = 5'000;

  class Half : public Job {
   public:
    Half(Loop& loop, std::size_t begin, std::size_t end)
        : Job(&steal), loop_(loop), begin_(begin), end_(end) {}

   private:
    static void steal(Job* job) {
      auto* self = static_cast<Half*>(job);
      self->loop_.split(*Worker::current(), self->begin_, self->end_);
      self->join.done();
    }
    Loop& loop_;
    const std::size_t begin_, end_;
  };

  // Runs ever larger ranges until they take long enough to be worth waking somebody, and makes
  // the last one the grain, unless that leaves too few for all. Returns where it stopped.
  std::size_t probe(std::size_t begin, std::size_t end) {
    const std::int64_t start = now_ns();
    const std::size_t most = std::max<std::size_t>(1, (end - begin) / (kGrains * width_));
    for (std::size_t size = 1; begin < end; size *= 4) {
      const std::size_t stop = begin + std::min(size, end - begin);
      call(begin, stop);
      begin = stop;
      grain_ = std::min(size, most);
      if (now_ns() - start > kProbeNs) break;
    }
    return begin;
  }

  void split(Worker& worker, std::size_t begin, std::size_t end) {
    while (end - begin > grain_ && !error_.failed()) {
      if (worker.has_spawned()) {
        call(begin, begin + grain_);
        begin += grain_;
        continue;
      }
      const std::size_t middle = begin + (end - begin) / 2;
      Half second(*this, middle, end);
      if (!worker.fork(second)) break;
      split(worker, begin, middle);
      if (!worker.take_back(second)) return worker.await(second.join);
      begin = middle;
    }
    call(begin, end);
  }

  void call(std::size_t begin, std::size_t end) {
    if (begin >= end || error_.failed()) return;
    try {
      body_(begin, end);
    } catch (...) {
      error_.set(std::current_exception());
    }
  }

  static constexpr std::size_t kGrains = 64;  // per worker, at least

  Body& body_;
  const unsigned width_;
  std::size_t grain_ = 1;
  FirstError error_;
};

// Calls body(begin, end) on disjoint ranges that cover [begin, end), in parallel; returns when all
// are done. The first exception of a range is rethrown here; ranges not begun by then are skipped.
template <class Body>
void parallel_for(Executor& executor, std::size_t begin, std::size_t end, Body&& body) {
  if (begin >= end) return;
  Seat seat(executor);
  Loop<Body>(body, executor.width()).run(seat.worker(), begin, end);
}

// by_index: the ranges depend on the size alone and are combined in their order, so the bits are
// the same whatever the width. any: combined as they end, for an associative and commutative
// combine; fewer, larger ranges.
enum class Order { by_index, any };

// The combination of map(begin, end) over ranges that cover [begin, end); identity if it is empty.
template <class T, class Map, class Combine>
T parallel_reduce(Executor& executor, std::size_t begin, std::size_t end, T identity, Map&& map,
                  Combine&& combine, Order order = Order::by_index) {
  constexpr std::size_t kParts = 256;
  if (begin >= end) return identity;
  if (order == Order::any) {
    threads::Mutex mutex;
    T total = identity;
    parallel_for(executor, begin, end, [&](std::size_t first, std::size_t last) {
      T part = map(first, last);
      threads::Lock lock(mutex);
      total = combine(std::move(total), std::move(part));
    });
    return total;
  }
  const std::size_t size = end - begin, count = std::min(size, kParts);
  auto bound = [&](std::size_t i) { return begin + size / count * i + std::min(i, size % count); };
  std::vector<T> parts(count, identity);
  parallel_for(executor, 0, count, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) parts[i] = map(bound(i), bound(i + 1));
  });
  T total = std::move(identity);
  for (T& part : parts) total = combine(std::move(total), std::move(part));
  return total;
}

}  // namespace spillway::executor
