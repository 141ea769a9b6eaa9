#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>

#include "common/sqlite/commit_queue.h"
#include "spillway/status.h"
#include "spillway/time.h"
#include "tests/support/disk/recorded_disk.h"

namespace spillway::chaos {

// When a store tells its user that a batch is kept.
enum class Answers : std::uint8_t {
  after_commit,
  at_once,  // deliberately broken: it answers what is not on the disk yet
};

// A store, the work done with it, and a model of what it must hold after a power cut: the state
// after some whole number of batches, none of them promised and missing. Batches are numbered by
// the store's last seen time, in seconds, through all its lives.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual std::string name() const = 0;
  // Opens what is in the folder (nothing: a first start) and works until the power goes, or until
  // it has stopped properly; notes on the disk what was promised when. The watch is on meanwhile.
  virtual Status live(const std::string& folder, test::RecordedDisk& disk, std::uint64_t seed) = 0;
  // Opens the folder's store and says which promise is broken; empty: none. From any thread.
  virtual std::string judge(const std::string& folder, std::uint64_t promised) const = 0;
  // Forgets everything: the next life is a first start.
  virtual void start_over() = 0;
};

std::unique_ptr<Subject> make_owner_subject(Answers answers);
std::unique_ptr<Subject> make_ledger_subject(Answers answers);

// Stores answer on their own thread here: the promise is noted the moment it is made.
inline sqlite::Poster answer_at_once() {
  return [](const std::function<void()>& answer) { answer(); };
}

inline NodeTime time_of(std::uint64_t batch) {
  return NodeTime(std::chrono::seconds(static_cast<std::int64_t>(batch)));
}
inline std::uint64_t batch_at(NodeTime time) {
  return static_cast<std::uint64_t>(time.time_since_epoch() / std::chrono::seconds(1));
}

// Keeps a store's thread from beginning until several calls are queued, so that a seed means one
// schedule: hand `hold()` to any question asked of the store before the first of them, and open the
// gate after the last.
class Gate {
 public:
  auto hold() {
    return [opened = opened_](const auto&) { opened.wait(); };
  }
  void open() { open_.set_value(); }

 private:
  std::promise<void> open_;
  std::shared_future<void> opened_ = open_.get_future().share();
};

// What a store answered to several calls, waited for together. The last call answered decides.
class Replies {
 public:
  void expect_one() { ++expected_; }
  void take(const Status& status, const std::function<void()>& when_good) {
    const std::lock_guard lock(mutex_);
    if (status) {
      when_good();
    } else if (first_.ok()) {
      first_ = status;
    }
    ++come_;
    arrived_.notify_all();
  }
  Status wait() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return come_ == expected_; });
    return first_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  int expected_ = 0, come_ = 0;
  Status first_;
};

// Waits for one answer of a store.
template <class T>
Result<T> ask(const std::function<void(std::function<void(Result<T>)>)>& call) {
  std::promise<Result<T>> answer;
  call([&answer](Result<T> result) { answer.set_value(std::move(result)); });
  return answer.get_future().get();
}

}  // namespace spillway::chaos
