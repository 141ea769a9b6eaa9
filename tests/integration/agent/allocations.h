#pragma once

#include <cstddef>
#include <vector>

namespace spillway::test {

// The memory that all threads but the calling one take, in pieces of at least `least` bytes, from
// here to the end: by whoever in this process, C or C++. One at a time.
class Allocations {
 public:
  explicit Allocations(std::size_t least);
  ~Allocations();

  std::vector<std::size_t> sizes() const;  // of the first kMost, in the order in which they came

  static constexpr std::size_t kMost = 64;
};

}  // namespace spillway::test
