#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spillway/status.h"
#include "tests/chaos/below/control.h"
#include "tests/chaos/ends.h"
#include "tests/support/process.h"

namespace spillway::chaos {

// A program that is killed, stopped and starved, and started again as a service manager would. One
// owner, one thread: the kernel ends the program with the thread that started it.
class Victim {
 public:
  // `faults`: the library to load below it; empty: none, and control() does nothing.
  Victim(std::string name, test::Command command, const std::string& folder, std::string faults);
  ~Victim();
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  Status start();
  bool running() { return process_ && process_->running(); }
  pid_t pid() const { return process_ ? process_->pid() : 0; }
  void kill();
  void signal(int number) {
    if (process_) process_->signal(number);
  }
  // Ends it as a service manager does; nothing: it had to be killed.
  std::optional<test::Exit> stop(std::chrono::milliseconds patience);
  // How it ended, each time since the last call.
  std::vector<End> take_ends();

  const std::string& name() const { return name_; }
  bool has_faults() const { return !faults_.empty(); }
  Control& control() { return *control_; }
  // No fault is armed any more.
  void calm();
  int starts() const { return starts_; }

 private:
  std::string name_;
  test::Command command_;
  std::string faults_, control_path_;
  Control* control_ = nullptr;
  Control none_{};
  std::optional<test::Process> process_;
  void note_end();

  bool killed_ = false, asked_ = false;
  int starts_ = 0;
  std::uint32_t kills_ = 0;  // of the library below, before this start
  std::size_t log_ = 0;      // bytes of it, before this start
  std::vector<End> ends_;
};

}  // namespace spillway::chaos
