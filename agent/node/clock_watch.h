#pragma once

#include <functional>
#include <string>

#include "common/base/clock.h"
#include "common/base/wall_watch.h"

namespace spillway::agent {

// The time of day, and when it cannot be believed. Nothing depends on it but what people read, and
// the certificates that the broker and this device show each other. Loop only.
class ClockWatch {
 public:
  ClockWatch(const Clock& clock, const NodeTimeline& line,
             std::function<void(const std::string& message)> report)
      : clock_(clock), line_(line), report_(std::move(report)), wall_(clock) {}

  // True: the clock was set since the last look, so that a certificate may be valid now.
  bool look();
  Duration wall() const { return wall_.wall(); }  // zero while it cannot be believed
  // The same for the time of day at that instant.
  Duration wall_of(NodeTime instant) const;
  const std::string& problem() const { return problem_; }  // empty: none

 private:
  const Clock& clock_;
  const NodeTimeline& line_;
  const std::function<void(const std::string& message)> report_;
  WallWatch wall_;
  std::string problem_;
};

}  // namespace spillway::agent
