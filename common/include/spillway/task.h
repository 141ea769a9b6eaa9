#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spillway/bytes.h"
#include "spillway/ids.h"
#include "spillway/place.h"
#include "spillway/status.h"
#include "spillway/time.h"

namespace spillway {

inline constexpr std::size_t kInlineLimit = 64 * 1024;  // bytes; larger inputs and values are blobs

// Four bands; a lower number runs first.
enum class Band : std::uint8_t { urgent = 0, high = 1, normal = 2, background = 3 };

enum class Prefer : std::uint8_t { automatic = 0, local = 1, cloud = 2 };
enum class DataScope : std::uint8_t { any = 0, edge_only = 1 };
// What running a kind twice does to the world. `once` fences success by the live epoch, too.
enum class Effects : std::uint8_t { pure = 0, idempotent = 1, once = 2 };
// What a task that could run in the cloud does while the link is down.
enum class OnDisconnect : std::uint8_t { run_local = 0, wait = 1, fail = 2 };

// A blob by content.
struct BlobRef {
  Digest sha256{};
  std::uint64_t size = 0;                            // bytes
  auto operator<=>(const BlobRef&) const = default;  // NOLINT(modernize-use-nullptr)
};

// Input or value: bytes held inline up to kInlineLimit, or a blob by reference, never both.
struct Payload {
  SharedBytes bytes;
  std::optional<BlobRef> blob;
  bool operator==(const Payload&) const = default;
};

// A task's input: bytes, a blob, or the value of another task of the same owner; one of these.
// So far every owner and lessee refuses all but bytes.
struct InputRef : Payload {
  std::optional<TaskId> result;  // whose value
  std::uint64_t not_kept = 0;    // bytes that were here; then there is nothing else
  bool operator==(const InputRef&) const = default;

  bool inline_only() const { return !blob && !result; }
};

// A kind: as a task asks for it, or as a node has it.
struct KindRef {
  std::string name;
  std::uint32_t version = 0;  // 0: any; of one that a node has: not told
  Digest digest{};            // SHA-256 of the file its code is from; zeros: any, or built in

  // Whether a node that has this has what is asked for.
  bool satisfies(const KindRef& asked) const;
  auto operator<=>(const KindRef&) const = default;  // NOLINT(modernize-use-nullptr)
};

// Text form: the name, then "@" and the version, then "@sha256:" and 64 hexadecimal digits, each
// only where it is asked for; e.g. "signal.spectrum@2". `invalid_argument` says what is wrong.
std::string to_string(const KindRef& kind);
Result<KindRef> parse_kind_ref(std::string_view text);

struct RetryPolicy {
  std::uint32_t max_attempts = 3;  // 1..100; attempts that ended in error or timeout
  std::chrono::milliseconds base{200};
  std::chrono::milliseconds cap{60'000};
  bool operator==(const RetryPolicy&) const = default;
};

struct Needs {
  std::uint32_t cpu = 1;          // cores the place must have
  std::uint64_t memory = 0;       // bytes the place must have
  std::vector<std::string> tags;  // all of which the place must carry
  bool operator==(const Needs&) const = default;
};

using Labels = std::map<std::string, std::string>;

// A request to run a kind. Only `kind` is required.
struct TaskSpec {
  KindRef kind;
  Labels args;  // the kind's parameters by name
  InputRef input;
  std::string idempotency_key;  // empty: none; the same key within the window answers the same task
  std::chrono::milliseconds idempotency_window{24 * 3600 * 1000};
  Band band = Band::normal;
  std::optional<std::chrono::milliseconds> deadline;       // from acceptance; then the task expires
  std::optional<std::chrono::milliseconds> not_before;     // from acceptance
  std::optional<std::chrono::milliseconds> run_timeout;    // of one attempt, from its start
  std::optional<std::chrono::milliseconds> queue_timeout;  // from acceptance to the first start
  RetryPolicy retry;
  Needs needs;
  Prefer prefer = Prefer::automatic;
  DataScope data = DataScope::any;
  Effects effects = Effects::pure;
  std::optional<double> work;  // size hint for the run-time estimate; default: the kind's own
  std::vector<TaskId> after;   // tasks that must succeed first; all of this owner
  OnDisconnect on_disconnect = OnDisconnect::run_local;
  Labels labels;
  std::string tenant;
  std::string trace;  // W3C traceparent; empty: the agent starts a trace
  std::chrono::milliseconds retention{7 * 24 * 3600 * 1000};  // of the finished task and its value
  bool operator==(const TaskSpec&) const = default;
};

// The limits every spec must keep, whoever sends it; the message names field and limit.
Status validate(const TaskSpec& spec);

std::string_view to_string(Band band);

// Terminal states are the last four.
enum class TaskState : std::uint8_t {
  waiting = 0,
  ready = 1,
  leased = 2,
  running = 3,
  succeeded = 4,
  failed = 5,
  cancelled = 6,
  expired = 7,
};
constexpr bool is_terminal(TaskState state) { return state >= TaskState::succeeded; }
std::string_view to_string(TaskState state);

enum class WaitReason : std::uint8_t { none = 0, deps, not_before, backoff, held, quota, no_place };
std::string_view to_string(WaitReason reason);

// How an attempt ended, or why a task failed.
enum class FailureClass : std::uint8_t {
  none = 0,
  error,         // the kind returned one: burns an attempt
  timeout,       // run or queue timeout: burns an attempt
  crash,         // the place came back with a new boot id while running it: poison count
  lost,          // silence past the lease: burns nothing
  interrupted,   // drain or shutdown: burns nothing
  refused,       // nack: burns nothing
  poison,        // three crashes, or two at different places: final
  dependency,    // a task it came after did not succeed: final
  disconnected,  // on_disconnect = fail and the link is down: final
};
std::string_view to_string(FailureClass failure);

struct TaskError {
  FailureClass failure = FailureClass::none;
  Code code = Code::internal;
  std::string message;
  std::string place;  // its name; empty: nowhere
  Epoch epoch;
  bool operator==(const TaskError&) const = default;
};

// The seven instants of an attempt on the owner's time line; those of a remote attempt are placed
// by the durations the lessee measured, centred in the owner's send-to-receive interval.
struct AttemptTimes {
  NodeTime queued{}, started{}, input_fetched{}, run_started{}, run_ended{}, sent{}, accepted{};
  bool operator==(const AttemptTimes&) const = default;
};

struct Attempt {
  Epoch epoch;
  std::string place;                          // its name
  FailureClass failure = FailureClass::none;  // none: succeeded, or still live
  AttemptTimes times;
  bool operator==(const Attempt&) const = default;
};

struct Cost {
  Duration cpu{};
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
  bool operator==(const Cost&) const = default;
};

struct PlacementRecord {
  std::string chosen;    // its name; empty: none was
  Duration predicted{};  // grant to result, as predicted at the grant
  Duration actual{};
  bool operator==(const PlacementRecord&) const = default;
};

// What became of a task.
struct TaskResult {
  TaskId id;
  TaskState outcome = TaskState::succeeded;  // terminal
  Payload value;                             // of a success
  Digest digest{};                           // SHA-256 of the value's bytes
  std::optional<TaskError> error;            // of a failure
  std::vector<Attempt> attempts;             // oldest first; see kMaxAttemptsKept
  Cost cost;
  PlacementRecord placement;
  bool operator==(const TaskResult&) const = default;
};

// Of more, the last ones are kept, and the last one at each place.
inline constexpr std::size_t kMaxAttemptsKept = 16;

}  // namespace spillway
