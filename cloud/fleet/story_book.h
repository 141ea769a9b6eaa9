#pragma once

#include <cstddef>
#include <deque>
#include <list>
#include <string>
#include <unordered_map>

#include "cloud/fleet/views.h"

namespace spillway::cloud {

// The newest stories that devices told of their tasks, some of each device: one that tells many
// pushes out its own only. In memory. The loop's.
class StoryBook {
 public:
  static constexpr std::size_t kOfOne = 32;     // device
  static constexpr std::size_t kAtMost = 2000;  // some 2 kB each

  // A task is its device's: what another one tells of it is not taken.
  void note(const std::string& device, wire::TaskStory story, Wall heard);
  // Null: nothing was told of it.
  const ToldStory* find(TaskId id) const;

 private:
  void drop(TaskId id);

  struct Kept {
    ToldStory told;
    std::list<TaskId>::iterator place;
  };
  std::unordered_map<TaskId, Kept> stories_;
  std::unordered_map<std::string, std::deque<TaskId>> by_device_;  // oldest first
  std::list<TaskId> order_;                                        // the same of all
};

}  // namespace spillway::cloud
