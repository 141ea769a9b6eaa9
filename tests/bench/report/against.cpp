// Runs benches of this build and of an earlier one in turns, and shows the one beside the other.
#include <cstdio>

#include <CLI/CLI.hpp>

#include "tests/bench/report/comparison.h"
#include "tests/support/process.h"

namespace spillway::bench {
namespace {

struct Sides {
  std::string now, before;  // folders of bench programs
  std::string revision;
  std::size_t turns = 3;
  bool json = false, quick = false;
};

Result<Report> run_bench(const std::string& folder, const std::string& bench, bool quick) {
  std::vector<std::string> argv{folder + "/bench_" + bench, "--json"};
  if (quick) argv.emplace_back("--quick");
  auto said = test::run_command(argv, std::chrono::hours(1));
  if (!said) return std::move(said).error();
  return Report::parse(*said);
}

// The sides take turns at going first, so that what a machine does over time (heat, a disk that
// fills) does not speak for one of them.
Result<Turn> take_turn(const Sides& sides, const std::string& bench, std::size_t turn) {
  std::optional<Report> reports[2];
  for (const std::size_t side : {turn % 2, 1 - turn % 2}) {
    std::fprintf(stderr, "bench_%s, turn %zu of %zu: %s\n", bench.c_str(), turn + 1, sides.turns,
                 side == 0 ? "this tree" : sides.revision.c_str());
    auto report = run_bench(side == 0 ? sides.now : sides.before, bench, sides.quick);
    if (!report) return std::move(report).error();
    reports[side] = *std::move(report);
  }
  return Turn{*std::move(reports[0]), *std::move(reports[1])};
}

Status show(const Sides& sides, const std::string& bench) {
  std::vector<Turn> turns;
  for (std::size_t turn = 0; turn < sides.turns; ++turn) {
    auto taken = take_turn(sides, bench, turn);
    if (!taken) return std::move(taken).error();
    turns.push_back(*std::move(taken));
  }
  const Report report = compare(turns, sides.revision);
  std::fputs((sides.json ? report.json() : report.table()).c_str(), stdout);
  std::fflush(stdout);
  return {};
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  using namespace spillway::bench;
  Sides sides;
  std::vector<std::string> benches;
  CLI::App app(
      "Runs benches of this build and of an earlier one in turns; prints medians and ratios.",
      "bench-against");
  app.footer("Example: ./dev bench submit offload --against HEAD~20 --turns 5");
  app.add_option("BENCH", benches, "names, as in bench_NAME")->required();
  app.add_option("--now", sides.now, "folder of this build's programs")->required();
  app.add_option("--before", sides.before, "folder of the earlier build's programs")->required();
  app.add_option("--revision", sides.revision, "what the earlier build is called")->required();
  app.add_option("--turns", sides.turns, "how often each runs")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--json", sides.json, "one object a line");
  app.add_flag("--quick", sides.quick, "smoke runs: their figures say nothing");
  CLI11_PARSE(app, argc, argv);
  int failed = 0;
  for (const std::string& bench : benches) {
    if (const spillway::Status shown = show(sides, bench); !shown) {
      std::fprintf(stderr, "bench-against: %s: %s\n", bench.c_str(), shown.error().message.c_str());
      failed = 1;
    }
  }
  return failed;
}
