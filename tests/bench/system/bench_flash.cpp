// What a task of 1 KiB costs the flash below the store, from its submission to its result.
#include <vector>

#include "common/wire/codec.h"
#include "tests/bench/support/agents.h"
#include "tests/bench/support/report.h"
#include "tests/bench/support/usage.h"
#include "tests/support/temp_dir.h"

namespace spillway::bench {
namespace {

constexpr std::size_t kTask = 1024;  // bytes
constexpr std::size_t kBatch = 64;
constexpr std::chrono::seconds kPatience{60};

TaskSpec task_of(const std::string& kind) {
  TaskSpec spec = echo_spec(kTask);
  spec.kind = kind;
  return spec;
}

Status submit_batch(intake::Client& client, const TaskSpec& spec, std::size_t tasks,
                    std::vector<std::uint64_t>& ids) {
  wire::SubmitRequest request;
  for (std::size_t i = 0; i < tasks; ++i) request.specs.push_back(wire::encode(spec));
  auto submitted = client.ask<wire::Submitted>(std::move(request), kPatience);
  if (!submitted) return std::move(submitted).error();
  for (const auto& each : submitted->each) {
    if (each.error) return *each.error;
    ids.push_back(each.id.seq);
  }
  return {};
}

// Bytes written for each byte of a task.
Result<double> burst(LoneAgent& agent, intake::Client& client, const TaskSpec& spec,
                     std::size_t tasks) {
  std::vector<std::uint64_t> ids;
  const std::uint64_t before = written_by(agent.process().pid());
  for (std::size_t left = tasks; left > 0; left -= std::min(left, kBatch)) {
    Status sent = submit_batch(client, spec, std::min(left, kBatch), ids);
    if (!sent) return sent.error();
  }
  for (const std::uint64_t id : ids) {
    auto view = client.ask<TaskView>(wire::WaitRequest{id}, kPatience);
    if (!view) return std::move(view).error();
  }
  return double(written_by(agent.process().pid()) - before) / double(tasks * kTask);
}

Result<double> singles(LoneAgent& agent, intake::Client& client, std::size_t tasks) {
  const std::uint64_t before = written_by(agent.process().pid());
  for (std::size_t i = 0; i < tasks; ++i) {
    if (Status done = do_one(client, task_of("hash.sha256"), PlaceKind::local); !done) {
      return done.error();
    }
  }
  return double(written_by(agent.process().pid()) - before) / double(tasks * kTask);
}

Status measure(const Options& options, Report& report) {
  const std::size_t tasks = options.quick ? 640 : 20'000, alone = options.quick ? 20 : 500;
  test::TempDir folder("spillway-bench");
  auto agent = LoneAgent::start(folder.path());
  if (!agent) return std::move(agent).error();
  auto client = agent->client();
  if (!client) return std::move(client).error();
  report.condition("counted", "write_bytes of the agent, as the kernel sends them to the disk");
  report.condition("a task", "hash.sha256 of 1 KiB, run on the device");
  auto many = burst(*agent, *client, task_of("hash.sha256"), tasks);
  if (!many) return std::move(many).error();
  auto large = burst(*agent, *client, task_of("echo"), tasks);
  if (!large) return std::move(large).error();
  auto few = singles(*agent, *client, alone);
  if (!few) return std::move(few).error();
  report.add({"burst of " + std::to_string(tasks) + ", bytes a byte", *many, "B/B", 1.0,
              Goal::at_most(4)});
  report.add({"the same with echo, whose results have 1 KiB, too", *large, "B/B", 1.0});
  report.add({"one after another, bytes a byte", *few, "B/B", 1.0});
  agent->stop();
  return {};
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  return spillway::bench::run(argc, argv, "flash", spillway::bench::measure);
}
