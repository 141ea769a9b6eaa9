#include "tests/chaos/chaos.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <thread>

#include "tests/chaos/client.h"
#include "tests/chaos/cluster.h"
#include "tests/chaos/fleet_reader.h"
#include "tests/chaos/injector.h"
#include "tests/chaos/losses.h"
#include "tests/chaos/operator.h"

namespace spillway::chaos {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// Fewer tasks than a client would have open, so that some are refused: refusals are counted, too.
constexpr char kTightBudget[] =
    "[budget]\ntasks = 24\ndisk = \"32MiB\"\ndisk_free = \"256KiB\"\ninodes_free = 10\n";

constexpr double kErrands = 6;  // tasks a second that are sent to devices

constexpr const char* kDamages[] = {"store_log_damaged", "store_page_damaged"};

bool has_damaged_store(const std::string& state) {
  const std::filesystem::directory_iterator files(state);
  return std::any_of(begin(files), end(files), [](const auto& file) {
    return file.path().filename().string().starts_with("agent.db.damaged-");
  });
}

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Small things: what is tormented is the hand-over, not arithmetic. Half of it must travel.
Result<std::vector<demo::Work>> make_works() {
  std::vector<std::string> inputs;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    std::string recording = demo::made_up_recordings(seed).front();
    recording.resize(recording.rfind('\n', 6000) + 1);
    inputs.push_back(std::move(recording));
  }
  std::vector<demo::Work> works;
  for (const char* kind : {"hash.sha256", "echo", "stats.window"}) {
    auto made = demo::make_workload(inputs, kind);
    if (!made) return made.error();
    for (const demo::Work& work : made->works) {
      works.push_back(work);
      works.push_back(work);
      works.back().spec.needs.tags = {kCloudTag};
    }
  }
  return works;
}

class Run {
 public:
  Run(const ChaosOptions& options, Cluster& cluster, const std::vector<demo::Work>& works,
      std::vector<ctl::Api> apis)
      : options_(options),
        cluster_(cluster),
        fleet_(std::move(apis.at(0))),
        operator_(std::move(apis.at(1)), names_of(cluster), works, kErrands),
        injector_(cluster, options.seed, options.traces) {
    for (const auto& agent : cluster.agents()) {
      clients_.push_back(
          std::make_unique<Client>(agent.process->name(), agent.socket, works,
                                   ClientOptions{.tasks_per_second = options.tasks_per_second}));
    }
    report_.seed = options.seed;
  }

  TortureReport perform() {
    wait_until_warm();
    const auto start = Clock::now();
    const auto end = start + options_.lasts;
    bool sabotage = options_.sabotage;
    while (Clock::now() < end) {
      injector_.step();
      if (cluster_.damages_last()) damage_in(Clock::now() - start);
      // Something must be in it to be lost.
      if (sabotage && Clock::now() > end - options_.lasts / 2 && accepted() > delivered() + 8) {
        sabotage = false;
        throw_store_away(cluster_.agents().front());
      }
      look();
      std::this_thread::sleep_for(10ms);
    }
    injector_.heal();
    for (const auto& client : clients_) client->finish();
    operator_.finish();
    settle();
    judge();
    return std::move(report_);
  }

 private:
  static std::vector<std::string> names_of(Cluster& cluster) {
    std::vector<std::string> names;
    for (const auto& agent : cluster.agents()) names.push_back(agent.process->name());
    return names;
  }

  static void throw_store_away(Cluster::Agent& agent) {
    agent.process->kill();
    std::filesystem::remove_all(agent.state);
    (void)agent.process->start();
  }

  // Each once at least, however short the run: the log first, whose end hides what came before it.
  void damage_in(Clock::duration passed) {
    if (damages_made_ == std::size(kDamages)) return;
    const auto due = options_.lasts * (damages_made_ + 1) / (std::size(kDamages) + 1);
    if (passed >= due && injector_.make(kDamages[damages_made_])) ++damages_made_;
  }

  void wait_until_warm() {
    const auto end = Clock::now() + 20s;
    while (Clock::now() < end && delivered() < 20) std::this_thread::sleep_for(10ms);
  }

  std::uint64_t accepted() const {
    std::uint64_t all = 0;
    for (const auto& client : clients_) all += client->accepted();
    return all;
  }
  std::uint64_t delivered() const {
    std::uint64_t all = 0;
    for (const auto& client : clients_) all += client->delivered();
    return all;
  }

  // How long after a fault the next result came, for each client.
  void look() {
    if (injector_.healed_at() != healed_at_) {
      healed_at_ = injector_.healed_at();
      waiting_.clear();
      for (const auto& client : clients_) waiting_.push_back(client->delivered());
    }
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      if (waiting_[i] == kCame || clients_[i]->delivered() == waiting_[i]) continue;
      waiting_[i] = kCame;
      report_.recovery_s_max = std::max(report_.recovery_s_max, seconds_since(healed_at_));
    }
    if (!options_.progress || Clock::now() < next_progress_) return;
    next_progress_ = Clock::now() + 1s;
    update();
    options_.progress(report_);
  }

  void update() {
    report_.faults = injector_.done();
    report_.seconds = seconds_since(start_);
    report_.accepted = accepted();
  }

  void settle() {
    const auto start = Clock::now();
    const auto all_settled = [this] {
      return operator_.settled() &&
             std::all_of(clients_.begin(), clients_.end(),
                         [](const auto& client) { return client->settled(); });
    };
    while (!all_settled() && Clock::now() - start < options_.patience) {
      for (auto& agent : cluster_.agents()) injector_.supervise(*agent.process);
      injector_.supervise(cluster_.cloud());
      look();
      std::this_thread::sleep_for(10ms);
    }
    report_.recovery_s_max = std::max(report_.recovery_s_max, seconds_since(start));
    if (!all_settled()) violate("P5: not every task was finished in time after all healed");
  }

  void judge() {
    update();
    report_.accepted = 0;
    for (std::size_t i = 0; i < clients_.size(); ++i) judge_client(i);
    const Verdicts sent = operator_.judge();
    report_.take(sent);
    report_.figures["dispatched"] = static_cast<double>(sent.accepted);
    for (const std::string& note : sent.notes) violate(note);
    for (auto& agent : cluster_.agents()) end(*agent.process);
    end(cluster_.cloud());
    for (const std::string& violation : injector_.violations()) violate(violation);
    report_.seconds = seconds_since(start_);
    report_.log = injector_.log();
  }

  void judge_client(std::size_t i) {
    const Cluster::Agent& agent = cluster_.agents()[i];
    const bool damaged = cluster_.damages_last() && i + 1 == clients_.size();
    Verdicts verdicts = clients_[i]->judge(damaged ? injector_.damage() : StoreDamage{});
    report_.take(verdicts);
    for (const std::string& note : verdicts.notes) violate(note);
    if (!damaged) return judge_losses(agent, verdicts);
    report_.figures["destroyed"] = static_cast<double>(verdicts.destroyed);
    // Found in use, by the judge at the latest: the agent ends with the next commit, and counts
    // what it lost at the start that follows.
    if (std::filesystem::exists(agent.state + "/agent.db.damaged")) {
      agent.process->kill();
      (void)agent.process->start();
      verdicts.node = clients_[i]->node_of_new_start();
      if (!verdicts.node) violate(agent.process->name() + " does not start with a damaged store");
    }
    const bool set_aside = has_damaged_store(agent.state);
    for (const auto& wrong : check_damage(agent.process->name(), verdicts, set_aside)) {
      violate(wrong);
    }
    for (const char* kind : kDamages) {
      if (!report_.faults.contains(kind)) violate(std::string(kind) + " never came to pass");
    }
  }

  void judge_losses(const Cluster::Agent& agent, const Verdicts& verdicts) {
    if (!verdicts.node) return;
    const std::string& name = agent.process->name();
    const LossSums sums = sums_of(*verdicts.node);
    std::uint64_t gave_way = 0;
    for (const auto& [what, count] : sums) gave_way += what.first == "results" ? count : 0;
    report_.lost += verdicts.losses.gone - std::min(verdicts.losses.gone, gave_way);
    for (const auto& wrong :
         check_losses(name, verdicts.losses, verdicts.accepted, *verdicts.node)) {
      violate(wrong);
    }
    if (auto wrong = fleet_.differs(agent.socket, name, 40s)) violate(*wrong);
  }

  void end(Victim& victim) {
    const auto exit = victim.stop(30s);
    if (!exit || !exit->ok()) violate(victim.name() + " did not end well when asked to");
    injector_.look_at(victim);
  }

  void violate(const std::string& what) {
    report_.violations.push_back(
        {what, "./dev torture --minutes " +
                   std::to_string(std::chrono::duration<double>(options_.lasts).count() / 60) +
                   " --seed " + std::to_string(options_.seed) +
                   " --keep; logs: " + options_.folder});
  }

  static constexpr std::uint64_t kCame = ~0ULL;
  const ChaosOptions& options_;
  Cluster& cluster_;
  FleetReader fleet_;
  Operator operator_;
  Injector injector_;
  std::vector<std::unique_ptr<Client>> clients_;
  TortureReport report_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point healed_at_ = start_, next_progress_ = start_;
  std::size_t damages_made_ = 0;        // of those that every run has
  std::vector<std::uint64_t> waiting_;  // results by then; kCame: more have come
};

}  // namespace

TortureReport run_chaos(const ChaosOptions& options) {
  TortureReport report;
  auto works = make_works();
  const auto refuse = [&report](const Error& error) {
    report.violations.push_back({"it does not start: " + error.message, ""});
    return report;
  };
  if (!works) return refuse(works.error());
  auto cluster = Cluster::start({.folder = options.folder,
                                 .binaries = options.binaries,
                                 .agents = options.agents + (options.damage ? 1 : 0),
                                 .agent_more = kTightBudget,
                                 .damages_last = options.damage,
                                 .small_disk = true});
  if (!cluster) return refuse(cluster.error());
  auto apis = log_in((*cluster)->cloud_folder(), {"read", "operate"});
  if (!apis) return refuse(apis.error());
  return Run(options, **cluster, *works, *std::move(apis)).perform();
}

}  // namespace spillway::chaos
