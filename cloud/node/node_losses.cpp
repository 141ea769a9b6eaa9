#include "cloud/node/node.h"

namespace spillway::cloud {

void Node::on(const std::string& device, const wire::LossReport& report) {
  journal_.losses(device, report);
  journal_.after([this, device, ack = wire::LossAck{report.origin, report.number}] {
    session_->send_ack(device, ack);
    tell_losses(device);
  });
  parts_.wake();
}

// Said once per change: a device that loses nothing more is not spoken of again.
void Node::tell_losses(const std::string& device) {
  parts_.ledger->losses(device, [this, device](Result<LossBook> book) {
    if (!book) return;
    if (parts_.losses) parts_.losses(device, *book);
    for (std::size_t i = 0; i < kDataClasses; ++i) {
      const std::string name(to_string(static_cast<DataClass>(i)));
      std::string text = describe((*book)[i]);
      std::string& said = devices_[device].losses.try_emplace(name, "complete").first->second;
      if (said == text) continue;
      said = std::move(text);
      parts_.report(device + ": " + name + " " + said);
    }
  });
}

}  // namespace spillway::cloud
