#include "agent/ota/rauc_slots.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "agent/ota/program.h"

namespace spillway::ota {
namespace {

std::string last_line(const std::string& text) {
  const std::size_t end = text.find_last_not_of("\r\n ");
  if (end == std::string::npos) return "it does not say why";
  const std::size_t begin = text.find_last_of('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - begin);
}

Status rauc(std::vector<std::string> words) {
  words.insert(words.begin(), "rauc");
  Result<Ended> ended = run_program(words);
  if (!ended) return std::move(ended).error();
  if (ended->code == 0) return {};
  return fail(Code::io, "rauc " + words[1] + " failed: " + reason_in(ended->said));
}

}  // namespace

std::string reason_in(const std::string& said) {
  constexpr std::string_view kMark = "LastError: ";
  const std::size_t at = said.rfind(kMark);
  if (at == std::string::npos) return last_line(said);
  const std::size_t begin = at + kMark.size();
  return said.substr(begin, said.find_first_of("\r\n", begin) - begin);
}

Result<std::string> slot_in(const std::string& command_line) {
  constexpr std::string_view kName = "rauc.slot=";
  std::istringstream words(command_line);
  for (std::string word; words >> word;) {
    if (!word.starts_with(kName)) continue;
    std::string slot = word.substr(kName.size());
    if (slot == "A" || slot == "B") return slot;
  }
  return fail(Code::not_found,
              "this system has no slots A and B (no rauc.slot= in /proc/cmdline): it is not one of "
              "Spillway's images");
}

Result<std::string> RaucSlots::booted() {
  std::ifstream file("/proc/cmdline");
  return slot_in(std::string(std::istreambuf_iterator<char>(file), {}));
}

Result<std::string> version_in(const std::string& said) {
  std::istringstream lines(said);
  constexpr std::string_view kName = "RAUC_MF_VERSION='";
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kName)) continue;
    line.erase(0, kName.size());
    if (const std::size_t end = line.find('\''); end != std::string::npos && end > 0) {
      return line.substr(0, end);
    }
  }
  return fail(Code::corrupt, "the bundle's manifest names no version");
}

Result<std::string> RaucSlots::version_of(const std::string& bundle) {
  Result<Ended> ended = run_program({"rauc", "info", "--output-format=shell", bundle});
  if (!ended) return std::move(ended).error();
  if (ended->code == 0) return version_in(ended->said);
  return fail(Code::io, "rauc info failed: " + reason_in(ended->said));
}

Status RaucSlots::install(const std::string& bundle) { return rauc({"install", bundle}); }
Status RaucSlots::mark_good() { return rauc({"status", "mark-good"}); }
Status RaucSlots::leave_booted() { return rauc({"status", "mark-active", "other"}); }

Status RaucSlots::reboot() {
  ::sync();
  Result<Ended> ended = run_program({"reboot"});
  if (!ended) return std::move(ended).error();
  if (ended->code != 0) return fail(Code::io, "reboot failed: " + last_line(ended->said));
  return {};
}

}  // namespace spillway::ota
