#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/gate.h"
#include "common/sqlite/commit_cycle.h"
#include "common/sqlite/refusals.h"
#include "spillway/time.h"

namespace spillway::sqlite {

// Where what gathers of a row stands in the batch. The journal's.
struct Gathering {
  std::uint64_t flush = 0;             // before which it gathers; an earlier one: nothing does
  std::size_t insert = 0, update = 0;  // in the batch, from 1; 0: none
};

// What a row in memory keeps for the journal.
struct Journaled {
  unsigned unsaved = 0;  // batches that speak of it and are not committed yet
  Gathering gathers;
};

// Rows of which memory is ahead of the disk: while one batch is being committed the next one grows
// here, and a row's steps in it melt into one insert or update. Loop only. `Rows` says of what:
//
//   Held     a row in memory, Journaled; it stays where it is until `unsaved` is 0, or it is
//            refused
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

  // `store` has `commit(SharedBatch<Batch>, std::function<void(Result<Refused>)>)`, which answers
  // later.
  template <class Store>
  Journal(Store& store, typename Cycle::Listener cycle, Listener listener)
      : cycle_(
            [this, &store](SharedBatch<Batch> batch, auto done) {
              store.commit(
                  std::move(batch),
                  gate_.pass([this, done = std::move(done)](const Result<Refused>& refused) {
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
  auto* inserted(const Held& held) { return at(cycle_.batch().inserts, held, &Gathering::insert); }
  auto* updated(const Held& held) { return at(cycle_.batch().updates, held, &Gathering::update); }

  template <class Insert>
  void insert(Held& held, Insert row) {
    touch(held);
    auto& inserts = cycle_.batch().inserts;
    if (inserts.empty()) inserts.reserve(usual_);
    inserts.push_back(std::move(row));
    held.gathers.insert = inserts.size();
  }
  // The row's update, which is `fresh` if nothing gathered yet: that says what the disk has.
  template <class Update>
  Update& update(Held& held, Update fresh) {
    touch(held);
    auto& updates = cycle_.batch().updates;
    if (updates.empty()) updates.reserve(usual_);
    if (held.gathers.update == 0) {
      updates.push_back(std::move(fresh));
      held.gathers.update = updates.size();
    }
    return updates[held.gathers.update - 1];
  }
  // The insert that gathers is ahead of the disk again.
  void touch(Held& held) {
    if (held.gathers.flush == next_flush_) return;
    held.gathers = {.flush = next_flush_};
    held.unsaved += 1;
    touched_.push_back(&held);
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
        for (Held* held : *rows) {
          const Key key = Rows::key(*held);
          held->unsaved -= 1;
          listener_.settled(key);
        }
      });
    }
    ++next_flush_;
    usual_ = std::max(cycle_.batch().inserts.size(), cycle_.batch().updates.size());
    cycle_.flush();
  }

 private:
  using Touched = std::vector<Held*>;

  template <class List>
  auto* at(List& list, const Held& held, std::size_t Gathering::*where) const {
    const std::size_t place = held.gathers.flush == next_flush_ ? held.gathers.*where : 0;
    return place == 0 ? nullptr : &list[place - 1];
  }
  template <class List>
  static std::size_t place_in(const List& list, const Key& key) {
    const auto speaks_of_it = [&key](const auto& row) { return Rows::key(row) == key; };
    const auto found = std::find_if(list.begin(), list.end(), speaks_of_it);
    return found == list.end() ? 0 : std::size_t(found - list.begin()) + 1;
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
    const auto is_it = [&key](const Held* held) { return Rows::key(*held) == key; };
    std::erase_if(touched_, is_it);
    std::erase_if(*flying_, is_it);
    for (Held* held : touched_) {
      const Key other = Rows::key(*held);
      held->gathers.insert = place_in(batch.inserts, other);
      held->gathers.update = place_in(batch.updates, other);
    }
  }

  Cycle cycle_;
  Listener listener_;
  std::uint64_t next_flush_ = 1;
  std::size_t usual_ = 0;  // rows in a batch, by the last one
  Touched touched_;        // of which something gathers
  std::shared_ptr<Touched> flying_ = std::make_shared<Touched>();  // of the commit under way
  Refusals<Key> refusals_;
  Gate gate_;
};

}  // namespace spillway::sqlite
