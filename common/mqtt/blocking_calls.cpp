#include "common/mqtt/blocking_calls.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace spillway::mqtt {
namespace {

constexpr std::chrono::seconds kPatience{3};

}  // namespace

struct BlockingCalls::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> queue;
  bool closing = false;
  bool ended = false;
};

namespace {

void work(const std::shared_ptr<BlockingCalls::State>& state) {
  std::unique_lock lock(state->mutex);
  for (;;) {
    state->changed.wait(lock, [&] { return state->closing || !state->queue.empty(); });
    if (state->queue.empty()) break;
    auto call = std::move(state->queue.front());
    state->queue.pop_front();
    lock.unlock();
    call();
    call = nullptr;  // what it holds is released here, outside the lock
    lock.lock();
  }
  state->ended = true;
  state->changed.notify_all();
}

}  // namespace

BlockingCalls::BlockingCalls() : state_(std::make_shared<State>()) {
  std::thread([state = state_] { work(state); }).detach();
}

BlockingCalls::~BlockingCalls() {
  std::unique_lock lock(state_->mutex);
  state_->closing = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, kPatience, [&] { return state_->ended; });
}

void BlockingCalls::add(std::function<void()> call) {
  std::lock_guard lock(state_->mutex);
  state_->queue.push_back(std::move(call));
  state_->changed.notify_all();
}

}  // namespace spillway::mqtt
