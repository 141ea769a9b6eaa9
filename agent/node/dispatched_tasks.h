#pragma once

#include <memory>
#include <optional>
#include <string>

#include "agent/intake/api.h"
#include "agent/node/node_parts.h"
#include "agent/session/device_session.h"
#include "common/lessee/lessee.h"
#include "common/owner/owner.h"
#include "common/runner/claims.h"

namespace spillway::agent {

// What the cloud dispatched to this device, run beside the device's own tasks: which kinds, on
// which cores. Without a ledger there is nothing of it. Loop only.
class DispatchedTasks {
 public:
  static constexpr std::uint32_t kThreads = 4;  // for blocking kinds

  // `own`: the claims of the device's own tasks. All of these outlive it.
  DispatchedTasks(const NodeOptions& options, const NodeParts& parts, const owner::Owner& owner,
                  const runner::Claims& own, const std::unique_ptr<DeviceSession>& session,
                  const ledger::LedgerRecovered* recovered);

  void start(const ledger::LedgerRecovered* recovered);
  // One turn; when it wants the next one, on the node's time line.
  NodeTime cycle();

  bool takes(const std::string& kind) const;  // to run it for the cloud
  // Cores that are not the device's own now: with tasks of the cloud on them, or kept for one.
  std::uint32_t cores() const;
  // Null: nothing is run here for anybody.
  lessee::Lessee* lessee() { return lessee_.get(); }
  const lessee::Lessee* lessee() const { return lessee_.get(); }
  bool idle() const { return !lessee_ || lessee_->idle(); }
  // Null: the task is not held here.
  std::optional<TaskView> find(TaskId id) const;
  void list(const intake::Api::Reply& reply) const;

 private:
  lessee::Parts lessee_parts();
  bool is_due() const;
  bool may_start() const;
  TaskView view_of(const lessee::HeldTask& task) const;

  const NodeOptions& options_;
  const NodeParts& parts_;
  const owner::Owner& owner_;
  const runner::Claims& own_;
  const std::unique_ptr<DeviceSession>& session_;  // null: there is no cloud
  std::unique_ptr<lessee::Lessee> lessee_;
};

}  // namespace spillway::agent
