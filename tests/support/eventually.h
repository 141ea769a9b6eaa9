#pragma once

#include <chrono>
#include <functional>

namespace spillway::test {

// Asks until the answer is yes, or the time is up; the last answer. For what other threads and
// processes do; a unit test has no need of it.
bool eventually(std::chrono::milliseconds timeout, const std::function<bool()>& predicate);

}  // namespace spillway::test
