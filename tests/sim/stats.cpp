#include "tests/sim/stats.h"

namespace spillway::sim {
namespace {

constexpr std::string_view kNames[] = {"events",
                                       "messages",
                                       "lost messages",
                                       "duplicated messages",
                                       "reordered messages",
                                       "owner crashes",
                                       "lessee crashes",
                                       "crashes losing steps",
                                       "crashes before commit",
                                       "crashes after commit",
                                       "link cuts",
                                       "failed commits",
                                       "clock steps",
                                       "power cycles with wrong clock",
                                       "traced messages",
                                       "accepted",
                                       "succeeded",
                                       "succeeded at lessee",
                                       "failed",
                                       "cancelled",
                                       "expired",
                                       "late success accepted",
                                       "late success of stopped",
                                       "late once success refused",
                                       "duplicate success",
                                       "stale success",
                                       "stale failure ignored",
                                       "attempts exhausted",
                                       "poison by count",
                                       "poison by places",
                                       "dependency failed",
                                       "disconnected failed",
                                       "queue timeouts",
                                       "local run timeouts",
                                       "lessee run timeouts",
                                       "leases lost",
                                       "nacks taken",
                                       "late nacks ignored",
                                       "link down took offer back",
                                       "offers withdrawn",
                                       "offers resent",
                                       "results resent",
                                       "beats stopped attempts",
                                       "running adopted",
                                       "success adopted",
                                       "failure adopted",
                                       "failure told again",
                                       "settled failure run anew",
                                       "offer after tombstone",
                                       "lessee leases ended",
                                       "interrupted",
                                       "holds",
                                       "retries",
                                       "tombstones forgotten"};
static_assert(std::size(kNames) == kSeenCount);

}  // namespace

std::string_view to_string(Seen seen) { return kNames[static_cast<std::size_t>(seen)]; }

void Stats::add(const Stats& more) {
  for (std::size_t i = 0; i < kSeenCount; ++i) counts_[i] += more.counts_[i];
}

std::string Stats::missing() const {
  std::string names;
  for (std::size_t i = 0; i < kSeenCount; ++i) {
    if (counts_[i] > 0) continue;
    if (!names.empty()) names += ", ";
    names += kNames[i];
  }
  return names;
}

std::string Stats::table() const {
  std::string lines;
  for (std::size_t i = 0; i < kSeenCount; ++i) {
    std::string number = std::to_string(counts_[i]);
    number.insert(0, number.size() < 12 ? 12 - number.size() : 0, ' ');
    lines += number + "  " + std::string(kNames[i]) + "\n";
  }
  return lines;
}

}  // namespace spillway::sim
