#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace spillway::sqlite {

struct StoreCounts {  // kept by the store as it writes, never counted
  std::uint64_t by_state[8] = {};
};

struct StoreReport {
  StoreCounts counts;
  std::uint64_t file_bytes = 0;  // of the database and its write-ahead log
  std::uint64_t free_bytes = 0;  // inside the file, for reuse
  std::uint32_t schema = 0;
  std::vector<std::string> problems;  // of the deep check; empty: none found
};

}  // namespace spillway::sqlite
