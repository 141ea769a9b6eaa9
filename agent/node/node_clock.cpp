#include <cstdio>
#include <ctime>

#include "agent/node/node.h"

namespace spillway::agent {
namespace {

std::string date(Duration wall) {
  const auto seconds =
      static_cast<std::time_t>(std::chrono::duration_cast<std::chrono::seconds>(wall).count());
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40] = {};
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
  return text;
}

}  // namespace

// Nothing here depends on the wall clock but what people read, and the certificates that the broker
// and this device show each other.
void Node::look_at_clock() {
  const auto stepped = wall_.step();
  const bool believable = wall_.wall() != Duration::zero();
  if (stepped) {
    parts_.report("the wall clock was set by " + std::to_string(stepped->count() / 1'000'000) +
                  " s; deadlines and leases go on as they were");
    // A certificate that was not yet valid may be now.
    if (session_) session_->connection().hurry();
  }
  if (believable == clock_problem_.empty()) return;
  if (believable) {
    clock_problem_.clear();
    return parts_.report("the wall clock is set; times before that are filled in");
  }
  clock_problem_ = "the wall clock is not set: it says " + date(parts_.clock->wall_time()) +
                   "; certificates cannot be checked until it is";
  parts_.report(clock_problem_);
}

Duration Node::wall_of(NodeTime instant) const {
  return wall_.wall() == Duration::zero() ? Duration::zero() : owner_.timeline().wall_of(instant);
}

}  // namespace spillway::agent
