#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "common/threads/mutex.h"
#include "spillway/status.h"

namespace spillway::sqlite {

// Runs a closure on the loop of whoever owns a store. Called from the store's thread, up to and
// including the store's destructor.
using Poster = std::function<void(std::function<void()>)>;

// What operations are committed to. Called by one thread at a time. After rollback, memory and file
// are as they were before begin.
class Committer {
 public:
  virtual ~Committer() = default;
  virtual Status begin() = 0;
  virtual Status commit() = 0;
  virtual void rollback() = 0;
  // Told of every error, the operations' own ones included.
  virtual void failed(const Error& error) = 0;
  // After work, when none has come for a while: gives back the memory that only made it quick.
  virtual void rest() {}
};

// Runs operations in the order they were pushed, each write as a transaction of its own: what is to
// share one gathers before it comes here, in a CommitCycle. They run on a thread of the queue's; a
// small write that nothing is ahead of is run by whoever pushes it, which spares two changes of
// threads, as long as the disk is quick (`here`). An operation that fails is undone and answered
// with its error; the next one is not concerned. Answers are posted after the commit that made them
// true.
//
// Push from any thread. The destructor runs what is queued, and posts the answers.
class CommitQueue {
 public:
  struct Limits {
    std::chrono::milliseconds rest{10'000};  // without work before the committer is told to rest
    // What one commit may cost the thread that pushes: after one that took longer, the next kSlow
    // small writes go to the queue's thread, and kCrowd after one that was not small: then many
    // come, and are better gathered while another thread writes. 0: all do.
    std::chrono::microseconds here{0};
  };

  CommitQueue(Committer& committer, Poster poster, Limits limits);
  ~CommitQueue();
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  static constexpr unsigned kSlow = 1000, kCrowd = 64;
  // For `here`, where whoever pushes is a node's loop.
  static constexpr std::chrono::microseconds kQuick{1000};

  // A `small` one may be run by the caller's thread before this returns; its answer is posted like
  // any other.
  template <class T>
  void write(std::function<Result<T>()> run, std::function<void(Result<T>)> done,
             bool small = false) {
    push(std::make_unique<Task<T>>(true, std::move(run), std::move(done)), small);
  }
  // Sees the writes queued before it.
  template <class T>
  void read(std::function<Result<T>()> run, std::function<void(Result<T>)> done) {
    push(std::make_unique<Task<T>>(false, std::move(run), std::move(done)), false);
  }

 private:
  class Operation {
   public:
    explicit Operation(bool writes) : writes_(writes) {}
    virtual ~Operation() = default;
    virtual const Error* run() = 0;  // null: it went well
    virtual void refuse(const Error& error) = 0;
    virtual void answer() = 0;
    bool writes() const { return writes_; }

   private:
    bool writes_;
  };

  template <class T>
  class Task final : public Operation {
   public:
    Task(bool writes, std::function<Result<T>()> run, std::function<void(Result<T>)> done)
        : Operation(writes), run_(std::move(run)), done_(std::move(done)) {}
    const Error* run() override {
      result_ = run_();
      return result_.ok() ? nullptr : &result_.error();
    }
    void refuse(const Error& error) override { result_ = error; }
    void answer() override {
      if (done_) done_(std::move(result_));
    }

   private:
    std::function<Result<T>()> run_;
    std::function<void(Result<T>)> done_;
    Result<T> result_ = Error{};
  };
  void push(std::unique_ptr<Operation> operation, bool small);
  bool may_run_here(const Operation& operation, bool small) REQUIRES(mutex_);
  void run_here(std::unique_ptr<Operation> operation);
  void loop();
  bool await_work();
  void run(std::unique_ptr<Operation> operation);
  void write(Operation& operation);

  Committer& committer_;
  const Poster poster_;
  const Limits limits_;

  threads::Mutex mutex_;
  threads::Condition wake_;
  std::deque<std::unique_ptr<Operation>> queue_ GUARDED_BY(mutex_);
  bool closing_ GUARDED_BY(mutex_) = false;
  bool busy_ GUARDED_BY(mutex_) = false;       // somebody runs operations, or the committer rests
  bool rested_ GUARDED_BY(mutex_) = false;     // since the last operation
  std::uint64_t here_ GUARDED_BY(mutex_) = 0;  // run by those who pushed them
  unsigned not_here_ GUARDED_BY(mutex_) = 0;   // small writes that still go to the thread

  std::deque<std::unique_ptr<Operation>> taken_;  // the thread's own
  std::thread thread_;
};

}  // namespace spillway::sqlite
