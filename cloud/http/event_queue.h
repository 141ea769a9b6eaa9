#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace spillway::cloud::http {

// What one event stream has still to send. Frames are shared by all streams that get them. Bounded:
// when a client falls behind, what it has not got is dropped, and take_behind() says so. The
// server's thread only.
class EventQueue {
 public:
  using Frame = std::shared_ptr<const std::string>;
  static constexpr std::size_t kMaxFrames = 16;
  static constexpr std::size_t kMaxBytes = 4 * 1024 * 1024;

  void push(Frame frame) {
    bytes_ += frame->size();
    frames_.push_back(std::move(frame));
    if (frames_.size() > kMaxFrames || (bytes_ > kMaxBytes && frames_.size() > 1)) fall_behind();
    if (wake) wake();
  }
  void close() {
    closed_ = true;
    if (wake) wake();
  }

  // Null: nothing to send.
  Frame pop() {
    if (frames_.empty()) return nullptr;
    Frame frame = std::move(frames_.front());
    frames_.pop_front();
    bytes_ -= frame->size();
    return frame;
  }
  bool closed() const { return closed_; }
  // True once after it fell behind: whoever feeds it starts it anew, before it feeds any more.
  bool take_behind() { return std::exchange(behind_, false); }

  std::function<void()> wake;  // set by who sends

 private:
  void fall_behind() {
    frames_.clear();
    bytes_ = 0;
    behind_ = true;
  }

  std::deque<Frame> frames_;
  std::size_t bytes_ = 0;
  bool behind_ = false, closed_ = false;
};

}  // namespace spillway::cloud::http
