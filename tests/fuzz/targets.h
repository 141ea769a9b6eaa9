#pragma once

#include <span>

#include "spillway/bytes.h"

// Every decoder of bytes that somebody else made, as a function that takes any bytes and ends the
// program when what came out is not as it should be. A sanitizer sees the rest.
namespace spillway::fuzz {

struct Target {
  const char* name;
  void (*run)(ByteView bytes);
};

std::span<const Target> targets();

}  // namespace spillway::fuzz
