#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include "common/base/gate.h"
#include "common/sqlite/commit_cycle.h"
#include "common/sqlite/refusals.h"
#include "spillway/time.h"

namespace spillway::sqlite {

// Rows of which memory is ahead of the disk: while one batch is being committed the next one grows
// here, and a row's steps in it melt into one insert or update. Loop only. `Rows` says of what:
//
//   Held     a row in memory, with a count `unsaved` of the batches that speak of it and are not
//            committed yet; it stays where it is until that is 0, or it is refused
//   Batch    `inserts` and `updates` of it, `now`, `wall`
//   Refused  what the disk contradicts of a batch: rows of which nothing was written, each with an
//            `error`; everything else was
//   key(…)   the row that a Held, an insert, an update or one of Refused is about
//   strike   takes out of a batch what else speaks of a row
template <class Rows>
class Journal {
 public:
  using Held = typename Rows::Held;
  using Batch = typename Rows::Batch;
  using Refused = typename Rows::Refused;
  using Key = decltype(Rows::key(std::declval<const Held&>()));
  using Cycle = CommitCycle<Batch>;

  struct Listener {
    std::function<void(const Key&)> settled;  // no commit under way speaks of it any more
    // The disk contradicts what memory holds of this one: the listener lets go of it and looks at
    // the disk. Nothing here speaks of it any more. Told ahead of what waited for the commit.
    std::function<void(const Key&, const Error& why)> refused;
  };

  // `store` has `commit(const Batch&, std::function<void(Result<Refused>)>)`, which answers later.
  template <class Store>
  Journal(Store& store, typename Cycle::Listener cycle, Listener listener)
      : cycle_(
            [this, &store](const Batch& batch, auto done) {
              store.commit(
                  batch, gate_.pass([this, done = std::move(done)](const Result<Refused>& refused) {
                    if (!refused) return done(refused.error());
                    on_written(*refused);
                    done({});
                  }));
            },
            std::move(cycle)),
        listener_(std::move(listener)) {}

  Cycle& cycle() { return cycle_; }
  const Cycle& cycle() const { return cycle_; }
  // How many commits went well; a failed one is tried again before any other.
  std::uint64_t commits() const { return refusals_.commits(); }

  // What gathers of the row; null: nothing yet.
  auto* inserted(const Key& key) { return at(cycle_.batch().inserts, inserts_, key); }
  auto* updated(const Key& key) { return at(cycle_.batch().updates, updates_, key); }

  template <class Insert>
  void insert(Held& held, Insert row) {
    touch(held);
    inserts_[Rows::key(held)] = cycle_.batch().inserts.size();
    cycle_.batch().inserts.push_back(std::move(row));
  }
  // The row's update, which is `fresh` if nothing gathered yet: that says what the disk has.
  template <class Update>
  Update& update(Held& held, Update fresh) {
    touch(held);
    auto& updates = cycle_.batch().updates;
    const auto [known, first] = updates_.try_emplace(Rows::key(held), updates.size());
    if (first) updates.push_back(std::move(fresh));
    return updates[known->second];
  }
  // The insert that gathers is ahead of the disk again.
  void touch(Held& held) {
    if (touched_.emplace(Rows::key(held), &held).second) held.unsaved += 1;
  }

  // Calls `action` once everything so far is durable, with why the row's steps are not, if they
  // were refused.
  void after(const Key& key, std::function<void(const Error* refused)> action) {
    cycle_.after([this, key, from = commits(), action = std::move(action)] {
      action(refusals_.since(from, key));
    });
  }

  // Hands over what gathered; the disk must be free.
  void flush(NodeTime now, Duration wall) {
    cycle_.batch().now = now;
    cycle_.batch().wall = wall;
    if (!touched_.empty()) {
      flying_ = std::make_shared<Touched>(std::exchange(touched_, {}));
      cycle_.whenever([this, rows = flying_] {
        for (auto& [key, held] : *rows) {
          held->unsaved -= 1;
          listener_.settled(key);
        }
      });
    }
    inserts_.clear();
    updates_.clear();
    cycle_.flush();
  }

 private:
  using Touched = std::unordered_map<Key, Held*>;
  using Index = std::unordered_map<Key, std::size_t>;  // of a row in what gathers

  template <class List>
  static auto* at(List& list, const Index& index, const Key& key) {
    const auto found = index.find(key);
    return found == index.end() ? nullptr : &list[found->second];
  }
  template <class List>
  static void index(const List& list, Index& index) {
    index.clear();
    for (std::size_t i = 0; i < list.size(); ++i) index[Rows::key(list[i])] = i;
  }

  void on_written(const Refused& refused) {
    refusals_.on_commit();
    for (const auto& one : refused) {
      const Key key = Rows::key(one);
      refusals_.add(key, one.error);
      strike(key);
      listener_.refused(key, one.error);
    }
  }

  // Takes out what has gathered of a row: it follows from what the disk does not have.
  void strike(const Key& key) {
    Batch& batch = cycle_.batch();
    const auto speaks_of_it = [&key](const auto& row) { return Rows::key(row) == key; };
    std::erase_if(batch.inserts, speaks_of_it);
    std::erase_if(batch.updates, speaks_of_it);
    Rows::strike(batch, key);
    index(batch.inserts, inserts_);
    index(batch.updates, updates_);
    touched_.erase(key);
    flying_->erase(key);
  }

  Cycle cycle_;
  Listener listener_;
  Index inserts_, updates_;
  Touched touched_;
  std::shared_ptr<Touched> flying_ = std::make_shared<Touched>();  // of the commit under way
  Refusals<Key> refusals_;
  Gate gate_;
};

}  // namespace spillway::sqlite
