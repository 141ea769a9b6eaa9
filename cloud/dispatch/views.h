#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spillway/status.h"
#include "spillway/task.h"
#include "spillway/time.h"

// What operators send to devices, and what is shown of it: plain values.
namespace spillway::cloud {

// What a task for a device has that comes without a deadline.
inline constexpr std::chrono::milliseconds kDefaultDeadline = std::chrono::hours(24);

// The tasks of one submission, one a device: they stand side by side in the store, so that the
// first of them and their number name them all. Text form: "<id of the first>x<number>".
struct GroupId {
  TaskId first;
  std::uint32_t size = 0;
  bool contains(TaskId id) const {
    return id.origin == first.origin && id.seq >= first.seq && id.seq - first.seq < size;
  }
  bool operator==(const GroupId&) const = default;
};
std::string to_string(const GroupId& group);
Result<GroupId> parse_group_id(std::string_view text);

Error no_such_task(TaskId id);
Error no_such_group(const GroupId& group);
Error no_room(std::string what);  // busy, for half a minute

struct Submission {
  TaskSpec spec;
  // One task each. An error answers whoever does not repeat a submission: the cloud may have
  // forgotten a device, and not what it accepted for it.
  Result<std::vector<std::string>> devices = std::vector<std::string>{};
  std::string key;  // empty: none; the same key within a day answers the same group
  // Whom it is for, as the request says it: with the spec, what the key stands for. Devices that
  // match come and go; who asks again asks in the same words.
  std::string asked = {};
};
struct Submitted {
  GroupId group;
  bool repeated = false;  // the key was there before
};

struct DispatchedTaskView {
  TaskId id;
  std::string device, kind;
  Band band = Band::normal;
  TaskState state = TaskState::ready;
  WaitReason reason = WaitReason::none;
  Epoch epoch;
  std::uint32_t attempts = 0, crashes = 0, losses = 0;
  FailureClass last_failure = FailureClass::none;
  Duration created{}, since{};       // since 1970; `since`: of the state
  std::optional<Duration> deadline;  // since 1970, of an unfinished one
};
struct DispatchedEventView {
  Duration at{};  // since 1970
  std::string what;
  Epoch epoch;
  FailureClass failure = FailureClass::none;
  std::string detail;
};
// One grant to the device, of the last few. Times since 1970; those at the device are reckoned from
// the durations that it measured.
struct DispatchedAttempt {
  Epoch epoch;
  std::string problem;  // how it ended, if it did not count; empty: it did, or is not over
  Duration queued{}, offered{};
  std::optional<Duration> began, run_ended;  // neither: it told of no run
  std::optional<Duration> sent;              // none: its result did not come
  std::optional<Duration> ended;             // for its owner; none: it is away
};
struct DispatchedTaskDetail {
  DispatchedTaskView task;
  GroupId group;
  Labels labels;                     // of whoever submitted it
  std::string waits_because;         // of an unfinished one that is not away; may be empty
  std::optional<TaskResult> result;  // of a finished one
  std::vector<DispatchedEventView> events;
  std::vector<DispatchedAttempt> attempts;  // oldest first
};

struct DispatchedFilter {
  std::string device, kind;  // empty: any
  std::optional<TaskState> state;
  std::optional<GroupId> group;
  std::uint64_t before = ~0ULL;  // number below; newest first
  std::uint32_t limit = 100;
};

// How far the tasks of a group are. Those whose retention is over are only counted.
struct GroupView {
  GroupId group;
  std::string kind;    // empty: all are forgotten
  Duration created{};  // since 1970
  std::array<std::uint64_t, 8> by_state{};
  std::uint64_t forgotten = 0;
};

}  // namespace spillway::cloud
