#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "spillway/task.h"

namespace spillway::executor {

// How a closure ended; each ends exactly once (P15).
enum class Outcome : std::uint8_t {
  ran,
  expired,    // its deadline had passed when its turn came
  cancelled,  // its stop token, or its group, was stopped before its turn came
  dropped,    // the executor shut down without draining
};

inline constexpr unsigned kBands = 4;
inline constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int64_t>::max();

// A closure in the executor's queues. The callable lies behind the header, in the same block of 64
// or 128 bytes; one too large for that is boxed.
struct alignas(64) Node {
  std::atomic<Node*> next{nullptr};
  // Runs the callable, or tells it that it will not run; destroys it either way. Throws what the
  // callable throws.
  Outcome (*finish)(Node*, Outcome) = nullptr;
  std::int64_t deadline = kNoDeadline;  // ns of the steady clock
  std::stop_token stop;
  std::uint32_t queued_at = 0;  // µs of the steady clock, wrapping; 0: this one is not timed
  Band band = Band::normal;
  std::uint8_t shard : 7 = 0;              // of the injector it went through
  std::uint8_t large : 1 = 0;              // 128 bytes rather than 64
  std::atomic<std::uint16_t> released{0};  // of its block; used in a block's first node only

  std::byte* storage() { return reinterpret_cast<std::byte*>(this) + kHeader; }
  static constexpr std::size_t kHeader = 40;
};
static_assert(offsetof(Node, released) + sizeof(Node::released) <= Node::kHeader);
inline constexpr std::size_t kSmallNode = 64;
inline constexpr std::size_t kLargeNode = 128;

// A node from this thread's cache of recycled ones; never null. Any thread may release any node.
Node* allocate_node(bool large);
void release_node(Node* node);
// Fetches what running and releasing a small node touches.
void prefetch_node(Node* node);
// Gives memory back to the system after a burst; does nothing while nodes are in use. Any thread,
// one at a time, now and then.
void trim_nodes();

// A move-only closure: any callable `void()`, or `void(Outcome)`, which is told how it ended. A
// `void()` that does not run is only destroyed, and one that returns an Outcome corrects it. Up to
// 88 bytes of captures need no heap allocation.
class Task {
 public:
  Task() = default;
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Task> &&
           (std::is_invocable_v<std::decay_t<F>&> ||
            std::is_invocable_v<std::decay_t<F>&, Outcome>))
      Task(F&& callable) {  // NOLINT(bugprone-forwarding-reference-overload): it reads no requires
    using Callable = std::decay_t<F>;
    // NOLINTNEXTLINE(misc-redundant-expression): with one type both sides may be the same number.
    if constexpr (sizeof(Callable) <= kLargeNode - Node::kHeader &&
                  alignof(Callable) <= alignof(void*)) {
      place<Callable>(std::forward<F>(callable));
    } else {
      place<Boxed<Callable>>(
          Boxed<Callable>{std::make_unique<Callable>(std::forward<F>(callable))});
    }
  }
  Task(Task&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  // A closure that was never submitted, or whose submission was refused, is told `dropped`.
  ~Task() {
    if (node_) discard(node_);
  }

  explicit operator bool() const { return node_ != nullptr; }
  Node* operator->() const { return node_; }
  Node* release() { return std::exchange(node_, nullptr); }

 private:
  template <class Callable>
  struct Boxed {
    std::unique_ptr<Callable> callable;
    Outcome operator()(Outcome outcome) { return call(*callable, outcome); }
  };

  template <class Callable>
  static Outcome call(Callable& callable, Outcome outcome) {
    if constexpr (std::is_invocable_r_v<Outcome, Callable&, Outcome>) {
      return callable(outcome);
    } else if constexpr (std::is_invocable_v<Callable&, Outcome>) {
      callable(outcome);
    } else if (outcome == Outcome::ran) {
      callable();
    }
    return outcome;
  }

  template <class Callable>
  static Outcome finish(Node* node, Outcome outcome) {
    struct Owner {
      Node* node;
      Callable* callable;
      ~Owner() {
        callable->~Callable();
        release_node(node);
      }
    } owner{node, reinterpret_cast<Callable*>(node->storage())};
    if (outcome == Outcome::ran && node->stop.stop_requested()) outcome = Outcome::cancelled;
    return call(*owner.callable, outcome);
  }

  template <class Callable, class F>
  void place(F&& callable) {
    node_ = allocate_node(sizeof(Callable) > kSmallNode - Node::kHeader);
    try {
      new (node_->storage()) Callable(std::forward<F>(callable));
    } catch (...) {
      release_node(std::exchange(node_, nullptr));
      throw;
    }
    node_->finish = &finish<Callable>;
  }

  static void discard(Node* node) noexcept {
    try {
      node->finish(node, Outcome::dropped);
    } catch (...) {  // a callable that throws on being told has nobody left to tell
    }
  }

  Node* node_ = nullptr;
};

}  // namespace spillway::executor
