#include "cloud/fleet/story_book.h"

#include <algorithm>
#include <cassert>

namespace spillway::cloud {

void StoryBook::note(const std::string& device, wire::TaskStory story, Wall heard) {
  const TaskId id = story.id;
  if (auto known = stories_.find(id); known != stories_.end()) {
    ToldStory& told = known->second.told;
    if (told.device == device) told = {device, std::move(story), heard};
    return;
  }
  std::deque<TaskId>& own = by_device_[device];
  if (own.size() == kOfOne) drop(own.front());
  // drop() forgets a device that has none left, which this one is not: kOfOne is above one.
  by_device_[device].push_back(id);
  const auto place = order_.insert(order_.end(), id);
  stories_.emplace(id, Kept{{device, std::move(story), heard}, place});
  if (stories_.size() > kAtMost) drop(order_.front());
}

void StoryBook::drop(TaskId id) {
  auto found = stories_.find(id);
  if (found == stories_.end()) return;
  auto own = by_device_.find(found->second.told.device);
  assert(own != by_device_.end() && "a story is known by its device, too");
  std::erase(own->second, id);
  if (own->second.empty()) by_device_.erase(own);
  order_.erase(found->second.place);
  stories_.erase(found);
}

const ToldStory* StoryBook::find(TaskId id) const {
  auto found = stories_.find(id);
  return found == stories_.end() ? nullptr : &found->second.told;
}

}  // namespace spillway::cloud
