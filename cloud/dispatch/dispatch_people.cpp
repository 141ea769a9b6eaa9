#include <algorithm>

#include "cloud/dispatch/dispatch.h"
#include "common/base/ending.h"
#include "common/owner/new_task.h"
#include "common/store/budget.h"
#include "common/wire/codec.h"

namespace spillway::cloud {
namespace {

constexpr std::uint32_t kPage = 1000;

// What a key stands for: the task, and whom it is for.
Digest digest_of(const Submission& submission) {
  return owner::KeyBook::wish_of(submission.spec, as_bytes(submission.asked));
}

Error no_room_for(std::uint64_t bytes) {
  return no_room("there is no room for " + std::to_string(bytes) +
                 " more bytes of tasks for devices; wait until some are done");
}

// What is not here may have been, before there was damage.
Error missing(TaskId id, const std::string& damage) {
  Error error = no_such_task(id);
  if (!damage.empty()) error.message += "; " + damage;
  return error;
}

// Says of a task that is gone which one.
Dispatch::Done<void> naming(Error gone, Dispatch::Done<void> done) {
  return [gone = std::move(gone), done = std::move(done)](const Result<void>& answer) {
    if (answer) return done({});
    done(answer.error().code == Code::not_found ? gone : answer.error());
  };
}

bool is_over(const DispatchedFilter& filter, std::uint64_t seq) {
  return filter.group && seq < filter.group->first.seq;
}

Result<std::vector<PlaceId>> places_of(const std::vector<std::string>& devices, Places& known) {
  std::vector<PlaceId> places;
  for (const std::string& device : devices) {
    if (class_of(device) != PlaceClass::device) {
      return fail(Code::invalid_argument, "'" + device + "' names no device, but another place");
    }
    places.push_back(known.of(device));
    if (places.back() == kNowhere) {
      return no_room("there are too many places for '" + device + "' to be one more");
    }
  }
  return places;
}

// Earlier versions had it as the tenant, and the group in a label.
std::string device_of(const store::TaskRow& row, const std::string& tenant, const Places& places) {
  return row.only_at == kNowhere ? tenant : places.name_of(row.only_at);
}

GroupId group_of(const store::TaskRow& row, const owner::Owner& owner) {
  if (row.together.size > 0) return {owner.id_of(row.together.first), row.together.size};
  Result<TaskSpec> spec = row.spec ? wire::decode_spec(*row.spec) : fail(Code::corrupt, "no spec");
  if (!spec) return {};
  Result<GroupId> group = parse_group_id(spec->labels["spillway.group"]);
  return group ? *group : GroupId{};
}

}  // namespace

Status Dispatch::check(const Submission& submission) const {
  const TaskSpec& spec = submission.spec;
  if (Status valid = validate(spec); !valid) return valid;
  if (!spec.after.empty()) {
    return fail(Code::unsupported, "after: a task for a device cannot wait for another one");
  }
  if (!spec.input.inline_only()) {
    return fail(Code::unsupported, "input: only bytes are supported here");
  }
  if (spec.data == DataScope::edge_only) {
    return fail(Code::invalid_argument, "data: what is submitted here is not only at the edge");
  }
  if (parts_.check_args) {
    if (Status good = parts_.check_args(spec); !good) return good;
  }
  return {};
}

Status Dispatch::room(const Load& held, const Load& more) const {
  if (held.tasks + more.tasks > options_.max_tasks) {
    return no_room("more than " + std::to_string(options_.max_tasks) +
                   " tasks would wait for devices; cancel some, or wait until some are done");
  }
  if (held.bytes + more.bytes > options_.max_bytes) return no_room_for(more.bytes);
  return {};
}

Status Dispatch::room(const Submission& submission, std::uint64_t bytes) const {
  if (!owner_.store_problem().empty())
    return no_room("nothing can be written: " + owner_.store_problem());
  const std::size_t devices = submission.devices->size();
  if (Status good = room(held(), {devices, bytes}); !good) return good;
  // In memory it is there once, and on the disk, unless it is so small that each row has it.
  const std::uint64_t each = bytes > sqlite::kInlineBytes ? 0 : bytes;
  const std::uint64_t disk = store::disk_cost(bytes - each) + devices * store::disk_cost(each);
  const std::uint64_t most = sqlite::plan_disk(options_.max_disk).tasks();
  if (parts_.store->use().in_use + disk > most) return no_room_for(disk);
  return {};
}

// In this order: the deadline that no task goes without; the spec, which is refused whatever the
// key stands for; the key, in its turn; then accept(). Answered once, on the loop.
void Dispatch::submit(Submission submission, const Done<Submitted>& done) {
  door_.enter();
  if (!submission.spec.deadline) submission.spec.deadline = kDefaultDeadline;
  if (Status good = check(submission); !good) return done(good.error());
  if (submission.key.empty()) return accept(submission, done);
  take_key(std::make_shared<const Submission>(std::move(submission)), done);
}

// One submission with a key goes on at a time. The next ones are answered by what it left, or,
// where it was refused, have their turn.
void Dispatch::take_key(const std::shared_ptr<const Submission>& submission,
                        const Done<Submitted>& done) {
  const auto answer = [this, submission, done](const Result<Submitted>& submitted) {
    done(submitted);
    std::optional<store::KnownKey> known;
    if (submitted) known = {submitted->group.first.seq, digest_of(*submission)};
    keys_.settle(submission->key, known);
  };
  const auto turn = [this, submission, done,
                     answer](const Result<std::optional<store::KnownKey>>& known) {
    if (!known) return done(known.error());
    if (*known) return repeat(*submission, **known, done);
    accept(*submission, answer);
  };
  keys_.take(submission->key, turn);
}

void Dispatch::repeat(const Submission& submission, const store::KnownKey& known,
                      const Done<Submitted>& done) {
  // A version that did not note it left it open.
  const bool same = !known.wish || *known.wish == digest_of(submission);
  const TaskId first = owner_.id_of(known.seq);
  const auto answer = [same, first, done](const Result<std::optional<GroupId>>& group) {
    if (!group) return done(group.error());
    if (same && *group) return done(Submitted{**group, true});
    const std::string name = *group ? "group " + to_string(**group)
                                    : "the group that began with task " + to_string(first);
    done(fail(Code::conflict,
              same ? "this key came before; " + name + " is kept no longer"
                   : "this key came before, with another task or for other devices: " + name +
                         "; take another key"));
  };
  groups_.find_by_first(first, std::uint32_t(options_.max_tasks), answer);
}

// The last step, of a new submission whose key, if any, is held by take_key(). Everything is
// refused before anything is taken: devices, size, room, places. Then each device has its task,
// numbered one after the other, all in one batch of the journal; the first one carries the key and
// names the group. `done` is called once that batch is on disk.
void Dispatch::accept(const Submission& submission, const Done<Submitted>& done) {
  if (!submission.devices) return done(submission.devices.error());
  const std::vector<std::string>& devices = *submission.devices;
  if (devices.empty()) {
    return done(fail(Code::not_found, "no device matches; nothing was submitted"));
  }
  const auto spec = std::make_shared<const TaskSpec>(submission.spec);
  const auto encoded = std::make_shared<const Bytes>(wire::encode(*spec));
  const std::size_t bytes = encoded->size();
  if (bytes > parts_.largest()) return done(too_large(bytes));
  if (Status good = room(submission, bytes); !good) return done(good.error());
  const Result<std::vector<PlaceId>> places = places_of(devices, owner_.places());
  if (!places) return done(places.error());
  const GroupId group{owner_.id_of(owner_.next_seq()), std::uint32_t(devices.size())};
  for (const PlaceId device : *places) {
    const bool keyed = owner_.next_seq() == group.first.seq && !submission.key.empty();
    store::NewTask row = owner::new_task(*spec, encoded, 0, now());
    row.row.only_at = device;
    row.row.together = {group.first.seq, group.size};
    if (keyed) owner::name_by(row, *spec, submission.key, digest_of(submission));
    owner_.insert(std::move(row), spec);
  }
  owner_.journal().after(group.first.seq, [done, group](const Error* refused) {
    if (refused) return done(*refused);
    done(Submitted{group, false});
  });
  parts_.wake();
}

void Dispatch::cancel(TaskId id, const Done<void>& done) {
  door_.enter();
  if (!owns(id)) return done(missing(id, damage_));
  owner_.cancel(id.seq, naming(missing(id, damage_), done));
}

void Dispatch::retry(TaskId id, const Done<void>& done) {
  door_.enter();
  if (!owns(id)) return done(missing(id, damage_));
  owner_.retry(id.seq, kDefaultDeadline, naming(missing(id, damage_), done));
}

// What is in memory is newer than what the store answered; an end counts when it is durable, and
// its result is there from then on.
const owner::OwnedTask* Dispatch::unfinished_one(const store::TaskRow& row) const {
  const owner::OwnedTask* live = owner_.find(row.seq);
  return live && !is_terminal(live->state.state) ? live : nullptr;
}

std::vector<DispatchedAttempt> Dispatch::attempts_of(const store::TaskRow& row) const {
  const owner::OwnedTask* live = unfinished_one(row);
  const TaskState state = live ? live->state.state : row.task.state;
  TaskResult told;
  (live ? live->history : owner::AttemptHistory::of(row, owner_.places())).tell(told);
  const auto wall = [this](NodeTime at) { return owner_.timeline().wall_of(at); };
  std::vector<DispatchedAttempt> attempts;
  for (const Attempt& attempt : told.attempts) {
    const AttemptTimes& times = attempt.times;
    DispatchedAttempt& one = attempts.emplace_back();
    one.epoch = attempt.epoch;
    one.queued = wall(times.queued);
    one.offered = wall(times.started);
    if (times.run_started != NodeTime{}) {
      one.began = wall(times.run_started);
      one.run_ended = wall(times.run_ended);
    }
    if (times.sent != NodeTime{}) one.sent = wall(times.sent);
    if (times.accepted == NodeTime{}) continue;
    one.ended = wall(times.accepted);
    const std::string_view ending = ending_of(attempt, &attempt == &told.attempts.back(), state);
    if (ending != to_string(TaskState::succeeded)) one.problem = ending;
  }
  return attempts;
}

DispatchedTaskView Dispatch::view_of(const store::TaskRow& row, const std::string& kind,
                                     const std::string& device) const {
  const owner::OwnedTask* live = unfinished_one(row);
  const lifecycle::OwnerTask& task = live ? live->state : row.task;
  DispatchedTaskView view;
  owner::tell(view, row, task);
  view.id = owner_.id_of(row.seq);
  view.device = device;
  view.kind = kind;
  view.losses = task.losses;
  view.last_failure = task.last_failure;
  view.created = owner_.timeline().wall_of(row.created);
  view.since = owner_.timeline().wall_of(task.since);
  const bool ends = !is_terminal(task.state) && task.deadline != kNever;
  if (ends) view.deadline = owner_.timeline().wall_of(task.deadline);
  return view;
}

std::string Dispatch::waits_because(const store::TaskRow& row, const std::string& device) const {
  const owner::OwnedTask* live = owner_.find(row.seq);
  if (!live) return "";
  const lifecycle::OwnerTask& task = live->state;
  if (task.state == TaskState::waiting && task.reason == WaitReason::no_place) {
    return "the device does not take " + to_string(live->spec->kind) + " from the cloud";
  }
  if (task.state != TaskState::ready) return "";
  if (!owner_.store_problem().empty()) {
    return "the cloud's store cannot write: " + owner_.store_problem();
  }
  auto known = targets_.find(device);
  if (known == targets_.end() || !known->second.book.online()) return "the device is not connected";
  if (parts_.barred && parts_.barred(device)) return "the device is quarantined or revoked";
  if (known->second.book.room() == 0) return "the device has no room for more";
  return "";
}

DispatchedTaskDetail Dispatch::detail_of(const store::TaskDetail& found) const {
  DispatchedTaskDetail detail;
  const std::string device = device_of(found.row, found.tenant, owner_.places());
  detail.task = view_of(found.row, found.kind, device);
  detail.waits_because = waits_because(found.row, device);
  detail.group = group_of(found.row, owner_);
  if (auto spec = found.row.spec ? wire::decode_spec(*found.row.spec) : TaskSpec(); spec.ok()) {
    detail.labels = std::move(spec->labels);
  }
  // What was cancelled or expired has no result, but for its attempts.
  const TaskState state = detail.task.state;
  if (found.row.result && (state == TaskState::succeeded || state == TaskState::failed)) {
    if (auto result = wire::decode_result(*found.row.result)) detail.result = *std::move(result);
  }
  detail.attempts = attempts_of(found.row);
  for (const store::EventRow& event : found.events) {
    detail.events.push_back({owner_.timeline().wall_of(event.at),
                             std::string(to_string(event.kind)), event.epoch, event.failure,
                             std::string(as_text(event.detail))});
  }
  return detail;
}

void Dispatch::find(TaskId id, const Done<DispatchedTaskDetail>& done) {
  door_.enter();
  if (!owns(id)) return done(missing(id, damage_));
  parts_.store->find(id.seq, gate_.pass([this, id, done](const Result<store::TaskDetail>& found) {
    if (!found) {
      return done(found.error().code == Code::not_found ? missing(id, damage_) : found.error());
    }
    done(detail_of(*found));
  }));
}

struct Dispatch::Listing {
  DispatchedFilter filter;
  Done<std::vector<DispatchedTaskView>> done;
  std::vector<DispatchedTaskView> found;
};

void Dispatch::list(const DispatchedFilter& filter, Done<std::vector<DispatchedTaskView>> done) {
  door_.enter();
  auto listing = std::make_shared<Listing>(Listing{filter, std::move(done), {}});
  if (!filter.group) return list_on(listing);
  const std::uint64_t end = filter.group->first.seq + filter.group->size;
  listing->filter.before = std::min(filter.before, end);
  groups_.check(*filter.group, [this, listing](const Result<void>& known) {
    known ? list_on(listing) : listing->done(known.error());
  });
}

void Dispatch::list_on(const std::shared_ptr<Listing>& listing) {
  store::ListFilter asked;
  asked.state = listing->filter.state;
  asked.kind = listing->filter.kind;
  asked.only_at = owner_.places().find(listing->filter.device);
  asked.at_tenant = listing->filter.device;
  asked.before = listing->filter.before;
  asked.limit = std::min(listing->filter.limit, kPage);
  parts_.store->list(
      asked, gate_.pass([this, listing](Result<std::vector<store::ListedTask>> rows) {
        if (!rows) return listing->done(rows.error());
        for (const store::ListedTask& each : *rows) {
          if (is_over(listing->filter, each.row.seq)) break;
          listing->found.push_back(
              view_of(each.row, each.kind, device_of(each.row, each.tenant, owner_.places())));
        }
        listing->done(std::move(listing->found));
      }));
}

}  // namespace spillway::cloud
