#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"
#include "tests/support/fakes/stepped.h"

namespace spillway::test {

// What a ledger has committed; it outlives ledger and node. A batch that breaks a rule is refused
// and remembered in `broken`.
struct LedgerDisk {
  std::map<TaskId, ledger::LedgerRow> rows;
  NodeTime last_seen{};
  Duration wall{};
  std::uint64_t session = 0, commits = 0;
  std::vector<std::string> broken;
  std::set<TaskId> pruned;                 // no longer there, as a node may find out late
  std::map<TaskId, NodeTime> answered_at;  // when, of tombstones
  std::map<std::string, std::vector<wire::LossReport>> losses;
  std::map<std::string, std::vector<wire::LossEntry>> lost;

  ledger::LedgerRecovered recover(std::size_t answered = 100'000) const;
  ledger::Refused apply(const ledger::LedgerBatch& batch);
  const ledger::LedgerRow& at(TaskId id) const { return rows.at(id); }

 private:
  Status insert(const ledger::LedgerRow& row);
  Status update(const ledger::LedgerUpdate& change);
  Status refuse(std::string why);
};

// A Ledger on such a disk; see Stepped.
class MemoryLedger : public ledger::Ledger, public Stepped {
 public:
  explicit MemoryLedger(LedgerDisk& disk) : disk_(disk) {}

  void commit(sqlite::SharedBatch<ledger::LedgerBatch> batch, Done<ledger::Refused> done) override;
  void find(TaskId id, Done<std::optional<ledger::LedgerRow>> done) override;
  void losses(std::string device, Done<ledger::LossBook> done) override;
  void prune(NodeTime before, std::size_t keep, std::size_t limit,
             Done<std::vector<TaskId>> done) override;

 private:
  LedgerDisk& disk_;
};

}  // namespace spillway::test
