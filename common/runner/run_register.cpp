#include "common/runner/run_register.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

namespace spillway::runner {
namespace {

// Read back only by the same machine, in its own byte order.
struct Header {
  char magic[8];
  char machine_boot[64];
};
struct Slot {
  std::uint64_t origin = 0, seq = 0;  // seq 0: free
};
constexpr char kMagic[8] = {'S', 'P', 'W', 'R', 'U', 'N', '1', '\n'};

Header header_of(std::string_view machine_boot) {
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  std::memcpy(header.machine_boot, machine_boot.data(),
              std::min(machine_boot.size(), sizeof header.machine_boot));
  return header;
}

off_t offset_of(std::size_t slot) { return off_t(sizeof(Header) + slot * sizeof(Slot)); }

}  // namespace

Result<std::shared_ptr<RunRegister>> RunRegister::open(const std::string& path,
                                                       std::string_view machine_boot) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return fail(Code::io, "cannot open " + path + ": " + std::strerror(errno));
  std::shared_ptr<RunRegister> made(new RunRegister(path, file));
  made->read(machine_boot);
  if (Status reset = made->reset(machine_boot); !reset) return reset.error();
  return made;
}

RunRegister::~RunRegister() { ::close(file_); }

// Anything but a whole register of this start of the machine says nothing.
void RunRegister::read(std::string_view machine_boot) {
  const Header expected = header_of(machine_boot);
  Header header{};
  std::vector<Slot> slots(kSlots);
  const auto size = ssize_t(kSlots * sizeof(Slot));
  if (machine_boot.empty() || ::pread(file_, &header, sizeof header, 0) != ssize_t(sizeof header) ||
      std::memcmp(&header, &expected, sizeof header) != 0 ||
      ::pread(file_, slots.data(), std::size_t(size), offset_of(0)) != size) {
    return;
  }
  unknown_ = false;
  for (const Slot& slot : slots) {
    if (slot.seq != 0) begun_.insert({Origin{slot.origin}, slot.seq});
  }
}

// All its blocks at once, so that a mark needs no room on a disk that has become full.
Status RunRegister::reset(std::string_view machine_boot) {
  std::vector<char> bytes(sizeof(Header) + kSlots * sizeof(Slot));
  const Header header = header_of(machine_boot);
  std::memcpy(bytes.data(), &header, sizeof header);
  if (::pwrite(file_, bytes.data(), bytes.size(), 0) == ssize_t(bytes.size())) return {};
  return fail(Code::io, "cannot write " + path_ + ": " + std::strerror(errno));
}

std::shared_ptr<const void> RunRegister::begin(TaskId id) {
  for (std::size_t tries = 0; tries < kSlots; ++tries) {
    // Relaxed: only a hint.
    const std::size_t slot = next_.fetch_add(1, std::memory_order_relaxed) % kSlots;
    // Acquire, with end()'s release: this mark is written after the one before was wiped out.
    if (taken_[slot].exchange(true, std::memory_order_acquire)) continue;
    write(slot, id);
    return {&taken_[slot], [self = shared_from_this(), slot](const void*) { self->end(slot); }};
  }
  give_up();
  return nullptr;
}

void RunRegister::end(std::size_t slot) {
  write(slot, {});
  taken_[slot].store(false, std::memory_order_release);
}

void RunRegister::write(std::size_t slot, TaskId id) {
  const Slot bytes{id.origin.value, id.seq};
  if (::pwrite(file_, &bytes, sizeof bytes, offset_of(slot)) != ssize_t(sizeof bytes)) give_up();
}

// A register that misses a mark would take a crash for none: better to have none.
void RunRegister::give_up() { ::unlink(path_.c_str()); }

std::string machine_boot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string boot;
  std::getline(file, boot);
  return boot;
}

}  // namespace spillway::runner
