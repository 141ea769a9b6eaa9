#include "common/base/places.h"

#include <algorithm>

namespace spillway {
namespace {

bool is_name(std::string_view text) { return !text.empty() && text.size() <= Places::kLongestName; }

}  // namespace

PlaceClass class_of(std::string_view name) {
  if (name.empty()) return PlaceClass::nowhere;
  if (name == kHereName) return PlaceClass::here;
  const std::string_view cloud = kCloudName;
  const bool starts = name.starts_with(cloud);
  if (starts && (name.size() == cloud.size() || name[cloud.size()] == ':')) {
    return PlaceClass::cloud;
  }
  return PlaceClass::device;
}

std::string_view shown_place(std::string_view name) { return name.empty() ? "none" : name; }

Places::Places() {
  add(kHere, kHereName, true);
  add(kCloud, kCloudName, true);
}

void Places::add(PlaceId place, std::string_view name, bool kept) {
  by_number_.insert_or_assign(place.value, Known{std::string(name), kept});
  by_name_.insert_or_assign(std::string(name), place);
  last_ = std::max(last_, place.value);
}

void Places::restore(PlaceId place, std::string_view name) {
  const bool known = by_number_.contains(place.value) || by_name_.contains(name);
  if (place == kNowhere || place.value > kMost || known || !is_name(name)) return;
  add(place, name, true);
}

PlaceId Places::of(std::string_view name) {
  const PlaceId known = find(name);
  if (known != kNowhere || !is_name(name) || last_ == kMost) return known;
  const PlaceId place{last_ + 1};
  add(place, name, false);
  return place;
}

PlaceId Places::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kNowhere : found->second;
}

const std::string& Places::name_of(PlaceId place) const {
  static const std::string kNone;
  const auto found = by_number_.find(place.value);
  return found == by_number_.end() ? kNone : found->second.name;
}

bool Places::must_keep(PlaceId place) {
  if (place.value <= kCloud.value) return false;
  const auto found = by_number_.find(place.value);
  if (found == by_number_.end() || found->second.kept) return false;
  found->second.kept = true;
  return true;
}

}  // namespace spillway
