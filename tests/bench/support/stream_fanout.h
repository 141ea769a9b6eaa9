#pragma once

#include <cstdint>
#include <string>

#include "spillway/status.h"
#include "tests/bench/report/samples.h"

namespace spillway::bench {

struct FanoutResult {
  Samples first, last;  // seconds from a change to the first and to the last client that has it
  std::uint64_t streams = 0;
};

// Times so many clients of the cloud's event stream, on loopback and one thread, and changes of a
// fleet one after the other; each is waited for until everybody has it. Any one thread.
Result<FanoutResult> measure_fanout(const std::string& directory, std::size_t clients,
                                    unsigned changes);

}  // namespace spillway::bench
