#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"

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

// A Ledger without a thread; see MemoryOwnerStore.
class MemoryLedger final : public ledger::Ledger {
 public:
  explicit MemoryLedger(LedgerDisk& disk) : disk_(disk) {}

  bool execute();
  bool answer();
  bool step() { return answer() || execute(); }
  bool idle() const { return operations_.empty() && answers_.empty(); }
  void fail_commits(std::optional<Error> error) { failure_ = std::move(error); }
  void fail_every(unsigned n, Error error) {
    every_ = n;
    calls_ = 0;
    error_ = std::move(error);
  }

  void commit(ledger::LedgerBatch batch, Done<ledger::Refused> done) override;
  void find(TaskId id, Done<std::optional<ledger::LedgerRow>> done) override;
  void losses(std::string device, Done<ledger::LossBook> done) override;
  void prune(NodeTime before, std::size_t keep, std::size_t limit,
             Done<std::vector<TaskId>> done) override;

 private:
  LedgerDisk& disk_;
  // True when this call is to fail, with error_.
  bool fails() { return every_ > 0 && ++calls_ % every_ == 0; }

  std::optional<Error> failure_;
  unsigned every_ = 0, calls_ = 0;
  Error error_;
  std::deque<std::function<void()>> operations_, answers_;
};

}  // namespace spillway::test
