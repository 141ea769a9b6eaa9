#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/cli/checks.h"
#include "agent/cli/session.h"

namespace spillway::cli {

struct DoctorOptions {
  std::string config = "/etc/spillway/agent.toml";
  bool broker = false;            // tries it even though an agent runs, if that is not connected
  std::optional<double> torture;  // minutes
};

// Looks, says what it found, and returns kFailed when anything failed; warnings do not count.
Result<int> run_doctor(Session& session, const DoctorOptions& options);

void print_findings(const Console& console, const std::vector<Finding>& findings);
std::string json_findings(const std::vector<Finding>& findings);

}  // namespace spillway::cli
