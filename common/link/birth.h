#pragma once

#include <cstdint>

#include "common/wire/messages.h"

namespace spillway::link {

// What a node of either side says of itself when it comes, but for its kinds and its lives.
template <class NodeOptions>
wire::Presence birth_of(const NodeOptions& options, std::uint32_t workers) {
  wire::Presence self;
  self.boot = options.boot;
  self.version = options.version;
  self.workers = workers;
  self.memory = options.memory;
  self.tags = options.tags;
  return self;
}

}  // namespace spillway::link
