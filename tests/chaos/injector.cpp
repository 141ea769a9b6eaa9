#include "tests/chaos/injector.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <thread>

#include "common/base/damage.h"
#include "tests/support/eventually.h"

namespace spillway::chaos {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr std::size_t kLogLines = 40;
// After a failing disk a program may have to end rather than go on, some time later.
constexpr auto kDiskAftermath = 5s;
constexpr off_t kPage = 4096;  // bytes of SQLite's

// Noise over a page, over its whole length: no lucky guess repairs it.
bool spoil(const std::string& path, off_t page, std::mt19937_64& random) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const off_t pages = ::lseek(file, 0, SEEK_END) / page;
  const std::string noise(static_cast<std::size_t>(page), '\xa5');
  const off_t which = pages > 0 ? static_cast<off_t>(random() % std::uint64_t(pages)) : 0;
  const bool spoilt = pages > 0 && ::pwrite(file, noise.data(), noise.size(), which * page) == page;
  ::close(file);
  return spoilt;
}

}  // namespace

const Injector::Kind Injector::kKinds[] = {
    {"kill", 8, &Injector::kill_node},
    {"stop", 5, &Injector::stop_node},
    {"broker_killed", 3, &Injector::kill_broker},
    {"broker_restarted", 2, &Injector::restart_broker},
    {"broker_forgot", 2, &Injector::forget_broker},
    {"broker_stopped", 2, &Injector::stop_broker},
    {"link_cut", 5, &Injector::cut_link},
    {"link_flapping", 3, &Injector::flap_link},
    {"link_slow", 3, &Injector::delay_link},
    {"link_narrow", 3, &Injector::narrow_link},
    {"link_half_open", 3, &Injector::freeze_link},
    {"link_trace", 3, &Injector::trace_link},
    {"link_loss", 4, &Injector::lose_packets},
    {"file_system_full", 3, &Injector::fill_file_system},
    {"disk_full", 4, &Injector::fill_disk},
    {"disk_io_error", 3, &Injector::fail_disk},
    {"disk_sync_error", 2, &Injector::fail_syncs},
    {"disk_read_only", 2, &Injector::protect_disk},
    {"disk_slow", 3, &Injector::slow_disk},
    {"clock_step", 4, &Injector::step_clock},
    {"clock_1970", 2, &Injector::reset_clock},
    {"killed", 14, &Injector::kill_at_point},
    {"ledger_page_damaged", 1, &Injector::damage_ledger},
    {"ledger_log_cut", 1, &Injector::cut_ledger_log},
    {"store_page_damaged", 1, &Injector::damage_store},
    {"store_log_damaged", 1, &Injector::damage_store_log},
};

Injector::Injector(Cluster& cluster, std::uint64_t seed,
                   std::vector<std::vector<test::LinkSample>> traces)
    : cluster_(cluster), random_(seed), traces_(std::move(traces)) {}

void Injector::say(const std::string& what) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start_);
  log_.push_back(std::to_string(ms.count()) + " ms " + what);
  if (log_.size() > kLogLines) log_.erase(log_.begin());
}

bool Injector::busy(const std::string& target) const { return active_.contains(target); }

std::size_t Injector::any_agent() { return below(static_cast<unsigned>(cluster_.agents().size())); }

Victim& Injector::any_node() {
  const std::size_t all = cluster_.agents().size();
  const unsigned which = below(static_cast<unsigned>(all + all));
  return which < all ? *cluster_.agents()[which].process : cluster_.cloud();
}

void Injector::begin(const std::string& kind, const std::string& target,
                     std::chrono::milliseconds lasts, std::function<void()> undo,
                     std::function<bool()> early, std::string count_late) {
  say(kind + " " + target + " for " + std::to_string(lasts.count()) + " ms");
  if (count_late.empty()) ++done_[kind];
  active_.emplace(target, Active{kind + " " + target, Clock::now() + lasts, std::move(early),
                                 std::move(undo), std::move(count_late)});
}

void Injector::end(const Active& fault) {
  const bool came = !fault.early || fault.early();
  if (fault.undo) fault.undo();
  if (!fault.count_late.empty() && came) ++done_[fault.count_late];
  say("over: " + fault.what);
  healed_at_ = Clock::now();
}

bool Injector::is_disk_bad(const Victim& victim) const {
  const auto bad = disk_bad_until_.find(victim.name());
  return bad != disk_bad_until_.end() && Clock::now() < bad->second;
}

void Injector::outlast(const Victim& victim) {
  disk_bad_until_[victim.name()] = Clock::now() + kDiskAftermath;
}

void Injector::look_at(Victim& victim) {
  for (const End& end : victim.take_ends()) {
    unsigned& damages = damages_[victim.name()];
    const bool damaged = end.exit.code == kExitDamaged && end.exit.signal == 0 && damages > 0;
    const auto wrong = wrong_with(end, {.disk_bad = is_disk_bad(victim), .damaged = damaged});
    if (damaged) --damages;
    if (!wrong) continue;
    violations_.push_back(victim.name() + " " + *wrong);
    say(violations_.back());
  }
}

void Injector::supervise(Victim& victim) {
  look_at(victim);
  if (victim.running() || busy(victim.name())) return;
  if (!victim.start()) violations_.push_back(victim.name() + " cannot be started");
  healed_at_ = Clock::now();
}

void Injector::step() {
  for (auto fault = active_.begin(); fault != active_.end();) {
    const bool over =
        Clock::now() >= fault->second.until || (fault->second.early && fault->second.early());
    if (!over) {
      ++fault;
      continue;
    }
    Active ended = std::move(fault->second);
    fault = active_.erase(fault);
    end(ended);
  }
  for (auto& agent : cluster_.agents()) supervise(*agent.process);
  supervise(cluster_.cloud());
  if (Clock::now() < next_) return;
  next_ = Clock::now() + some(50, 1100);
  unsigned all = 0;
  for (const Kind& kind : kKinds) all += kind.weight;
  unsigned pick = below(all);
  for (const Kind& kind : kKinds) {
    if (pick < kind.weight) return (this->*kind.make)(kind.name);
    pick -= kind.weight;
  }
}

bool Injector::make(std::string_view kind) {
  const auto* const found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                         [&](const Kind& each) { return each.name == kind; });
  if (found == std::end(kKinds)) return false;
  const std::uint64_t before = done_[found->name];
  (this->*found->make)(found->name);
  return done_[found->name] > before;
}

void Injector::heal() {
  while (!active_.empty()) {
    Active fault = std::move(active_.begin()->second);
    active_.erase(active_.begin());
    end(fault);
  }
  for (auto& agent : cluster_.agents()) {
    agent.link->shape({}, {});
    agent.link->heal();
    agent.process->calm();
    supervise(*agent.process);
  }
  cluster_.cloud().calm();
  supervise(cluster_.cloud());
  healed_at_ = Clock::now();
}

void Injector::kill_node(const std::string& name) {
  Victim& victim = any_node();
  if (busy(victim.name())) return;
  victim.kill();
  begin(name + "_" + (&victim == &cluster_.cloud() ? "cloud" : "agent"), victim.name(),
        some(0, 1500), [&victim] { (void)victim.start(); });
}

void Injector::stop_node(const std::string& name) {
  Victim& victim = any_node();
  if (busy(victim.name())) return;
  victim.signal(SIGSTOP);
  // Longer than a lease, now and then.
  begin(name + "_" + (&victim == &cluster_.cloud() ? "cloud" : "agent"), victim.name(),
        below(4) == 0 ? some(3000, 7000) : some(50, 1500), [&victim] { victim.signal(SIGCONT); });
}

void Injector::kill_broker(const std::string& name) {
  if (busy("broker")) return;
  cluster_.broker().kill();
  begin(name, "broker", some(0, 1500), [this] { (void)cluster_.broker().start_again(); });
}

void Injector::restart_broker(const std::string& name) {
  if (busy("broker")) return;
  cluster_.broker().stop();
  begin(name, "broker", some(0, 500), [this] { (void)cluster_.broker().start_again(); });
}

void Injector::forget_broker(const std::string& name) {
  if (busy("broker")) return;
  cluster_.broker().kill();
  cluster_.wipe_broker();
  begin(name, "broker", some(0, 500), [this] { (void)cluster_.broker().start_again(); });
}

void Injector::stop_broker(const std::string& name) {
  const pid_t broker = cluster_.broker().pid();
  if (busy("broker") || broker == 0) return;
  ::kill(broker, SIGSTOP);
  begin(name, "broker", some(100, 3000), [broker] { ::kill(broker, SIGCONT); });
}

void Injector::cut_link(const std::string& name) {
  const std::size_t i = any_agent();
  test::LinkProxy& link = *cluster_.agents()[i].link;
  const std::string target = "link " + std::to_string(i + 1);
  if (busy(target)) return;
  link.cut();
  begin(name, target, some(100, 4000), [&link] { link.heal(); });
}

void Injector::flap_link(const std::string& name) {
  const std::size_t i = any_agent();
  test::LinkProxy& link = *cluster_.agents()[i].link;
  const std::string target = "link " + std::to_string(i + 1);
  if (busy(target)) return;
  const auto flap = [&link, last = Clock::now(), down = false]() mutable {
    if (Clock::now() - last < 150ms) return false;
    last = Clock::now();
    down = !down;
    down ? link.cut() : link.heal();
    return false;
  };
  begin(
      name, target, some(500, 2500), [&link] { link.heal(); }, flap, name);
  // The fault came to pass, whatever `early` says.
  active_.find(target)->second.count_late.clear();
  ++done_[name];
}

void Injector::delay_link(const std::string& name) {
  const std::size_t i = any_agent();
  test::LinkProxy& link = *cluster_.agents()[i].link;
  const std::string target = "link " + std::to_string(i + 1);
  if (busy(target)) return;
  link.shape({.delay = some(20, 600)}, {.delay = some(20, 600)});
  begin(name, target, some(1000, 5000), [&link] { link.shape({}, {}); });
}

void Injector::narrow_link(const std::string& name) {
  const std::size_t i = any_agent();
  test::LinkProxy& link = *cluster_.agents()[i].link;
  const std::string target = "link " + std::to_string(i + 1);
  if (busy(target)) return;
  const auto narrow = [this] {
    return test::LinkShape{20ms, 8'000 + 1000 * std::int64_t(below(200))};
  };
  link.shape(narrow(), narrow());
  begin(name, target, some(1000, 5000), [&link] { link.shape({}, {}); });
}

void Injector::freeze_link(const std::string& name) {
  const std::size_t i = any_agent();
  test::LinkProxy& link = *cluster_.agents()[i].link;
  const std::string target = "link " + std::to_string(i + 1);
  if (busy(target)) return;
  link.freeze();
  begin(name, target, below(4) == 0 ? some(4000, 8000) : some(200, 2000), [&link] { link.heal(); });
}

void Injector::trace_link(const std::string& name) {
  const std::size_t i = any_agent();
  test::LinkProxy& link = *cluster_.agents()[i].link;
  const std::string target = "link " + std::to_string(i + 1);
  if (busy(target) || traces_.empty()) return;
  link.follow(traces_[below(static_cast<unsigned>(traces_.size()))], 4);
  begin(name, target, some(3000, 8000), [&link] { link.shape({}, {}); });
}

// Packets, by the kernel: what is lost is sent again, later and later.
void Injector::lose_packets(const std::string& name) {
  const std::size_t i = any_agent();
  const std::uint16_t port = cluster_.agents()[i].link->port();
  const std::string target = "link " + std::to_string(i + 1);
  if (busy(target) || !test::OwnWorld::lose_packets(port, 1 + below(40))) return;
  begin(name, target, some(1000, 5000), [port] { test::OwnWorld::lose_packets(port, 0); });
}

void Injector::fill_file_system(const std::string& name) {
  Victim& victim = *cluster_.agents().front().process;
  if (busy(victim.name()) || !cluster_.small_disk()) return;
  cluster_.small_disk()->fill();
  begin(name, victim.name(), some(200, 3000), [this, &victim] {
    outlast(victim);
    cluster_.small_disk()->empty();
  });
}

void Injector::fill_disk(const std::string& name) {
  Victim& victim = any_node();
  if (busy(victim.name()) || !victim.has_faults()) return;
  victim.control().error_every = below(2) == 0 ? 0 : 2 + below(20);
  victim.control().write_error = ENOSPC;
  begin(name, victim.name(), some(200, 3000), [this, &victim] {
    outlast(victim);
    victim.calm();
  });
}

void Injector::fail_disk(const std::string& name) {
  Victim& victim = any_node();
  if (busy(victim.name()) || !victim.has_faults()) return;
  victim.control().error_every = below(2) == 0 ? 0 : 2 + below(20);
  victim.control().write_error = EIO;
  begin(name, victim.name(), some(100, 1500), [this, &victim] {
    outlast(victim);
    victim.calm();
  });
}

void Injector::fail_syncs(const std::string& name) {
  Victim& victim = any_node();
  if (busy(victim.name()) || !victim.has_faults()) return;
  victim.control().error_every = below(2) == 0 ? 0 : 2 + below(5);
  victim.control().sync_error = EIO;
  begin(name, victim.name(), some(100, 1500), [this, &victim] {
    outlast(victim);
    victim.calm();
  });
}

void Injector::protect_disk(const std::string& name) {
  Victim& victim = any_node();
  if (busy(victim.name()) || !victim.has_faults()) return;
  victim.control().write_error = EROFS;
  begin(name, victim.name(), some(100, 2000), [this, &victim] {
    outlast(victim);
    victim.calm();
  });
}

void Injector::slow_disk(const std::string& name) {
  Victim& victim = any_node();
  if (busy(victim.name()) || !victim.has_faults()) return;
  victim.control().sync_delay_ms = 10 + below(400);
  begin(name, victim.name(), some(500, 3000), [&victim] { victim.calm(); });
}

// Within what certificates allow: how far a clock may be off is its own question.
void Injector::step_clock(const std::string& name) {
  Victim& victim = any_node();
  if (busy(victim.name()) || !victim.has_faults()) return;
  const std::int64_t hours = below(2) == 0 ? 3600LL * 1'000'000 : -600LL * 1'000'000;
  victim.control().wall_step_us = hours;
  begin(name, victim.name(), some(500, 4000), [&victim] { victim.calm(); });
}

// A device without a clock of its own starts in 1970, and learns the time later.
void Injector::reset_clock(const std::string& name) {
  Victim& victim = *cluster_.agents()[any_agent()].process;
  if (busy(victim.name()) || !victim.has_faults()) return;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now - 24h * 100);
  victim.kill();
  victim.control().wall_step_us = -since.count();
  (void)victim.start();
  begin(name, victim.name(), some(1000, 3000), [&victim] { victim.calm(); });
}

void Injector::kill_at_point(const std::string& name) {
  Victim& victim = any_node();
  if (busy(victim.name()) || !victim.has_faults() || !victim.running()) return;
  const auto point = static_cast<FailPoint>(1 + below(6));
  const std::uint32_t before = victim.control().fired;
  victim.control().fail_after = below(30);
  victim.control().fail_point = point;
  const std::string kind = name + "_" + kFailPointNames[static_cast<std::size_t>(point)] + "_" +
                           (&victim == &cluster_.cloud() ? "cloud" : "agent");
  begin(
      kind, victim.name(), 3s,
      [&victim] {
        victim.calm();
        if (!victim.running()) (void)victim.start();
      },
      [&victim, before] { return victim.control().fired != before && !victim.running(); }, kind);
}

void Injector::damage_ledger(const std::string& name) {
  Victim& victim = cluster_.cloud();
  if (busy(victim.name())) return;
  victim.kill();
  if (spoil(cluster_.ledger(), kPage, random_)) ++damages_[victim.name()];
  begin(name, victim.name(), some(0, 300), [&victim] { (void)victim.start(); });
}

void Injector::cut_ledger_log(const std::string& name) {
  Victim& victim = cluster_.cloud();
  if (busy(victim.name())) return;
  victim.kill();
  const std::string log = cluster_.ledger() + "-wal";
  std::error_code error;
  const auto size = fs::file_size(log, error);
  if (!error && size > 0) fs::resize_file(log, size * (1 + below(9)) / 10, error);
  begin(name, victim.name(), some(0, 300), [&victim] { (void)victim.start(); });
}

std::optional<Injector::Clock::time_point> Injector::spoil_store(const std::string& kind,
                                                                 const std::string& file) {
  const Cluster::Agent& agent = cluster_.agents().back();
  Victim& victim = *agent.process;
  if (!cluster_.damages_last() || busy(victim.name())) return std::nullopt;
  victim.kill();
  const bool spoilt = spoil(agent.state + "/" + file, kPage, random_);
  begin(spoilt ? kind : "kill", victim.name(), some(0, 300), [&victim] { (void)victim.start(); });
  if (!spoilt) return std::nullopt;
  return Clock::now();
}

void Injector::damage_store(const std::string& name) {
  const auto when = spoil_store(name, "agent.db");
  if (!when) return;
  ++damages_[cluster_.agents().back().process->name()];
  damage_.page = when;
}

// Damages a page of the log: what follows it is as if it had never been written.
void Injector::damage_store_log(const std::string& name) {
  if (const auto when = spoil_store(name, "agent.db-wal")) damage_.log = when;
}

}  // namespace spillway::chaos
