#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/ota/updater.h"
#include "spillway/view.h"

namespace spillway::intake {
class Client;
}

namespace spillway::ota {

// Whether a task waits because others compute on all cores: they are taken, it is not begun, and
// the agent spent processor time while it waited, as a pool that is stuck does not. What programs
// compute is not seen in that.
bool is_kept_waiting(const NodeView& node, TaskState probe, std::chrono::milliseconds waited,
                     std::chrono::milliseconds computed);

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
  void try_a_task(intake::Client& client, Health& health);

  std::string socket_, directory_;
  std::optional<std::uint64_t> probe_;  // the task that was not over at the last look
};

}  // namespace spillway::ota
