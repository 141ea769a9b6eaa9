#pragma once

#include <memory>
#include <string>

#include "tests/sim/checks.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/lessee_node.h"
#include "tests/sim/link.h"
#include "tests/sim/machine.h"
#include "tests/sim/outcome.h"
#include "tests/sim/owner_node.h"
#include "tests/sim/plan.h"
#include "tests/sim/stats.h"

namespace spillway::sim {

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
  const Machine& machine() const { return *machine_; }
  bool answers_early() const { return variant_ == Variant::ack_early; }
  Random& random() { return random_; }
  Checks& checks() { return checks_; }
  void count(Seen seen) { stats_.count(seen); }
  NodeTime time_at(NodeName node) const { return NodeTime(power(node).offset + now_); }
  lifecycle::Now now_at(NodeName node) { return {time_at(node), random_.next()}; }
  BootId boot_of(NodeName node) const { return {power(node).cycle + 1ULL}; }
  Duration world_time(NodeName node, NodeTime time) const;
  bool is_alive(NodeName node) const { return power(node).alive; }
  bool is_linked() const { return told_link_; }
  bool in_chaos() const { return chaos_; }
  void send(NodeName from, Message message);
  // A group is on the disk, and the time with it.
  void reached_disk(NodeName node) { power(node).last_seen = time_at(node); }
  void schedule_commit(NodeName node, bool rows);
  void schedule_end(NodeName node, RunId run, Duration after);
  // Perhaps dies here. Returns whether it did.
  bool fail_point(NodeName node);
  void crash(NodeName node, const char* why);
  [[gnu::format(printf, 3, 4)]] void note(NodeName node, const char* format, ...);

 private:
  struct Power {
    bool alive = true;
    std::uint32_t cycle = 0;
    Duration offset{};     // of the node's time line against the world's
    NodeTime last_seen{};  // by its store
    std::uint32_t commit = 0;
    std::uint32_t tried = 0;  // commits, failed ones included
  };
  const Power& power(NodeName node) const { return power_[static_cast<std::size_t>(node)]; }
  Power& power(NodeName node) { return power_[static_cast<std::size_t>(node)]; }
  void begin(std::uint64_t seed, const Limits& limits, bool keep_log);
  bool step();
  void dispatch(const Event& event);
  void check_lessee_tells(const Message& message);
  void deliver(NodeName to, std::uint32_t slot);
  void note_delivery(NodeName to, const Message& message);
  void committed(NodeName node, std::uint32_t number);
  void restart(NodeName node);
  void fault();
  void cut_link();
  void mend_link();
  void link_told(std::uint32_t ref);
  void people();
  void step_clock();
  bool commit_fails(NodeName node);
  Duration delay_of(NodeName from);
  void shut_down_owner();
  void drain_lessee();
  void heal();
  void release_all();
  bool is_quiet() const;
  void push(Duration after, Happening what, NodeName node, std::uint32_t ref);

  Variant variant_;
  const std::vector<LinkTrace>* traces_;
  std::unique_ptr<Machine> machine_;
  Stats stats_;
  Random random_{0};
  Plan plan_;
  Checks checks_;
  EventQueue queue_;
  MessagePool pool_;
  TracedLink traced_;
  std::array<Power, 2> power_;
  OwnerNode owner_;
  LesseeNode lessee_;
  Duration now_{}, healed_at_{};
  std::uint32_t events_ = 0, sent_ = 0, in_flight_ = 0, link_change_ = 0;
  std::array<std::uint32_t, 2> newest_{};
  bool chaos_ = true, link_ = true, told_link_ = true, logging_ = false;
  std::string log_;
};

}  // namespace spillway::sim
