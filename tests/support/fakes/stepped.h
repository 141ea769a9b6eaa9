#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <utility>

#include "spillway/status.h"

namespace spillway::test {

// A store without a thread: an operation happens when it is stepped, and its answer comes at a
// later step, both in order. Destroying it is a crash: what was not executed is lost.
class Stepped {
 public:
  // Executes the oldest operation, or gives the oldest answer; false when there is none.
  bool execute() { return take(operations_); }
  bool answer() { return take(answers_); }
  bool step() { return answer() || execute(); }
  bool idle() const { return operations_.empty() && answers_.empty(); }
  // A commit was asked for and not answered.
  bool writes() const { return writes_; }
  // The last one that was answered: its batch comes again.
  bool commit_failed() const { return commit_failed_; }

  // Commits fail with this until it is taken back.
  void fail_commits(std::optional<Error> error) { failure_ = std::move(error); }
  // Every n-th operation fails with this, reads included; 0: none.
  void fail_every(unsigned n, Error error) {
    every_ = n;
    calls_ = 0;
    error_ = std::move(error);
  }

 protected:
  ~Stepped() = default;

  template <class T, class Run>
  void push(std::function<void(Result<T>)> done, Run run) {
    operations_.push_back([this, done = std::move(done), run = std::move(run)]() mutable {
      const bool fails = every_ > 0 && ++calls_ % every_ == 0;
      Result<T> result = fails ? Result<T>(error_) : Result<T>(run());
      answers_.push_back([done = std::move(done), result = std::move(result)]() mutable {
        done(std::move(result));
      });
    });
  }
  template <class T, class Apply>
  void push_commit(std::function<void(Result<T>)> done, Apply apply) {
    writes_ = true;
    push<T>(
        [this, done = std::move(done)](Result<T> result) {
          writes_ = false;
          commit_failed_ = !result;
          done(std::move(result));
        },
        [this, apply = std::move(apply)]() -> Result<T> {
          if (failure_) return *failure_;
          return apply();
        });
  }

 private:
  using Queue = std::deque<std::function<void()>>;
  static bool take(Queue& queue) {
    if (queue.empty()) return false;
    const auto first = std::move(queue.front());
    queue.pop_front();
    first();
    return true;
  }

  bool writes_ = false, commit_failed_ = false;
  std::optional<Error> failure_;
  unsigned every_ = 0, calls_ = 0;
  Error error_;
  Queue operations_, answers_;
};

}  // namespace spillway::test
