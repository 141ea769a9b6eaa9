#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "common/base/clock.h"
#include "common/lessee/lease_table.h"
#include "common/lessee/parts.h"

namespace spillway::lessee {

// Tells the lessors, in rounds, what is held here, so that they let it go on; and knows when each
// round went out, from which a lease that is granted anew counts. A lessor is told again after a
// third of the shortest lease of what it has here, after 10 s at most and 1 s at least, in rounds
// that it shares with whoever would be told a little later. A restart forgets how long leases are,
// until the next OFFER. Loop only.
class Beats {
 public:
  // All of these outlive it.
  Beats(const Parts& parts, LeaseTable& table, const NodeTimeline& timeline)
      : parts_(parts), table_(table), timeline_(timeline) {}

  // A task has the lease that its terms say.
  void on_lease(const HeldTask& task);
  void on_timers();
  NodeTime due() const { return std::min(next_, late_); }
  // Null: of a round long ago, or of none.
  std::optional<NodeTime> sent(std::uint64_t round) const;

 private:
  void begin_round(NodeTime now);
  void send_round();

  const Parts& parts_;
  LeaseTable& table_;
  const NodeTimeline& timeline_;
  std::uint64_t round_ = 0;
  std::map<std::uint64_t, NodeTime> sent_;  // by round, of the last minutes
  NodeTime next_{}, late_ = kNever;
};

}  // namespace spillway::lessee
