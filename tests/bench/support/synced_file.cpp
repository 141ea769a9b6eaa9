#include "tests/bench/support/synced_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace spillway::bench {
namespace {

constexpr std::size_t kFileSize = 4 << 20;

Error refused(const std::string& path) {
  return fail(Code::io, path + ": " + std::generic_category().message(errno));
}

bool fill(int file) {
  const Bytes zeros(64 * 1024);
  for (std::size_t at = 0; at < kFileSize; at += zeros.size()) {
    if (pwrite(file, zeros.data(), zeros.size(), off_t(at)) != ssize_t(zeros.size())) return false;
  }
  return fsync(file) == 0;
}

}  // namespace

Result<Samples> synced_writes(const std::string& path, const Bytes& bytes, Growth growth,
                              double seconds) {
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return refused(path);
  Samples samples;
  bool good = growth == Growth::appended || fill(file);
  const auto start = SteadyClock::now();
  for (std::size_t at = 0; good && seconds_since(start) < seconds; at += bytes.size()) {
    if (growth == Growth::in_place && at + bytes.size() > kFileSize) at = 0;
    const auto begin = SteadyClock::now();
    good = pwrite(file, bytes.data(), bytes.size(), off_t(at)) == ssize_t(bytes.size()) &&
           fdatasync(file) == 0;
    samples.add(seconds_since(begin));
  }
  const Error error = refused(path);
  close(file);
  if (!good) return error;
  return samples;
}

}  // namespace spillway::bench
