#pragma once

#include <array>
#include <memory>
#include <optional>

#include "common/lessee/lessee.h"
#include "tests/sim/bodies.h"
#include "tests/sim/plan.h"
#include "tests/sim/rows.h"
#include "tests/support/fakes/memory_ledger.h"

namespace spillway::sim {

class World;

// A node that runs attempts under a lease: the real lessee::Lessee on a disk, a clock and a network
// that are the simulator's. It runs what the lessee starts, and watches each step for the checks.
class LesseeNode final : private runner::Runner {
 public:
  explicit LesseeNode(World& world);
  ~LesseeNode() override;
  void begin();
  void boot();
  // The power goes: what is on the disk stays.
  void die();
  // From now on its disk does not fail.
  void heal();
  void heed(const wire::Item& item);
  // The disk does the next thing that it was asked for, and answers.
  void use_disk();
  void body_ends(RunId run);
  void link_changed(bool up);
  void on_presence(const wire::Presence& presence);
  void wake() { woken_ = true; }
  NodeTime wake_at() const { return next_; }
  NodeTime now() const { return lessee_->now(); }
  // Has its turn, if it wants one; after every event.
  void settle();

  void drain();
  void end_drain();
  // The ledger forgets what was answered, the next time that it is asked for what may go.
  void forget_tombstones();

  bool is_quiet() const;
  const LesseeRow& row(std::size_t task) const { return rows_[task]; }
  const LesseeRow& disk(std::size_t task) const { return written_[task]; }

 private:
  class Ledger;
  class Because;
  // Why a step is taken, as a bystander sees it.
  struct Reason {
    LesseeCause cause = LesseeCause::recover;
    Epoch epoch;  // of the message that causes it
  };

  // runner::Runner
  void run(runner::Request request, std::function<void(runner::Outcome)> done) override;
  void stop(TaskId id, Epoch epoch) override { bodies_.stop(task_of(id.seq), epoch); }
  unsigned width() const override { return 2; }
  unsigned blocking_width() const override { return 16; }
  std::optional<Duration> begun(TaskId id, Epoch epoch) const override;
  bool may_have_begun(TaskId id) const override;

  lessee::Parts parts();
  Duration wall() const;
  std::size_t tasks() const;
  std::uint64_t draw();
  void hand_over(const ledger::LedgerBatch& batch);
  void reached_disk();
  void see_forgotten();
  void changed(const lessee::HeldTask& task);
  void note_step(std::size_t task, const Reason& reason);
  void deliver(const wire::Item& item);
  bool send_ack(const wire::Item& item);
  bool send_result(const wire::Item& item);
  bool has_room();
  void end(const Body& body);

  World* world_;
  test::LedgerDisk disk_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<lessee::Lessee> lessee_;
  // What memory holds, what is on its way to the disk, and what is there.
  std::array<LesseeRow, kMaxTasks> rows_{}, written_{};
  std::array<std::optional<LesseeRow>, kMaxTasks> flying_{};
  Bodies bodies_;
  std::array<RunId, kMaxTasks> begun_{};    // the last run whose body began; outlives a crash
  std::array<Epoch, kMaxTasks> told_{};     // of the last RESULT that was sent
  std::array<bool, kMaxTasks> arriving_{};  // about to come into memory
  Reason reason_;
  NodeTime next_ = kNever;  // when it wants its turn
  bool draining_ = false, forgets_ = false, woken_ = false;
  unsigned draws_ = 0;
};

}  // namespace spillway::sim
