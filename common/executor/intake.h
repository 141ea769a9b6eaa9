#pragma once

#include <atomic>

namespace spillway::executor {

// Vyukov's intrusive queue: any thread pushes with one exchange, one thread at a time pops. Item
// has a member `Atomic<Item*> next` and a default constructor.
template <class Item, template <class> class Atomic = std::atomic>
class Intake {
 public:
  // Any thread.
  void push(Item* item) {
    item->next.store(nullptr, std::memory_order_relaxed);
    // acq_rel would do for the queue: release what the item holds, acquire the previous item so
    // that it can be linked. seq_cst because what follows in the pusher, a look at who sleeps, must
    // not come before it (see Idlers).
    Item* previous = tail_.exchange(item, std::memory_order_seq_cst);
    // Here the queue is cut in two: what is behind cannot be popped until this store.
    previous->next.store(item, std::memory_order_release);
  }

  // The consumer. Null when empty, or when a pusher is between its two steps.
  Item* pop() {
    Item* head = head_;
    Item* next = head->next.load(std::memory_order_acquire);  // with the release in push
    if (head == &stub_) {
      if (!next) return nullptr;
      head_ = head = next;
      next = head->next.load(std::memory_order_acquire);
    }
    if (!next) {
      // The last item can go only once something stands behind it.
      if (tail_.load(std::memory_order_acquire) != head) return nullptr;
      push(&stub_);
      next = head->next.load(std::memory_order_acquire);
      if (!next) return nullptr;
    }
    head_ = next;
    return head;
  }

  // The consumer. False also while a pusher is between its steps: the item is there, if not yet
  // within reach. seq_cst: pairs with the exchange in push for those who decide to sleep.
  bool empty() const { return head_ == &stub_ && tail_.load(std::memory_order_seq_cst) == &stub_; }

 private:
  alignas(64) Atomic<Item*> tail_{&stub_};
  alignas(64) Item* head_ = &stub_;
  Item stub_;
};

}  // namespace spillway::executor
