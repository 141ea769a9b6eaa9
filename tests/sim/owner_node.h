#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "common/owner/owner.h"
#include "tests/sim/bodies.h"
#include "tests/sim/checks.h"
#include "tests/sim/plan.h"
#include "tests/sim/rows.h"
#include "tests/support/fakes/memory_owner_store.h"

namespace spillway::sim {

class World;

// A node that owns the tasks: the real owner::Owner on a disk, a clock and a network that are the
// simulator's. It says where tasks run, as its host, runs them, and watches each step for the
// checks.
class OwnerNode final : private owner::Host, private owner::LocalRuns {
 public:
  explicit OwnerNode(World& world);
  ~OwnerNode() override;
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
  void wake();
  NodeTime wake_at() const { return owner_->next_timer(); }
  NodeTime now() const { return owner_->now(); }
  // Places what is ready and hands over what gathered; after every event.
  void settle();

  // People and placement.
  void cancel(std::size_t task);
  void hold(std::size_t task);
  void release(std::size_t task);
  void retry(std::size_t task);
  void withdraw(std::size_t task);
  void shut_down();  // in good order: what runs is interrupted, and then the process ends

  bool is_quiet() const;

 private:
  class Store;
  class Because;
  // Why a step is taken, as a bystander sees it.
  struct Reason {
    Cause cause = Cause::recover;
    Epoch epoch;  // of the message or run that causes it
    RunId run = kNoRun;
  };
  // A RESULT that was heard since this start, and the epoch that it was taken for.
  struct Heard {
    std::size_t task;
    Epoch taken_for;
    Checks::Heard what;
    bool operator==(const Heard&) const = default;
  };

  // owner::Host
  bool prepare(owner::OwnedTask& task) override;
  void changed(owner::OwnedTask& task, const lifecycle::OwnerTask& was) override;
  void told(const store::EventRow& event) override { failure_ = event.failure; }
  bool keeps(const owner::OwnedTask& task) const override { return !is_terminal(task.state.state); }
  void forgets(owner::OwnedTask&) override {}
  Status has_room_for(const owner::OwnedTask&) override { return {}; }
  NodeTime ending(owner::OwnedTask&, TaskResult&) override { return kNever; }
  void ended(owner::OwnedTask& task, TaskResult result) override;
  void came(owner::OwnedTask&, const wire::ResultItem&) override {}
  void repeated() override {}
  void gathered() override { owner_->flush(wall()); }
  void committed() override {}
  // owner::LocalRuns
  void run_here(std::uint64_t seq, Epoch epoch) override;
  void stop_here(TaskId id, Epoch epoch) override;
  std::optional<NodeTime> begun_here(TaskId id, Epoch epoch) const override;
  bool may_have_begun(TaskId id) const override;

  owner::Parts parts();
  Duration wall() const;
  std::size_t tasks() const;
  const TaskPlan& plan(std::size_t task) const;
  owner::OwnedTask* find(std::size_t task) const { return owner_->find(seq_of(task)); }
  std::uint64_t draw();
  void hand_over(const store::Batch& batch);
  void reached_disk();
  void note_step(std::size_t task);
  void no_step(std::size_t task);
  void deliver(const wire::Item& item);
  void answer_early(const wire::ResultItem& item);
  bool send_task(const wire::Item& item);
  bool send_ack(wire::Item item);
  void acknowledge(wire::ResultAck& ack);
  void place(std::size_t task);
  bool has_core() const;
  void end(const Body& body);
  void take_outcome(owner::OwnedTask& task, const Body& body);

  World* world_;
  test::OwnerDisk disk_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<owner::Owner> owner_;
  owner::OfferBook* there_ = nullptr;
  // What memory holds, what is on its way to the disk, and what is there.
  std::array<OwnerRow, kMaxTasks> rows_{}, written_{};
  std::array<std::optional<OwnerRow>, kMaxTasks> flying_{};
  Bodies bodies_;
  std::array<Epoch, kMaxTasks> begun_{};    // of the last body that began; outlives a crash
  std::array<Epoch, kMaxTasks> offered_{};  // last
  std::vector<Heard> heard_;
  Reason reason_;
  FailureClass failure_ = FailureClass::none;  // of the step that is being taken
  std::array<bool, kMaxTasks> arriving_{};     // about to come into memory
  std::size_t hearing_ = kMaxTasks;            // the task that what is heard is about
  bool stepped_ = false;                       // it took a step
  bool draining_ = false;
  bool woken_ = false;  // wants its turn
  unsigned draws_ = 0;
};

}  // namespace spillway::sim
