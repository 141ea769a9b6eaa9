#include "tests/support/disk/recorded_disk.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace spillway::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSector = 512;  // bytes; what a drive writes whole or not at all

void put(Bytes& file, std::uint64_t at, const std::uint8_t* bytes, std::size_t size) {
  if (file.size() < at + size) file.resize(at + size);
  std::memcpy(file.data() + at, bytes, size);
}

// Each sector of a write for itself.
void put_some_sectors(Bytes& file, std::uint64_t at, const Bytes& bytes, std::mt19937_64& random) {
  for (std::size_t done = 0; done < bytes.size();) {
    const auto begun = static_cast<std::size_t>((at + done) % kSector);
    const std::size_t size = std::min(bytes.size() - done, kSector - begun);
    if (random() % 2 == 0) put(file, at + done, bytes.data() + done, size);
    done += size;
  }
}

// The first part of a write, ending where a sector does.
void put_torn(Bytes& file, std::uint64_t at, const Bytes& bytes, std::mt19937_64& random) {
  const std::uint64_t end = (at + random() % (bytes.size() + 1)) / kSector * kSector;
  if (end > at) put(file, at, bytes.data(), static_cast<std::size_t>(end - at));
}

}  // namespace

DiskImage read_folder(const std::string& folder) {
  DiskImage image;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    image[entry.path().filename().string()] = Bytes(std::istreambuf_iterator<char>(in), {});
  }
  return image;
}

void write_folder(const std::string& folder, const DiskImage& image) {
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const auto& [name, bytes] : image) {
    std::ofstream out(std::filesystem::path(folder) / name, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
  }
}

RecordedDisk::RecordedDisk(std::string folder, const DiskImage& base) : folder_(std::move(folder)) {
  for (const auto& [name, bytes] : base) {
    base_names_[name] = next_file_++;
    base_.push_back(bytes);
  }
  names_ = base_names_;
}

void RecordedDisk::mark(std::uint64_t promise) {
  const std::lock_guard lock(mutex_);
  record({Act::mark, 0, promise, {}, {}, {}});
}

std::size_t RecordedDisk::size() const {
  const std::lock_guard lock(mutex_);
  return operations_.size();
}

std::size_t RecordedDisk::promises() const {
  return static_cast<std::size_t>(
      std::count_if(operations_.begin(), operations_.end(),
                    [](const Operation& operation) { return operation.act == Act::mark; }));
}

std::uint64_t RecordedDisk::promised_at(std::size_t cut) const {
  std::uint64_t promised = 0;
  for (std::size_t i = 0; i < cut; ++i) {
    if (operations_[i].act == Act::mark) promised = std::max(promised, operations_[i].at);
  }
  return promised;
}

std::vector<std::size_t> RecordedDisk::points() const {
  std::vector<std::size_t> points;
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const Act act = operations_[i].act;
    if (act == Act::write || act == Act::truncate) continue;
    // Just before it, when the most is unsynced, and just after.
    points.push_back(i);
    points.push_back(i + 1);
  }
  points.push_back(operations_.size());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

// The operations from which on nothing is safe: by file, and for names.
struct RecordedDisk::Settled {
  std::vector<std::size_t> content;
  std::size_t names = 0;
};

RecordedDisk::Settled RecordedDisk::settled_at(std::size_t cut) const {
  Settled settled;
  settled.content.resize(next_file_);
  if (lies_) return settled;
  for (std::size_t i = 0; i < cut; ++i) {
    const Operation& operation = operations_[i];
    if (operation.act == Act::sync) settled.content[operation.file] = i;
    if (operation.act == Act::sync_names) settled.names = i;
  }
  return settled;
}

void RecordedDisk::apply_content(std::vector<Bytes>& files, std::size_t cut, Survives survives,
                                 std::mt19937_64& random, const Settled& settled) const {
  for (std::size_t i = 0; i < cut; ++i) {
    const Operation& operation = operations_[i];
    if (operation.act != Act::write && operation.act != Act::truncate) continue;
    Bytes& file = files[operation.file];
    const bool safe = i < settled.content[operation.file];
    if (!safe && survives == Survives::nothing) continue;
    const bool whole = safe || survives == Survives::all || random() % 2 == 0;
    if (operation.act == Act::truncate) {
      if (whole) file.resize(operation.at);
    } else if (!safe && survives == Survives::sectors) {
      put_some_sectors(file, operation.at, operation.bytes, random);
    } else if (whole) {
      put(file, operation.at, operation.bytes.data(), operation.bytes.size());
    } else if (random() % 4 == 0) {
      put_torn(file, operation.at, operation.bytes, random);
    }
  }
}

std::map<std::string, std::uint32_t> RecordedDisk::names_at(std::size_t cut, Survives survives,
                                                            std::mt19937_64& random,
                                                            const Settled& settled) const {
  std::map<std::string, std::uint32_t> names = base_names_;
  bool ended = false;
  for (std::size_t i = 0; i < cut && !ended; ++i) {
    const Operation& operation = operations_[i];
    const bool of_names = operation.act == Act::create || operation.act == Act::rename ||
                          operation.act == Act::remove;
    if (!of_names) continue;
    if (i >= settled.names && survives != Survives::all) {
      ended = survives == Survives::nothing || random() % 3 == 0;
      if (ended) break;
    }
    if (operation.act == Act::create) {
      names[operation.name] = operation.file;
    } else if (operation.act == Act::remove) {
      names.erase(operation.name);
    } else if (const auto from = names.find(operation.name); from != names.end()) {
      names[operation.to] = from->second;
      names.erase(operation.name);
    }
  }
  return names;
}

DiskImage RecordedDisk::cut_at(std::size_t cut, Survives survives, std::uint64_t seed) const {
  const std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  const Settled settled = settled_at(cut);
  std::vector<Bytes> files = base_;
  files.resize(next_file_);
  apply_content(files, cut, survives, random, settled);
  DiskImage image;
  for (const auto& [name, file] : names_at(cut, survives, random, settled)) {
    image[name] = files[file];
  }
  return image;
}

std::string RecordedDisk::name_of(const std::string& path) const {
  const std::string prefix = folder_ + "/";
  if (!path.starts_with(prefix)) return {};
  std::string name = path.substr(prefix.size());
  return name.find('/') == std::string::npos ? name : std::string();
}

std::uint32_t RecordedDisk::file_of(const std::string& name) {
  if (const auto known = names_.find(name); known != names_.end()) return known->second;
  names_[name] = next_file_;
  record({Act::create, next_file_, 0, {}, name, {}});
  return next_file_++;
}

void RecordedDisk::opened(int fd, const std::string& path, int flags) {
  const std::lock_guard lock(mutex_);
  if (path == folder_) return folders_.push_back(fd);
  const std::string name = name_of(path);
  if (name.empty()) return;
  open_[fd] = file_of(name);
  if ((flags & O_TRUNC) != 0) record({Act::truncate, open_[fd], 0, {}, {}, {}});
}

void RecordedDisk::wrote(int fd, const void* bytes, std::size_t size, off_t at) {
  const std::lock_guard lock(mutex_);
  const auto file = open_.find(fd);
  if (file == open_.end()) return;
  const auto* first = static_cast<const std::uint8_t*>(bytes);
  record({Act::write,
          file->second,
          static_cast<std::uint64_t>(at),
          Bytes(first, first + size),
          {},
          {}});
}

void RecordedDisk::truncated(int fd, off_t size) {
  const std::lock_guard lock(mutex_);
  const auto file = open_.find(fd);
  if (file == open_.end()) return;
  record({Act::truncate, file->second, static_cast<std::uint64_t>(size), {}, {}, {}});
}

void RecordedDisk::synced(int fd) {
  const std::lock_guard lock(mutex_);
  if (std::find(folders_.begin(), folders_.end(), fd) != folders_.end()) {
    return record({Act::sync_names, 0, 0, {}, {}, {}});
  }
  const auto file = open_.find(fd);
  if (file != open_.end()) record({Act::sync, file->second, 0, {}, {}, {}});
}

void RecordedDisk::closed(int fd) {
  const std::lock_guard lock(mutex_);
  std::erase(folders_, fd);
  open_.erase(fd);
}

void RecordedDisk::renamed(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex_);
  const auto known = names_.find(name_of(from));
  if (known == names_.end()) return;
  names_[name_of(to)] = known->second;
  names_.erase(known);
  record({Act::rename, 0, 0, {}, name_of(from), name_of(to)});
}

void RecordedDisk::removed(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (names_.erase(name_of(path)) != 0) record({Act::remove, 0, 0, {}, name_of(path), {}});
}

// FNV-1a over words: equal images for equal numbers, for all that counting needs.
std::uint64_t fingerprint(const DiskImage& image) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto mix = [&hash](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3ULL; };
  for (const auto& [name, bytes] : image) {
    for (const char c : name) mix(static_cast<std::uint8_t>(c));
    mix(bytes.size());
    for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, bytes.data() + i, sizeof word);
      mix(word ^ (word >> 29));
    }
  }
  return hash;
}

}  // namespace spillway::test
