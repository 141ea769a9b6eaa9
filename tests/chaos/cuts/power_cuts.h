#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/chaos/cuts/subject.h"

namespace spillway::chaos {

struct CutCampaign {
  std::uint64_t cuts = 1000;
  std::uint64_t seed = 1;
  unsigned threads = 0;  // that judge; 0: one for each core
  Answers answers = Answers::after_commit;
  bool lying_drive = false;                          // syncs are answered and not done
  std::string folder;                                // to work in, emptied on the way; must exist
  std::function<void(std::uint64_t done)> progress;  // from one thread, now and then
};

struct CutReport {
  std::uint64_t cuts = 0;      // that left disks, or promises, unlike all others
  std::uint64_t promises = 0;  // made by the stores
  std::uint64_t lives = 0;  // of a store, each on a disk that an earlier cut left, or an empty one
  std::string violation;    // empty: none; the campaign stops at the first one
  std::string evidence;     // the folder with the disk that broke the promise
};

// Lets the real stores work on a recorded disk, cuts the power at syncs, promises and between, in
// every way the disk may take it, and judges what the stores make of what is left. One at a time in
// a process: all its files are watched.
CutReport cut_power(const CutCampaign& campaign);

std::string summary(const CutReport& report);  // one line

}  // namespace spillway::chaos
