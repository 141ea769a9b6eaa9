#pragma once

#include <memory>
#include <string>

#include "common/base/owed.h"
#include "common/owner/attempt_history.h"
#include "common/store/owner_journal.h"
#include "spillway/task.h"

namespace spillway::cloud {

// A task for a device that is not done, or of which a commit in flight still speaks.
struct SentTask : store::JournaledTask {
  NodeTime created{};
  std::string device;
  lifecycle::OwnerPolicy policy;
  store::EncodedBytes spec_bytes;
  std::shared_ptr<const TaskSpec> spec;
  owner::AttemptHistory history;
  NodeTime offered{};       // when the live OFFER was last sent
  OwedMark owed;            // of that OFFER
  NodeTime timer = kNever;  // as registered

  store::ReadyKey ready_key() const { return {spec->band, state.deadline, seq}; }
};

// The labels by which a spec says for whom it is; nobody else may use their prefix.
inline constexpr char kDeviceLabel[] = "spillway.device";
inline constexpr char kGroupLabel[] = "spillway.group";
inline constexpr char kLabelPrefix[] = "spillway.";

}  // namespace spillway::cloud
