#include "tests/support/own_world.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "tests/support/process.h"

namespace spillway::test {
namespace {

bool in_own_world = false;

// A new network has a loopback that is down.
bool raise_loopback() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool raised = ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
  ::close(socket);
  return raised;
}

}  // namespace

std::string OwnWorld::enter() {
  if (in_own_world) return "";
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
    return std::string("no network and mounts of its own: ") + std::strerror(errno);
  }
  if (!raise_loopback()) return std::string("no loopback of its own: ") + std::strerror(errno);
  // What is mounted from now on is nobody else's.
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return std::string("mounts are shared: ") + std::strerror(errno);
  }
  in_own_world = true;
  return "";
}

bool OwnWorld::entered() { return in_own_world; }

bool OwnWorld::lose_packets(std::uint16_t port, unsigned percent) {
  if (!in_own_world) return false;
  const std::string table = "chaos" + std::to_string(port);
  (void)run_command({"nft", "delete table inet " + table});
  if (percent == 0) return true;
  const std::string lost = " numgen random mod 100 < " + std::to_string(percent) + " drop; ";
  const std::string number = std::to_string(port);
  const auto added = run_command(
      {"nft", "table inet " + table + " { chain lossy { type filter hook input priority 0; " +
                  "tcp dport " + number + lost + "tcp sport " + number + lost + "}; }"});
  return added.ok();
}

std::optional<SmallDisk> SmallDisk::mount(const std::string& folder, std::uint64_t bytes) {
  if (!OwnWorld::entered()) return std::nullopt;
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string image = folder + ".ext4";
  const int file = ::open(image.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const bool made = file >= 0 && ::ftruncate(file, static_cast<off_t>(bytes)) == 0;
  if (file >= 0) ::close(file);
  if (!made || !run_command({"mkfs.ext4", "-q", "-m", "0", image}) ||
      !run_command({"mount", "-o", "loop", image, folder})) {
    return std::nullopt;
  }
  return SmallDisk(folder);
}

SmallDisk::~SmallDisk() {
  if (!folder_.empty()) ::umount2(folder_.c_str(), MNT_DETACH);
}

void SmallDisk::fill() {
  const int file = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return;
  const std::vector<char> bytes(64 * 1024, 'x');
  for (std::size_t size = bytes.size(); size > 0;) {
    if (::write(file, bytes.data(), size) <= 0) size /= 2;
  }
  ::close(file);
}

void SmallDisk::empty() { ::unlink(filler().c_str()); }

// The seventh number is sectors of 512 bytes (Linux, Documentation/block/stat.rst).
std::uint64_t SmallDisk::written() const {
  const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat info {};
  const bool known = folder >= 0 && ::syncfs(folder) == 0 && ::fstat(folder, &info) == 0;
  if (folder >= 0) ::close(folder);
  if (!known) return 0;
  std::ifstream file("/sys/dev/block/" + std::to_string(major(info.st_dev)) + ":" +
                     std::to_string(minor(info.st_dev)) + "/stat");
  std::uint64_t number = 0;
  for (int i = 0; i < 7; ++i) file >> number;
  return number * 512;
}

}  // namespace spillway::test
