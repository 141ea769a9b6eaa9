#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/telemetry/proc_texts.h"
#include "common/wire/telemetry.h"

namespace spillway::agent {

struct ProbeOptions {
  std::string root;         // where /proc and /sys are; empty: the machine's
  std::string state_dir;    // whose disk is looked at
  std::string certificate;  // PEM; empty: none
};

// Reads what the machine says of itself: small files of /proc and /sys, the disk's figures and the
// kernel's clock. What a machine does not have is left out. One thread; takes less than a
// millisecond and waits for no device.
class SystemProbe {
 public:
  explicit SystemProbe(ProbeOptions options);
  void measure(wire::Telemetry& into);
  // The part of it that bounds how hard the machine may work; nothing if it tells nothing of that.
  wire::Metrics heat_and_charge() const;

 private:
  std::optional<std::string> text(const std::string& path) const;
  std::optional<std::int64_t> number(const std::string& path) const;
  void measure_cpu(wire::Telemetry& into);
  void measure_memory(wire::Metrics& into) const;
  void measure_heat(wire::Metrics& into) const;
  void measure_storage(wire::Metrics& into) const;
  void measure_power(wire::Metrics& into) const;
  void measure_link(wire::Metrics& into) const;
  wire::LinkType link_type(const std::string& interface) const;

  ProbeOptions options_;
  std::vector<CpuTimes> cpu_;
  std::optional<std::int64_t> expires_;  // seconds since 1970
  std::string kernel_;
  std::vector<std::string> zones_, batteries_;  // folders, found once
};

// How well the kernel believes to know the time.
void measure_clock(wire::Metrics& into);

}  // namespace spillway::agent
