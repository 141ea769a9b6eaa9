#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/sqlite/database.h"
#include "common/sqlite/file_meter.h"
#include "common/sqlite/schema.h"

// A store's file from one start to the next: made whole or not at all, opened with settings that
// are read back, and replaced when it is damaged. The damaged file is kept beside it for
// inspection.
namespace spillway::sqlite {

struct FileOptions {
  std::uint32_t cache_kib = 512;  // of SQLite's page cache
  // Bytes the file and its log may take; beyond them the disk counts as full. 0: no limit.
  std::uint64_t disk = 0;
  SharedMeter meter;  // holds the edge to the byte; none: SQLite holds it to about its log
};

// What a kind of store adds to a plain file.
struct FileKind {
  Schema schema;
  // Writes the first rows of a new file.
  std::function<Status(const Database& fresh)> found;
  // Reads all that a start needs and keeps the database when that went well; `corrupt` sends the
  // file to quarantine.
  std::function<Status(Database database)> recover;
  // Copies what can be read from a damaged file into an empty one and answers how many rows. The
  // damaged one's schema may be older or newer by what additive migrations added. Not called when
  // the damaged file cannot even be opened. After 0 the new file is founded afresh. Errors are
  // those of the empty one. Unless told otherwise nothing is copied. Of a file that lost its
  // content, what its log still holds is read.
  std::function<Result<std::uint64_t>(const Database& damaged, const Database& fresh)> salvage =
      [](const Database&, const Database&) { return Result<std::uint64_t>(std::uint64_t{0}); };
  // Notes in the file that takes a damaged one's place that nobody knows what was in that.
  std::function<Status(const Database& fresh)> note_damage = [](const Database&) {
    return Status();
  };
};

struct OpenedFile {
  bool fresh = false;                      // made now: it did not exist, or was damaged
  std::optional<std::string> quarantined;  // where the damaged file went
  std::uint64_t salvaged = 0;              // rows carried over
};

// Blocks on the disk, and while another process makes or mends files of that folder. A kill at any
// instruction leaves the old file, or the new one, for the next call. busy: another process has the
// file, or the disk is full; invalid_argument: it is of something else; unsupported: a newer
// version used it; denied or io: the system does not let it be read.
Result<OpenedFile> open_file(const std::string& path, const FileKind& kind,
                             const FileOptions& options);

// Whether a file of this name is a damaged one that was set aside (not a log that went with it).
bool is_set_aside(std::string_view name);

// Damage that shows in use is left for the next start to deal with: this leaves a mark that it will
// find. Failing to leave it is not an error; the damage is then found again.
void mark_damaged(const std::string& path);

}  // namespace spillway::sqlite
