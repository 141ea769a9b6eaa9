#include "agent/app/updates.h"

#include <filesystem>

#include "agent/ota/spool.h"
#include "agent/ota/update_kind.h"

namespace spillway::agent {
namespace {

namespace fs = std::filesystem;

}  // namespace

bool has_updater(const std::string& directory) {
  std::error_code error;
  return !directory.empty() && fs::is_directory(directory, error);
}

wire::UpdateReport update_of(const std::string& directory) {
  const ota::Spool spool(directory);
  const Result<ota::Progress> is = spool.progress();
  if (!is) return {};
  wire::UpdateReport report{is->phase, is->target, is->request.source, is->detail};
  std::error_code error;
  if (is->phase == UpdatePhase::downloading) {
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
