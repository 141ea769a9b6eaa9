#include "tests/chaos/overload.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/chaos/client.h"
#include "tests/chaos/cluster.h"
#include "tests/chaos/fleet_reader.h"

namespace spillway::chaos {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

// Offered, of what was done before: some more than is promised, because that is no constant.
constexpr double kOffered = 12, kPromised = 10;
constexpr std::uint64_t kDisk = 24ULL << 20, kMemory = 16ULL << 20;
// What the process may have beside the tasks: code, stacks, SQLite's cache, buffers. A sanitizer's
// own memory says nothing about ours, and its pace nothing about what can be asked for.
#if defined(SPILLWAY_SANITIZED)
constexpr bool kJudgesSize = false;
#else
constexpr bool kJudgesSize = true;
#endif
constexpr std::uint64_t kBeside = 96ULL << 20;
constexpr std::size_t kFrames = 16'384;
constexpr auto kCycle = 10s, kCut = 3s;  // of the link

std::string budget() {
  return "[budget]\ndisk = \"" + std::to_string(kDisk >> 20) + "MiB\"\nmemory = \"" +
         std::to_string(kMemory >> 20) +
         "MiB\"\nevents = 20000\n[limits]\nclient_frames = " + std::to_string(kFrames) + "\n";
}

// A few milliseconds each, so that ten times as many can be asked for; some are soon of no use.
Result<std::vector<demo::Work>> make_works() {
  std::vector<demo::Work> works;
  for (int i = 0; i < 4; ++i) {
    auto made = demo::make_workload({std::string(2000, static_cast<char>('a' + i))}, "spin");
    if (!made) return made.error();
    works.push_back(made->works.front());
    if (i == 3) works.back().spec.deadline = 20ms;
  }
  return works;
}

std::uint64_t resident(pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  std::uint64_t size = 0, pages = 0;
  file >> size >> pages;
  return pages * 4096;
}

class Overload {
 public:
  Overload(const ChaosOptions& options, Cluster& cluster, const std::vector<demo::Work>& works,
           FleetReader fleet)
      : options_(options),
        agent_(cluster.agents().front()),
        cluster_(cluster),
        fleet_(std::move(fleet)),
        client_(agent_.process->name(), agent_.socket, works,
                {.tasks_per_second = 1e6, .open = 64, .waits = kFrames / 2}) {}

  TortureReport perform() {
    report_.seed = options_.seed;
    watch_for(std::min<std::chrono::milliseconds>(10s, options_.lasts / 4), false);
    const double capacity = static_cast<double>(client_.delivered()) / seconds_since(start_);
    if (capacity < 1) violate("nothing was done even before it was too much");
    const std::uint64_t asked = client_.asked(), done = client_.delivered();
    const auto flood = Clock::now();
    // A machine that has become faster since is offered more.
    for (double most = capacity; Clock::now() < flood + options_.lasts;) {
      const double so_far = static_cast<double>(client_.delivered() - done) / seconds_since(flood);
      if (seconds_since(flood) > 1) most = std::max(most, so_far);
      client_.set_rate(kOffered * most, ~std::size_t{0} / 2, false);
      watch_for(1s, true);
    }
    const double seconds = seconds_since(flood);
    report_.figures["done_per_s_before"] = capacity;
    report_.figures["done_per_s"] = static_cast<double>(client_.delivered() - done) / seconds;
    report_.figures["offered_per_s"] = static_cast<double>(client_.asked() - asked) / seconds;
    agent_.link->heal();
    client_.finish();
    settle();
    judge();
    return std::move(report_);
  }

 private:
  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  void watch_for(std::chrono::milliseconds lasts, bool cuts) {
    const auto start = Clock::now();
    for (auto now = start; now < start + lasts; now = Clock::now()) {
      const bool cut = cuts && (now - start_) % kCycle > kCycle - kCut;
      if (cut != down_) {
        cut ? agent_.link->cut() : agent_.link->heal();
        report_.faults["link_cut"] += cut ? 1 : 0;
      }
      down_ = cut;
      look();
      std::this_thread::sleep_for(2ms);
    }
  }

  // The store's files, without the index of the log that SQLite keeps in shared memory.
  void look() {
    std::uint64_t bytes = 0;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(agent_.state, error)) {
      const std::string name = entry.path().filename().string();
      if (!name.starts_with("agent.db") || name.ends_with("-shm")) continue;
      const auto size = entry.file_size(error);
      if (!error) bytes += size;
    }
    disk_peak_ = std::max(disk_peak_, bytes);
    memory_peak_ = std::max(memory_peak_, resident(agent_.process->pid()));
    if (!options_.progress || Clock::now() < next_progress_) return;
    next_progress_ = Clock::now() + 1s;
    report_.seconds = seconds_since(start_);
    report_.accepted = client_.accepted();
    options_.progress(report_);
  }

  void settle() {
    const auto start = Clock::now();
    // A slow machine takes its time for what was let in; it must go on, that is all.
    auto progressed = start;
    for (std::uint64_t done = 0;
         !client_.settled() && Clock::now() - progressed < options_.patience;
         std::this_thread::sleep_for(10ms)) {
      if (std::exchange(done, client_.delivered()) != client_.delivered())
        progressed = Clock::now();
      look();
    }
    report_.recovery_s_max = seconds_since(start);
    if (!client_.settled()) violate("P5: what was accepted was not all done afterwards");
  }

  void judge() {
    const Verdicts verdicts = client_.judge();
    report_.accepted = 0;  // what progress had said
    report_.take(verdicts);
    for (const std::string& note : verdicts.notes) violate(note);
    if (verdicts.node) {
      for (const auto& wrong :
           check_losses("device-1", verdicts.losses, verdicts.accepted, *verdicts.node)) {
        violate(wrong);
      }
      if (auto wrong = fleet_.differs(agent_.socket, "device-1", 60s)) violate(*wrong);
    }
    report_.figures["gave_way_unread"] = static_cast<double>(verdicts.losses.unread);
    report_.figures["disk_budget"] = static_cast<double>(kDisk);
    report_.figures["disk_peak"] = static_cast<double>(disk_peak_);
    report_.figures["memory_peak"] = static_cast<double>(memory_peak_);
    if (disk_peak_ > kDisk) {
      violate("P20: the store took " + std::to_string(disk_peak_) + " bytes of " +
              std::to_string(kDisk));
    }
    if (kJudgesSize && memory_peak_ > kMemory + kBeside) {
      violate("P20: the agent took " + std::to_string(memory_peak_) + " bytes of memory");
    }
    if (kJudgesSize &&
        report_.figures["offered_per_s"] < kPromised * report_.figures["done_per_s"]) {
      violate("less than ten times of what was done was asked for");
    }
    for (Victim* victim : {agent_.process.get(), &cluster_.cloud()}) {
      const auto exit = victim->stop(30s);
      if (!exit || !exit->ok()) violate(victim->name() + " did not end well when asked to");
      for (const End& end : victim->take_ends()) {
        if (auto wrong = wrong_with(end, {})) violate(victim->name() + " " + *wrong);
      }
    }
    report_.seconds = seconds_since(start_);
  }

  void violate(const std::string& what) {
    report_.violations.push_back(
        {what, "./dev torture --overload --minutes N --keep; logs: " + options_.folder});
  }

  const ChaosOptions& options_;
  Cluster::Agent& agent_;
  Cluster& cluster_;
  FleetReader fleet_;
  Client client_;
  TortureReport report_;
  const Clock::time_point start_ = Clock::now();
  bool down_ = false;  // the link
  Clock::time_point next_progress_ = start_;
  std::uint64_t disk_peak_ = 0, memory_peak_ = 0;
};

}  // namespace

TortureReport run_overload(const ChaosOptions& options) {
  TortureReport report;
  const auto refuse = [&report](const Error& error) {
    report.violations.push_back({"it does not start: " + error.message, ""});
    return report;
  };
  auto works = make_works();
  if (!works) return refuse(works.error());
  auto cluster = Cluster::start({.folder = options.folder,
                                 .binaries = options.binaries,
                                 .agents = 1,
                                 .agent_more = budget()});
  if (!cluster) return refuse(cluster.error());
  auto apis = log_in((*cluster)->cloud_folder(), {"read"});
  if (!apis) return refuse(apis.error());
  return Overload(options, **cluster, *works, FleetReader(std::move(apis->front()))).perform();
}

}  // namespace spillway::chaos
