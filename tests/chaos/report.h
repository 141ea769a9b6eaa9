#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace spillway::chaos {

struct Verdicts;

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
  // P23: what clients saw refused, expired and gone; the loss ledgers must say the same.
  std::uint64_t refused = 0, expired = 0, gave_way = 0;
  std::map<std::string, double> figures;  // further ones, by name
  double recovery_s_max = 0;              // the longest from the end of a fault to the next result
  std::vector<Violation> violations;
  double seconds = 0;
  std::uint64_t seed = 0;
  std::vector<std::string> log;  // the last faults, for whoever looks into a violation

  std::uint64_t fault_count() const;
  // Adds what one client found.
  void take(const Verdicts& verdicts);
  bool clean() const { return lost + doubled + mismatched == 0 && violations.empty(); }
};

std::string to_json(const TortureReport& report);  // one object, one line
std::string to_text(const TortureReport& report);

}  // namespace spillway::chaos
