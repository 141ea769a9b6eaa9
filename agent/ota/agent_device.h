#pragma once

#include <string>

#include "agent/ota/updater.h"

namespace spillway::ota {

// The agent, over its socket: a connection for each question, since it may be restarted between
// two. `directory` is on the file system that the agent's store is on. One thread.
class AgentDevice : public Device {
 public:
  AgentDevice(std::string socket, std::string directory)
      : socket_(std::move(socket)), directory_(std::move(directory)) {}
  Status drain() override;
  Status resume() override;
  Health examine() override;

 private:
  std::string socket_, directory_;
};

}  // namespace spillway::ota
