#include "common/mqtt/blocking_calls.h"

#include <deque>
#include <thread>

#include "common/threads/mutex.h"

namespace spillway::mqtt {
namespace {

constexpr std::chrono::seconds kPatience{3};

}  // namespace

struct BlockingCalls::State {
  threads::Mutex mutex;
  threads::Condition changed;
  std::deque<std::function<void()>> queue GUARDED_BY(mutex);
  bool closing GUARDED_BY(mutex) = false;
  bool ended GUARDED_BY(mutex) = false;
};

namespace {

void work(const std::shared_ptr<BlockingCalls::State>& state) {
  threads::Lock lock(state->mutex);
  for (;;) {
    state->changed.wait(
        lock, [&]() REQUIRES(state->mutex) { return state->closing || !state->queue.empty(); });
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
  threads::Lock lock(state_->mutex);
  state_->closing = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, kPatience,
                           [this]() REQUIRES(state_->mutex) { return state_->ended; });
}

void BlockingCalls::add(std::function<void()> call) {
  threads::Lock lock(state_->mutex);
  state_->queue.push_back(std::move(call));
  state_->changed.notify_all();
}

}  // namespace spillway::mqtt
