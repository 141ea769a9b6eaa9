#pragma once

#include <string>

#include "agent/node/clock_watch.h"
#include "common/owner/owner.h"
#include "spillway/view.h"

namespace spillway::agent {

// Tasks and their events as people are shown them: from memory, and from what the store answers.
// Loop only.
class Views {
 public:
  Views(const owner::Owner& owner, const ClockWatch& clock) : owner_(owner), clock_(clock) {}

  TaskView view_of(const owner::OwnedTask& task) const;
  TaskView view_of(const store::TaskRow& row, const std::string& kind,
                   const std::string& tenant) const;
  TaskView view_of(const store::TaskDetail& detail) const;
  EventView view_of(const store::EventRow& row) const;

 private:
  const owner::Owner& owner_;
  const ClockWatch& clock_;
};

}  // namespace spillway::agent
