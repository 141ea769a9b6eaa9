#pragma once

#include <optional>
#include <string>

#include "cloud/fleet/views.h"
#include "common/wire/messages.h"

namespace spillway::cloud {

// What devices say of this cloud's own state, which cannot know itself that it is an earlier copy,
// was made anew, or is used by two. Loop only.
class OwnLife {
 public:
  // A device's word of the present life. What is to be said of it, unless it has been.
  std::optional<std::string> on(const std::string& device, wire::LifeRemark remark, Wall now);

  std::optional<Wall> since() const { return since_; }     // of the first such word
  const std::string& problem() const { return problem_; }  // of the latest; empty: none

 private:
  std::optional<Wall> since_;
  std::optional<wire::LifeRemark> forgot_;
  std::optional<Wall> two_said_;
  std::string problem_;
};

}  // namespace spillway::cloud
