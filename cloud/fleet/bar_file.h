#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cloud/fleet/fleet_store.h"
#include "spillway/status.h"

// Which devices operators keep out, in a file of its own beside the fleet's: what is damaged or put
// back there lets nobody in. Lines of text, which people can read.
namespace spillway::cloud {

struct Bar {
  std::uint64_t revision = 0;  // of the device, when it was set
  bool quarantined = false, revoked = false;
  bool operator==(const Bar&) const = default;
};
using Bars = std::map<std::string, Bar>;  // by device

struct FoundBars {
  Bars bars;  // what can be read
  bool there = false;
  bool readable = true;  // what is there
  bool whole = false;    // it is there, as it was written
};

FoundBars read_bars(const std::string& path);
// Replaces the file in one piece, and returns once it is on disk. Blocks.
Status write_bars(const std::string& path, const Bars& bars);

Bars bars_of(const std::vector<DeviceRecord>& devices);
// Follows what became of some devices; answers whether that is something new.
bool follow(Bars& bars, const std::vector<DeviceRecord>& devices);

// Bars what is barred there and not in the store, whatever the store says: nothing tells which of
// the two was put back. Whom this keeps out is in `recovered.barred`.
void keep_barred(FleetRecovered& recovered, const Bars& bars);

}  // namespace spillway::cloud
