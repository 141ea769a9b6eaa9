#pragma once

#include <vector>

#include "tests/sim/journal.h"
#include "tests/sim/plan.h"
#include "tests/sim/rows.h"

namespace spillway::sim {

class World;

// The node that owns the tasks, as agent/node is: one loop, a store with group commit, an outbox,
// local workers, and a session that sends again until the other side answers.
class OwnerNode {
 public:
  explicit OwnerNode(World& world) : world_(&world) {}
  void begin();
  void boot();
  void die();
  void heed(const Message& message);
  void commit();
  void body_ends(RunId run);
  void link_changed(bool up);
  void wake();
  NodeTime wake_at() const;
  // Places what is ready and closes a group; after every event.
  void settle();

  // People and placement.
  void cancel(std::size_t task);
  void hold(std::size_t task);
  void release(std::size_t task);
  void retry(std::size_t task);
  void withdraw(std::size_t task);
  void shut_down();  // in good order: what runs is interrupted, and then the process ends

  bool is_quiet() const;
  const OwnerRow& row(std::size_t task) const { return journal_.memory[task]; }

 private:
  struct Body {
    RunId run;
    std::uint8_t task;
    Epoch epoch;
    FailureClass failure;
    bool stoppable;
  };
  struct Origin {
    Cause cause;
    Epoch epoch;
    RunId run = kNoRun;
  };
  using Step = lifecycle::OwnerStep;
  OwnerRow& memory(std::size_t task) { return journal_.memory[task]; }
  const TaskPlan& plan(std::size_t task) const;
  lifecycle::Now now();
  void apply(std::size_t task, const Origin& origin, const Step& step);
  void carry(std::size_t task, const Step& step);
  void release_dependents(std::size_t task);
  void heed_result(const Message& message);
  void heed_beat(const Message& message);
  void answer(const Message& message);
  void check_again(const Message& message, const Step& once);
  Step step_for(const Message& message, const lifecycle::OwnerTask& task);
  void count(const Origin& origin, const OwnerRow& before, const Step& step);
  void count_end(const OwnerRow& before, const Step& step);
  void place(std::size_t task);
  bool has_core() const;
  bool has_window() const;
  void out(const Effect& effect);
  void send_offer(std::size_t task, Epoch epoch, bool again);
  void send_offers_again();
  void start_body(const Effect& effect);
  void stop_body(std::size_t task, Epoch epoch);
  std::size_t tasks() const;

  World* world_;
  Journal<OwnerRow> journal_;
  std::vector<Body> bodies_;
  std::array<Epoch, kMaxTasks> begun_{};  // of the last body that began; outlives a crash
  std::vector<Effect> effects_;
  NodeTime resend_at_{};
  bool draining_ = false;
};

}  // namespace spillway::sim
