#pragma once

#include <string>

#include "spillway/bytes.h"
#include "spillway/status.h"
#include "tests/bench/support/samples.h"

namespace spillway::bench {

// How long one write + fdatasync of these bytes takes, over and over for `seconds`. The file has
// its size beforehand, so that no metadata goes with the data: what a disk does at best.
Result<Samples> synced_writes(const std::string& path, const Bytes& bytes, double seconds);

}  // namespace spillway::bench
