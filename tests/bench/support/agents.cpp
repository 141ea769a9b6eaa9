#include "tests/bench/support/agents.h"

#include <signal.h>

#include <filesystem>
#include <thread>

#include "common/wire/codec.h"

namespace spillway::bench {

using namespace std::chrono_literals;

namespace {

// Read at the start: after a move to mounts of its own a process may see another path there.
const std::string kHere = std::filesystem::read_symlink("/proc/self/exe").parent_path().string();

}  // namespace

std::string program_path(const std::string& name) { return kHere + "/" + name; }

Result<LoneAgent> LoneAgent::start(const std::string& directory, const std::string& more,
                                   std::map<std::string, std::string> env) {
  const std::string config = directory + "/agent.toml";
  test::write_text(config, "[agent]\ndevice = \"bench-device\"\nstate_dir = \"" + directory +
                               "/state\"\nsocket = \"" + directory +
                               "/agent.sock\"\nworkers = 1\n" + more);
  const std::string log = directory + "/agent.log";
  auto process = test::Process::start({.argv = {program_path("spillway-agent"), "--config", config},
                                       .env = std::move(env),
                                       .output = log,
                                       .errors = log});
  if (!process) return std::move(process).error();
  return LoneAgent(directory, *std::move(process));
}

Result<intake::Client> LoneAgent::client() const {
  Result<intake::Client> client = fail(Code::unavailable, "");
  for (int i = 0; i < 100'000 && !client; ++i) {
    if (i > 0) std::this_thread::sleep_for(100us);
    client = intake::Client::connect(socket());
  }
  return client;
}

void LoneAgent::stop() {
  process_.signal(SIGTERM);
  (void)process_.wait(20s);
  process_.kill();
}

Result<std::unique_ptr<test::Testbed>> direct_bed(const std::string& directory) {
  auto bed = test::Testbed::start({.directory = directory});
  if (!bed) return bed;
  std::string config = test::read_text((*bed)->agent_config());
  const std::string through = "127.0.0.1:" + std::to_string((*bed)->link().port());
  const std::size_t at = config.find(through);
  if (at == std::string::npos) return fail(Code::internal, "the agent's broker is not the link");
  config.replace(at, through.size(), "127.0.0.1:" + std::to_string((*bed)->broker().port()));
  test::write_text((*bed)->agent_config(), config);
  (*bed)->kill_agent();
  if (Status started = (*bed)->start_agent(); !started) return started.error();
  if ((*bed)->wait_for_link(20s)) return bed;
  return fail(Code::unavailable, "the agent did not reach the cloud within 20 s: " +
                                     test::read_text(directory + "/spillway-agent.log"));
}

TaskSpec echo_spec(std::size_t bytes) {
  TaskSpec spec;
  spec.kind.name = "echo";
  spec.input.bytes = Bytes(bytes, 'x');
  return spec;
}

Status do_one(intake::Client& client, const TaskSpec& spec, const std::string& place) {
  auto submitted = client.ask<wire::Submitted>(wire::SubmitRequest{{wire::encode(spec)}}, 60s);
  if (!submitted) return std::move(submitted).error();
  if (submitted->each.front().error) return *submitted->each.front().error;
  auto view = client.ask<TaskView>(wire::WaitRequest{submitted->each.front().id.seq}, 60s);
  if (!view) return std::move(view).error();
  if (view->state != TaskState::succeeded || !view->result) {
    return fail(Code::io, "a task of the bench did not succeed");
  }
  if (!place.empty() && view->result->placement.chosen != place) {
    return fail(Code::io, "a task of the bench ran elsewhere than it was to");
  }
  return {};
}

}  // namespace spillway::bench
