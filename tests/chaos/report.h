#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace spillway::chaos {

// A promise that was broken, with what is needed to see it again.
struct Violation {
  std::string what;
  std::string again;  // a command, or where the evidence lies
};

// What came of a torture, whatever its means.
struct TortureReport {
  std::map<std::string, std::uint64_t> faults;  // done, by kind
  std::uint64_t accepted = 0;                   // promises made to clients
  std::uint64_t lost = 0, doubled = 0, mismatched = 0;
  std::uint64_t poisoned = 0;  // failed because their place went down under them again and again
  double recovery_s_max = 0;   // the longest from the end of a fault to the next result
  std::vector<Violation> violations;
  double seconds = 0;
  std::uint64_t seed = 0;
  std::vector<std::string> log;  // the last faults, for whoever looks into a violation

  std::uint64_t fault_count() const;
  bool clean() const { return lost + doubled + mismatched == 0 && violations.empty(); }
};

std::string to_json(const TortureReport& report);  // one object, one line
std::string to_text(const TortureReport& report);

}  // namespace spillway::chaos
