#include "cloud/node/own_life.h"

#include <utility>

namespace spillway::cloud {
namespace {

constexpr Duration kSaidAgain = std::chrono::minutes(10);  // of two that go on

constexpr char kForgotten[] =
    "; what was accepted or done since is not known here, and devices offer again what they still "
    "have. ";
constexpr char kCompare[] =
    ": compare spwctl device list --health quarantined (and revoked) with spwctl audit list, and "
    "bar "
    "anew whom they lack";

std::string text_of(const std::string& device, wire::LifeRemark remark) {
  switch (remark) {
    case wire::LifeRemark::restored:
      return "this cloud's state was restored from an earlier copy: " + device +
             " remembers a later one" + kForgotten +
             "Devices quarantined or revoked since that copy was made are let in again, unless the "
             "file bars is of later" +
             kCompare;
    case wire::LifeRemark::another:
      return "this cloud's state was made anew: " + device + " remembers another one" + kForgotten +
             "Devices quarantined or revoked before are let in again, unless fleet.db or the file "
             "bars is from before" +
             kCompare;
    case wire::LifeRemark::cloned: break;
  }
  return "another cloud speaks as this one: " + device +
         " hears both in turn, and they take the connection from each other; stop one of them";
}

}  // namespace

std::optional<std::string> OwnLife::on(const std::string& device, wire::LifeRemark remark,
                                       Wall now) {
  if (remark == wire::LifeRemark::cloned) {
    if (two_said_ && now - *two_said_ < kSaidAgain) return std::nullopt;
    two_said_ = now;
  } else if (std::exchange(forgot_, remark).has_value()) {
    return std::nullopt;
  }
  if (!since_) since_ = now;
  problem_ = text_of(device, remark);
  return problem_;
}

}  // namespace spillway::cloud
