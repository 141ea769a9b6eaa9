#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "common/wire/messages.h"
#include "spillway/status.h"
#include "spillway/time.h"

namespace spillway::cloud {

// What operators asked of devices and has no answer yet: in memory, bounded, and given up after
// a while. Pure; the loop's thread.
class DeviceRequests {
 public:
  using Done = std::function<void(Result<std::string>)>;  // the reply's text
  // False: there is no room for it.
  using Send = std::function<bool(const std::string& device, wire::Command)>;

  explicit DeviceRequests(Send send) : send_(std::move(send)) {}

  // busy: too many are under way.
  void ask(const std::string& device, wire::Command command, NodeTime now, Done done);
  // A reply from another device than was asked, or a second one, changes nothing.
  void on(const std::string& device, const wire::CommandReply& reply);
  void on_gone(const std::string& device);
  // Gives up what is due; when to be called next.
  NodeTime expire(NodeTime now);

  static constexpr std::size_t kMost = 256;
  static constexpr Duration kPatience = std::chrono::seconds(10);
  static constexpr Duration kPatienceForStories = std::chrono::seconds(3);  // a page waits for it

 private:
  struct Asked {
    std::string device;
    NodeTime until;
    Done done;
  };
  void end(std::map<std::uint64_t, Asked>::iterator asked, const Result<std::string>& result);

  Send send_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, Asked> asked_;  // by token
};

// The device is not there to be asked.
Error not_connected(const std::string& device);

}  // namespace spillway::cloud
