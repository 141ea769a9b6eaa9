#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "agent/ota/spool.h"
#include "spillway/status.h"

namespace spillway::ota {

// The slots of this device and what boots from them.
class Slots {
 public:
  virtual ~Slots() = default;
  virtual Result<std::string> booted() = 0;
  // What the bundle's manifest calls its version; its signature is verified first.
  virtual Result<std::string> version_of(const std::string& bundle) = 0;
  // Verifies the bundle's signature and compatibility, writes it to the other slot and makes that
  // the next to boot. Until it returns success the booted slot stays the next.
  virtual Status install(const std::string& bundle) = 0;
  // The booted slot has all its tries again.
  virtual Status mark_good() = 0;
  // The booted slot is not booted again; the other one is next.
  virtual Status leave_booted() = 0;
  virtual Status reboot() = 0;
};

struct Health {
  bool answers = false;    // the agent has its store open and answers
  bool task_done = false;  // a task ran on this device
  bool full = false;       // the agent takes no task for now: disk or budget is used up
  bool busy = false;       // a task waits for a core: others compute on all of them
  bool link_up = false;
  bool needs_link = false;  // a broker is configured
};

// The agent that runs beside the updater.
class Device {
 public:
  virtual ~Device() = default;
  virtual Status drain() = 0;
  virtual Status resume() = 0;
  virtual Health examine() = 0;
};

// Brings a bundle to a file of this device. Resumes what an earlier call left.
class Source {
 public:
  virtual ~Source() = default;
  virtual Result<std::string> fetch(const Request& request) = 0;
  // Whether that file is what the request names.
  virtual Status verify(const Request& request, const std::string& file) = 0;
  virtual void forget() = 0;
};

struct Limits {
  std::chrono::seconds healthy_within{180};  // of the check's start
  std::chrono::seconds offline_grace{60};    // after it a link that is down is no reason against
};

enum class Verdict : std::uint8_t { healthy, wait, sick };
// `elapsed` since the check's start, however long each look at the device took.
Verdict judge(const Health& health, std::chrono::seconds elapsed, const Limits& limits);

// Whether version `a` came before `b`: numbers in them count as numbers, and what follows a '-' or
// '~' comes before its lack (1.9 < 1.10-rc1 < 1.10 < 1.10.1).
bool is_older(std::string_view a, std::string_view b);

// Where an update stands after a start, from what was kept and the slot that booted.
Progress after_start(Progress kept, const std::string& booted);

// One update after another, in straight lines: every step is kept on disk before it is taken, and
// each may be taken twice. One thread, which it blocks. It trusts nothing it kept over what booted.
class Updater {
 public:
  struct Parts {
    Slots& slots;
    Device& device;
    Source& source;
    std::function<void(std::chrono::seconds)> sleep;
    std::function<std::chrono::seconds()> now;  // monotonic
    std::function<void(const std::string&)> say;
    std::function<void()> known_good;  // the watchdog may be fed from here on
    std::string version;               // of what runs: the agent cannot ask for an older one
  };
  Updater(Spool spool, Parts parts, Limits limits = {})
      : spool_(std::move(spool)), parts_(std::move(parts)), limits_(limits) {}

  // Once after each start: finds where the last update stands, waits for the device's health and
  // marks the slot, or leaves it and reboots. True: go on with step().
  Result<bool> start();
  // Takes up a request, if there is one: what root asks for, then what the agent does. True: the
  // device reboots, call nothing more.
  Result<bool> step();

 private:
  Status enter(UpdatePhase phase, const std::string& detail = {});
  Result<bool> check_health();
  Result<bool> take_up(bool from_agent);
  Result<bool> refuse(const Spool& from, const Error& why);
  Status check_version(const std::string& bundle);
  Result<bool> give_up(const Error& why);
  Result<bool> install();
  Result<bool> roll_back();

  Spool spool_;
  Parts parts_;
  Limits limits_;
  Progress progress_;
  std::string in_the_way_;  // what was said last of what cannot be removed
};

}  // namespace spillway::ota
