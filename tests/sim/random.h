#pragma once

#include <cstdint>

#include "spillway/time.h"

namespace spillway::sim {

// SplitMix64: small, seedable with any number, and the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  unsigned below(unsigned n) { return static_cast<unsigned>(((next() >> 32) * n) >> 32); }
  bool per_mille(unsigned p) { return p > 0 && below(1000) < p; }
  Duration between(Duration low, Duration high) {
    return low + Duration(below(static_cast<unsigned>((high - low).count()) + 1));
  }

 private:
  std::uint64_t state_;
};

}  // namespace spillway::sim
