#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace spillway::sqlite {

// What one store's files hold and wrote, counted where SQLite reads and writes them, and the edge
// that they never pass: a write that would is refused as if the disk were full. Any thread.
struct FileMeter {
  // Bytes; 0: no limit. The log may use what the file's part leaves.
  std::atomic<std::uint64_t> limit{0};
  std::atomic<std::uint64_t> file_part{0};

  std::atomic<std::uint64_t> file{0};     // bytes of the database
  std::atomic<std::uint64_t> log{0};      // bytes of the write-ahead log or journal
  std::atomic<std::uint64_t> written{0};  // bytes written since the meter was made
  std::uint64_t total() const { return file + log; }

  // As of the last commit: bytes in use inside the file, and spent of a day's budget of writing.
  std::atomic<std::uint64_t> in_use{0};
  std::atomic<std::uint64_t> flash_spent{0};
  std::uint64_t flash_per_day = 0;  // set before use; 0: no limit
};
using SharedMeter = std::shared_ptr<FileMeter>;

// From now on `path` and its log are metered whenever metered_vfs() opens them, as long as the
// meter lives.
void meter_files(const std::string& path, const SharedMeter& meter);

// The name of SQLite's default file system with meters. Files without a meter pass through.
const char* metered_vfs();

}  // namespace spillway::sqlite
