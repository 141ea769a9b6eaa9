#include "cloud/fleet/bar_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unordered_map>

#include "common/wire/topics.h"

namespace spillway::cloud {
namespace {

constexpr char kAbout[] =
    "# Devices that operators keep out: name, revision, how. Written by spillway-cloud, with a "
    "checksum.\n";
constexpr char kEnd[] = "end";
constexpr std::string_view kSum = "# crc32c ";  // the last line, of all before it

std::string sum_of(std::string_view text) {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08x", wire::crc32c(text));
  return digits;
}

std::string text_of(const Bars& bars) {
  std::string text = kAbout;
  for (const auto& [device, bar] : bars) {
    text += device + " " + std::to_string(bar.revision);
    if (bar.quarantined) text += " quarantined";
    if (bar.revoked) text += " revoked";
    text += "\n";
  }
  text += std::string(kEnd) + " " + std::to_string(bars.size()) + "\n";
  return text + std::string(kSum) + sum_of(text) + "\n";
}

// A file that an earlier version wrote has no checksum.
bool sum_is_right(std::string_view text) {
  const std::size_t at = text.rfind(kSum);
  if (at == text.npos) return !text.starts_with(kAbout);
  return text.substr(at + kSum.size()) == sum_of(text.substr(0, at)) + "\n";
}

bool read_line(std::istringstream& words, const std::string& device, Bars& into) {
  Bar bar;
  if (!check_device_id(device) || !(words >> bar.revision)) return false;
  for (std::string how; words >> how;) {
    if (how != "quarantined" && how != "revoked") return false;
    (how == "revoked" ? bar.revoked : bar.quarantined) = true;
  }
  if (!bar.quarantined && !bar.revoked) return false;
  into[device] = bar;
  return true;
}

Status problem(const std::string& path) {
  return fail(Code::io, path + ": " + std::strerror(errno) +
                            "; who is kept out is written here before it is so");
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(std::size_t(written));
  }
  return true;
}

bool sync_folder(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return false;
  const bool synced = ::fsync(opened) == 0;
  ::close(opened);
  return synced;
}

}  // namespace

FoundBars read_bars(const std::string& path) {
  FoundBars found;
  std::error_code error;
  found.there = std::filesystem::exists(std::filesystem::symlink_status(path, error));
  std::ifstream file(path, std::ios::binary);
  found.readable = !found.there || (file.good() && !std::filesystem::is_directory(path, error));
  if (!found.readable) return found;
  std::stringstream text;
  text << file.rdbuf();
  bool good = sum_is_right(text.view()), ended = false;
  for (std::string line; std::getline(text, line);) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    std::string first;
    words >> first;
    std::size_t count = 0;
    const bool last = first == kEnd && words.peek() == ' ' && line.find(' ', 4) == line.npos;
    if (last && words >> count) {
      ended = good && count == found.bars.size();
    } else {
      good = read_line(words, first, found.bars) && good;
    }
  }
  found.whole = good && ended;
  return found;
}

Status write_bars(const std::string& path, const Bars& bars) {
  const std::string next = path + ".new";
  const int file = ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (file < 0) return problem(next);
  const bool written = write_all(file, text_of(bars)) && ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  errno = error;
  if (!written) return problem(next);
  if (std::rename(next.c_str(), path.c_str()) != 0 || !sync_folder(path)) return problem(path);
  return {};
}

Bars bars_of(const std::vector<DeviceRecord>& devices) {
  Bars bars;
  follow(bars, devices);
  return bars;
}

bool follow(Bars& bars, const std::vector<DeviceRecord>& devices) {
  bool moved = false;
  for (const DeviceRecord& device : devices) {
    const Bar now{device.revision, device.marks.quarantined, device.marks.revoked};
    if (!bar_of(device.marks)) {
      moved = bars.erase(device.name) > 0 || moved;
    } else {
      moved = std::exchange(bars[device.name], now) != now || moved;
    }
  }
  return moved;
}

void keep_barred(FleetRecovered& recovered, const Bars& bars) {
  std::unordered_map<std::string_view, DeviceRecord*> known;
  for (DeviceRecord& device : recovered.devices) known.emplace(device.name, &device);
  std::vector<DeviceRecord> added;
  for (const auto& [name, bar] : bars) {
    const auto found = known.find(name);
    DeviceRecord fresh;
    if (found == known.end()) {
      fresh.id = recovered.totals.next_device++;
      fresh.name = name;
    }
    DeviceRecord& device = found == known.end() ? fresh : *found->second;
    DeviceMarks& marks = device.marks;
    device.revision = std::max(device.revision, bar.revision);
    if (marks.revoked >= bar.revoked && marks.quarantined >= bar.quarantined) continue;
    marks.quarantined = marks.quarantined || bar.quarantined;
    marks.revoked = marks.revoked || bar.revoked;
    recovered.barred.push_back(name);
    if (found == known.end()) added.push_back(std::move(fresh));
  }
  std::move(added.begin(), added.end(), std::back_inserter(recovered.devices));
}

}  // namespace spillway::cloud
