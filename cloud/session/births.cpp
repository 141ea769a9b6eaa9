#include "cloud/session/births.h"

#include <algorithm>

namespace spillway::cloud {
namespace {

// Births that came back; a few new boot ids later they are forgotten, however many they were.
constexpr double kSure = 2;
// Low enough that one that comes back between any two starts never adds up to that.
constexpr double kFade = 0.45;

}  // namespace

// Whether the boot id is one that is known; it is the latest then.
bool Births::comes_back(BootId boot) {
  const auto known = std::find(boots_.begin(), boots_.end(), boot);
  if (known != boots_.end()) {
    std::rotate(boots_.begin(), known, known + 1);
    return true;
  }
  if (boots_.size() == kMostBoots) boots_.pop_back();
  boots_.insert(boots_.begin(), boot);
  return false;
}

Births::Sign Births::note(BootId boot, std::uint64_t session, NodeTime now) {
  if (now - last_ >= kLately) came_back_ = 0;
  const bool other = boot != current_ || boots_.empty();
  const bool back = other && comes_back(boot);
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
  if (back && came_back_ >= kSure) return Sign::cloned;
  return came_back_ > 0 ? Sign::doubt : Sign::none;
}

}  // namespace spillway::cloud
