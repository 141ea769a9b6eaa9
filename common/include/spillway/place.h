#pragma once

#include <cstdint>
#include <string_view>

namespace spillway {

// A place where attempts run, as its node keeps it: by a number of the node's own, as small as what
// it stands in. Its name is with the node's `Places`; whatever leaves the node says the name.
struct PlaceId {
  std::uint32_t value = 0;
  bool operator==(const PlaceId&) const = default;
};

inline constexpr PlaceId kNowhere{0};  // its name is empty
inline constexpr PlaceId kHere{1};     // the node's own pool
inline constexpr PlaceId kCloud{2};    // of a device: the one cloud that it has

inline constexpr char kHereName[] = "local";
inline constexpr char kCloudName[] = "cloud";

// What a place is to the node that names it: its own pool, a cloud ("cloud", or "cloud:" and which
// one), or a device by its id, which neither can be.
enum class PlaceClass : std::uint8_t { nowhere, here, cloud, device };
PlaceClass class_of(std::string_view name);

// A place's name as lists and JSON show it: "none" for nowhere.
std::string_view shown_place(std::string_view name);

}  // namespace spillway
