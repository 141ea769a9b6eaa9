#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <string>

#include "cloud/fleetsim/swarm.h"
#include "common/config/nearest.h"
#include "spillway/version.h"

namespace spillway::fleetsim {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  spillway-fleetsim --broker mqtt://127.0.0.1:1883 -n 1000\n"
    "      a thousand devices on a broker without TLS, for experiments\n"
    "  spillway-fleetsim --broker mqtts://broker:8883 --ca ca.pem --cert sim.pem --key sim.key \\\n"
    "      -n 10000 --connects 200 --tasks 50\n"
    "      ten thousand, connecting 200 a second, giving 50 tasks a second to the cloud\n"
    "  spillway-fleetsim --broker mqtt://127.0.0.1:1883 -n 500 --links ./links --for 300\n"
    "      on recorded links (CSV: t_s,capacity_kbit_s,rtt_ms,loss_pct), for five minutes\n"
    "Devices take `echo` from the cloud, by the life cycle of real ones: 16 held, 2 at once, also\n"
    "over outages and restarts. With a cloud on the same broker, this runs one task on each:\n"
    "  spwctl task submit echo --all\n"
    "One certificate speaks for all devices. A broker that binds client ids to certificates, as "
    "the\n"
    "packages' mosquitto.conf does, takes them for one client: on such a broker give it a listener "
    "of\n"
    "its own, with an authority of its own, and never on a broker that serves a real fleet:\n"
    "  listener 8884\n"
    "  cafile, certfile, keyfile …\n"
    "  require_certificate true\n"
    "  use_identity_as_username true\n"
    "and, its certificate being for `fleetsim`, in the access list:\n"
    "  user fleetsim\n"
    "  topic write spw/1/+/+/up/#\n"
    "  topic read spw/1/+/+/down/#\n"
    "  topic read spw/1/cloud/state\n"
    "One line a second goes to stderr; at the end one JSON object goes to stdout.";

struct Command {
  SwarmOptions swarm;
  std::string links;
  double seconds = 0;
  bool quiet = false;
};

Status read_links(Command& command) {
  if (command.links.empty()) return {};
  std::error_code error;
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(command.links, error)) {
    if (entry.path().extension() == ".csv") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    Result<LinkTrace> trace = read_link_trace(file);
    if (!trace) return trace.error();
    command.swarm.links.push_back(std::make_shared<const LinkTrace>(*std::move(trace)));
  }
  if (files.empty()) return fail(Code::not_found, "no *.csv in " + command.links);
  return {};
}

void say_progress(const SwarmStats& stats, const SwarmStats& before, double at) {
  std::fprintf(
      stderr,
      "%6.0f s  online %u  frames/s %llu  offers %llu  results %llu  dispatched %llu  "
      "drops %llu%s%s\n",
      at, stats.online, static_cast<unsigned long long>(stats.frames - before.frames),
      static_cast<unsigned long long>(stats.offers), static_cast<unsigned long long>(stats.results),
      static_cast<unsigned long long>(stats.dispatched_done),
      static_cast<unsigned long long>(stats.drops), stats.failures > before.failures ? "  " : "",
      stats.failures > before.failures ? stats.last_problem.c_str() : "");
}

void print_json(const Command& command, const SwarmStats& stats) {
  auto number = [](std::uint64_t value) { return static_cast<unsigned long long>(value); };
  std::printf(
      "{\"devices\":%u,\"seed\":%llu,\"online\":%u,\"connects\":%llu,\"failures\":%llu,"
      "\"drops\":%llu,\"peak_connects_per_second\":%u,\"frames\":%llu,\"frame_bytes\":%llu,"
      "\"offers\":%llu,\"accepted\":%llu,\"results\":%llu,\"refused\":%llu,"
      "\"dispatched\":%llu,\"dispatched_done\":%llu}\n",
      command.swarm.devices, number(command.swarm.seed), stats.online, number(stats.connects),
      number(stats.failures), number(stats.drops), stats.peak_connects, number(stats.frames),
      number(stats.frame_bytes), number(stats.offers), number(stats.accepts), number(stats.results),
      number(stats.refused), number(stats.dispatched), number(stats.dispatched_done));
}

int simulate(const Command& command) {
  asio::io_context loop(1);
  auto swarm = Swarm::create(loop, command.swarm);
  if (!swarm) {
    std::fprintf(stderr, "spillway-fleetsim: %s\n", swarm.error().message.c_str());
    return swarm.error().code == Code::unavailable ? 6 : 1;
  }
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  asio::steady_timer second(loop), end(loop);
  auto finish = [&] {
    second.cancel();
    (*swarm)->stop();
    end.expires_after(std::chrono::seconds(1));  // for the goodbyes to leave
    end.async_wait([&](asio::error_code) { loop.stop(); });
  };
  signals.async_wait([&](asio::error_code error, int) {
    if (!error) finish();
  });
  SwarmStats before;
  double at = 0;
  std::function<void(asio::error_code)> every_second = [&](asio::error_code error) {
    if (error) return;
    at += 1;
    if (!command.quiet) say_progress((*swarm)->stats(), before, at);
    before = (*swarm)->stats();
    if (command.seconds > 0 && at >= command.seconds) return finish();
    second.expires_after(std::chrono::seconds(1));
    second.async_wait(every_second);
  };
  second.expires_after(std::chrono::seconds(1));
  second.async_wait(every_second);
  (*swarm)->start();
  loop.run();
  // What stood at the end, not what the goodbyes left.
  print_json(command, before);
  return before.connects > 0 ? 0 : 6;
}

void add_options(CLI::App& app, Command& command) {
  SwarmOptions& swarm = command.swarm;
  Habits& habits = swarm.habits;
  app.add_option("-b,--broker", swarm.uri, "mqtts://host:port, or mqtt://host:port without TLS")
      ->required();
  app.add_option("--ca", swarm.ca, "Who signed the broker's certificate (PEM)");
  app.add_option("--cert", swarm.certificate, "The certificate that speaks for all devices (PEM)");
  app.add_option("--key", swarm.key, "Its key (PEM)");
  app.add_option("-n,--devices", swarm.devices, "How many")
      ->check(CLI::Range(1, 200'000))
      ->capture_default_str();
  app.add_option("--prefix", swarm.prefix, "Names are PREFIX-000000 and so on")
      ->capture_default_str();
  app.add_option("--seed", swarm.seed, "The same seed gives the same behaviour")
      ->capture_default_str();
  app.add_option("--interval", swarm.interval, "Seconds between a device's telemetry frames")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  app.add_option("--connects", swarm.connects_per_second, "Connections begun a second, at most")
      ->check(CLI::Range(1.0, 100'000.0))
      ->capture_default_str();
  app.add_option("--tasks", swarm.tasks_per_second, "Tasks a second offloaded to the cloud, by all")
      ->check(CLI::Range(0.0, 100'000.0))
      ->capture_default_str();
  app.add_option("--run-seconds", swarm.dispatched.run_seconds,
                 "What a task dispatched to a device takes")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--links", command.links, "Folder of recorded links, dealt out to the devices");
  app.add_option("--for", command.seconds, "Seconds to run; 0: until interrupted")
      ->capture_default_str();
  app.add_flag("-q,--quiet", command.quiet, "No progress");
  auto share = [&](const char* name, double& value, const char* what) {
    app.add_option(name, value, what)->check(CLI::Range(0.0, 1.0))->capture_default_str();
  };
  share("--bursty", habits.bursty, "Share of devices whose work comes in bursts");
  share("--hot", habits.hot, "Share of devices that run hot");
  share("--slow-clocks", habits.slow_clock, "Share of devices whose clock falls behind");
  share("--lossy", habits.lossy, "Share of devices that lose data");
  share("--failing", swarm.dispatched.failing,
        "Share of tasks dispatched to devices that fail there");
  app.add_option("--outages", habits.outages, "Outages an hour and device, without --links")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--restarts", habits.restarts, "Restarts an hour and device")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
}

int run(int argc, char** argv) {
  CLI::App app("Thousands of devices in one process, on a real broker", "spillway-fleetsim");
  Command command;
  add_options(app, command);
  app.set_version_flag("--version", std::string("spillway-fleetsim ") + kVersion);
  app.footer(kExamples);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "spillway-fleetsim: %s\n", config::wrong_usage(app, error.what()).c_str());
    return 2;
  }
  if (Status status = read_links(command); !status) {
    std::fprintf(stderr, "spillway-fleetsim: %s\n", status.error().message.c_str());
    return 1;
  }
  return simulate(command);
}

}  // namespace
}  // namespace spillway::fleetsim

int main(int argc, char** argv) { return spillway::fleetsim::run(argc, argv); }
