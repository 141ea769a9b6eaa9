#pragma once

#include <optional>
#include <string>
#include <vector>

// What a start makes of the files in which the fleet was kept.
namespace spillway::cloud {

struct FoundFiles {
  bool first = false;    // nothing of a cloud's was there before
  bool fresh = false;    // fleet.db was made now, as there was none, or a damaged one
  bool damaged = false;  // fleet.db
  bool earlier = false;  // fleet.db knows of fewer starts than there were
  bool behind = false;   // it knows of more than the store that counts them
  bool bars_there = false, bars_whole = false;
  std::optional<std::string> bars_aside;  // where `bars` is kept that was not whole
  // Whom the one keeps out and the other does not.
  std::vector<std::string> only_in_bars, only_in_store;
};

// What of it somebody must know, and may have to mend, a sentence each.
std::vector<std::string> doubts_of(const FoundFiles& found);

}  // namespace spillway::cloud
