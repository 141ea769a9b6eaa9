#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "common/config/nearest.h"
#include "tests/chaos/chaos.h"
#include "tests/chaos/cuts/power_cuts.h"
#include "tests/chaos/overload.h"
#include "tests/chaos/report.h"
#include "tests/sim/campaign.h"
#include "tests/support/own_world.h"
#include "tests/support/temp_dir.h"

namespace spillway::chaos {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  double minutes = 0;
  unsigned agents = 2;
  std::uint64_t sim = 0, cuts = 0, seed = 1;
  std::string folder, links;
  bool json = false, keep = false, board = false, overload = false;
};

constexpr char kExamples[] =
    "Examples:\n"
    "  ./dev torture --minutes 10 --seed 7     kills, cuts, full disks and wrong clocks for ten "
    "minutes\n"
    "  ./dev torture --overload --minutes 10   ten times too much work, held against the budget\n"
    "  ./dev torture --sim 1000000             a million simulated schedules\n"
    "  ./dev torture --cuts 100000 --json      power cuts under the stores, one object on stdout\n"
    "Exit: 0 every promise was kept, 1 one was broken, 2 usage.";

void declare(CLI::App& app, Options& o) {
  app.add_option("--minutes", o.minutes, "Real programs, tormented for that long")
      ->check(CLI::Range(0.0, 10'000.0));
  app.add_option("--agents", o.agents, "Devices of that fleet")
      ->capture_default_str()
      ->check(CLI::Range(1, 32));
  app.add_flag("--overload", o.overload,
               "For those minutes no faults but a link that comes and goes, and ten times the work "
               "that can be done: whether budgets hold, and whether every loss is counted");
  app.add_option("--sim", o.sim,
                 "That many simulated schedules of an owner and a lessee, and as many of whole "
                 "agents and cloud replicas");
  app.add_option("--cuts", o.cuts, "That many power cuts under the real stores");
  app.add_option("--seed", o.seed, "Of whatever is drawn at random")->capture_default_str();
  app.add_option("--in", o.folder, "Folder for the files; default: in memory")
      ->check(CLI::ExistingDirectory);
  app.add_option("--links", o.links, "Folder of link traces to use beside made-up links")
      ->check(CLI::ExistingDirectory);
  app.add_flag("--json", o.json, "One JSON object on stdout");
  app.add_flag(
      "--board", o.board,
      "What makes sense on a device: whether syncs are honest, 2,000 power cuts on its file "
      "system, and --minutes of faults if there is a broker to start");
  app.add_flag("--keep", o.keep, "Leave the files behind");
  app.footer(kExamples);
}

// A line that overwrites itself on a terminal, and comes every ten seconds elsewhere.
class Progress {
 public:
  Progress(const char* what, std::uint64_t all) : what_(what), all_(all) {}
  void show(std::uint64_t done) {
    const bool terminal = isatty(STDERR_FILENO) != 0;
    const auto now = Clock::now();
    if (now < next_) return;
    next_ = now + (terminal ? std::chrono::milliseconds(200) : std::chrono::seconds(10));
    const double seconds = std::chrono::duration<double>(now - start_).count();
    std::fprintf(stderr, "%s%llu of %llu %s, %.0f a second%s", terminal ? "\r" : "",
                 static_cast<unsigned long long>(done), static_cast<unsigned long long>(all_),
                 what_, static_cast<double>(done) / std::max(seconds, 1e-3),
                 terminal ? "\033[K" : "\n");
    if (terminal && done >= all_) std::fputs("\r\033[K", stderr);
  }

 private:
  const char* what_;
  const std::uint64_t all_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + std::chrono::seconds(1);
};

// Recorded links, for schedules that have one; without any they are made up.
std::vector<sim::LinkTrace> read_traces(const std::string& folder) {
  std::vector<sim::LinkTrace> traces;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".csv") continue;
    auto trace = test::read_link_trace(entry.path().string());
    if (trace && !trace->empty()) traces.push_back(*std::move(trace));
  }
  // The order of a folder is nobody's, and a seed must mean one schedule.
  std::sort(traces.begin(), traces.end(),
            [](const auto& a, const auto& b) { return a.size() < b.size(); });
  if (!traces.empty()) std::fprintf(stderr, "%zu recorded links\n", traces.size());
  return traces;
}

void add_faults(const sim::Report& found, TortureReport& report) {
  for (const sim::Seen kind : sim::kFaults) {
    std::string name(to_string(kind));
    std::replace(name.begin(), name.end(), ' ', '_');
    report.faults[name] += found.stats.of(kind);
  }
  for (const auto& [kind, count] : found.nodes.faults) report.faults[kind] += count;
  report.accepted += found.stats.of(sim::Seen::accepted) + found.nodes.accepted;
  report.recovery_s_max =
      std::max(report.recovery_s_max, std::chrono::duration<double>(found.longest_healing).count());
}

// Plays schedules of one owner and one lessee, which is where most can be tried, or of whole nodes.
void simulate(const Options& options, bool nodes, TortureReport& report) {
  Progress progress(nodes ? "schedules of whole nodes" : "schedules", options.sim);
  sim::Campaign campaign;
  campaign.nodes = nodes;
  campaign.schedules = options.sim;
  campaign.seed = options.seed;
  campaign.traces = read_traces(options.links);
  campaign.progress = [&](std::uint64_t done) { progress.show(done); };
  const sim::Report found = sim::run_campaign(campaign);
  std::fprintf(stderr, "%s\n", sim::summary(found).c_str());
  add_faults(found, report);
  if (!found.failure) return;
  std::fprintf(stderr, "%s", sim::describe(*found.failure, campaign.variant).c_str());
  std::string again = sim::command_of(*found.failure, campaign.variant);
  if (!options.links.empty()) {
    again = "./dev torture --sim 1 --seed " + std::to_string(found.failure->seed) + " --links " +
            options.links;
  }
  report.violations.push_back({found.failure->what, again});
}

void cut(const Options& options, TortureReport& report) {
  std::error_code ignored;
  // Whether a write was synced is ours to say, so a disk that keeps nothing is as good as any.
  const bool memory = options.folder.empty() && std::filesystem::exists("/dev/shm", ignored);
  std::string name = (memory                   ? "/dev/shm"
                      : options.folder.empty() ? "/tmp"
                                               : options.folder) +
                     "/spillway-cuts-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    report.violations.push_back({"no folder can be made for the files", "--in FOLDER"});
    return;
  }
  Progress progress("power cuts", options.cuts);
  CutCampaign campaign;
  campaign.cuts = options.cuts;
  campaign.seed = options.seed;
  campaign.folder = name;
  campaign.progress = [&](std::uint64_t done) { progress.show(done); };
  const CutReport found = cut_power(campaign);
  std::fprintf(stderr, "%s\n", summary(found).c_str());
  report.faults["power_cut"] = found.cuts;
  report.accepted = found.promises;
  if (!found.violation.empty()) {
    report.lost = found.violation.find("P9") != std::string::npos ? 1 : 0;
    report.violations.push_back(
        {found.violation, "spillway-torture --cuts " + std::to_string(found.cuts) + " --seed " +
                              std::to_string(options.seed) + "; the disk: " + found.evidence});
  } else if (!options.keep) {
    std::filesystem::remove_all(name, ignored);
  }
}

TortureReport torment(const Options& options) {
  if (const std::string why = test::OwnWorld::enter(); !why.empty()) {
    std::fprintf(stderr, "lost packets and full file systems are left out: %s\n", why.c_str());
  }
  test::TempDir folder("spillway-torture");
  ChaosOptions chaos;
  chaos.folder = folder.path();
  chaos.lasts = std::chrono::milliseconds(static_cast<std::int64_t>(options.minutes * 60'000));
  chaos.seed = options.seed;
  chaos.agents = options.agents;
  chaos.traces = read_traces(options.links);
  const bool terminal = isatty(STDERR_FILENO) != 0;
  double next = 0;
  chaos.progress = [&](const TortureReport& so_far) {
    if (so_far.seconds < next) return;
    next = so_far.seconds + (terminal ? 1 : 30);
    std::fprintf(stderr, "%s%.0f s, %llu faults of %zu kinds, %llu tasks accepted%s",
                 terminal ? "\r" : "", so_far.seconds,
                 static_cast<unsigned long long>(so_far.fault_count()), so_far.faults.size(),
                 static_cast<unsigned long long>(so_far.accepted), terminal ? "\033[K" : "\n");
  };
  TortureReport report = options.overload ? run_overload(chaos) : run_chaos(chaos);
  if (terminal) std::fputs("\r\033[K", stderr);
  if (options.keep || !report.clean()) folder.keep();
  if (!report.clean()) {
    for (const std::string& line : report.log) std::fprintf(stderr, "%s\n", line.c_str());
  }
  return report;
}

// A drive that answers a sync sooner than any memory can be written to has not written.
void check_syncs(const Options& options, TortureReport& report) {
  constexpr int kWrites = 20;
  constexpr double kSuspicious = 15e-6;  // seconds; flash and disks take more
  std::string name = (options.folder.empty() ? "/tmp" : options.folder) + "/.torture-XXXXXX";
  const int file = ::mkstemp(name.data());
  if (file < 0) {
    return report.violations.push_back({"nothing can be written in " + options.folder, name});
  }
  ::unlink(name.c_str());
  double quickest = 1e9;
  for (int i = 0; i < kWrites; ++i) {
    const auto start = Clock::now();
    if (::pwrite(file, &i, sizeof i, i * 4096) != sizeof i || ::fdatasync(file) != 0) break;
    quickest = std::min(quickest, std::chrono::duration<double>(Clock::now() - start).count());
  }
  ::close(file);
  report.faults["sync_timed"] = kWrites;
  std::fprintf(stderr, "the quickest sync took %.0f us\n", quickest * 1e6);
  if (quickest < kSuspicious) {
    std::fprintf(stderr,
                 "WARNING: that is too quick for a drive: it may answer before it has written, or "
                 "the folder is in memory; what was accepted may then be lost with the power\n");
  }
}

// The whole of a board's torture, in the order of what it takes.
TortureReport torment_board(Options options) {
  TortureReport report;
  check_syncs(options, report);
  options.cuts = 2000;
  cut(options, report);
  const bool broker =
      ::access("/usr/sbin/mosquitto", X_OK) == 0 || ::access("/usr/bin/mosquitto", X_OK) == 0;
  if (!broker || options.minutes <= 0) {
    std::fprintf(stderr, "no mosquitto here: kills, cut links and clock steps are left out\n");
    return report;
  }
  options.agents = 1;
  TortureReport fleet = torment(options);
  fleet.faults.merge(report.faults);
  fleet.accepted += report.accepted;
  fleet.lost += report.lost;
  fleet.violations.insert(fleet.violations.end(), report.violations.begin(),
                          report.violations.end());
  return fleet;
}

int perform(const Options& options) {
  TortureReport report;
  report.seed = options.seed;
  const auto start = Clock::now();
  if (options.board) {
    report = torment_board(options);
  } else if (options.minutes > 0) {
    report = torment(options);
  }
  report.seed = options.seed;
  if (options.sim > 0) {
    simulate(options, false, report);
    simulate(options, true, report);
  }
  if (options.cuts > 0) cut(options, report);
  report.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::printf("%s", options.json ? (to_json(report) + "\n").c_str() : to_text(report).c_str());
  return report.clean() ? 0 : 1;
}

}  // namespace
}  // namespace spillway::chaos

int main(int argc, char** argv) {
  using namespace spillway::chaos;
  Options options;
  CLI::App app("Breaks everything Spillway stands on, and checks what it promised",
               "spillway-torture");
  declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "spillway-torture: %s\n",
                 spillway::config::wrong_usage(app, error.what()).c_str());
    return 2;
  }
  if (!options.board && options.minutes <= 0 && options.sim + options.cuts == 0) {
    std::fprintf(stderr, "spillway-torture: say what to do; see --help\n");
    return 2;
  }
  return perform(options);
}
