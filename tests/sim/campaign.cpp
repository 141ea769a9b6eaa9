#include "tests/sim/campaign.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace spillway::sim {
namespace {

constexpr std::uint64_t kBlock = 64;          // schedules a thread takes at a time
constexpr std::uint32_t kMostPrefixes = 600;  // tried for each number of tasks
constexpr std::size_t kMostNodeTasks = 14;
constexpr std::size_t kLogTail = 60;  // lines

// Plays the schedules of one thread.
class Player {
 public:
  explicit Player(const Campaign& campaign)
      : whole_(campaign.nodes),
        world_(campaign.variant, &campaign.traces),
        nodes_(&campaign.traces) {}
  Outcome run(std::uint64_t seed, const Limits& limits, bool keep_log = false) {
    return whole_ ? nodes_.run(seed, limits, keep_log) : world_.run(seed, limits, keep_log);
  }
  void add_to(Report& report) const {
    report.stats.add(world_.stats());
    report.nodes.add(nodes_.stats());
  }

 private:
  const bool whole_;
  World world_;
  Nodes nodes_;
};

struct Shared {
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;  // guards the rest
  Report report;
  std::optional<Outcome> broken;
  std::uint64_t broken_seed = 0;
};

void note_failure(Shared& shared, std::uint64_t seed, Outcome outcome) {
  shared.stop = true;
  const std::lock_guard lock(shared.mutex);
  if (shared.broken && shared.broken->events <= outcome.events) return;
  shared.broken = std::move(outcome);
  shared.broken_seed = seed;
}

void work(const Campaign& campaign, Shared& shared, bool leads) {
  Player player(campaign);
  std::uint64_t done = 0;
  Duration longest{};
  while (!shared.stop) {
    const std::uint64_t first = shared.next.fetch_add(kBlock);
    if (first >= campaign.schedules) break;
    const std::uint64_t last = std::min(first + kBlock, campaign.schedules);
    for (std::uint64_t i = first; i < last; ++i, ++done) {
      Outcome outcome = player.run(campaign.seed + i, {});
      longest = std::max(longest, outcome.healing);
      if (!outcome.failure.empty()) note_failure(shared, campaign.seed + i, std::move(outcome));
    }
    if (leads && campaign.progress) campaign.progress(last);
  }
  const std::lock_guard lock(shared.mutex);
  shared.report.schedules += done;
  player.add_to(shared.report);
  shared.report.longest_healing = std::max(shared.report.longest_healing, longest);
}

std::string tail(const std::string& log) {
  std::size_t start = log.size();
  for (std::size_t lines = 0; start > 0 && lines <= kLogTail; ++lines) {
    start = log.rfind('\n', start - 1);
    if (start == std::string::npos) return log;
  }
  return "       (earlier events left out)\n" + log.substr(start + 1);
}

// Commas between thousands.
std::string digits(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

}  // namespace

Failure shorten(const Campaign& campaign, std::uint64_t seed, const Outcome& outcome) {
  Player player(campaign);
  Failure best{seed, campaign.nodes, outcome.failure, {}, outcome.events, {}};
  for (std::size_t tasks = 1; tasks <= (campaign.nodes ? kMostNodeTasks : kMaxTasks); ++tasks) {
    const std::uint32_t stride = 1 + best.events / kMostPrefixes;
    for (std::uint32_t chaos = 0; chaos < best.events; chaos += stride) {
      const Limits limits{tasks, chaos};
      const Outcome tried = player.run(seed, limits);
      if (tried.failure.empty() || tried.events >= best.events) continue;
      best = {seed, campaign.nodes, tried.failure, limits, tried.events, {}};
    }
  }
  best.log = player.run(seed, best.limits, true).log;
  return best;
}

Report run_campaign(const Campaign& campaign) {
  Shared shared;
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::jthread> threads;
  const unsigned count = campaign.threads > 0 ? campaign.threads : cores;
  for (unsigned i = 1; i < count; ++i) {
    threads.emplace_back([&] { work(campaign, shared, false); });
  }
  work(campaign, shared, true);
  threads.clear();
  if (shared.broken) {
    shared.report.failure = shorten(campaign, shared.broken_seed, *shared.broken);
  }
  return std::move(shared.report);
}

std::string command_of(const Failure& failure, Variant variant) {
  std::string text = "spillway-sim ";
  text += failure.nodes ? "--nodes" : "--variant " + std::string(to_string(variant));
  text += " --seed " + std::to_string(failure.seed) + " --schedules 1";
  if (failure.limits.max_tasks != Limits{}.max_tasks) {
    text += " --tasks " + std::to_string(failure.limits.max_tasks);
  }
  if (failure.limits.chaos_events != Limits{}.chaos_events) {
    text += " --chaos " + std::to_string(failure.limits.chaos_events);
  }
  return text;
}

std::string describe(const Failure& failure, Variant variant) {
  return failure.what + "\n  shortest failing prefix found: seed " + std::to_string(failure.seed) +
         ", " + std::to_string(failure.events) +
         " events\n  again: " + command_of(failure, variant) + "\n" + tail(failure.log);
}

std::string summary(const Report& report) {
  if (report.nodes.events > 0) {
    std::string text = digits(report.schedules) + " schedules of whole nodes, " +
                       digits(report.nodes.events) + " events, " + digits(report.nodes.accepted) +
                       " tasks, " + digits(report.nodes.in_cloud) + " done in the cloud, " +
                       digits(report.nodes.to_devices) + " asked for by operators, " +
                       digits(report.nodes.poisoned) + " poisoned;";
    for (const auto& [fault, count] : report.nodes.faults)
      text += " " + fault + " " + digits(count);
    return text + "; longest way to quiet after healing " +
           std::to_string(report.longest_healing.count() / 1'000'000) + " s";
  }
  const auto of = [&report](Seen seen) { return digits(report.stats.of(seen)); };
  return digits(report.schedules) + " schedules, " + of(Seen::events) + " events, " +
         of(Seen::owner_crashes) + " + " + of(Seen::lessee_crashes) + " crashes, " +
         of(Seen::link_cuts) + " cuts; messages: " + of(Seen::messages) + " sent, " +
         of(Seen::lost_messages) + " lost, " + of(Seen::duplicated_messages) + " doubled, " +
         of(Seen::reordered_messages) + " out of order; longest way to quiet after healing " +
         std::to_string(report.longest_healing.count() / 1'000'000) + " s";
}

}  // namespace spillway::sim
