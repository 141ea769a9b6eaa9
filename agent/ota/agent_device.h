#pragma once

#include <string>

#include "agent/ota/updater.h"

namespace spillway::ota {

// The agent, over its socket: a connection for each question, since it may be restarted between
// two. One thread.
class AgentDevice : public Device {
 public:
  explicit AgentDevice(std::string socket) : socket_(std::move(socket)) {}
  Status drain() override;
  Status resume() override;
  Health examine() override;

 private:
  std::string socket_;
};

}  // namespace spillway::ota
