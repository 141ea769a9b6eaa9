#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cloud/dispatch/sent_task.h"
#include "cloud/dispatch/views.h"
#include "common/base/clock.h"
#include "common/base/owed.h"
#include "common/store/owner_journal.h"
#include "common/wire/messages.h"

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
  // Whether all tasks sent to the device have left this side.
  std::function<bool(const std::string& device)> tasks_left = {};
  // Whether an operator has barred the device: it is offered nothing. May be none.
  std::function<bool(const std::string& device)> barred = {};
  // Whether the args are such as the kind takes, as far as is known here. May be none.
  std::function<Status(const TaskSpec& spec)> check_args = {};
  // Bytes of a task that the link carries.
  std::function<std::size_t()> largest = [] { return SIZE_MAX; };
};

// Why a step was taken: for its event, and for the task's error when it was the last.
struct Cause {
  std::string message;
  Code code = Code::internal;
};

// The owner of what operators submit to devices: the same life cycle as on a device, with one place
// a task, the device it is for. That one leases it within the credits it granted; while it is away
// the task waits, until its deadline. On the loop only; nothing in it blocks. A submission is
// answered, and an OFFER or an acknowledgement sent, after the commit that made it true. Every task
// that is not done is in memory.
class Dispatch {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;

  Dispatch(DispatchOptions options, DispatchParts parts, const store::Recovered& recovered);
  ~Dispatch();

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
  // devices get a task. invalid_argument: the spec; conflict: the key came with another spec before
  // or is under way; busy: there is no room.
  void submit(Submission submission, Done<Submitted> done);
  void cancel(TaskId id, const Done<void>& done);  // conflict: it has ended otherwise
  void retry(TaskId id, const Done<void>& done);   // conflict: it has not ended, or has succeeded
  void cancel(const GroupId& group, const Done<std::uint64_t>& done);  // how many were not done
  // Those that failed, were cancelled or expired; how many. busy: there is no room for them all.
  void retry(const GroupId& group, Done<std::uint64_t> done);
  void find(TaskId id, const Done<SentTaskDetail>& done);
  void list(const SentFilter& filter, Done<std::vector<SentTaskView>> done);
  void count(const GroupId& group, const Done<GroupView>& done);
  // Whose first task has a number below `before`; the newest first.
  void groups(std::uint64_t before, std::uint32_t limit, Done<std::vector<GroupView>> done);

  // Whether an operator submitted this one here, in any life of the store.
  bool owns(TaskId id) const;
  Lineage lineage() const { return lives_.lineage(); }
  NodeTime now() const { return timeline_.now(); }
  std::size_t unfinished() const { return tasks_.size(); }
  bool idle() const { return journal_.idle(); }

 private:
  static constexpr Duration kResendAfter = std::chrono::seconds(5);
  struct Target {
    bool online = false;
    BootId boot;
    std::uint64_t session = 0;
    std::set<std::string> takes;  // kinds
    std::uint32_t credits = 0;    // attempts it takes at once
    std::uint32_t held = 0;       // attempts offered to it or there
    std::set<store::ReadyKey> ready;
    std::set<std::uint64_t> offered;           // without an application ack
    Owed<std::uint64_t> offers{kResendAfter};  // of them, what is on disk and goes out
    std::set<std::uint64_t> placeless;         // wait for it to take their kind
  };

  // dispatch.cpp
  lifecycle::Now tick() { return {timeline_.now(), parts_.random()}; }
  TaskId id_of(std::uint64_t seq) const { return lives_.id_of(seq); }
  SentTask* find(std::uint64_t seq);
  SentTask* adopt(const store::TaskRow& row);
  SentTask& add(SentTask task);
  void read_ready(std::optional<store::ReadyKey> after);
  void read_waiting();
  void read_again(const Error& error, std::function<void()> read);
  void apply(SentTask& task, const lifecycle::OwnerStep& step, Cause cause = {});
  void act(SentTask& task, const lifecycle::OwnerStep& step);
  void track(SentTask& task, const lifecycle::OwnerTask& was);
  void finish(SentTask& task, TaskResult result);
  void settle(std::uint64_t seq);
  void on_timers();
  void purge();
  void flush();
  void on_committed();
  void on_store_failed(const Error& error);
  void on_refused(std::uint64_t seq, const Error& why);
  void reload(std::uint64_t seq);

  // dispatch_offers.cpp
  void grant_to(const std::string& device, Target& target);
  void place_again(Target& target);
  void owe_offer(std::uint64_t seq, Epoch epoch);
  void send_owed();
  bool send_owed(const std::string& device, Target& target);
  bool send_offer(SentTask& task);
  void resend_offers();
  void take_back_offers(Target& target);
  SentTask* sent_to(const std::string& device, TaskId id);
  void take_result(SentTask& task, const wire::ResultItem& item);
  void acknowledge(const std::string& device, const wire::ResultItem& item,
                   wire::ResultVerdict verdict);

  // dispatch_people.cpp
  Status check(const Submission& submission) const;
  Error too_many() const;
  Status room(const Submission& submission, std::uint64_t bytes) const;
  Error too_large(std::size_t bytes) const;
  void repeat(const Submission& submission, std::uint64_t seq, const Done<Submitted>& done);
  void accept(const Submission& submission, const Done<Submitted>& done);
  void revive(const store::TaskRow& row, const Done<void>& done);
  SentTaskView view_of(const store::TaskRow& row, const std::string& kind,
                       const std::string& device) const;
  SentTaskDetail detail_of(const store::TaskDetail& found) const;
  std::string waits_because(const store::TaskRow& row, const std::string& device) const;
  TaskState state_of(const store::TaskRow& row) const;
  struct Listing;
  void list_on(const std::shared_ptr<Listing>& listing);
  struct Retrying;
  void retry_on(const std::shared_ptr<Retrying>& retrying);
  using Members =
      std::function<void(const Result<std::vector<store::ListedTask>>& page, bool last)>;
  void each_member(const GroupId& group, const Members& take);
  void members_before(const GroupId& group, std::uint64_t before, const Members& take);
  struct Grouping;
  void groups_on(const std::shared_ptr<Grouping>& grouping);

  DispatchOptions options_;
  DispatchParts parts_;
  store::Lives lives_;
  NodeTimeline timeline_;
  store::OwnerJournal journal_;
  std::unordered_map<std::uint64_t, SentTask> tasks_;
  std::uint64_t bytes_ = 0;  // of their specs
  std::unordered_map<std::string, Target> targets_;
  std::set<std::string> open_;   // online, with something ready
  std::set<std::string> owing_;  // with offers that may be due
  std::set<std::pair<NodeTime, std::uint64_t>> timers_;
  std::set<std::string> pending_keys_;
  std::uint64_t next_seq_ = 1;
  bool purging_ = false;
  unsigned reading_ = 0;                       // parts of the store that are not in memory yet
  std::vector<std::function<void()>> unread_;  // of them, those that could not be read
  std::vector<std::uint64_t> refused_;         // and not looked up on the disk yet
  std::string store_problem_, read_problem_;   // told last
  NodeTime retry_commit_ = kNever, retry_read_ = kNever, next_resend_{}, next_purge_{};
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // outlived by late store answers
};

}  // namespace spillway::cloud
