#pragma once

#include <atomic>
#include <cstdint>

// What a harness tells the library loaded below a program it torments, in memory shared by the two.
namespace spillway::chaos {

// Where a program may be killed: around each commit of its store, each message to the broker, and
// each of those that is an application ack.
enum class FailPoint : std::uint32_t {
  none,
  before_commit,
  after_commit,
  before_publish,
  after_publish,
  before_ack,
  after_ack,
};
inline constexpr const char* kFailPointNames[] = {"none",           "before_commit", "after_commit",
                                                  "before_publish", "after_publish", "before_ack",
                                                  "after_ack"};

// All zero: nothing is different.
struct Control {
  std::atomic<std::int32_t> write_error;   // errno of writes to the store; 0: none
  std::atomic<std::int32_t> sync_error;    // and of syncs
  std::atomic<std::uint32_t> error_every;  // only each n-th of them fails; 0: every one
  std::atomic<std::uint32_t> sync_delay_ms;
  std::atomic<std::int64_t> wall_step_us;  // the wall clock shows that much more
  std::atomic<FailPoint> fail_point;       // disarmed by the program when it fires
  std::atomic<std::uint32_t> fail_after;   // passes of it that go well
  std::atomic<std::uint32_t> fired;        // errors given and kills, since the start
  std::atomic<std::uint32_t> kills;        // of those
  std::atomic<std::uint32_t> calls;        // counts what may fail
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);

// Path of the file that holds it.
inline constexpr const char* kControlVariable = "SPILLWAY_FAULTS";

}  // namespace spillway::chaos
