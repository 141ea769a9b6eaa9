#pragma once

#include "agent/ota/updater.h"

namespace spillway::ota {

// The slots as RAUC keeps them, by its command: it speaks to the service that root started. One
// thread.
class RaucSlots : public Slots {
 public:
  Result<std::string> booted() override;
  Result<std::string> version_of(const std::string& bundle) override;
  Status install(const std::string& bundle) override;
  Status mark_good() override;
  Status leave_booted() override;
  Status reboot() override;
};

// The slot in a kernel's command line (rauc.slot=A). `not_found`: this system has none.
Result<std::string> slot_in(const std::string& command_line);

// The version in what `rauc info --output-format=shell` says. `corrupt`: it names none.
Result<std::string> version_in(const std::string& said);

// Why RAUC failed, of all that it said: what it calls its last error, or else its last line.
std::string reason_in(const std::string& said);

}  // namespace spillway::ota
