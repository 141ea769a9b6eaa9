#pragma once

#include <array>
#include <vector>

#include "tests/sim/message.h"
#include "tests/sim/random.h"
#include "tests/support/link_proxy.h"

namespace spillway::sim {

using LinkTrace = std::vector<test::LinkSample>;

// A link whose capacity changes as one was seen to change: what it cannot carry waits its turn, in
// order, and nothing moves while the capacity is nought.
class TracedLink {
 public:
  // Begins anywhere in the trace, which comes round at its end; null: one is made up.
  void begin(const LinkTrace* trace, Random& random);
  // When a message sent now arrives.
  Duration arrives(NodeName from, Duration now);

 private:
  static constexpr std::int64_t kMessageBits = 400 * 8;
  const test::LinkShape& shape_at(Duration time) const;

  LinkTrace made_up_;
  const LinkTrace* trace_ = nullptr;
  Duration start_{}, length_{};
  std::array<Duration, 2> free_{};  // when each direction is
};

}  // namespace spillway::sim
