#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "common/wire/messages.h"

namespace spillway::sim {

inline constexpr std::size_t kMaxTasks = 4;

// One execution of user code, numbered over both nodes; the value that it returns says which.
using RunId = std::uint32_t;
inline constexpr RunId kNoRun = 0;
Bytes value_of(RunId run);
RunId run_of(ByteView value);

enum class NodeName : std::uint8_t { owner, lessee };
constexpr NodeName other(NodeName node) {
  return node == NodeName::owner ? NodeName::lessee : NodeName::owner;
}

// What one node says to the other, as it goes over the wire.
struct Message {
  wire::Item item;
  std::uint32_t sent = 0;  // number in the order of sending
};

// Tasks are numbered from 0, their rows from 1.
constexpr std::uint64_t seq_of(std::size_t task) { return task + 1; }
constexpr std::size_t task_of(std::uint64_t seq) { return seq - 1; }

// Which attempt an item is about; none: of none.
struct About {
  std::size_t task = 0;
  Epoch epoch;
};
std::optional<About> about(const wire::Item& item);
// The same, as if it were about the attempt of this epoch.
wire::Item under(wire::Item item, Epoch epoch);
std::string describe(const wire::Item& item);  // one line

}  // namespace spillway::sim
