#include "tests/support/fakes/memory_owner_store.h"

#include <algorithm>

namespace spillway::test {
namespace {

using lifecycle::OwnerTask;

store::ReadyKey key_of(const store::TaskRow& row) { return {row.band, row.task.deadline, row.seq}; }

NodeTime due_time(const OwnerTask& task) {
  if (task.state > TaskState::ready) return kNever;
  const NodeTime soonest = std::min(task.deadline, task.start_by);
  return task.state == TaskState::waiting ? std::min(soonest, task.wake) : soonest;
}

bool is_for(const store::ListFilter& filter, const OwnerDisk::Task& stored) {
  if (filter.only_at == kNowhere && filter.at_tenant.empty()) return true;
  const PlaceId place = stored.row.only_at;
  return place == kNowhere ? stored.tenant == filter.at_tenant : place == filter.only_at;
}

}  // namespace

store::Recovered OwnerDisk::recover(Origin drawn) {
  opened = lives.value_or(store::Lives(origin));
  opened->begin(drawn, next_seq);
  store::Recovered recovered;
  recovered.lives = *opened;
  for (const auto& [store, peer] : peers) recovered.peers.push_back(peer);
  recovered.places = places;
  recovered.next_seq = next_seq;
  recovered.accepted = accepted;
  recovered.damaged = damaged;
  recovered.last_seen = last_seen;
  recovered.wall_at_last_seen = wall;
  recovered.session = session;
  recovered.outbox.assign(outbox.begin(), outbox.end());
  for (const auto& [seq, task] : tasks) {
    const TaskState state = task.row.task.state;
    recovered.counts.by_state[static_cast<std::size_t>(state)] += 1;
    if (state == TaskState::leased || state == TaskState::running) {
      recovered.live.push_back(task.row);
    }
  }
  return recovered;
}

Status OwnerDisk::refuse(std::string why) {
  broken.push_back(why);
  return fail(Code::conflict, std::move(why));
}

store::Refused OwnerDisk::apply(const store::Batch& batch) {
  if (batch.restored) opened->mark_restored();
  lives = opened;
  for (const KnownLife& peer : batch.peers) peers[peer.store] = peer;
  for (const store::PlaceName& known : batch.places) places.restore(known.place, known.name);
  store::Refused refused;
  const auto is_out = [&refused](std::uint64_t seq) {
    return std::any_of(refused.begin(), refused.end(), [&](auto& one) { return one.seq == seq; });
  };
  for (const store::NewTask& task : batch.inserts) {
    Status status = insert(task, batch.now);
    if (!status) refused.push_back({task.row.seq, status.error()});
  }
  for (const store::TaskUpdate& change : batch.updates) {
    if (is_out(change.seq)) continue;
    Status status = update(change);
    if (!status) refused.push_back({change.seq, status.error()});
  }
  for (const store::EventRow& event : batch.events) {
    if (!is_out(event.seq)) tasks.at(event.seq).events.push_back(event);
  }
  for (const store::OutboxRow& row : batch.outbox_put) {
    if (!is_out(row.seq)) outbox.insert(row);
  }
  for (const store::OutboxRow& row : batch.outbox_drop) {
    if (!is_out(row.seq)) outbox.erase(row);
  }
  for (const std::uint64_t seq : batch.deps_done) {
    for (auto& [waiting, task] : tasks) task.waits_for.erase(seq);
  }
  for (const store::LossCount& loss : batch.losses) {
    LossRow& row = losses[{loss.data, loss.cause, loss_period(loss.at)}];
    if (row.count == 0) row.first = loss.at;
    row.key = {loss.data, loss.cause, loss_period(loss.at)};
    row.last = loss.at;
    row.count += loss.count;
  }
  for (const LossRow& row : batch.reported) losses.at(row.key).reported = row.count;
  samples += batch.samples;
  last_seen = std::max(last_seen, batch.now);
  if (batch.wall != Duration::zero()) wall = batch.wall;
  if (batch.session != 0) session = batch.session;
  commits += 1;
  return refused;
}

bool OwnerDisk::names_places_of(const lifecycle::OwnerTask& task) const {
  return std::all_of(task.live.begin(), task.live.end(), [this](const auto& attempt) {
    return !places.name_of(attempt.place).empty();
  });
}

Status OwnerDisk::insert(const store::NewTask& task, NodeTime now) {
  const std::uint64_t seq = task.row.seq;
  const bool whole = task.row.spec && names_places_of(task.row.task);
  if (tasks.contains(seq) || !whole) return refuse("insert of " + std::to_string(seq));
  for (const std::uint64_t on : task.after) {
    const auto parent = tasks.find(on);
    if (parent == tasks.end() || is_terminal(parent->second.row.task.state)) {
      return refuse(std::to_string(seq) + " waits for " + std::to_string(on) + ", which has ended");
    }
  }
  if (!task.idempotency_key.empty()) {
    const auto known = keys.find(task.idempotency_key);
    if (known != keys.end() && known->second.second > now) {
      return refuse("key " + task.idempotency_key + " is taken");
    }
    keys[task.idempotency_key] = {{seq, task.wish}, task.idempotency_until};
  }
  tasks[seq] = {task.row, task.kind, task.tenant, {}, {task.after.begin(), task.after.end()}};
  next_seq = std::max(next_seq, seq + 1);
  accepted += 1;
  return {};
}

Status OwnerDisk::update(const store::TaskUpdate& change) {
  const auto found = tasks.find(change.seq);
  const std::string name = "task " + std::to_string(change.seq);
  if (purged.contains(change.seq)) return fail(Code::not_found, name + " is gone");
  if (found == tasks.end()) return refuse(name + " is not there");
  store::TaskRow& row = found->second.row;
  if (row.task.state != change.was_state || row.task.epoch != change.was_epoch) {
    return refuse(name + " is " + std::string(to_string(row.task.state)) + ", not " +
                  std::string(to_string(change.was_state)));
  }
  // P1 and P3, whatever the caller believes.
  if (row.task.state == TaskState::succeeded) return refuse(name + " has its result");
  if (change.next.epoch < row.task.epoch) return refuse(name + ": its epoch went down");
  if (!names_places_of(change.next)) return refuse(name + " is at a place without a name");
  const bool revived = is_terminal(row.task.state) && !is_terminal(change.next.state);
  row.task = change.next;
  row.keep_until = change.keep_until;
  if (change.result || revived) row.result = change.result;
  if (change.spec) row.spec = change.spec;
  if (is_terminal(row.task.state) && !row.result) return refuse(name + " ended without a result");
  return {};
}

void MemoryOwnerStore::commit(sqlite::SharedBatch<store::Batch> batch, Done<store::Refused> done) {
  push_commit<store::Refused>(std::move(done),
                              [this, batch = std::move(batch)] { return disk_.apply(*batch); });
}

void MemoryOwnerStore::ready_after(std::optional<store::ReadyKey> after, std::size_t limit,
                                   std::size_t, Done<std::vector<store::TaskRow>> done) {
  push<std::vector<store::TaskRow>>(std::move(done), [this, after, limit] {
    std::map<store::ReadyKey, const store::TaskRow*> ready;
    for (const auto& [seq, task] : disk_.tasks) {
      const store::ReadyKey key = key_of(task.row);
      const bool wanted = task.row.task.state == TaskState::ready && (!after || *after < key);
      if (wanted) ready[key] = &task.row;
      if (ready.size() > limit) ready.erase(std::prev(ready.end()));
    }
    std::vector<store::TaskRow> rows;
    rows.reserve(ready.size());
    for (const auto& [key, row] : ready) rows.push_back(*row);
    return rows;
  });
}

MemoryOwnerStore::Due MemoryOwnerStore::due_now(NodeTime until, std::size_t limit) const {
  std::map<std::pair<NodeTime, std::uint64_t>, const store::TaskRow*> order;
  for (const auto& [seq, task] : disk_.tasks) {
    if (const NodeTime at = due_time(task.row.task); at != kNever) order[{at, seq}] = &task.row;
  }
  Due due;
  for (const auto& [at, row] : order) {
    if (at.first > until || due.rows.size() == limit) {
      due.next = at.first;
      break;
    }
    due.rows.push_back(*row);
  }
  return due;
}

void MemoryOwnerStore::due(NodeTime until, std::size_t limit, Done<Due> done) {
  push<Due>(std::move(done), [this, until, limit] { return due_now(until, limit); });
}

void MemoryOwnerStore::find(std::uint64_t seq, Done<store::TaskDetail> done) {
  push<store::TaskDetail>(std::move(done), [this, seq]() -> Result<store::TaskDetail> {
    const auto found = disk_.tasks.find(seq);
    if (found == disk_.tasks.end()) return fail(Code::not_found, "no task " + std::to_string(seq));
    const OwnerDisk::Task& task = found->second;
    return store::TaskDetail{task.row,
                             task.kind,
                             task.tenant,
                             task.events,
                             {task.waits_for.begin(), task.waits_for.end()}};
  });
}

void MemoryOwnerStore::list(store::ListFilter filter, Done<std::vector<store::ListedTask>> done) {
  push<std::vector<store::ListedTask>>(std::move(done), [this, filter] {
    std::vector<store::ListedTask> rows;
    for (auto task = disk_.tasks.rbegin(); task != disk_.tasks.rend(); ++task) {
      const auto& [seq, stored] = *task;
      const bool wanted =
          seq < filter.before && (!filter.state || stored.row.task.state == *filter.state) &&
          (filter.kind.empty() || stored.kind == filter.kind) &&
          (filter.tenant.empty() || stored.tenant == filter.tenant) && is_for(filter, stored);
      if (!wanted) continue;
      if (rows.size() == filter.limit) break;
      rows.push_back({stored.row, stored.kind, stored.tenant});
      rows.back().row.spec = rows.back().row.result = nullptr;
    }
    return rows;
  });
}

void MemoryOwnerStore::dependents(std::uint64_t seq, Done<std::vector<store::TaskRow>> done) {
  push<std::vector<store::TaskRow>>(std::move(done), [this, seq] {
    std::vector<store::TaskRow> rows;
    for (const auto& [waiting, task] : disk_.tasks) {
      if (task.waits_for.contains(seq) && !is_terminal(task.row.task.state)) {
        rows.push_back(task.row);
      }
    }
    return rows;
  });
}

void MemoryOwnerStore::ended_parent(std::uint64_t after, Done<store::EndedParent> done) {
  push<store::EndedParent>(std::move(done), [this, after] {
    store::EndedParent ended;
    for (const auto& [waiting, task] : disk_.tasks) {
      for (std::uint64_t parent : task.waits_for) {
        ended.anyone_waits = true;
        const auto found = disk_.tasks.find(parent);
        const bool over = found != disk_.tasks.end() && is_terminal(found->second.row.task.state);
        if (!over || parent <= after || (ended.seq != 0 && ended.seq <= parent)) continue;
        ended.seq = parent;
        ended.succeeded = found->second.row.task.state == TaskState::succeeded;
      }
    }
    return ended;
  });
}

void MemoryOwnerStore::find_idempotent(std::string key, NodeTime now,
                                       Done<std::optional<store::KnownKey>> done) {
  push<std::optional<store::KnownKey>>(
      std::move(done), [this, key = std::move(key), now]() -> std::optional<store::KnownKey> {
        const auto found = disk_.keys.find(key);
        if (found == disk_.keys.end() || found->second.second <= now) return std::nullopt;
        return found->second.first;
      });
}

void MemoryOwnerStore::purge(NodeTime now, std::size_t limit, Done<store::Purged> done) {
  push<store::Purged>(std::move(done), [this, now, limit] {
    store::Purged purged;
    for (auto task = disk_.tasks.begin(); task != disk_.tasks.end() && purged.removed < limit;) {
      const bool old = task->second.row.keep_until <= now;
      purged.removed += old ? 1 : 0;
      if (old) disk_.purged.insert(task->first);
      task = old ? disk_.tasks.erase(task) : std::next(task);
    }
    return purged;
  });
}

std::uint64_t OwnerDisk::lost(DataClass data, LossCause cause) const {
  std::uint64_t count = 0;
  for (const auto& [key, row] : losses) {
    count += key.data == data && key.cause == cause ? row.count : 0;
  }
  return count;
}

void MemoryOwnerStore::losses(Done<store::LossTable> done) {
  push<store::LossTable>(std::move(done), [this] {
    store::LossTable table;
    for (const auto& [key, row] : disk_.losses) {
      table.rows.push_back(row);
      table.produced[static_cast<std::size_t>(key.data)] += row.count;
    }
    table.produced[0] += disk_.accepted;
    table.produced[3] += disk_.samples;
    return table;
  });
}

void MemoryOwnerStore::inspect(bool, Done<sqlite::StoreReport> done) {
  push<sqlite::StoreReport>(std::move(done), [] { return sqlite::StoreReport{}; });
}

}  // namespace spillway::test
