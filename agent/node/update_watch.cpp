#include "agent/node/update_watch.h"

namespace spillway::agent {
namespace {

constexpr Duration kLook = std::chrono::seconds(10), kLookWhileBusy = std::chrono::seconds(2);

}  // namespace

void UpdateWatch::on_cloud(NodeTime now) {
  told_ = {};
  if (update_) due_ = now;
}

bool UpdateWatch::look(NodeTime now) {
  wire::UpdateReport is = update_();
  due_ = now + (is_busy(is.phase) ? kLookWhileBusy : kLook);
  if (is == told_) return false;
  const bool turned = is_busy(is.phase) != busy();
  told_ = is;
  session_->send_update(std::move(is));
  return turned;
}

}  // namespace spillway::agent
