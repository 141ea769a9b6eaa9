#include "tests/support/eventually.h"

#include <thread>

namespace spillway::test {

bool eventually(std::chrono::milliseconds timeout, const std::function<bool()>& predicate) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() >= end) return predicate();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace spillway::test
