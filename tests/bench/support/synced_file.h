#pragma once

#include <string>

#include "spillway/bytes.h"
#include "spillway/status.h"
#include "tests/bench/report/samples.h"

namespace spillway::bench {

enum class Growth {
  appended,  // as a log grows
  in_place,  // the file has its size beforehand: no metadata goes with the data
};

// How long one write + fdatasync of these bytes takes, over and over for `seconds`.
Result<Samples> synced_writes(const std::string& path, const Bytes& bytes, Growth growth,
                              double seconds);

}  // namespace spillway::bench
