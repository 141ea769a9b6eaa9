#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include "agent/node/clock_watch.h"
#include "agent/node/loss_reporter.h"
#include "agent/node/node_parts.h"
#include "agent/session/device_session.h"
#include "common/base/gate.h"
#include "common/owner/owner.h"

namespace spillway::agent {

// The loss ledger as this node reads it: what a sample of telemetry says of it, what people are
// shown, and what the cloud is told until it has it. Loop only.
class Losses {
 public:
  Losses(const NodeParts& parts, owner::Owner& owner, const ClockWatch& clock,
         const std::unique_ptr<DeviceSession>& session)
      : parts_(parts), owner_(owner), clock_(clock), session_(session) {}

  // Reads the ledger, with what is counted and waits to be written, also behind a disk that does
  // not take it.
  void read(std::function<void(const Result<store::LossTable>&)> use);
  // For the next sample, and only when something was written since.
  void look();
  // Counts as of the last look.
  std::optional<std::uint64_t> lost() const { return lost_; }      // tasks and results
  std::optional<std::uint64_t> unsent() const { return unsent_; }  // samples of telemetry
  bool at_least() const { return at_least_; }  // nobody knows how much more was lost
  void on_sample_lost();

  void on_committed();
  void on_link_up() { reporter_.on_link_up(owner_.now()); }
  void on_link_down() { reporter_.on_link_down(); }
  void on(const wire::LossAck& item);
  NodeTime due() const { return reporter_.due(); }
  void report();

 private:
  const NodeParts& parts_;
  owner::Owner& owner_;
  const ClockWatch& clock_;
  const std::unique_ptr<DeviceSession>& session_;
  LossReporter reporter_;
  std::optional<std::uint64_t> lost_, unsent_;
  bool at_least_ = false;
  bool moved_ = true;  // since the last look
  Gate gate_;
};

}  // namespace spillway::agent
