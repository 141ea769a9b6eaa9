#include "cloud/node/device_requests.h"

#include <algorithm>
#include <vector>

namespace spillway::cloud {
namespace {

// A device may say anything, and its reply ends on somebody's terminal.
std::string harmless(std::string text) {
  for (char& c : text) {
    if ((c < ' ' || c > '~') && c != '\n' && c != '\t') c = '?';
  }
  return text;
}

}  // namespace

Error not_connected(const std::string& device) {
  return fail(Code::unavailable, device + " is not connected; ask again when it is");
}

void DeviceRequests::ask(const std::string& device, wire::Command command, NodeTime now,
                         Done done) {
  if (asked_.size() >= kMost) {
    return done(fail(Code::busy, "too many devices are being asked; try again in a few seconds"));
  }
  command.token = next_++;
  if (!send_(device, command)) {
    return done(fail(Code::busy, "too much waits for " + device + "; try again in a few seconds"));
  }
  const bool story = command.what == wire::CommandKind::story;
  asked_.emplace(command.token,
                 Asked{device, now + (story ? kPatienceForStories : kPatience), std::move(done)});
}

void DeviceRequests::end(std::map<std::uint64_t, Asked>::iterator asked,
                         const Result<std::string>& result) {
  Done done = std::move(asked->second.done);
  asked_.erase(asked);
  done(result);
}

void DeviceRequests::on(const std::string& device, const wire::CommandReply& reply) {
  auto asked = asked_.find(reply.token);
  if (asked == asked_.end() || asked->second.device != device) return;
  if (reply.failure) return end(asked, fail(*reply.failure, device + ": " + harmless(reply.text)));
  end(asked, harmless(reply.text));
}

void DeviceRequests::on_gone(const std::string& device) {
  std::vector<std::uint64_t> gone;
  for (const auto& [token, asked] : asked_) {
    if (asked.device == device) gone.push_back(token);
  }
  for (std::uint64_t token : gone) {
    if (auto asked = asked_.find(token); asked != asked_.end()) end(asked, not_connected(device));
  }
}

NodeTime DeviceRequests::expire(NodeTime now) {
  NodeTime next = kNever;
  std::vector<std::uint64_t> due;
  for (const auto& [token, asked] : asked_) {
    if (asked.until <= now) {
      due.push_back(token);
    } else {
      next = std::min(next, asked.until);
    }
  }
  for (std::uint64_t token : due) {
    auto asked = asked_.find(token);
    if (asked == asked_.end()) continue;
    end(asked, fail(Code::timeout, asked->second.device + " did not answer in time"));
  }
  return next;
}

}  // namespace spillway::cloud
