#include "tests/chaos/ends.h"

#include <signal.h>

#include "common/base/damage.h"

namespace spillway::chaos {
namespace {

// What those say who end a program that has done what none may do.
constexpr const char* kDeathCries[] = {"ERROR: AddressSanitizer",
                                       "ERROR: LeakSanitizer",
                                       "WARNING: ThreadSanitizer",
                                       "runtime error: ",
                                       "terminate called",
                                       "Assertion `",
                                       "free(): ",
                                       "malloc(): ",
                                       "double free",
                                       "*** stack smashing",
                                       "pure virtual method called"};

std::string line_at(const std::string& text, std::size_t at) {
  const std::size_t begin = text.rfind('\n', at) + 1;
  return text.substr(begin, std::min<std::size_t>(text.find('\n', at) - begin, 200));
}

}  // namespace

std::optional<std::string> wrong_with(const End& end, const Excuses& excuses) {
  for (const char* cry : kDeathCries) {
    const std::size_t at = end.said.find(cry);
    if (at != std::string::npos) return "said: " + line_at(end.said, at);
  }
  if (end.exit.signal == SIGKILL && end.killed) return std::nullopt;
  if (end.exit.signal != 0) return "ended by signal " + std::to_string(end.exit.signal);
  if (end.exit.code == 0 && end.asked) return std::nullopt;
  const bool says_damaged = end.said.find("damaged") != std::string::npos;
  if (end.exit.code == kExitDamaged && excuses.damaged && says_damaged) return std::nullopt;
  // A program that could not start says which file is the matter.
  const bool names_file = end.said.find(".db") != std::string::npos;
  if (end.exit.code == 1 && excuses.disk_bad && names_file) return std::nullopt;
  return "ended by itself, code " + std::to_string(end.exit.code);
}

}  // namespace spillway::chaos
