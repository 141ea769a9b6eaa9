#pragma once

#include <string>

#include "tests/sim/checks.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/lessee_node.h"
#include "tests/sim/link.h"
#include "tests/sim/outcome.h"
#include "tests/sim/owner_node.h"
#include "tests/sim/plan.h"
#include "tests/sim/stats.h"
#include "tests/sim/tally.h"
#include "tests/sim/variant.h"

namespace spillway::sim {

// Thrown out of whatever a node was doing when its power went.
struct PowerCut {
  NodeName node;
};

// One owner, one lessee, the network between them and everything that goes wrong: a schedule is
// wholly determined by its seed. Reusable for one schedule after another; one thread each.
class World {
 public:
  // `traces` must outlive it; none: links are made up.
  explicit World(Variant variant, const std::vector<LinkTrace>* traces = nullptr);
  Outcome run(std::uint64_t seed, const Limits& limits, bool keep_log = false);
  const Stats& stats() const { return stats_; }

  // For the nodes.
  const Plan& plan() const { return plan_; }
  Variant variant() const { return variant_; }
  Random& random() { return random_; }
  Checks& checks() { return checks_; }
  void count(Seen seen) { stats_.count(seen); }
  Tally tally() { return Tally(stats_); }
  TaskId id_of(std::size_t task) const { return {Origin{kFounded}, seq_of(task)}; }
  const Clock& clock_of(NodeName node) const { return clock_[index(node)]; }
  BootId boot_of(NodeName node) const { return {power(node).cycle + 1ULL}; }
  // The node's presence as the broker has it.
  wire::Presence presence_of(NodeName node) const;
  bool is_alive(NodeName node) const { return power(node).alive; }
  bool is_linked() const { return told_link_; }
  bool in_chaos() const { return chaos_; }
  // Each so many operations of a disk fail; 0: none.
  unsigned failing_commit() const { return chaos_ ? plan_.faults.failing_commit : 0; }
  void send(NodeName from, Message message);
  // The disk is asked for something.
  void schedule_disk(NodeName node, bool writes);
  void schedule_end(NodeName node, RunId run, Duration after);
  void wake_soon(NodeName node);
  // Perhaps the power goes here: `seen` is counted then.
  void fail_point(NodeName node, Seen seen);
  void crash(NodeName node, const char* why);
  [[gnu::format(printf, 3, 4)]] void note(NodeName node, const char* format, ...);

 private:
  struct Power {
    bool alive = true;
    bool disk_busy = false;
    std::uint32_t cycle = 0;
    std::uint32_t session = 0;
  };
  static constexpr std::uint64_t kFounded = 0x5111;  // the origin of the owner's store
  static constexpr std::size_t index(NodeName node) { return static_cast<std::size_t>(node); }
  const Power& power(NodeName node) const { return power_[index(node)]; }
  Power& power(NodeName node) { return power_[index(node)]; }
  void begin(std::uint64_t seed, const Limits& limits, bool keep_log);
  bool step();
  void happen(Duration owner_at, Duration lessee_at);
  void settle();
  void set_now(Duration now);
  NodeTime time_at(NodeName node) const;
  Duration wake_of(NodeName node) const;
  void dispatch(const Event& event);
  void check_lessee_tells(const wire::Item& item);
  void deliver(NodeName to, std::uint32_t slot);
  void use_disk(NodeName node);
  void hear_birth(NodeName node, std::uint32_t session);
  void give_birth(NodeName node);
  void restart(NodeName node);
  void set_clock(NodeName node);
  void fault();
  void cut_link();
  void mend_link();
  void link_told(std::uint32_t ref);
  void people();
  void step_clock();
  Duration delay_of(NodeName from);
  void shut_down_owner();
  void drain_lessee();
  void heal();
  void release_all();
  bool is_quiet() const;
  void push(Duration after, Happening what, NodeName node, std::uint32_t ref);

  Variant variant_;
  const std::vector<LinkTrace>* traces_;
  Stats stats_;
  Random random_{0};
  Plan plan_;
  Checks checks_;
  EventQueue queue_;
  MessagePool pool_;
  TracedLink traced_;
  std::array<Power, 2> power_;
  std::array<ManualClock, 2> clock_;
  OwnerNode owner_;
  LesseeNode lessee_;
  Duration now_{}, healed_at_{};
  std::uint32_t events_ = 0, sent_ = 0, in_flight_ = 0, link_change_ = 0;
  std::array<std::uint32_t, 2> newest_{};
  bool chaos_ = true, link_ = true, told_link_ = true, logging_ = false;
  std::string log_;
};

}  // namespace spillway::sim
