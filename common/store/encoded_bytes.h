#pragma once

#include <memory>

#include "spillway/bytes.h"

namespace spillway::store {

// A message as wire encoded it: opaque to the stores, shared between memory and a queued write.
using EncodedBytes = std::shared_ptr<const Bytes>;

}  // namespace spillway::store
