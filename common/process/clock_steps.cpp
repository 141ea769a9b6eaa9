#include "common/process/clock_steps.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <ctime>
#include <limits>

namespace spillway::process {

struct ClockSteps::State : std::enable_shared_from_this<ClockSteps::State> {
  State(Loop& loop, std::function<void()> call)
      : descriptor(loop.context()), stepped(std::move(call)) {}

  // A timer that never comes due in a lifetime, and is cancelled when the clock is set.
  bool arm() {
    itimerspec far{};
    far.it_value.tv_sec = std::numeric_limits<time_t>::max();
    return ::timerfd_settime(descriptor.native_handle(),
                             TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, nullptr) == 0;
  }
  void wait() {
    descriptor.async_wait(asio::posix::descriptor_base::wait_read,
                          [self = shared_from_this()](const asio::error_code& error) {
                            if (error || !self->stepped) return;
                            // A timer that was cancelled reads as an error; one that really came
                            // due has no successor.
                            std::uint64_t expired = 0;
                            const int timer = self->descriptor.native_handle();
                            if (::read(timer, &expired, sizeof expired) > 0) return;
                            if (!self->arm()) return;
                            self->wait();
                            self->stepped();
                          });
  }

  asio::posix::stream_descriptor descriptor;
  std::function<void()> stepped;
};

ClockSteps::ClockSteps(Loop& loop, std::function<void()> stepped)
    : state_(std::make_shared<State>(loop, std::move(stepped))) {
  const int timer = ::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (timer < 0) return;
  asio::error_code error;
  state_->descriptor.assign(timer, error);
  if (!error && state_->arm()) state_->wait();
}

ClockSteps::~ClockSteps() {
  state_->stepped = nullptr;
  asio::error_code ignored;
  state_->descriptor.close(ignored);
}

}  // namespace spillway::process
