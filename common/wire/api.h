#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "spillway/bytes.h"
#include "spillway/status.h"
#include "spillway/task.h"
#include "spillway/view.h"

// The local socket's requests and answers. A frame is a 4-byte little-endian length (at most
// kMaxFrame) and that many bytes: one FlatBuffer with identifier "SPWA".
namespace spillway::wire {

inline constexpr std::size_t kMaxFrame = 256 * 1024;
inline constexpr std::uint32_t kMaxListed = 1000;  // tasks in one answer

enum class TaskOp : std::uint8_t { cancel, retry, hold, release };

struct SubmitRequest {
  std::vector<Bytes> specs;  // encoded TaskSpecs, 1 to 64; answered one by one, in order
};
// A task by its number in the agent's store; with an origin by its whole id.
struct TaskRequest {
  TaskOp op = TaskOp::cancel;
  std::uint64_t seq = 0;
  Origin origin{};
};
struct ShowRequest {  // by its whole id also one that the cloud has this device run
  std::uint64_t seq = 0;
  Origin origin{};
};
struct WhyRequest {
  std::uint64_t seq = 0;
  Origin origin{};
};
struct WaitRequest {  // answered with a TaskView once terminal
  std::uint64_t seq = 0;
  Origin origin{};
};
struct ListRequest {
  std::optional<TaskState> state;
  std::string kind;
  std::string tenant;
  std::uint64_t before = ~0ULL;
  std::uint32_t limit = 100;  // 1 to kMaxListed
};
struct DispatchedRequest {};         // what the cloud has this device run
struct EventsRequest {               // answered with EventViews until the client goes
  std::optional<std::uint64_t> seq;  // of one task; else of all
  Origin origin{};
};
struct DrainRequest {
  bool on = true;  // false: accept again
};
struct StatusRequest {};
struct TraceRequest {};

using RequestBody =
    std::variant<SubmitRequest, TaskRequest, ShowRequest, WhyRequest, WaitRequest, ListRequest,
                 EventsRequest, DrainRequest, StatusRequest, TraceRequest, DispatchedRequest>;
struct Request {
  std::uint64_t token = 0;  // repeated in every answer
  RequestBody body;
};

struct Submitted {
  // One per spec: the id, and whether an idempotency key found an earlier task; or the error.
  struct One {
    TaskId id;
    bool existing = false;
    std::optional<Error> error;
  };
  std::vector<One> each;
};
struct Done {};
struct Trace {  // what the pool ran of late, as chrome://tracing and Perfetto read it
  std::string json;
};
struct Tasks {
  std::vector<TaskView> tasks;
};

using AnswerBody =
    std::variant<Error, Submitted, Done, TaskView, Tasks, WhyReport, EventView, NodeView, Trace>;
struct Answer {
  std::uint64_t token = 0;
  AnswerBody body;
};

Bytes encode(const Request& request);
Result<Request> decode_request(ByteView bytes);
Bytes encode(const Answer& answer);
Result<Answer> decode_answer(ByteView bytes);

}  // namespace spillway::wire
