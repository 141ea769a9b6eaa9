#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "spillway/bytes.h"
#include "tests/support/disk/file_calls.h"

namespace spillway::test {

// The files of one folder, by name.
using DiskImage = std::map<std::string, Bytes>;

DiskImage read_folder(const std::string& folder);
// The folder then holds these files and nothing else.
void write_folder(const std::string& folder, const DiskImage& image);

// How much of what was never synced a power cut leaves.
enum class Survives : std::uint8_t {
  nothing,  // the drive had written none of it
  all,      // all of it, as after kill -9
  some,     // any subset of writes, the last of them torn at a sector
  sectors,  // any subset of sectors, in any order
};

// Everything that happened to one folder, in order, and what the disk may hold of it when the
// power goes. A write is safe once its file was synced after it; a name (made, moved, removed) once
// the folder was, and names are lost from the end, as journals of file systems do; nothing else is
// promised. Any thread.
class RecordedDisk final : public FileWatcher {
 public:
  // `base`: what is durably there already.
  RecordedDisk(std::string folder, const DiskImage& base);

  // Notes that a promise was made to somebody at this point.
  void mark(std::uint64_t promise);
  // A drive that answers syncs and does nothing.
  void lie() { lies_ = true; }

  std::size_t size() const;  // operations recorded
  std::size_t promises() const;
  // The promise with the highest number made before operation `cut`; 0: none.
  std::uint64_t promised_at(std::size_t cut) const;
  // Cutting between two syncs differs from cutting at them only by what is unsynced, so these are
  // the instants of syncs and marks, and of names.
  std::vector<std::size_t> points() const;
  DiskImage cut_at(std::size_t cut, Survives survives, std::uint64_t seed) const;

  void opened(int fd, const std::string& path, int flags) override;
  void wrote(int fd, const void* bytes, std::size_t size, off_t at) override;
  void truncated(int fd, off_t size) override;
  void synced(int fd) override;
  void closed(int fd) override;
  void renamed(const std::string& from, const std::string& to) override;
  void removed(const std::string& path) override;

 private:
  enum class Act : std::uint8_t { create, write, truncate, sync, rename, remove, sync_names, mark };
  struct Operation {
    Act act = Act::write;
    std::uint32_t file = 0;
    std::uint64_t at = 0;  // offset, size or promise
    Bytes bytes;
    std::string name, to;
  };
  struct Settled;

  // Empty when the path is not in the folder.
  std::string name_of(const std::string& path) const;
  std::uint32_t file_of(const std::string& name);
  void record(Operation operation) { operations_.push_back(std::move(operation)); }
  Settled settled_at(std::size_t cut) const;
  void apply_content(std::vector<Bytes>& files, std::size_t cut, Survives survives,
                     std::mt19937_64& random, const Settled& settled) const;
  std::map<std::string, std::uint32_t> names_at(std::size_t cut, Survives survives,
                                                std::mt19937_64& random,
                                                const Settled& settled) const;

  const std::string folder_;
  mutable std::mutex mutex_;
  bool lies_ = false;
  std::vector<Bytes> base_;  // by file number
  std::map<std::string, std::uint32_t> base_names_, names_;
  std::map<int, std::uint32_t> open_;  // descriptors of files
  std::vector<int> folders_;           // and of the folder itself
  std::uint32_t next_file_ = 0;
  std::vector<Operation> operations_;
};

// For counting distinct ones.
std::uint64_t fingerprint(const DiskImage& image);

}  // namespace spillway::test
