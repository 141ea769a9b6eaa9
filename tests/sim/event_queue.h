#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/sim/message.h"

namespace spillway::sim {

enum class Happening : std::uint8_t {
  deliver,
  disk,   // has done what it was asked for
  woken,  // there is room on the link again
  birth,  // of the other node, is heard
  body_ends,
  restart,
  exit,
  fault,
  link_told,
  heal
};

struct Event {
  Duration at{};  // on the world's own clock
  std::uint32_t order = 0;
  Happening what = Happening::fault;
  NodeName node = NodeName::owner;
  std::uint32_t ref = 0;  // message slot, run, session or power cycle
};

// What will happen, by time and then by order of asking.
class EventQueue {
 public:
  void clear() { heap_.clear(), next_order_ = 0; }
  bool empty() const { return heap_.empty(); }
  Duration next_at() const { return heap_.empty() ? Duration::max() : heap_.front().at; }
  void push(Event event) {
    event.order = next_order_++;
    heap_.push_back(event);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  Event pop() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Event event = heap_.back();
    heap_.pop_back();
    return event;
  }

 private:
  static bool later(const Event& a, const Event& b) {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }
  std::vector<Event> heap_;
  std::uint32_t next_order_ = 0;
};

// The messages on their way, each in a slot that its delivery frees.
class MessagePool {
 public:
  void clear() { slots_.clear(), free_.clear(); }
  std::uint32_t put(Message message) {
    if (free_.empty()) {
      slots_.push_back(std::move(message));
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot] = std::move(message);
    return slot;
  }
  Message take(std::uint32_t slot) {
    free_.push_back(slot);
    return std::move(slots_[slot]);
  }

 private:
  std::vector<Message> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace spillway::sim
