#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "spillway/status.h"

namespace spillway {

// The identity of one store: drawn at random when the store is created, so that sequence numbers
// of a store that was lost and made anew never name old tasks.
struct Origin {
  std::uint64_t value = 0;
  auto operator<=>(const Origin&) const = default;  // NOLINT(modernize-use-nullptr)
};

// A task's name, unique in the fleet: the store that accepted it and its row there.
// Text form: 16 hexadecimal digits, '-', decimal, e.g. "7f3a9c21d04b55e6-142".
struct TaskId {
  Origin origin;
  std::uint64_t seq = 0;
  auto operator<=>(const TaskId&) const = default;  // NOLINT(modernize-use-nullptr)
};

std::string to_string(TaskId id);
Result<TaskId> parse_task_id(std::string_view text);

// The fencing number of an attempt; +1 at every grant, 0 before the first.
struct Epoch {
  std::uint32_t value = 0;
  auto operator<=>(const Epoch&) const = default;  // NOLINT(modernize-use-nullptr)
};

// One start of one process, drawn at random.
struct BootId {
  std::uint64_t value = 0;
  auto operator<=>(const BootId&) const = default;  // NOLINT(modernize-use-nullptr)
};

// Device ids are `[a-z0-9][a-z0-9-]{2,62}`; they are also certificate names and topic levels.
Result<std::string> check_device_id(std::string_view text);

}  // namespace spillway

template <>
struct std::hash<spillway::TaskId> {
  std::size_t operator()(const spillway::TaskId& id) const noexcept {
    return static_cast<std::size_t>((id.origin.value ^ id.seq) * 0x9E3779B97F4A7C15ULL);
  }
};
