#include "cloud/dispatch/dispatch.h"

#include <algorithm>

#include "common/base/kind_ref.h"

namespace spillway::cloud {
namespace {

constexpr Duration kRetryRead = std::chrono::seconds(1);
constexpr std::size_t kReadSlice = 1024;
constexpr std::size_t kReadBytes = 8 << 20;
constexpr std::size_t kAllWaiting = 1'000'000;  // more than may be unfinished

// Whether the task is for a device. Earlier versions had that in a label, and every device as the
// same place. A task of theirs whose spec the disk has spoiled names none; it expires with its
// deadline, at the next start.
bool has_device(owner::OwnedTask& task, Places& places) {
  if (task.only_at == kNowhere) {
    const auto device = task.spec->labels.find("spillway.device");
    if (device == task.spec->labels.end()) return false;
    task.only_at = places.of(device->second);
    for (lifecycle::LiveAttempt& out : task.state.live) {
      if (out.place == kCloud) out.place = task.only_at;
    }
  }
  return class_of(places.name_of(task.only_at)) == PlaceClass::device;
}

}  // namespace

Dispatch::Dispatch(DispatchOptions options, DispatchParts parts, const store::Recovered& recovered)
    : options_(options),
      parts_(std::move(parts)),
      owner_({.boot = {},
              .lease = options.lease,
              .store = "the store of tasks for devices",
              .offers_go_up = false},
             owner_parts(), *this, recovered),
      damage_(recovered.damage()),
      groups_(
          owner_, *parts_.store,
          [this](std::size_t more) {
            return room(held(), {more, 0});
          },
          [this](TaskId id, const Done<DispatchedTaskDetail>& done) { find(id, done); },
          [this](TaskId id, const Done<void>& done) { retry(id, done); }),
      keys_(*parts_.store, owner_.timeline()) {}

Dispatch::~Dispatch() = default;

owner::Parts Dispatch::owner_parts() {
  owner::Parts owner;
  owner.clock = parts_.clock;
  owner.store = parts_.store;
  owner.random = parts_.random;
  owner.wake = parts_.wake;
  owner.report = parts_.report;
  owner.alarm = parts_.alarm;
  owner.refused = parts_.refused;
  owner.send_task = [this](const owner::OfferBook& there, wire::Item item, bool) {
    return parts_.up() && parts_.send_task(there.place(), std::move(item));
  };
  owner.send_ack = [this](const owner::OfferBook& there, wire::Item item) {
    return parts_.up() && parts_.send_ack(there.place(), std::move(item));
  };
  owner.tasks_left = [this](const owner::OfferBook& there, bool) {
    return !parts_.tasks_left || parts_.tasks_left(there.place());
  };
  return owner;
}

void Dispatch::start(const store::Recovered& recovered, std::function<void()> durable) {
  owner_.start(recovered);
  owner_.journal().after(std::move(durable));
  read_ready(std::nullopt);
  read_waiting();
}

void Dispatch::read_ready(std::optional<store::ReadyKey> after) {
  parts_.store->ready_after(
      after, kReadSlice, kReadBytes,
      gate_.pass([this, after](const Result<std::vector<store::TaskRow>>& rows) {
        if (!rows) return read_again(rows.error(), [this, after] { read_ready(after); });
        if (rows->empty()) return parts_.wake();
        for (const store::TaskRow& row : *rows) owner_.adopt(row);
        const store::TaskRow& last = rows->back();
        read_ready(store::ReadyKey{last.band, last.task.deadline, last.seq});
      }));
}

// Every waiting one has a time at which it goes on or expires.
void Dispatch::read_waiting() {
  parts_.store->due(kNever, kAllWaiting,
                    gate_.pass([this](const Result<store::OwnerStore::Due>& due) {
                      if (!due) return read_again(due.error(), [this] { read_waiting(); });
                      for (const store::TaskRow& row : due->rows) owner_.adopt(row);
                      parts_.wake();
                    }));
}

// Nobody else would ever look at what has not been read.
void Dispatch::read_again(const Error& error, std::function<void()> read) {
  if (std::exchange(read_problem_, error.message) != error.message) {
    parts_.alarm("cannot read what waits for devices, trying until it can: " + error.message);
  }
  unread_.push_back(std::move(read));
  retry_read_ = now() + kRetryRead;
  parts_.wake();
}

Dispatch::Target& Dispatch::target(const std::string& device) {
  return targets_.try_emplace(device, owner_.book(device)).first->second;
}

bool Dispatch::prepare(owner::OwnedTask& task) {
  if (!has_device(task, owner_.places())) return false;
  target(owner_.places().name_of(task.only_at));
  return true;
}

bool Dispatch::keeps(const owner::OwnedTask& task) const { return !is_terminal(task.state.state); }

// The task is among those in memory by now.
Status Dispatch::has_room_for(const owner::OwnedTask& task) {
  const Load own{1, owner_.table().own_bytes(task)};
  return room({held().tasks - own.tasks, held().bytes - own.bytes}, own);
}

NodeTime Dispatch::ending(owner::OwnedTask& task, TaskResult&) {
  return now() + task.spec->retention;
}

// Keeps what waits for the device in step with a task's state.
void Dispatch::changed(owner::OwnedTask& task, const lifecycle::OwnerTask& was) {
  const std::string& device = owner_.places().name_of(task.only_at);
  Target& target = this->target(device);
  const auto waits_for_kind = [](const lifecycle::OwnerTask& at) {
    return at.state == TaskState::waiting && at.reason == WaitReason::no_place;
  };
  if (was.state == TaskState::ready) target.ready.erase({task.spec->band, was.deadline, task.seq});
  if (task.state.state == TaskState::ready) target.ready.insert(task.ready_key());
  if (waits_for_kind(was)) target.placeless.erase(task.seq);
  if (waits_for_kind(task.state)) target.placeless.insert(task.seq);
  if (target.book.online() && !target.ready.empty()) open_.insert(device);
}

NodeTime Dispatch::cycle() {
  door_.enter();
  owner_.on_timers();
  if (now() >= retry_read_) {
    retry_read_ = kNever;
    for (const auto& read : std::exchange(unread_, {})) read();
  }
  for (const std::string& device : std::vector(open_.begin(), open_.end())) {
    Target& target = this->target(device);
    grant_to(device, target);
    if (!target.book.online() || target.ready.empty()) open_.erase(device);
  }
  owner_.send_owed();
  gathered();
  return std::min(owner_.next_timer(), retry_read_);
}

void Dispatch::on_device(const std::string& device, const wire::Presence& presence) {
  door_.enter();
  Target& target = this->target(device);
  owner_.offers().on_presence(target.book, presence);
  if (!presence.online) {
    open_.erase(device);
    owner_.offers().take_back(target.book, "the device went away before it took it");
    return parts_.wake();
  }
  target.takes.clear();
  for (const wire::KindInfo& kind : presence.kinds) {
    if (kind.taken) target.takes.push_back(kind.ref());
  }
  std::sort(target.takes.begin(), target.takes.end());
  place_again(target);
  if (!target.ready.empty()) open_.insert(device);
  parts_.wake();
}

// Nothing is known of any device until it is heard of again.
void Dispatch::on_link_down() {
  door_.enter();
  for (auto& [device, target] : targets_) {
    target.book.on_gone();
    owner_.offers().take_back(target.book, "the link went down before the device took it");
  }
  open_.clear();
}

void Dispatch::place_again(Target& target) {
  for (std::uint64_t seq : std::vector(target.placeless.begin(), target.placeless.end())) {
    owner::OwnedTask& task = owner_.at(seq);
    if (has_kind(target.takes, task.spec->kind)) {
      owner_.apply(task, lifecycle::on_place_found(task.state, owner_.tick()));
    }
  }
}

Error Dispatch::too_large(std::size_t bytes) const {
  return fail(Code::unsupported, "the task has " + std::to_string(bytes) +
                                     " bytes and the broker carries " +
                                     std::to_string(parts_.largest()) +
                                     "; raise its maximum packet size, or send less");
}

void Dispatch::grant_to(const std::string& device, Target& target) {
  if (!parts_.up() || !target.book.online() || !owner_.store_problem().empty()) return;
  if (parts_.barred && parts_.barred(device)) return;
  while (!target.ready.empty()) {
    owner::OwnedTask& task = owner_.at(target.ready.begin()->seq);
    if (!has_kind(target.takes, task.spec->kind)) {
      owner_.apply(task, lifecycle::on_no_place(task.state, owner_.tick()));
      continue;
    }
    if (task.spec_size() > parts_.largest()) {
      owner_.apply(
          task,
          lifecycle::on_link_down(task.state, OnDisconnect::fail, task.only_at, owner_.tick()),
          {too_large(task.spec_size()).message, Code::unsupported});
      continue;
    }
    if (target.book.room() == 0 || !owner_.grant(task, task.only_at)) return;
  }
}

void Dispatch::on_barred(const std::string& device) {
  door_.enter();
  owner_.offers().lose_leases(target(device).book, "an operator barred the device", false);
}

void Dispatch::on(const std::string& device, const wire::Credits& credits) {
  door_.enter();
  Target& target = this->target(device);
  owner_.offers().on(target.book, credits);
  if (target.book.online() && !target.ready.empty()) open_.insert(device);
}

void Dispatch::on(const std::string& device, const wire::Accept& item) {
  door_.enter();
  owner_.offers().on(target(device).book, item);
}

void Dispatch::on(const std::string& device, const wire::Nack& item) {
  door_.enter();
  owner_.offers().on(target(device).book, item);
}

void Dispatch::on(const std::string& device, const wire::Beat& item) {
  door_.enter();
  owner_.offers().on(target(device).book, item);
}

void Dispatch::on(const std::string& device, const wire::ResultItem& item) {
  door_.enter();
  owner_.offers().on(target(device).book, item);
}

}  // namespace spillway::cloud
