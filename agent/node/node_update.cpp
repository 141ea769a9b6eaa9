#include "agent/node/node.h"

namespace spillway::agent {
namespace {

constexpr Duration kLook = std::chrono::seconds(10), kLookWhileBusy = std::chrono::seconds(2);

}  // namespace

// The updater goes its own way and may be another process: it is looked at. Nothing is said of one
// that was never asked for anything.
void Node::tell_update() {
  wire::UpdateReport is = parts_.update();
  next_update_ = now() + (wire::is_busy(is.phase) ? kLookWhileBusy : kLook);
  if (is == told_update_) return;
  const bool turned = wire::is_busy(is.phase) != wire::is_busy(told_update_.phase);
  told_update_ = is;
  session_->send_update(std::move(is));
  // Its health changes with it, so that telemetry does not wait.
  if (turned && next_telemetry_ != kNever) send_telemetry();
}

}  // namespace spillway::agent
