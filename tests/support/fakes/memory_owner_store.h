#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/store/owner_store.h"
#include "tests/support/fakes/stepped.h"

namespace spillway::test {

// What an owner's store has committed: it outlives the store and the node, as a disk does. A batch
// that breaks a rule of the store is refused, and remembered in `broken`, because no node may ever
// write one.
struct OwnerDisk {
  struct Task {
    store::TaskRow row;
    std::string kind, tenant;
    std::vector<store::EventRow> events;
    std::set<std::uint64_t> waits_for;
  };

  Origin origin{0x5111};  // of its founding
  // The lives that are on the disk, once a process has opened it, and those of the last one to open
  // it.
  std::optional<store::Lives> lives, opened;
  std::map<Origin, KnownLife> peers;
  Places places;
  NodeTime last_seen{};
  Duration wall{};
  std::uint64_t session = 0, next_seq = 1, commits = 0, accepted = 0;
  std::uint64_t damaged = 0;  // tasks, by a damage that there was
  std::map<std::uint64_t, Task> tasks;
  std::set<store::OutboxRow> outbox;
  std::map<std::string, std::pair<store::KnownKey, NodeTime>> keys;
  std::vector<std::string> broken;
  std::set<std::uint64_t> purged;  // no longer there, as a node may find out late
  std::map<LossKey, LossRow> losses;
  std::uint64_t samples = 0;
  store::StoreUse use;  // as the test says

  std::uint64_t lost(DataClass data, LossCause cause) const;
  // A process opens it, and drew this.
  store::Recovered recover(Origin drawn);
  TaskId id_of(std::uint64_t seq) const { return opened->id_of(seq); }
  store::Refused apply(const store::Batch& batch);
  const Task& at(std::uint64_t seq) const { return tasks.at(seq); }
  TaskState state(std::uint64_t seq) const { return tasks.at(seq).row.task.state; }

 private:
  bool names_places_of(const lifecycle::OwnerTask& task) const;  // P6
  Status insert(const store::NewTask& task, NodeTime now);
  Status update(const store::TaskUpdate& change);
  Status refuse(std::string why);
};

// An OwnerStore on such a disk; see Stepped.
class MemoryOwnerStore : public store::OwnerStore, public Stepped {
 public:
  explicit MemoryOwnerStore(OwnerDisk& disk) : disk_(disk) {}

  void commit(sqlite::SharedBatch<store::Batch> batch, Done<store::Refused> done) override;
  void ready_after(std::optional<store::ReadyKey> after, std::size_t limit, std::size_t max_bytes,
                   Done<std::vector<store::TaskRow>> done) override;
  void due(NodeTime until, std::size_t limit, Done<Due> done) override;
  void find(std::uint64_t seq, Done<store::TaskDetail> done) override;
  void list(store::ListFilter filter, Done<std::vector<store::ListedTask>> done) override;
  void dependents(std::uint64_t seq, Done<std::vector<store::TaskRow>> done) override;
  void ended_parent(std::uint64_t after, Done<store::EndedParent> done) override;
  void find_idempotent(std::string key, NodeTime now,
                       Done<std::optional<store::KnownKey>> done) override;
  void purge(NodeTime now, std::size_t limit, Done<store::Purged> done) override;
  void losses(Done<store::LossTable> done) override;
  store::StoreUse use() const override { return disk_.use; }
  void inspect(bool deep, Done<sqlite::StoreReport> done) override;

 private:
  Due due_now(NodeTime until, std::size_t limit) const;

  OwnerDisk& disk_;
};

}  // namespace spillway::test
