#include "common/executor/executor.h"

#include <condition_variable>
#include <deque>
#include <new>
#include <thread>

#include "common/executor/task_group.h"

namespace spillway::executor {

Node* allocate_node(bool large) {
  const std::size_t size = large ? kLargeNode : kSmallNode;
  Node* node = new (::operator new (size, std::align_val_t{alignof(Node)})) Node;
  node->large = large;
  return node;
}

void release_node(Node* node) {
  node->~Node();
  ::operator delete (node, std::align_val_t{alignof(Node)});
}

namespace {
thread_local Executor::Core* current = nullptr;
}

class Executor::Core {
 public:
  explicit Core(Options options)
      : options_(options),
        width_(options.workers ? options.workers
                               : std::max(1u, std::thread::hardware_concurrency())) {
    for (unsigned i = 0; i < width_; ++i) {
      threads_.emplace_back([this] { loop(queues_, &width_, true); });
    }
  }

  Status submit(Task closure, const SubmitOptions& options) {
    std::lock_guard lock(mutex_);
    if (closing_) return fail(Code::unavailable, "the executor has shut down");
    if (queued_ >= options_.capacity) {
      ++refused_;
      Error error = fail(Code::busy, "the executor's queue is full");
      error.retry_after = std::chrono::milliseconds(1);
      return error;
    }
    closure->band = options.band;
    closure->stop = options.stop;
    if (options.deadline) closure->deadline = options.deadline->time_since_epoch().count();
    if (options.blocking) {
      blocking_.push_back(std::move(closure));
      if (blocking_threads_ < options_.blocking_limit) {
        ++blocking_threads_;
        threads_.emplace_back([this] { loop(&blocking_, nullptr, false); });
      }
    } else {
      insert(std::move(closure));
    }
    return admit();
  }

  void post(Task closure) {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    insert(std::move(closure));
    (void)admit();
  }

  ShutdownReport shutdown(Shutdown mode) {
    std::vector<std::thread> threads;
    {
      std::unique_lock lock(mutex_);
      closing_ = true;
      discard_ = mode == Shutdown::cancel;
      changed_.notify_all();
      changed_.wait(lock, [this] { return finished() == report_.accepted; });
      closed_ = true;
      changed_.notify_all();
      threads.swap(threads_);
    }
    for (std::thread& thread : threads) thread.join();
    std::lock_guard lock(mutex_);
    return report_;
  }

  // Runs one closure that waits, if any.
  bool help(std::unique_lock<std::mutex>& lock, std::deque<Task>* queues, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (queues[i].empty()) continue;
      Task task = std::move(queues[i].front());
      queues[i].pop_front();
      --queued_;
      const bool discard = discard_;
      lock.unlock();
      run(std::move(task), discard);
      lock.lock();
      return true;
    }
    return false;
  }

  void wait(const std::atomic<std::uint32_t>& pending) {
    std::unique_lock lock(mutex_);
    while (pending != 0) {
      if (current == this && help(lock, queues_, kBands)) continue;
      changed_.wait(
          lock, [&] { return pending == 0 || (current == this && queued_ > blocking_.size()); });
    }
  }

  void wake() {
    std::lock_guard lock(mutex_);
    changed_.notify_all();
  }

  void set_width(unsigned width) {
    std::lock_guard lock(mutex_);
    width_ = std::clamp(width, 1u, static_cast<unsigned>(threads_.size()));
  }

  Counters counters() const {
    std::lock_guard lock(mutex_);
    Counters counters;
    counters.closures = report_;
    counters.refused = refused_;
    counters.queued = queued_;
    counters.blocking_threads = blocking_threads_;
    return counters;
  }

  unsigned width() const { return width_; }

 private:
  std::uint64_t finished() const {
    return report_.ran + report_.expired + report_.cancelled + report_.dropped;
  }

  Status admit() {
    ++queued_;
    ++report_.accepted;
    changed_.notify_all();
    return {};
  }

  void insert(Task closure) {
    std::deque<Task>& queue = queues_[static_cast<std::size_t>(closure->band)];
    auto at = queue.end();
    while (at != queue.begin() && (*std::prev(at))->deadline > closure->deadline) --at;
    queue.insert(at, std::move(closure));
  }

  void loop(std::deque<Task>* queues, const std::atomic<unsigned>* width, bool worker) {
    if (worker) current = this;
    const std::size_t count = width ? kBands : 1;
    std::unique_lock lock(mutex_);
    while (!closed_) {
      if (!help(lock, queues, count)) changed_.wait(lock);
    }
  }

  void run(Task task, bool discard) {
    Node* node = task.release();
    Outcome outcome = Outcome::ran;
    if (discard) {
      outcome = Outcome::dropped;
    } else if (node->deadline < std::chrono::steady_clock::now().time_since_epoch().count()) {
      outcome = Outcome::expired;
    }
    bool failed = false;
    try {
      outcome = node->finish(node, outcome);
    } catch (...) {
      failed = true;
    }
    std::lock_guard lock(mutex_);
    report_.failed += failed;
    switch (outcome) {
      case Outcome::ran: ++report_.ran; break;
      case Outcome::expired: ++report_.expired; break;
      case Outcome::cancelled: ++report_.cancelled; break;
      case Outcome::dropped: ++report_.dropped; break;
    }
    changed_.notify_all();
  }

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> queues_[kBands];
  std::deque<Task> blocking_;
  std::vector<std::thread> threads_;
  std::atomic<unsigned> width_;
  std::size_t queued_ = 0;
  std::size_t blocking_threads_ = 0;
  std::uint64_t refused_ = 0;
  ShutdownReport report_;
  bool closing_ = false, discard_ = false, closed_ = false;
};

Executor::Executor(Options options) : core_(std::make_unique<Core>(options)) {}
Executor::~Executor() { shutdown(Shutdown::cancel); }
Status Executor::try_submit(Task closure, SubmitOptions options) {
  return core_->submit(std::move(closure), options);
}
void Executor::post(Task closure) { core_->post(std::move(closure)); }
unsigned Executor::width() const { return core_->width(); }
void Executor::set_width(unsigned upper_bound) { core_->set_width(upper_bound); }
Counters Executor::counters() const { return core_->counters(); }
std::string Executor::chrome_trace() const { return "{\"traceEvents\":[]}"; }
ShutdownReport Executor::shutdown(Shutdown mode) { return core_->shutdown(mode); }

TaskGroup::~TaskGroup() {
  try {
    wait();
  } catch (...) {
  }
}
void TaskGroup::begin() { ++pending_; }
void TaskGroup::end() {
  Executor& executor = executor_;
  --pending_;
  executor.core().wake();
}
void TaskGroup::failed(std::exception_ptr error) {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
}
void TaskGroup::wait() {
  executor_.core().wait(pending_);
  std::lock_guard lock(mutex_);
  if (std::exception_ptr error = std::exchange(error_, nullptr)) std::rethrow_exception(error);
}

}  // namespace spillway::executor
