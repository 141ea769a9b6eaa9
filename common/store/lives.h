#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/base/lineage.h"
#include "spillway/ids.h"

namespace spillway::store {

// One opening of a store by a process, and the name of what was accepted in it.
struct Life {
  std::uint64_t number = 0;  // counts openings, and goes back with a backup
  Origin origin;             // drawn at random
  std::uint64_t first_seq = 1;
  // The store had lived on from here without what was put back: what it counts since is told under
  // this life's origin.
  bool restored = false;
  bool operator==(const Life&) const = default;
};

// How a store's numbers become names that no copy of it gives again. A sequence number is unique
// in the store, but a copy that is put back, or run beside it, counts on from the same one. Each
// opening therefore names what it accepts by an origin of its own, and rows keep the name they
// have: an id always means the same task with the same spec. A value; one thread at a time.
class Lives {
 public:
  Lives() : Lives(Origin{}) {}
  // A store that was never opened.
  explicit Lives(Origin founding) : lives_{{1, founding, 1, false}} {}
  // The lives as they were kept, in order of their numbers; what does not follow from the one
  // before is left out. From none: that of a store that knew one origin only.
  Lives(const std::vector<Life>& kept, Origin founding);

  // Opened once more; tasks are accepted from `next_seq` on.
  void begin(Origin drawn, std::uint64_t next_seq);
  void mark_restored() { lives_.back().restored = true; }

  TaskId id_of(std::uint64_t seq) const;
  // Null for what this store never named so; whether such a task is here is another question.
  std::optional<std::uint64_t> seq_of(TaskId id) const;

  const Life& current() const { return lives_.back(); }
  // Under which name the store's counts are told.
  Origin counts() const;
  // What others are told of the present life.
  Lineage lineage() const;
  const std::vector<Life>& all() const { return lives_; }

  // Whether that life may be forgotten once nothing that it accepted is left: in a store with more
  // than kMany.
  bool may_go(std::size_t index) const;
  // Where the next life begins; of the present one, the end of all numbers.
  std::uint64_t end_of(std::size_t index) const;

  static constexpr std::size_t kMany = 256;

 private:
  std::vector<Life> lives_;  // never empty; first_seq never goes down
};

}  // namespace spillway::store
