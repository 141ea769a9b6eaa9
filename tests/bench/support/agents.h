#pragma once

#include <map>
#include <memory>
#include <string>

#include "agent/intake/client.h"
#include "spillway/status.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/testbed.h"

namespace spillway::bench {

// An agent without a broker. One owner; it ends with it.
class LoneAgent {
 public:
  // `directory` must exist; a store in DIRECTORY/state/agent.db is used.
  static Result<LoneAgent> start(const std::string& directory, const std::string& more = "",
                                 std::map<std::string, std::string> env = {});

  const test::Process& process() const { return process_; }
  std::string socket() const { return directory_ + "/agent.sock"; }
  // Waits until it listens.
  Result<intake::Client> client() const;
  // SIGTERM, and waits.
  void stop();
  void kill() { process_.kill(); }

 private:
  LoneAgent(std::string directory, test::Process process)
      : directory_(std::move(directory)), process_(std::move(process)) {}

  std::string directory_;
  test::Process process_;
};

// Beside this program.
std::string program_path(const std::string& name);

// A testbed whose agent speaks to the broker itself: nothing of what carries its bytes is ours.
Result<std::unique_ptr<test::Testbed>> direct_bed(const std::string& directory);

// An `echo` task of so many bytes.
TaskSpec echo_spec(std::size_t bytes);

// Submits and waits for the result; it must succeed at `place`, unless that is none.
Status do_one(intake::Client& client, const TaskSpec& spec, const std::string& place);

}  // namespace spillway::bench
