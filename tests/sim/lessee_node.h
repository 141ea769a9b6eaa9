#pragma once

#include <vector>

#include "tests/sim/journal.h"
#include "tests/sim/plan.h"
#include "tests/sim/rows.h"

namespace spillway::sim {

class World;

// The node that runs attempts under a lease, as cloud/node does: a ledger with group commit,
// workers, one BEAT for all it holds, and results that it sends until they are acknowledged.
class LesseeNode {
 public:
  explicit LesseeNode(World& world) : world_(&world) {}
  void begin();
  void boot();
  void die();
  void heed(const wire::Item& item);
  void commit();
  void body_ends(RunId run);
  void link_changed(bool up);
  void wake();
  NodeTime wake_at() const;
  // Starts what a worker is free for and closes a group; after every event.
  void settle();

  void drain();
  void end_drain() { draining_ = false; }
  void forget_tombstones();

  bool is_quiet() const;
  const LesseeRow& row(std::size_t task) const { return journal_.memory[task]; }
  const LesseeRow& disk(std::size_t task) const { return journal_.disk[task]; }

 private:
  struct Body {
    RunId run;
    std::uint8_t task;
    FailureClass failure;
    bool stoppable;
  };
  using Step = lifecycle::LesseeStep;
  LesseeRow& memory(std::size_t task) { return journal_.memory[task]; }
  lifecycle::Now now();
  std::size_t tasks() const;
  void heed_offer(const wire::Offer& offer);
  void heed_beat_ack(const wire::BeatAck& ack);
  lifecycle::OfferTerms terms_of(const wire::Offer& offer);
  void count_offer(const LesseeRow& before, const LesseeRow& after, const Step& step);
  void apply(std::size_t task, LesseeCause cause, Epoch epoch, const Step& step);
  void start(std::size_t task);
  void out(const Effect& effect);
  void start_body(const Effect& effect);
  void stop_body(RunId run);
  void send_result(std::size_t task, bool again);
  void send_results_again();
  void beat();

  World* world_;
  Journal<LesseeRow> journal_;
  std::array<bool, kMaxTasks> queued_{};
  std::vector<Body> bodies_;
  std::array<RunId, kMaxTasks> begun_{};  // the last run whose body began; outlives a crash
  std::vector<Effect> effects_;
  NodeTime resend_at_{}, beat_at_{};
  bool draining_ = false;
};

}  // namespace spillway::sim
