#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "cloud/dispatch/groups.h"
#include "cloud/dispatch/views.h"
#include "common/owner/key_book.h"
#include "common/owner/owner.h"
#include "common/threads/door.h"

namespace spillway::cloud {

struct DispatchOptions {
  Duration lease = std::chrono::seconds(30);
  std::uint64_t max_tasks = 200'000;       // not done
  std::uint64_t max_bytes = 256ULL << 20;  // of their specs
  std::uint64_t max_disk = 1ULL << 30;     // of the store; with more, nothing is taken
};

// What it works with. Everything outlives it.
struct DispatchParts {
  const Clock* clock = nullptr;
  store::OwnerStore* store = nullptr;
  std::function<std::uint64_t()> random;
  std::function<void()> wake;
  std::function<void(const std::string& message)> report;
  std::function<void(const std::string& message)> alarm;  // the same, of what needs somebody
  std::function<void(const std::string& cause, const std::string& detail)> refused;
  std::function<bool()> up;  // there is a link to send on
  // False: there is no room now; `wake` is called when something has left.
  std::function<bool(const std::string&device, wire::Item)> send_task, send_ack;
  // Whether all tasks sent to the device have left this side. May be none: they have.
  std::function<bool(const std::string& device)> tasks_left = {};
  // Whether an operator has barred the device: it is offered nothing. May be none.
  std::function<bool(const std::string& device)> barred = {};
  // Whether the args are such as the kind takes, as far as is known here. May be none.
  std::function<Status(const TaskSpec& spec)> check_args = {};
  // Bytes of a task that the link carries.
  std::function<std::size_t()> largest = [] { return SIZE_MAX; };
};

// What operators submit to devices: an owner whose tasks have one place each, the device that they
// are for. That one leases them within the credits it granted; while it is away they wait, until
// their deadlines. On the loop only; nothing in it blocks. Every task that is not done is in
// memory.
class Dispatch final : private owner::Host {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;

  Dispatch(DispatchOptions options, DispatchParts parts, const store::Recovered& recovered);
  ~Dispatch() override;

  // Carries on from what the store held; the waiting ones follow as they are read. `durable` is
  // called once this life is in the store: nobody may be told of it before.
  void start(
      const store::Recovered& recovered, std::function<void()> durable = [] {});

  // One turn: timers, offers, commits. Returns when it wants the next one, on its own time line.
  NodeTime cycle();

  // From devices. What comes from another one than a task is for changes nothing.
  void on_device(const std::string& device, const wire::Presence& presence);
  void on_link_down();
  // An operator has barred it: it is told to stop what it was given, which waits for its release.
  void on_barred(const std::string& device);
  void on(const std::string& device, const wire::Credits& credits);
  void on(const std::string& device, const wire::Accept& item);
  void on(const std::string& device, const wire::Nack& item);
  void on(const std::string& device, const wire::Beat& item);
  void on(const std::string& device, const wire::ResultItem& item);

  // From operators. `done` is called on the loop, once it is on disk. All or none of a submission's
  // devices get a task. While another one with its key is under way it waits for that one's answer.
  // invalid_argument: the spec; conflict: the key came with another spec before, or for others;
  // busy: there is no room.
  void submit(Submission submission, const Done<Submitted>& done);
  void cancel(TaskId id, const Done<void>& done);  // conflict: it has ended otherwise
  // conflict: it has not ended, or has succeeded; busy: there is no room.
  void retry(TaskId id, const Done<void>& done);
  // How many were not done. Of this and what follows of groups: not_found, also where only the
  // number of tasks in the id is wrong.
  void cancel(const GroupId& group, const Done<std::uint64_t>& done) {
    door_.enter();
    groups_.cancel(group, done);
  }
  // Tries again what failed, was cancelled or expired of the group; how many tasks that were. busy:
  // there is no room for them all.
  void retry(const GroupId& group, const Done<std::uint64_t>& done) {
    door_.enter();
    groups_.retry(group, done);
  }
  void find(TaskId id, const Done<DispatchedTaskDetail>& done);
  void list(const DispatchedFilter& filter, Done<std::vector<DispatchedTaskView>> done);
  void count(const GroupId& group, const Done<GroupView>& done) {
    door_.enter();
    groups_.count(group, done);
  }
  // Groups whose first task has a number below `before`; the newest first.
  void groups(std::uint64_t before, std::uint32_t limit, Done<std::vector<GroupView>> done) {
    door_.enter();
    groups_.list(before, limit, std::move(done));
  }

  // Whether an operator submitted this one here, in any life of the store.
  bool owns(TaskId id) const { return owner_.own(id).has_value(); }
  Lineage lineage() const { return owner_.lives().lineage(); }
  NodeTime now() const { return owner_.now(); }
  std::size_t unfinished() const { return owner_.table().size(); }
  bool idle() const { return owner_.idle(); }

 private:
  // What waits here for one device.
  struct Target {
    explicit Target(owner::OfferBook& book_) : book(book_) {}
    owner::OfferBook& book;
    std::vector<KindRef> takes;  // sorted
    std::set<store::ReadyKey> ready;
    std::set<std::uint64_t> placeless;  // wait for it to take their kind
  };

  // dispatch.cpp
  owner::Parts owner_parts();
  Target& target(const std::string& device);
  void read_ready(std::optional<store::ReadyKey> after);
  void read_waiting();
  void read_again(const Error& error, std::function<void()> read);
  bool prepare(owner::OwnedTask& task) override;
  void changed(owner::OwnedTask& task, const lifecycle::OwnerTask& was) override;
  void told(const store::EventRow&) override {}
  bool keeps(const owner::OwnedTask& task) const override;
  Status has_room_for(const owner::OwnedTask& task) override;
  void forgets(owner::OwnedTask&) override {}
  NodeTime ending(owner::OwnedTask& task, TaskResult& result) override;
  void ended(owner::OwnedTask&, TaskResult) override {}
  void came(owner::OwnedTask&, const wire::ResultItem&) override {}
  void repeated() override {}
  void gathered() override { owner_.flush(parts_.clock->wall_time()); }
  void committed() override {}
  void grant_to(const std::string& device, Target& target);
  void place_again(Target& target);
  Error too_large(std::size_t bytes) const;

  // dispatch_people.cpp
  Status check(const Submission& submission) const;
  // Tasks in memory, and the bytes of their specs.
  struct Load {
    std::uint64_t tasks = 0, bytes = 0;
  };
  Load held() const { return {unfinished(), owner_.table().spec_bytes()}; }
  Status room(const Load& held, const Load& more) const;
  Status room(const Submission& submission, std::uint64_t bytes) const;
  void take_key(const std::shared_ptr<const Submission>& submission, const Done<Submitted>& done);
  void repeat(const Submission& submission, const store::KnownKey& known,
              const Done<Submitted>& done);
  void accept(const Submission& submission, const Done<Submitted>& done);
  DispatchedTaskView view_of(const store::TaskRow& row, const std::string& kind,
                             const std::string& device) const;
  DispatchedTaskDetail detail_of(const store::TaskDetail& found) const;
  const owner::OwnedTask* unfinished_one(const store::TaskRow& row) const;
  std::vector<DispatchedAttempt> attempts_of(const store::TaskRow& row) const;
  std::string waits_because(const store::TaskRow& row, const std::string& device) const;
  struct Listing;
  void list_on(const std::shared_ptr<Listing>& listing);

  DispatchOptions options_;
  DispatchParts parts_;
  owner::Owner owner_;
  const std::string damage_;  // of the store; empty: none
  Groups groups_;
  owner::KeyBook keys_;
  std::unordered_map<std::string, Target> targets_;
  std::set<std::string> open_;                 // online, with something ready
  std::vector<std::function<void()>> unread_;  // parts of the store that could not be read
  std::string read_problem_;                   // told last
  NodeTime retry_read_ = kNever;
  threads::Door door_{"cloud::Dispatch"};
  Gate gate_;
};

}  // namespace spillway::cloud
