// What a task of 1 KiB costs the flash below the store, from its submission to its result.
#include <optional>
#include <vector>

#include "common/wire/codec.h"
#include "tests/bench/report/report.h"
#include "tests/bench/support/agents.h"
#include "tests/bench/support/usage.h"
#include "tests/support/own_world.h"
#include "tests/support/temp_dir.h"

namespace spillway::bench {
namespace {

constexpr std::size_t kTask = 1024;  // bytes
constexpr std::size_t kBatch = 64;
constexpr std::uint64_t kDisk = 2ULL << 30;  // bytes, sparse
constexpr std::chrono::seconds kPatience{60};

TaskSpec task_of(const std::string& kind) {
  TaskSpec spec = echo_spec(kTask);
  spec.kind.name = kind;
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

// What was written, counted in two places.
struct Written {
  std::uint64_t process = 0;  // what the agent had the kernel send to the disk
  std::uint64_t device = 0;   // what reached the block device, the file system's own included

  Written operator-(const Written& before) const {
    return {process - before.process, device - before.device};
  }
};

// An agent whose store has a file system to itself, where this machine allows one.
struct Bench {
  LoneAgent agent;
  intake::Client client;
  std::optional<test::SmallDisk> disk;

  Written written() const {
    return {written_by(agent.process().pid()), disk ? disk->written() : 0};
  }
};

Result<Bench> prepare(const std::string& folder, Report& report) {
  std::string none = test::OwnWorld::enter();
  auto disk = test::SmallDisk::mount(folder + "/state", kDisk);
  if (!disk && none.empty()) none = "mkfs.ext4 or mount failed";
  auto agent = LoneAgent::start(folder);
  if (!agent) return std::move(agent).error();
  auto client = agent->client();
  if (!client) return std::move(client).error();
  report.condition("process", "write_bytes of the agent, as the kernel counts them");
  report.condition("block device", disk ? "an ext4 of its own, its journal included"
                                        : "not measured, no file system of its own: " + none);
  return Bench{*std::move(agent), *std::move(client), std::move(disk)};
}

Result<Written> burst(Bench& bench, const TaskSpec& spec, std::size_t tasks) {
  intake::Client& client = bench.client;
  std::vector<std::uint64_t> ids;
  const Written before = bench.written();
  for (std::size_t left = tasks; left > 0; left -= std::min(left, kBatch)) {
    Status sent = submit_batch(client, spec, std::min(left, kBatch), ids);
    if (!sent) return sent.error();
  }
  for (const std::uint64_t id : ids) {
    auto view = client.ask<TaskView>(wire::WaitRequest{id}, kPatience);
    if (!view) return std::move(view).error();
  }
  return bench.written() - before;
}

Result<Written> singles(Bench& bench, std::size_t tasks) {
  const Written before = bench.written();
  for (std::size_t i = 0; i < tasks; ++i) {
    Status done = do_one(bench.client, task_of("hash.sha256"), kHereName);
    if (!done) return done.error();
  }
  return bench.written() - before;
}

// Bytes for each byte of the tasks; the goal is the device's, for that is what wears out.
void tell(const std::string& what, const Written& written, std::size_t tasks, bool on_device,
          std::optional<Goal> goal, Report& report) {
  const double bytes = double(tasks * kTask);
  if (on_device) {
    report.add({what + ", at the block device", double(written.device) / bytes, "B/B", 1.0, goal});
  }
  report.add({what + ", by the process", double(written.process) / bytes, "B/B", 1.0});
}

Status measure(const Options& options, Report& report) {
  const std::size_t tasks = options.quick ? 640 : 20'000, alone = options.quick ? 20 : 500;
  test::TempDir folder("spillway-bench");
  auto bench = prepare(folder.path(), report);
  if (!bench) return std::move(bench).error();
  report.condition("a task", "hash.sha256 of 1 KiB, run on the device");
  auto many = burst(*bench, task_of("hash.sha256"), tasks);
  if (!many) return std::move(many).error();
  auto large = burst(*bench, task_of("echo"), tasks);
  if (!large) return std::move(large).error();
  auto few = singles(*bench, alone);
  if (!few) return std::move(few).error();
  const bool on_device = bench->disk.has_value();
  tell("burst of " + std::to_string(tasks), *many, tasks, on_device, Goal::at_most(4), report);
  tell("the same with echo, whose results have 1 KiB, too", *large, tasks, on_device, {}, report);
  tell("one after another", *few, alone, on_device, {}, report);
  bench->agent.stop();
  return {};
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  return spillway::bench::run(argc, argv, "flash", spillway::bench::measure);
}
