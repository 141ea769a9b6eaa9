#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "spillway/time.h"

namespace spillway::sim {

// How much of a schedule to run; smaller numbers make a failure easier to read.
struct Limits {
  std::size_t max_tasks = ~std::size_t{0};
  std::uint32_t chaos_events = ~0U;  // faults stop after as many events
};

struct Outcome {
  std::string failure;  // empty: all checks held
  std::uint32_t events = 0;
  Duration healing{};  // from the end of faults until nothing was left to do
  std::string log;     // when it was asked for
};

}  // namespace spillway::sim
