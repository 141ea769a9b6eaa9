// kill -9 of an agent with many live tasks: how long until one of them runs again.
#include <filesystem>

#include "tests/bench/report/report.h"
#include "tests/bench/report/samples.h"
#include "tests/bench/support/agents.h"
#include "tests/bench/support/owner_file.h"
#include "tests/support/temp_dir.h"

namespace spillway::bench {
namespace {

constexpr std::size_t kGroup = 10'000;
constexpr std::chrono::seconds kPatience{60};

Status fill(const std::string& folder, std::size_t rows) {
  std::filesystem::create_directories(folder + "/state");
  auto file = OwnerFile::create(folder + "/state/agent.db", OwnerFile::Sync::off, echo_spec(64));
  if (!file) return std::move(file).error();
  for (std::size_t left = rows - 1; left > 0; left -= std::min(left, kGroup)) {
    if (Status made = file->insert(std::min(left, kGroup)); !made) return made;
  }
  return file->finish();
}

// Until that many tasks were done since its start.
Status wait_for_done(const LoneAgent& agent, std::uint64_t tasks) {
  auto client = agent.client();
  if (!client) return std::move(client).error();
  for (;;) {
    auto view = client->ask<NodeView>(wire::StatusRequest{}, kPatience);
    if (!view) return std::move(view).error();
    if (view->done_local >= tasks) return {};
  }
}

Status measure(const Options& options, Report& report) {
  const std::size_t rows = options.quick ? 5'000 : 100'000;
  const int rounds = options.quick ? 2 : 10;
  test::TempDir folder("spillway-bench");
  if (Status filled = fill(folder.path(), rows); !filled) return filled;
  report.condition("rounds",
                   std::to_string(rounds) + ", each killed after 20 tasks; page cache warm");
  Samples recovery;
  for (int i = 0; i <= rounds; ++i) {
    const auto start = SteadyClock::now();
    auto agent = LoneAgent::start(folder.path());
    if (!agent) return std::move(agent).error();
    if (Status done = wait_for_done(*agent, 1); !done) return done;
    if (i > 0) recovery.add(seconds_since(start));  // the first start follows no kill
    if (Status done = wait_for_done(*agent, 20); !done) return done;
    agent->kill();
  }
  report.add({"kill -9 to the first task done again, " + std::to_string(rows) + " live rows",
              recovery.median() * 1e3, "ms", 1000.0, Goal::at_most(1)});
  report.add({"the slowest of them", recovery.quantile(1) * 1e3, "ms", 1000.0, Goal::at_most(1)});
  return {};
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  return spillway::bench::run(argc, argv, "recovery", spillway::bench::measure);
}
