#include "agent/node/clock_watch.h"

#include <ctime>

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

bool ClockWatch::look() {
  const auto stepped = wall_.step();
  const bool believable = wall_.wall() != Duration::zero();
  if (stepped) {
    report_("the wall clock was set by " + std::to_string(stepped->count() / 1'000'000) +
            " s; deadlines and leases go on as they were");
  }
  if (believable && !problem_.empty()) {
    problem_.clear();
    report_("the wall clock is set; times before that are filled in");
  } else if (!believable && problem_.empty()) {
    problem_ = "the wall clock is not set: it says " + date(clock_.wall_time()) +
               "; certificates cannot be checked until it is";
    report_(problem_);
  }
  return stepped.has_value();
}

Duration ClockWatch::wall_of(NodeTime instant) const {
  return wall() == Duration::zero() ? Duration::zero() : line_.wall_of(instant);
}

}  // namespace spillway::agent
