#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "cloud/dispatch/views.h"
#include "common/base/gate.h"
#include "common/owner/owner.h"

namespace spillway::cloud {

inline bool can_be_retried(TaskState state) {
  return is_terminal(state) && state != TaskState::succeeded;
}

// The tasks of one submission together: how far they are, and what people do to all of them. Loop
// only.
class Groups {
 public:
  template <class T>
  using Done = std::function<void(Result<T>)>;
  using Room = std::function<Status(std::size_t more)>;  // busy: for so many more there is none
  using Find = std::function<void(TaskId id, Done<DispatchedTaskDetail> done)>;

  using Retry = std::function<void(TaskId id, Done<void> done)>;  // busy: there is no room for it

  Groups(owner::Owner& owner, store::OwnerStore& store, Room room, Find find, Retry retry);

  // Whether the id is one that a submission was answered with, also in its number of tasks: the
  // newest of them that is kept says which group it is of. Of one whose tasks are all forgotten
  // nothing is known but that there were as many. not_found: it is not.
  void check(const GroupId& group, const Done<void>& done) {
    check_before(group, group.first.seq + group.size, done);
  }
  // The one that began with this task, of at most so many, by any of its tasks that is kept.
  void find_by_first(TaskId first, std::uint32_t most, const Done<std::optional<GroupId>>& done);
  void cancel(const GroupId& group, const Done<std::uint64_t>& done);
  void retry(const GroupId& group, const Done<std::uint64_t>& done);
  void count(const GroupId& group, const Done<GroupView>& done);
  void list(std::uint64_t before, std::uint32_t limit, Done<std::vector<GroupView>> done);

 private:
  struct Retrying;
  struct Grouping;
  using Members =
      std::function<void(const Result<std::vector<store::ListedTask>>& page, bool last)>;
  void find_by_oldest(TaskId first, std::uint32_t most, const Done<std::optional<GroupId>>& done);
  void check_before(const GroupId& group, std::uint64_t before, const Done<void>& done);
  void cancel_known(const GroupId& group, const Done<std::uint64_t>& done);
  void retry_known(const GroupId& group, Done<std::uint64_t> done);
  void count_known(const GroupId& group, const Done<GroupView>& done);
  TaskState state_of(const store::TaskRow& row) const;
  void retry_on(const std::shared_ptr<Retrying>& retrying);
  void each_member(const GroupId& group, const Members& take);
  void members_before(const GroupId& group, std::uint64_t before, const Members& take);
  void list_on(const std::shared_ptr<Grouping>& grouping);

  owner::Owner& owner_;
  store::OwnerStore& store_;
  const Room room_;
  const Find find_;
  const Retry retry_;
  Gate gate_;
};

}  // namespace spillway::cloud
