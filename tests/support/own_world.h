#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace spillway::test {

// A network and mounts of this process's own, in which packets are really lost and file systems are
// really full; they end with it. Needs root, nft and mkfs.ext4; without them those faults are left
// out. One thread, which must be the one that starts everything else.
class OwnWorld {
 public:
  // Moves the calling thread, and what it starts from now on, there. Why it cannot; empty: done.
  // Doing it again changes nothing.
  static std::string enter();
  static bool entered();

  // From now on so many of a hundred TCP packets of that port are lost, each way; 0: none. Whether
  // that was done.
  static bool lose_packets(std::uint16_t port, unsigned percent);
};

// A small ext4 file system in a file, mounted at a folder, gone with its owner.
class SmallDisk {
 public:
  // Nothing: this machine does not let us.
  static std::optional<SmallDisk> mount(const std::string& folder, std::uint64_t bytes);
  ~SmallDisk();
  SmallDisk(SmallDisk&& other) noexcept : folder_(std::move(other.folder_)) {
    other.folder_.clear();
  }
  SmallDisk& operator=(SmallDisk&&) = delete;

  void fill();   // to the last byte
  void empty();  // of what filled it

  // Bytes that went to the block device so far, its journal's and metadata's included, after
  // everything written was sent there.
  std::uint64_t written() const;

 private:
  explicit SmallDisk(std::string folder) : folder_(std::move(folder)) {}
  std::string filler() const { return folder_ + "/filler"; }
  std::string folder_;  // empty: moved away
};

}  // namespace spillway::test
