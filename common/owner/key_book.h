#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/gate.h"
#include "common/store/owner_store.h"

namespace spillway::owner {

// Submissions that come with a key: each key is one's at a time, and names the task that came of
// the first that was accepted. Loop only; nothing is called once it is gone.
class KeyBook {
 public:
  // What the key stands for. Null: for nothing yet; it is the asker's, until it says settle(). On
  // an error, too, it is nobody's.
  using Turn = std::function<void(const Result<std::optional<store::KnownKey>>& known)>;

  KeyBook(store::OwnerStore& store, const NodeTimeline& timeline)
      : store_(store), timeline_(timeline) {}

  // Calls `turn` when the disk was asked, or whoever has the key has settled it.
  void take(const std::string& key, Turn turn);
  // The task of the one that had the key is on disk, and those that wait are told of it; null: it
  // was not accepted, and the next one has its turn.
  void settle(const std::string& key, const std::optional<store::KnownKey>& known);

  // What a key stands for: all of the spec but who traces it, and what stands beside it.
  static Digest wish_of(TaskSpec spec, ByteView beside);

 private:
  store::OwnerStore& store_;
  const NodeTimeline& timeline_;
  std::map<std::string, std::vector<Turn>> waiting_;  // by keys that are somebody's
  Gate gate_;
};

}  // namespace spillway::owner
