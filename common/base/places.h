#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "spillway/place.h"

namespace spillway {

// The places that a node knows: a number for each name, and the name for each number. A number that
// a store has seen stands for its name as long as the store lives. A place gets one because this
// node was set up with it, somebody submits to it, or it has said by its certificate who it is;
// what messages merely mention stays a name. One thread at a time.
class Places {
 public:
  static constexpr std::uint32_t kMost = 1'000'000;
  static constexpr std::size_t kLongestName = 64;  // bytes

  Places();

  // Takes up what a store has kept; ignores what no store would have been told to keep.
  void restore(PlaceId place, std::string_view name);
  // The number of that name, a new one where it has none yet. kNowhere: it is no name, or there are
  // too many.
  PlaceId of(std::string_view name);
  // kNowhere: it has none.
  PlaceId find(std::string_view name) const;
  // Empty: nowhere, or a number that was never given.
  const std::string& name_of(PlaceId place) const;
  // A row is about to speak of it: true when its name has to be written with that row.
  bool must_keep(PlaceId place);

 private:
  struct Known {
    std::string name;
    bool kept = false;
  };
  void add(PlaceId place, std::string_view name, bool kept);

  std::unordered_map<std::uint32_t, Known> by_number_;
  std::map<std::string, PlaceId, std::less<>> by_name_;
  std::uint32_t last_ = 0;
};

}  // namespace spillway
