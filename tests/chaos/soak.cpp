// Keeps a device and the cloud at work for a long time, with outages, and says whether anything
// grew: by a line through samples, not by eye.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "common/config/nearest.h"
#include "tests/chaos/client.h"
#include "tests/chaos/cluster.h"
#include "tests/chaos/growth.h"
#include "tests/support/temp_dir.h"

namespace spillway::chaos {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// What memory may grow by over the last half, and what files may.
constexpr double kMemoryBound = 0.02, kFileBound = 0.10;
constexpr double kAtWork = 0.75;  // of the time; an outage stops what only the cloud may do
constexpr int kSamples = 400;     // of a whole soak

struct Options {
  double minutes = 20, tasks = 1'000'000;
  std::string out = "soak.svg";
  bool json = false;
};

double megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

std::uint64_t resident_bytes(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  std::uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * 4096;
}

std::uint64_t store_bytes(const std::string& path) {
  std::uint64_t bytes = 0;
  for (const char* suffix : {"", "-wal"}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path + suffix, error);
    if (!error) bytes += size;
  }
  return bytes;
}

Result<std::vector<demo::Work>> make_works() {
  std::vector<demo::Work> works;
  for (int i = 0; i < 8; ++i) {
    const std::string input(300, static_cast<char>('a' + i));
    auto made = demo::make_workload({input}, i % 2 == 0 ? "echo" : "hash.sha256");
    if (!made) return made.error();
    works.push_back(made->works.front());
    TaskSpec& spec = works.back().spec;
    // Short, so that the store reaches its steady size soon after the start.
    spec.retention = 30s;
    spec.idempotency_window = 30s;
    if (i % 4 == 0) spec.needs.tags = {kCloudTag};
  }
  return works;
}

class Soak {
 public:
  Soak(const Options& options, Cluster& cluster, const std::vector<demo::Work>& works)
      : options_(options),
        cluster_(cluster),
        agent_(cluster.agents().front()),
        client_(
            "soak", agent_.socket, works,
            {.tasks_per_second = options.tasks / (options.minutes * 60 * kAtWork), .open = 512}) {}

  int perform() {
    const auto start = Clock::now();
    const double whole = options_.minutes * 60;
    double next = 0;
    for (double now = 0; now < whole; now = seconds_since(start)) {
      outage(now / whole);
      if (now >= next) {
        sample(now);
        next = now + whole / kSamples;
      }
      std::this_thread::sleep_for(50ms);
    }
    agent_.link->heal();
    client_.finish();
    for (int i = 0; i < 1200 && !client_.settled(); ++i) std::this_thread::sleep_for(100ms);
    return conclude();
  }

 private:
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  // In the middle of each wave the link goes for a fifth of it, and once the broker with it.
  void outage(double part) {
    const double wave = part * kWaves;
    const double within = wave - std::floor(wave);
    const bool down = within >= 0.4 && within < 0.6;
    if (down == down_) return;
    down_ = down;
    down ? agent_.link->cut() : agent_.link->heal();
    if (!down && ++outages_ == 5) {
      cluster_.broker().kill();
      if (!cluster_.broker().start_again()) std::fprintf(stderr, "soak: no broker any more\n");
    }
  }

  void sample(double now) {
    agent_memory_.add(now, megabytes(resident_bytes(agent_.process->pid())));
    cloud_memory_.add(now, megabytes(resident_bytes(cluster_.cloud().pid())));
    store_.add(now, megabytes(store_bytes(agent_.state + "/agent.db")));
    ledger_.add(now, megabytes(store_bytes(cluster_.ledger())));
    latency_.add(now, client_.take_slowest().count());
    const std::uint64_t delivered = client_.delivered();
    rate_.add(now, static_cast<double>(delivered - delivered_before_));
    delivered_before_ = delivered;
  }

  int conclude() {
    const std::vector<Series> all{agent_memory_, cloud_memory_, store_, ledger_, latency_, rate_};
    test::write_text(options_.out, plot("Spillway soak", all));
    const double memory = std::max(trend_of_last_half(agent_memory_).growth,
                                   trend_of_last_half(cloud_memory_).growth);
    const double files =
        std::max(trend_of_last_half(store_).growth, trend_of_last_half(ledger_).growth);
    const std::uint64_t wrong = client_.wrong(), lost = client_.accepted() - client_.delivered();
    const bool good = memory <= kMemoryBound && files <= kFileBound && wrong + lost == 0;
    const char* format =
        options_.json
            ? "{\"accepted\":%llu,\"delivered\":%llu,\"wrong\":%llu,\"memory_growth\":%.4f,"
              "\"file_growth\":%.4f,\"outages\":%d,\"plot\":\"%s\",\"verdict\":\"%s\"}\n"
            : "accepted %llu, delivered %llu, wrong %llu\nover the last half memory grew by %.4f "
              "(bound 0.02), files by %.4f (bound 0.10); %d outages\nplot: %s\nverdict: %s\n";
    std::printf(format, static_cast<unsigned long long>(client_.accepted()),
                static_cast<unsigned long long>(client_.delivered()),
                static_cast<unsigned long long>(wrong), memory, files, outages_,
                options_.out.c_str(), good ? "steady" : "not steady");
    return good ? 0 : 1;
  }

  const Options& options_;
  Cluster& cluster_;
  Cluster::Agent& agent_;
  Client client_;
  Series agent_memory_{"agent, resident", "MB", {}, {}};
  Series cloud_memory_{"cloud, resident", "MB", {}, {}};
  Series store_{"agent's store with its log", "MB", {}, {}};
  Series ledger_{"cloud's ledger with its log", "MB", {}, {}};
  Series latency_{"slowest task since the last sample", "s", {}, {}};
  Series rate_{"results since the last sample", "", {}, {}};
  std::uint64_t delivered_before_ = 0;
  int outages_ = 0;
  bool down_ = false;
};

int perform(const Options& options) {
  test::TempDir folder("spillway-soak");
  auto works = make_works();
  // Few events, so that histories reach their steady size soon after the start, too.
  auto cluster = Cluster::start({.folder = folder.path(),
                                 .binaries = {},
                                 .agents = 1,
                                 .agent_more = "[budget]\nevents = 5000\n"});
  if (!works || !cluster) {
    std::fprintf(stderr, "soak: %s\n", (works ? cluster.error() : works.error()).message.c_str());
    return 1;
  }
  return Soak(options, **cluster, *works).perform();
}

}  // namespace
}  // namespace spillway::chaos

int main(int argc, char** argv) {
  using namespace spillway::chaos;
  Options options;
  CLI::App app("Keeps a device and the cloud at work for long, and says whether anything grew",
               "spillway-soak");
  app.add_option("--minutes", options.minutes, "How long")
      ->capture_default_str()
      ->check(CLI::Range(0.2, 100'000.0));
  app.add_option("--tasks", options.tasks, "Over the whole time")
      ->capture_default_str()
      ->check(CLI::Range(100, 1'000'000'000));
  app.add_option("--plot", options.out, "Where the plot goes (SVG)")->capture_default_str();
  app.add_flag("--json", options.json, "One JSON object on stdout");
  app.footer(
      "Example: ./dev soak --minutes 60 --plot /tmp/soak.svg\n"
      "Exit: 0 nothing grew and nothing was lost, 1 something did, 2 usage.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::fprintf(stderr, "spillway-soak: %s\n",
                 spillway::config::wrong_usage(app, error.what()).c_str());
    return 2;
  }
  return perform(options);
}
