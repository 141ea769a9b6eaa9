#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>

#include "spillway/status.h"

// A loop for tests: answers posted from a store's thread run when the test asks for one.
class Answers {
 public:
  auto poster() {
    return [this](std::function<void()> answer) {
      std::lock_guard lock(mutex_);
      posted_.push_back(std::move(answer));
      arrived_.notify_one();
    };
  }

  void run_one() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return !posted_.empty(); });
    std::function<void()> answer = std::move(posted_.front());
    posted_.pop_front();
    lock.unlock();
    answer();
  }

  // Starts an asynchronous call and runs the loop until it is answered.
  template <class T>
  spillway::Result<T> ask(std::function<void(std::function<void(spillway::Result<T>)>)> call) {
    std::optional<spillway::Result<T>> answer;
    call([&answer](spillway::Result<T> result) { answer.emplace(std::move(result)); });
    while (!answer) run_one();
    return *std::move(answer);
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<std::function<void()>> posted_;
};
