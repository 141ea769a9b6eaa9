#include <algorithm>

#include "cloud/dispatch/groups.h"

namespace spillway::cloud {
namespace {

constexpr std::uint32_t kPage = 1000;
constexpr std::size_t kRetriedAtOnce = 64;

}  // namespace

Groups::Groups(owner::Owner& owner, store::OwnerStore& store, Room room, Find find, Retry retry)
    : owner_(owner),
      store_(store),
      room_(std::move(room)),
      find_(std::move(find)),
      retry_(std::move(retry)) {}

void Groups::check_before(const GroupId& group, std::uint64_t before, const Done<void>& done) {
  const bool given = owner_.own(group.first) && before <= owner_.next_seq();
  if (!given) return done(no_such_group(group));
  store::ListFilter asked;
  asked.before = before;
  asked.limit = 1;
  const auto look = [this, group, done](const Result<std::vector<store::ListedTask>>& rows) {
    if (!rows) return done(rows.error());
    if (rows->empty() || rows->front().row.seq < group.first.seq) return done({});
    const std::uint64_t seq = rows->front().row.seq;
    find_(owner_.id_of(seq), [this, group, seq, done](const Result<DispatchedTaskDetail>& task) {
      // A spec that cannot be read any more names no group, and neither does one just purged.
      if (!task || task->group.size == 0) return check_before(group, seq, done);
      task->group == group ? done({}) : done(no_such_group(group));
    });
  };
  store_.list(asked, gate_.pass(look));
}

void Groups::find_by_first(TaskId first, std::uint32_t most,
                           const Done<std::optional<GroupId>>& done) {
  find_(first, [this, first, most, done](const Result<DispatchedTaskDetail>& task) {
    if (task && task->group.first == first) return done(std::optional(task->group));
    find_by_oldest(first, most, done);
  });
}

// The first is kept no longer, but those that ended later may be.
void Groups::find_by_oldest(TaskId first, std::uint32_t most,
                            const Done<std::optional<GroupId>>& done) {
  const auto oldest = std::make_shared<std::uint64_t>(0);
  each_member({first, most}, [this, first, oldest, done](
                                 const Result<std::vector<store::ListedTask>>& page, bool last) {
    if (!page) return done(page.error());
    if (!page->empty()) *oldest = page->back().row.seq;
    if (!last) return;
    if (*oldest == 0) return done(std::optional<GroupId>());
    find_(owner_.id_of(*oldest), [first, done](const Result<DispatchedTaskDetail>& task) {
      const bool member = task && task->group.first == first;
      done(member ? std::optional(task->group) : std::optional<GroupId>());
    });
  });
}

void Groups::cancel(const GroupId& group, const Done<std::uint64_t>& done) {
  check(group, [this, group, done](const Result<void>& known) {
    known ? cancel_known(group, done) : done(known.error());
  });
}

void Groups::cancel_known(const GroupId& group, const Done<std::uint64_t>& done) {
  std::vector<std::uint64_t> members;
  owner_.table().each([&](const owner::OwnedTask& task) {
    const bool live = !is_terminal(task.state.state);
    if (live && group.contains(owner_.id_of(task.seq))) members.push_back(task.seq);
  });
  if (members.empty()) return done(0);
  for (std::uint64_t seq : members) owner_.cancel(seq, [](const Result<void>&) {});
  owner_.journal().after([done, cancelled = members.size()] { done(cancelled); });
}

struct Groups::Retrying {
  Done<std::uint64_t> done;
  std::vector<std::uint64_t> left;  // the newest first
  std::size_t under_way = 0;
  std::uint64_t retried = 0;
  bool busy = false;  // some answer at once
  std::string full;   // for those that are left
};

void Groups::retry(const GroupId& group, const Done<std::uint64_t>& done) {
  check(group, [this, group, done](const Result<void>& known) {
    known ? retry_known(group, done) : done(known.error());
  });
}

void Groups::retry_known(const GroupId& group, Done<std::uint64_t> done) {
  auto retrying = std::make_shared<Retrying>(Retrying{std::move(done), {}, 0, 0, false, {}});
  each_member(group,
              [this, retrying](const Result<std::vector<store::ListedTask>>& page, bool last) {
                if (!page) return retrying->done(page.error());
                for (const store::ListedTask& each : *page) {
                  if (can_be_retried(state_of(each.row))) retrying->left.push_back(each.row.seq);
                }
                if (!last) return;
                const Status room = room_(retrying->left.size());
                if (!room) return retrying->done(room.error());
                retry_on(retrying);
              });
}

// A few at a time, so that not ten thousand specs are on their way at once.
void Groups::retry_on(const std::shared_ptr<Retrying>& retrying) {
  if (std::exchange(retrying->busy, true)) return;
  while (!retrying->left.empty() && retrying->under_way < kRetriedAtOnce) {
    const std::uint64_t seq = retrying->left.back();
    retrying->left.pop_back();
    retrying->under_way += 1;
    retry_(owner_.id_of(seq), [this, retrying](const Result<void>& did) {
      // Meanwhile somebody else may have tried it again, or its retention may have ended.
      retrying->retried += did ? 1 : 0;
      retrying->under_way -= 1;
      if (!did && did.error().code == Code::busy) {
        retrying->full = did.error().message;
        retrying->left.clear();
      }
      retry_on(retrying);
    });
  }
  retrying->busy = false;
  if (retrying->under_way > 0) return;
  if (retrying->full.empty()) return retrying->done(retrying->retried);
  retrying->done(no_room(std::to_string(retrying->retried) +
                         " are tried again, and no more: " + retrying->full));
}

TaskState Groups::state_of(const store::TaskRow& row) const {
  const owner::OwnedTask* live = owner_.find(row.seq);
  return live ? live->state.state : row.task.state;
}

// Calls `take` with the stored members, newest first, page by page.
void Groups::each_member(const GroupId& group, const Members& take) {
  members_before(group, group.first.seq + group.size, take);
}

void Groups::members_before(const GroupId& group, std::uint64_t before, const Members& take) {
  store::ListFilter asked;
  asked.before = before;
  asked.limit = kPage;
  store_.list(asked, gate_.pass([this, group, take](Result<std::vector<store::ListedTask>> rows) {
    if (!rows) return take(rows.error(), true);
    bool over = rows->size() < kPage;
    while (!rows->empty() && rows->back().row.seq < group.first.seq) {
      rows->pop_back();
      over = true;
    }
    const std::uint64_t next = rows->empty() ? 0 : rows->back().row.seq;
    take(rows, over);
    if (!over) members_before(group, next, take);
  }));
}

void Groups::count(const GroupId& group, const Done<GroupView>& done) {
  check(group, [this, group, done](const Result<void>& known) {
    known ? count_known(group, done) : done(known.error());
  });
}

void Groups::count_known(const GroupId& group, const Done<GroupView>& done) {
  auto view = std::make_shared<GroupView>();
  view->group = group;
  each_member(
      group, [this, view, done](const Result<std::vector<store::ListedTask>>& page, bool last) {
        if (!page) return done(page.error());
        std::uint64_t found = 0;
        for (const store::ListedTask& each : *page) {
          view->by_state[std::size_t(state_of(each.row))] += 1;
          view->kind = each.kind;
          view->created = owner_.timeline().wall_of(each.row.created);
        }
        if (!last) return;
        for (std::uint64_t each : view->by_state) found += each;
        view->forgotten = view->group.size - std::min<std::uint64_t>(found, view->group.size);
        done(*view);
      });
}

struct Groups::Grouping {
  std::uint64_t before;
  std::uint32_t limit;
  Done<std::vector<GroupView>> done;
  std::vector<GroupView> found;
};

void Groups::list(std::uint64_t before, std::uint32_t limit, Done<std::vector<GroupView>> done) {
  list_on(std::make_shared<Grouping>(Grouping{before, limit, std::move(done), {}}));
}

// Goes from the newest task to its group, and from the group's first task to the group before.
void Groups::list_on(const std::shared_ptr<Grouping>& grouping) {
  if (grouping->found.size() >= grouping->limit) return grouping->done(std::move(grouping->found));
  store::ListFilter asked;
  asked.before = grouping->before;
  asked.limit = 1;
  store_.list(asked, gate_.pass([this, grouping](Result<std::vector<store::ListedTask>> rows) {
    if (!rows) return grouping->done(rows.error());
    if (rows->empty()) return grouping->done(std::move(grouping->found));
    find_(owner_.id_of(rows->front().row.seq),
          [this, grouping, seq = rows->front().row.seq](const Result<DispatchedTaskDetail>& task) {
            if (!task && task.error().code != Code::not_found) return grouping->done(task.error());
            // A spec that cannot be read any more names no group, and neither does one just
            // purged.
            if (!task || task->group.size == 0) {
              grouping->before = seq;
              return list_on(grouping);
            }
            grouping->before = task->group.first.seq;
            count_known(task->group, [this, grouping](Result<GroupView> view) {
              if (!view) return grouping->done(view.error());
              grouping->found.push_back(*std::move(view));
              list_on(grouping);
            });
          });
  }));
}

}  // namespace spillway::cloud
