#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <iterator>
#include <thread>

#include "common/config/nearest.h"
#include "tests/demo/run.h"
#include "tests/demo/view.h"
#include "tests/demo/workload.h"
#include "tests/support/temp_dir.h"
#include "tests/support/testbed.h"

namespace spillway::demo {
namespace {

std::atomic<bool> stop{false};

struct Options {
  std::vector<std::string> inputs;
  std::string kind, link, broker = "mosquitto";
  std::size_t tasks = 0;
  double cut = 4;
  unsigned workers = 1, cloud_workers = 2;
  bool keep = false, json = false, kill = false;
  std::uint64_t seed = 1;
};

constexpr char kExamples[] =
    "Examples:\n"
    "  ./dev demo                                    made-up recordings, a cut of 4 s\n"
    "  ./dev demo --input *.csv --cut 10 --json      one's own, one JSON object on stdout\n"
    "  ./dev demo --kill --keep                      agent, cloud and broker killed on the way";

void declare(CLI::App& app, Options& o) {
  app.add_option("--tasks", o.tasks,
                 "Tasks to submit; 0: about three times what the device does alone")
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("--input", o.inputs, "CSV recordings of one's own")->check(CLI::ExistingFile);
  app.add_option("--kind", o.kind, "One kind for all tasks; default: three in turn");
  app.add_option("--cut", o.cut, "Seconds without a link; 0: none")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 600.0));
  app.add_option("--workers", o.workers, "Cores of the device")
      ->capture_default_str()
      ->check(CLI::Range(1, 48));
  app.add_option("--cloud-workers", o.cloud_workers, "Cores of the cloud")
      ->capture_default_str()
      ->check(CLI::Range(1, 48));
  app.add_option("--link", o.link, "Link trace (t_s,capacity_kbit_s,rtt_ms,loss_pct) to apply")
      ->check(CLI::ExistingFile);
  app.add_option("--broker", o.broker, "mosquitto or ejabberd")
      ->capture_default_str()
      ->check(CLI::IsMember({"mosquitto", "ejabberd"}));
  app.add_flag("--kill", o.kill, "Also kill -9 agent, cloud and broker, each started again");
  app.add_flag("--keep", o.keep, "Leave it running until Ctrl-C, and say how to look around");
  app.add_flag("--json", o.json, "One JSON object on stdout");
  app.add_option("--seed", o.seed, "Of the made-up recordings")->capture_default_str();
  app.footer(kExamples);
}

int refuse(const Error& error) {
  std::fprintf(stderr, "demo: %s\n", error.message.c_str());
  return 1;
}

Result<Workload> prepare(const Options& options) {
  if (options.inputs.empty()) {
    std::fprintf(stderr, "No --input: working on recordings made up with seed %llu.\n",
                 static_cast<unsigned long long>(options.seed));
    return make_workload(made_up_recordings(options.seed), options.kind);
  }
  Workload all;
  double seconds = 0;
  for (const std::string& path : options.inputs) {
    Result<std::string> recording = read_recording(path);
    if (!recording) return recording.error();
    Result<Workload> made = make_workload({*recording}, options.kind);
    if (!made) return fail(made.error().code, path + ": " + made.error().message);
    seconds += made->mean_seconds * double(made->works.size());
    all.recordings += 1;
    std::move(made->works.begin(), made->works.end(), std::back_inserter(all.works));
  }
  all.mean_seconds = seconds / double(all.works.size());
  return all;
}

// Enough that the cut falls in the middle, and that the device alone would need three times as
// long.
std::size_t task_count(const Options& options, const Workload& workload) {
  if (options.tasks > 0) return options.tasks;
  double alone = double(options.workers) / std::max(workload.mean_seconds, 1e-4);
  return std::clamp<std::size_t>(std::size_t(3 * (options.cut + 1) * alone), 300, 20'000);
}

int perform(const Options& options) {
  Result<Workload> workload = prepare(options);
  if (!workload) return refuse(workload.error());
  std::size_t tasks = task_count(options, *workload);
  std::fprintf(stderr, "%zu recordings, %zu different pieces of work of %.1f ms, %zu tasks.\n",
               workload->recordings, workload->works.size(), workload->mean_seconds * 1e3, tasks);
  test::TempDir directory("spillway-demo");
  test::TestbedOptions bed_options;
  bed_options.directory = directory.path();
  bed_options.ejabberd = options.broker == "ejabberd";
  bed_options.workers = options.workers;
  bed_options.cloud_workers = options.cloud_workers;
  bed_options.agent_more = "[limits]\nclient_frames = 1024\n";
  auto bed = test::Testbed::start(std::move(bed_options));
  if (!bed) return refuse(bed.error());
  if (!options.link.empty()) {
    auto trace = test::read_link_trace(options.link);
    if (!trace) return refuse(trace.error());
    (*bed)->link().follow(*std::move(trace));
  }
  if (!(*bed)->wait_for_link(std::chrono::seconds(20)) && !stop) {
    std::fprintf(stderr, "demo: the agent did not reach the cloud within 20 s:\n%s",
                 test::read_text(directory.file("spillway-agent.log")).c_str());
    return 1;
  }
  View view(isatty(STDERR_FILENO) != 0);
  Outcome outcome = run(
      **bed, *workload, {tasks, options.cut, options.kill, options.seed},
      [&](const Progress& progress) { view.show(progress); }, stop);
  view.end();
  if (stop) return 130;
  std::string link = test::read_text(directory.file("cloud/link.txt"));
  std::string summary = options.json ? summary_json(outcome)
                                     : summary_text(outcome, (*bed)->socket(),
                                                    link.substr(0, link.find('\n')), options.keep);
  std::fputs(summary.c_str(), stdout);
  std::fflush(stdout);
  while (options.keep && !stop) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  return outcome.clean() ? 0 : 1;
}

}  // namespace
}  // namespace spillway::demo

int main(int argc, char** argv) {
  using namespace spillway::demo;
  Options options;
  CLI::App app("Runs the main job end to end on this machine and checks every result",
               "spillway-demo");
  declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "spillway-demo: %s\n",
                 spillway::config::wrong_usage(app, error.what()).c_str());
    return 2;
  }
  std::signal(SIGINT, [](int) { stop = true; });
  std::signal(SIGTERM, [](int) { stop = true; });
  return perform(options);
}
