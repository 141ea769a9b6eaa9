#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "spillway/ids.h"

// What a node tells of its store, so that others notice when an earlier copy of it was put back.
namespace spillway {

inline constexpr std::size_t kMaxLineage = 16;

// The openings of a store by a process: the present one and those before it. Empty: of a program
// that tells nothing.
struct Lineage {
  Origin store;               // stays the same in all its copies
  std::uint64_t number = 0;   // of the present life; counts openings, and goes back with a backup
  std::vector<Origin> lives;  // the newest first, without a gap; at most kMaxLineage
  bool operator==(const Lineage&) const = default;
};

// The life in which a store was last heard of.
struct KnownLife {
  Origin store;
  std::uint64_t number = 0;  // 0: never heard of
  Origin life;
  bool operator==(const KnownLife&) const = default;
};

enum class LifeChange : std::uint8_t {
  none,      // it goes on from what was known, or nothing is known
  restored,  // it goes on from before that: an earlier copy was put back, or runs beside it
  another,   // another store has taken its place
};

// A life is told by its number and a random name, so the one that is known has its name in what
// every later life of that store tells, unless that one goes back further than is told.
LifeChange compare(const KnownLife& known, const Lineage& told);
// What is known from now on; nothing is learned from a program that tells nothing.
void learn(KnownLife& known, const Lineage& told);

}  // namespace spillway
