#include "agent/app/updates.h"

#include <filesystem>

#include "agent/ota/spool.h"
#include "agent/ota/update_kind.h"

namespace spillway::agent {
namespace {

namespace fs = std::filesystem;

wire::UpdatePhase on_the_wire(ota::Phase phase) {
  switch (phase) {
    case ota::Phase::idle: return wire::UpdatePhase::idle;
    case ota::Phase::downloading: return wire::UpdatePhase::downloading;
    case ota::Phase::verifying: return wire::UpdatePhase::verifying;
    case ota::Phase::draining: return wire::UpdatePhase::draining;
    case ota::Phase::installing: return wire::UpdatePhase::installing;
    case ota::Phase::rebooting: return wire::UpdatePhase::rebooting;
    case ota::Phase::checking: return wire::UpdatePhase::trial;
    case ota::Phase::good: return wire::UpdatePhase::good;
    case ota::Phase::failed: return wire::UpdatePhase::failed;
    case ota::Phase::rolled_back: return wire::UpdatePhase::rolled_back;
  }
  return wire::UpdatePhase::idle;
}

}  // namespace

bool has_updater(const std::string& directory) {
  std::error_code error;
  return !directory.empty() && fs::is_directory(directory, error);
}

wire::UpdateReport update_of(const std::string& directory) {
  const ota::Spool spool(directory);
  const Result<ota::Progress> is = spool.progress();
  if (!is) return {};
  wire::UpdateReport report{on_the_wire(is->phase), is->target, is->request.source, is->detail};
  std::error_code error;
  if (is->phase == ota::Phase::downloading) {
    const auto size = fs::file_size(spool.bundle(), error);
    if (!error) report.received = size;
  }
  return report;
}

std::optional<Kind> update_kind_of(const std::string& directory) {
  std::error_code error;
  if (!has_updater(directory) ||
      !fs::is_directory(ota::Spool(directory).inbox().directory(), error))
    return std::nullopt;
  return ota::update_kind(directory);
}

}  // namespace spillway::agent
