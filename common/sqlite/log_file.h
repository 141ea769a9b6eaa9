#pragma once

#include <cstdint>
#include <string>

namespace spillway::sqlite {

// What a write-ahead log tells without SQLite, which takes one whose header is damaged for empty
// and says nothing. Its format: https://sqlite.org/fileformat2.html#walformat. Whatever stands in
// the file is hostile; a file that cannot be read is an empty one.
struct LogPages {
  std::uint64_t pages = 0;  // of the database after the last whole commit; 0: there is none
  bool has_first = false;   // the database's first page is among those that were committed
};
LogPages pages_of_log(const std::string& path);

// The header cannot be what SQLite wrote, and what follows it is a log's: commits may be in it that
// nobody will read. No power cut leaves that: a header is one sector, written before its frames.
bool has_lost_header(const std::string& path);

}  // namespace spillway::sqlite
