#include "common/process/loop.h"

#include <asio/basic_waitable_timer.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "common/process/system_clock.h"
#include "common/threads/door.h"

namespace spillway::process {
namespace {

struct BootTime {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootTime>;
  [[maybe_unused]] static constexpr bool is_steady = true;
  static time_point now() { return time_point(BootClock().boot_time()); }
};

}  // namespace

struct Timer::State {
  explicit State(asio::io_context& context) : timer(context) {}
  asio::basic_waitable_timer<BootTime> timer;
  std::function<void()> call;
};

Timer& Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    cancel();
    state_ = std::move(other.state_);
  }
  return *this;
}

void Timer::cancel() {
  // Owned by the wait itself, so that a handle may outlive the loop.
  if (const auto state = state_.lock()) {
    state->call = nullptr;
    state->timer.cancel();
  }
  state_.reset();
}

bool Timer::pending() const {
  const auto state = state_.lock();
  return state && state->call;
}

struct Loop::State {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  threads::Door door{"process::Loop"};
};

Loop::Loop() : state_(std::make_unique<State>()) {}
Loop::~Loop() = default;

void Loop::post(std::function<void()> call) { asio::post(state_->context, std::move(call)); }

Timer Loop::after(Duration delay, std::function<void()> call) {
  state_->door.enter();
  auto state = std::make_shared<Timer::State>(state_->context);
  state->call = std::move(call);
  state->timer.expires_after(delay);
  state->timer.async_wait([state](std::error_code) {
    // Taken out first: the call may drop its own handle.
    if (auto due = std::exchange(state->call, nullptr)) due();
  });
  return Timer(state);
}

void Loop::run() noexcept {
  threads::LoopRun run;
  state_->context.run();
}

void Loop::stop() { state_->context.stop(); }

void Loop::run_ready() noexcept {
  threads::LoopRun run;
  state_->context.restart();
  state_->context.poll();
}

asio::io_context& Loop::context() { return state_->context; }

}  // namespace spillway::process
