#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/chaos/client.h"
#include "tests/chaos/cluster.h"

namespace spillway::chaos {

// Draws faults, does them to a cluster, undoes each after a while, and starts again what is down,
// as a service manager would. What comes is determined by the seed, when exactly by the machine.
// One thread, the cluster's.
class Injector {
 public:
  using Clock = std::chrono::steady_clock;
  Injector(Cluster& cluster, std::uint64_t seed, std::vector<std::vector<test::LinkSample>> traces);

  // Call it often.
  void step();
  // Undoes everything, and waits until all programs run.
  void heal();

  const std::map<std::string, std::uint64_t>& done() const { return done_; }
  // When a fault last ended; nothing is wrong since then if `calm()`.
  Clock::time_point healed_at() const { return healed_at_; }
  bool calm() const { return active_.empty(); }
  // Starts the victim when it is down, unless a fault keeps it so, as a service manager does.
  void supervise(Victim& victim);
  // Judges how a program ended since the last look.
  void look_at(Victim& victim);
  // Makes a fault of this kind now; false: its target is busy, or there was nothing to break.
  bool make(std::string_view kind);
  // What was done to the store of the cluster's last agent; no other is damaged.
  const StoreDamage& damage() const { return damage_; }
  // Programs that ended as none may.
  const std::vector<std::string>& violations() const { return violations_; }
  // The last faults, a line each, for whoever looks at a violation.
  const std::vector<std::string>& log() const { return log_; }

 private:
  struct Active {
    std::string what;  // kind and target
    Clock::time_point until;
    std::function<bool()> early;  // true: it is over already
    std::function<void()> undo;
    std::string count_late;  // counted under this name only if it came to pass
  };
  struct Kind {
    const char* name;
    unsigned weight;
    void (Injector::*make)(const std::string& name);
  };
  static const Kind kKinds[];

  void kill_node(const std::string& name);
  void stop_node(const std::string& name);
  void kill_broker(const std::string& name);
  void restart_broker(const std::string& name);
  void forget_broker(const std::string& name);
  void stop_broker(const std::string& name);
  void cut_link(const std::string& name);
  void flap_link(const std::string& name);
  void delay_link(const std::string& name);
  void narrow_link(const std::string& name);
  void freeze_link(const std::string& name);
  void trace_link(const std::string& name);
  void lose_packets(const std::string& name);
  void fill_file_system(const std::string& name);
  void fill_disk(const std::string& name);
  void fail_disk(const std::string& name);
  void fail_syncs(const std::string& name);
  void protect_disk(const std::string& name);
  void slow_disk(const std::string& name);
  void step_clock(const std::string& name);
  void reset_clock(const std::string& name);
  void kill_at_point(const std::string& name);
  void damage_ledger(const std::string& name);
  void cut_ledger_log(const std::string& name);
  void damage_store(const std::string& name);
  void damage_store_log(const std::string& name);

  void begin(const std::string& kind, const std::string& target, std::chrono::milliseconds lasts,
             std::function<void()> undo, std::function<bool()> early = nullptr,
             std::string count_late = {});
  void end(const Active& fault);
  bool busy(const std::string& target) const;
  bool is_disk_bad(const Victim& victim) const;
  // A start may fail until a moment from now.
  void outlast(const Victim& victim);
  // Kills the program of the store that may be damaged, and spoils a page of the file of this name.
  // When that was; nothing: it is not its turn, or there was nothing to spoil.
  std::optional<Clock::time_point> spoil_store(const std::string& kind, const std::string& file);
  Victim& any_node();
  std::size_t any_agent();
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  std::chrono::milliseconds some(unsigned low, unsigned high) {
    return std::chrono::milliseconds(low + below(high - low + 1));
  }
  void say(const std::string& what);

  Cluster& cluster_;
  std::mt19937_64 random_;
  std::vector<std::vector<test::LinkSample>> traces_;
  std::multimap<std::string, Active> active_;  // by target
  std::map<std::string, std::uint64_t> done_;
  std::map<std::string, Clock::time_point> disk_bad_until_;  // by program
  std::map<std::string, unsigned> damages_;                  // by program, not yet ended for
  StoreDamage damage_;
  std::vector<std::string> violations_, log_;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_, healed_at_ = start_;
};

}  // namespace spillway::chaos
