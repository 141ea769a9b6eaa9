#pragma once

#include <memory>
#include <string>

#include "common/store/sqlite_owner_store.h"
#include "tests/unit/store/answers.h"
#include "tests/unit/store/temp_folder.h"

// After all others: it redefines `new`.
#include "tests/unit/store/check_result.h"

// An owner's store on a real file, called as if it were synchronous, and the rows tests put in it.
class OpenStore {
 public:
  using Store = spillway::store::SqliteOwnerStore;

  explicit OpenStore(std::string path) : path_(std::move(path)) {}

  spillway::Status open() {
    auto opened = Store::open(path_, answers.poster(), options);
    if (!opened) return std::move(opened).error();
    store_ = std::move(opened->store);
    recovered = std::move(opened->recovered);
    return {};
  }
  spillway::Status reopen() {
    close();
    return open();
  }
  void close() { store_.reset(); }
  Store& store() { return *store_; }

  spillway::Result<spillway::store::Refused> write(spillway::store::Batch batch) {
    return answers.ask<spillway::store::Refused>(
        [&](auto done) { store_->commit(std::move(batch), std::move(done)); });
  }
  // A task that was refused is the first failure.
  spillway::Status commit(spillway::store::Batch batch) {
    auto refused = write(std::move(batch));
    if (!refused) return refused.error();
    return refused->empty() ? spillway::Status() : refused->front().error;
  }
  auto find(std::uint64_t seq) {
    return answers.ask<spillway::store::TaskDetail>(
        [&](auto done) { store_->find(seq, std::move(done)); });
  }
  auto ready_after(std::optional<spillway::store::ReadyKey> after, std::size_t limit,
                   std::size_t max_bytes = 1 << 20) {
    return answers.ask<std::vector<spillway::store::TaskRow>>(
        [&](auto done) { store_->ready_after(after, limit, max_bytes, std::move(done)); });
  }
  auto due(spillway::NodeTime until, std::size_t limit = 100) {
    return answers.ask<spillway::store::OwnerStore::Due>(
        [&](auto done) { store_->due(until, limit, std::move(done)); });
  }
  auto list(spillway::store::ListFilter filter) {
    return answers.ask<std::vector<spillway::store::ListedTask>>(
        [&](auto done) { store_->list(filter, std::move(done)); });
  }
  auto dependents(std::uint64_t seq) {
    return answers.ask<std::vector<spillway::store::TaskRow>>(
        [&](auto done) { store_->dependents(seq, std::move(done)); });
  }
  auto find_idempotent(const std::string& key, spillway::NodeTime now) {
    return answers.ask<std::optional<spillway::store::KnownKey>>(
        [&](auto done) { store_->find_idempotent(key, now, std::move(done)); });
  }
  auto purge(spillway::NodeTime now, std::size_t limit) {
    return answers.ask<spillway::store::Purged>(
        [&](auto done) { store_->purge(now, limit, std::move(done)); });
  }
  auto inspect(bool deep) {
    return answers.ask<spillway::sqlite::StoreReport>(
        [&](auto done) { store_->inspect(deep, std::move(done)); });
  }

  Answers answers;  // first: the store posts to it until it is gone
  Store::Options options;
  spillway::store::Recovered recovered;

 private:
  std::string path_;
  std::unique_ptr<Store> store_;
};

inline spillway::NodeTime at(std::int64_t seconds) {
  return spillway::NodeTime(std::chrono::seconds(seconds));
}

inline spillway::sqlite::EncodedBytes encoded(std::string_view text) {
  return std::make_shared<const spillway::Bytes>(spillway::to_bytes(text));
}

inline spillway::store::NewTask new_task(std::uint64_t seq,
                                         spillway::TaskState state = spillway::TaskState::ready) {
  spillway::store::NewTask task;
  task.row.seq = seq;
  task.row.created = at(1);
  task.row.task.state = state;
  task.row.task.since = at(1);
  task.row.spec = encoded("spec of " + std::to_string(seq));
  task.kind = "echo";
  return task;
}

inline spillway::store::Batch batch_of(spillway::store::NewTask task) {
  spillway::store::Batch batch;
  batch.now = at(1);
  batch.inserts.push_back(std::move(task));
  return batch;
}

// The step of one task from a state to the next, as the life cycle would make it.
inline spillway::store::TaskUpdate step(std::uint64_t seq, spillway::TaskState from,
                                        std::uint32_t from_epoch, spillway::TaskState to,
                                        std::uint32_t to_epoch) {
  spillway::store::TaskUpdate update;
  update.seq = seq;
  update.was_state = from;
  update.was_epoch = spillway::Epoch{from_epoch};
  update.next.state = to;
  update.next.epoch = spillway::Epoch{to_epoch};
  update.next.since = at(2);
  return update;
}

inline spillway::store::Batch batch_of(spillway::store::TaskUpdate update) {
  spillway::store::Batch batch;
  batch.now = at(2);
  batch.updates.push_back(std::move(update));
  return batch;
}

// Makes a file as versions left it that knew of no shared specs.
inline void forget_shared(const spillway::sqlite::Database& older) {
  CHECK_OK(older.execute("DROP INDEX task_shared; ALTER TABLE task DROP COLUMN shared"));
  CHECK_OK(older.execute("DROP TABLE spec"));
}

// Makes one of versions before, which knew two places, each by its number.
inline void forget_places(const spillway::sqlite::Database& older) {
  forget_shared(older);
  for (const char* column : {"crashed_at", "only_at", "group_first", "group_size"}) {
    const std::string drop = std::string("ALTER TABLE task DROP COLUMN ") + column;
    CHECK_OK(older.execute(drop.c_str()));
  }
  CHECK_OK(older.execute("DROP TABLE place"));
}
