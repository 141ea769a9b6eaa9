#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

#include "common/executor/executor.h"
#include "common/executor/task_group.h"

namespace spillway::executor {

// Calls body(begin, end) on disjoint ranges that cover [begin, end), in parallel; returns when all
// are done. The caller takes part, be it a worker or a thread from outside. The first exception of
// a range is rethrown here, and ranges not begun by then are skipped.
template <class Body>
void parallel_for(Executor& executor, std::size_t begin, std::size_t end, Body&& body) {
  if (begin >= end) return;
  const std::size_t chunks = std::min<std::size_t>(end - begin, 8 * executor.width());
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  auto work = [&] {
    for (std::size_t i; !failed && (i = next.fetch_add(1)) < chunks;) {
      try {
        body(begin + (end - begin) * i / chunks, begin + (end - begin) * (i + 1) / chunks);
      } catch (...) {
        failed = true;
        throw;
      }
    }
  };
  TaskGroup group(executor);
  for (unsigned i = 1; i < executor.width(); ++i) group.spawn(work);
  std::exception_ptr error;
  try {
    work();
  } catch (...) {
    error = std::current_exception();
  }
  group.wait();
  if (error) std::rethrow_exception(error);
}

// Runs both, in parallel where that is possible; returns when both are done.
template <class F, class G>
void parallel_invoke(Executor& executor, F&& f, G&& g) {
  parallel_for(executor, 0, 2, [&](std::size_t begin, std::size_t end) {
    if (begin == 0) f();
    if (end == 2) g();
  });
}

// by_index gives the same bits whatever the width: ranges depend on the size only and are combined
// in order. any combines as ranges end, so combine must be associative and commutative.
enum class Order { by_index, any };

// combine over map(begin, end) of ranges that cover [begin, end); identity for an empty one.
template <class T, class Map, class Combine>
T parallel_reduce(Executor& executor, std::size_t begin, std::size_t end, T identity, Map&& map,
                  Combine&& combine, [[maybe_unused]] Order order = Order::by_index) {
  if (begin >= end) return identity;
  const std::size_t chunks = std::min<std::size_t>(end - begin, 256);
  std::vector<T> parts(chunks, identity);
  parallel_for(executor, 0, chunks, [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) {
      parts[i] = map(begin + (end - begin) * i / chunks, begin + (end - begin) * (i + 1) / chunks);
    }
  });
  T total = std::move(identity);
  for (T& part : parts) total = combine(std::move(total), std::move(part));
  return total;
}

}  // namespace spillway::executor
