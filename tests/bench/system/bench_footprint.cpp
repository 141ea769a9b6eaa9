// Memory of the agent, and the size of its program.
#include <algorithm>
#include <filesystem>
#include <thread>

#include "common/wire/codec.h"
#include "tests/bench/report/report.h"
#include "tests/bench/report/samples.h"
#include "tests/bench/support/agents.h"
#include "tests/bench/support/usage.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace spillway::bench {
namespace {

using namespace std::chrono_literals;

constexpr double kMiB = 1024 * 1024;
constexpr double kLimit = 6;  // MiB

// Work for both places, with inputs as large as they may be inline; the most memory it took.
Result<MemoryUse> under_load(test::Testbed& bed, double seconds) {
  auto client = bed.client();
  if (!client) return std::move(client).error();
  const Bytes small = wire::encode(echo_spec(256)), large = wire::encode(echo_spec(kInlineLimit));
  MemoryUse most;
  for (const auto start = SteadyClock::now(); seconds_since(start) < seconds;) {
    for (int i = 0; i < 8; ++i) {
      (void)client->send(wire::SubmitRequest{std::vector<Bytes>(32, small)});
      (void)client->send(wire::SubmitRequest{{large, large}});
    }
    for (int i = 0; i < 16; ++i) {
      auto answer = client->receive(30s);
      if (!answer) return std::move(answer).error();
    }
    const MemoryUse now = memory_of(bed.agent().pid());
    most.pss = std::max(most.pss, now.pss);
    most.rss = std::max(most.rss, now.rss);
    most.unshared = std::max(most.unshared, now.unshared);
  }
  return most;
}

// The median of so many seconds: each minute it gives back what it did not use.
MemoryUse idle_for(pid_t agent, int seconds) {
  Samples pss, rss, unshared;
  for (int i = 0; i < seconds; ++i) {
    const MemoryUse now = memory_of(agent);
    pss.add(double(now.pss));
    rss.add(double(now.rss));
    unshared.add(double(now.unshared));
    std::this_thread::sleep_for(1s);
  }
  return {std::uint64_t(pss.median()), std::uint64_t(rss.median()),
          std::uint64_t(unshared.median())};
}

Result<double> stripped_size(const std::string& folder) {
  const std::string copy = folder + "/stripped";
  auto stripped = test::run_command({"strip", "-o", copy, program_path("spillway-agent")});
  if (!stripped) return std::move(stripped).error();
  return double(std::filesystem::file_size(copy));
}

Status measure(const Options& options, Report& report) {
  test::TempDir folder("spillway-bench");
  auto bed = direct_bed(folder.path());
  if (!bed) return std::move(bed).error();
  // The cloud shares libraries with the agent, which a device does not have.
  (*bed)->kill_cloud();
  std::this_thread::sleep_for(options.quick ? 1s : 65s);  // what the start took is back then
  const MemoryUse idle = idle_for((*bed)->agent().pid(), options.quick ? 2 : 60);
  if (Status cloud = (*bed)->start_cloud(); !cloud) return cloud;
  auto load = under_load(**bed, options.quick ? 1 : 10);
  if (!load) return std::move(load).error();
  // What it took then has to come back within the minute.
  std::this_thread::sleep_for(options.quick ? 1s : 65s);
  const MemoryUse after = memory_of((*bed)->agent().pid());
  auto program = stripped_size(folder.path());
  if (!program) return std::move(program).error();
  report.condition("linking", "dynamic; mosquitto and this program share libraries with the agent");
  report.add({"PSS idle, TLS connected", double(idle.pss) / kMiB, "MiB", kLimit, Goal::at_most(1)});
  report.add({"RSS idle", double(idle.rss) / kMiB, "MiB", kLimit});
  report.add({"unshared idle", double(idle.unshared) / kMiB, "MiB", kLimit});
  report.add({"PSS under load, most", double(load->pss) / kMiB, "MiB", kLimit});
  report.add({"RSS under load, most", double(load->rss) / kMiB, "MiB", kLimit});
  report.add({"unshared under load, most", double(load->unshared) / kMiB, "MiB", kLimit});
  report.add({"unshared a minute after the load", double(after.unshared) / kMiB, "MiB",
              double(idle.unshared) / kMiB});
  report.add({"spillway-agent, stripped", *program / kMiB, "MiB"});
  return {};
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  return spillway::bench::run(argc, argv, "footprint", spillway::bench::measure);
}
