#pragma once

#include <memory>
#include <string>

#include "common/base/gate.h"
#include "common/sqlite/commit_queue.h"
#include "common/sqlite/store_file.h"
#include "common/store/owner_store.h"
#include "common/store/owner_tables.h"

namespace spillway::store {

// The owner's store in one SQLite file. Calls from any one thread; answers come through the poster.
// The file is held exclusively. The destructor commits and answers what is queued and closes.
//
// A damaged file is set aside at open (Recovered::quarantined) and a new one takes its place. When
// the damaged file still says whose it is, the new store is the same owner: it keeps its lives and
// every task that can be read, skips a million sequence numbers and as many epochs so that none
// given before is given again, and takes attempts elsewhere for lost. Otherwise nothing is carried
// over and the lives are new. Damage that shows in use fails that and every later write with
// `corrupt`, until the store is opened again.
class SqliteOwnerStore final : public OwnerStore {
 public:
  struct Options {
    sqlite::FileOptions file;
    OwnerTables::Options tables;
    sqlite::CommitQueue::Limits limits;
    // A store beside this one was damaged: that something was lost is counted here.
    bool lost_beside = false;
  };
  struct Opened {
    std::unique_ptr<SqliteOwnerStore> store;
    Recovered recovered;
  };
  // Blocks on the disk; takes as long with a million tasks as with ten.
  static Result<Opened> open(const std::string& path, sqlite::Poster poster,
                             const Options& options);
  static Result<Opened> open(const std::string& path, sqlite::Poster poster);

  void commit(sqlite::SharedBatch<Batch> batch, Done<Refused> done) override;
  void ready_after(std::optional<ReadyKey> after, std::size_t limit, std::size_t max_bytes,
                   Done<std::vector<TaskRow>> done) override;
  void due(NodeTime until, std::size_t limit, Done<Due> done) override;
  void find(std::uint64_t seq, Done<TaskDetail> done) override;
  void list(ListFilter filter, Done<std::vector<ListedTask>> done) override;
  void dependents(std::uint64_t seq, Done<std::vector<TaskRow>> done) override;
  void ended_parent(std::uint64_t after, Done<EndedParent> done) override;
  void find_idempotent(std::string key, NodeTime now, Done<std::optional<KnownKey>> done) override;
  void purge(NodeTime now, std::size_t limit, Done<Purged> done) override;
  void losses(Done<LossTable> done) override;
  StoreUse use() const override;
  void inspect(bool deep, Done<sqlite::StoreReport> done) override;

 private:
  SqliteOwnerStore(OwnerTables tables, sqlite::SharedMeter meter, sqlite::Poster poster,
                   const sqlite::CommitQueue::Limits& limits);
  struct Listing;
  void list_on(Listing listing, Done<std::vector<ListedTask>> done);

  Gate gate_;  // answers may be run after this object is gone
  sqlite::SharedMeter meter_;
  OwnerTables tables_;
  sqlite::CommitQueue queue_;  // last: its thread uses the tables
};

}  // namespace spillway::store
