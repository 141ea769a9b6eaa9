#include "common/link/births.h"

#include <algorithm>

namespace spillway::link {
namespace {

// Births that came back; a few new boot ids later they are forgotten, however many they were.
constexpr double kSure = 2;
// Low enough that one that comes back between any two starts never adds up to that.
constexpr double kFade = 0.45;

// Whether it is one of those that are known; it is the latest then.
template <class Id>
bool comes_back(std::vector<Id>& latest, Id id) {
  const auto known = std::find(latest.begin(), latest.end(), id);
  if (known != latest.end()) {
    std::rotate(latest.begin(), known, known + 1);
    return true;
  }
  if (latest.size() == Births::kMostBoots) latest.pop_back();
  latest.insert(latest.begin(), id);
  return false;
}

}  // namespace

Births::Sign Births::note(BootId boot, Origin store, std::uint64_t session, NodeTime now) {
  if (now - last_ >= kLately) came_back_ = 0;
  const bool other = boot != current_ || boots_.empty();
  const bool back = other && comes_back(boots_, boot);
  const bool overtaken = back && session < session_ && now - at_ < kOvertaken;
  if (!overtaken) {
    current_ = boot;
    session_ = session;
    at_ = now;
  }
  if (other && !back) came_back_ *= kFade;
  if (back) {
    came_back_ = std::min(kSure, came_back_ + 1);
    last_ = now;
  }
  const bool made_anew = store != Origin{} && !comes_back(stores_, store);
  if (back && came_back_ >= kSure) return Sign::cloned;
  if (made_anew) return Sign::none;
  return came_back_ > 0 ? Sign::doubt : Sign::none;
}

}  // namespace spillway::link
