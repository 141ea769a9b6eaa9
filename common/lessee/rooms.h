#pragma once

#include <vector>

#include "common/lessee/lease_table.h"
#include "common/lessee/parts.h"

namespace spillway::lessee {

// Tells each lessor the room that it has here: newcomers what all know, and all what moved by more
// than a fifth; the less often the more of them there are, so that ten thousand that come one by
// one cost a few messages each. Loop only.
class Rooms {
 public:
  // Both outlive it.
  Rooms(const Parts& parts, LeaseTable& table) : parts_(parts), table_(table) {}

  // The room at a start, when nobody was told yet.
  void begin(const wire::Credits& room) { told_ = room; }
  // The lessor may know nothing of what it was told.
  void forget(Lessor& lessor);
  void hurry(NodeTime now) { next_ = now; }  // what changed matters at once
  void tell(const wire::Credits& room, NodeTime now);
  const wire::Credits& told() const { return told_; }
  NodeTime due(NodeTime now) const { return next_ > now ? next_ : kNever; }

 private:
  void tell(Lessor& lessor);

  const Parts& parts_;
  LeaseTable& table_;
  wire::Credits told_;              // as all that are online know it
  std::vector<Lessor*> newcomers_;  // do not know it yet
  NodeTime next_{};
};

}  // namespace spillway::lessee
