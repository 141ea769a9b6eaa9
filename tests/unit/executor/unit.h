#pragma once

// The standard headers come first: CppUTest's macros redefine what they use.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include <CppUTest/TestHarness.h>

// Holds the closure that passes until the test opens.
class Gate {
 public:
  void pass() {
    reached_ = true;
    reached_.notify_all();
    open_.wait(false);
  }
  void reached() { reached_.wait(false); }
  void open() {
    open_ = true;
    open_.notify_all();
  }

 private:
  std::atomic<bool> reached_{false}, open_{false};
};
