#include <algorithm>

#include "cloud/dispatch/dispatch.h"

namespace spillway::cloud {
namespace {

constexpr std::uint32_t kPage = 1000;

bool can_be_retried(TaskState state) { return is_terminal(state) && state != TaskState::succeeded; }

}  // namespace

Error Dispatch::too_many() const {
  return no_room("more than " + std::to_string(options_.max_tasks) +
                 " tasks would wait for devices; cancel some, or wait until some are done");
}

void Dispatch::cancel(const GroupId& group, const Done<std::uint64_t>& done) {
  if (!owns(group.first)) return done(no_such_task(group.first));
  std::uint64_t cancelled = 0;
  std::vector<std::uint64_t> members;
  for (const auto& [seq, task] : tasks_) {
    if (group.contains(id_of(seq)) && !is_terminal(task.state.state)) members.push_back(seq);
  }
  for (std::uint64_t seq : members) {
    SentTask& task = *find(seq);
    apply(task, lifecycle::cancel(task.state, tick()), {"cancelled", Code::cancelled});
    cancelled += 1;
  }
  journal_.after([done, cancelled] { done(cancelled); });
  parts_.wake();
}

struct Dispatch::Retrying {
  Done<std::uint64_t> done;
  std::vector<std::uint64_t> left;  // the newest first
  std::uint64_t retried = 0;
};

void Dispatch::retry(const GroupId& group, Done<std::uint64_t> done) {
  auto retrying = std::make_shared<Retrying>(Retrying{std::move(done), {}, 0});
  each_member(group,
              [this, retrying](const Result<std::vector<store::ListedTask>>& page, bool last) {
                if (!page) return retrying->done(page.error());
                for (const store::ListedTask& each : *page) {
                  if (can_be_retried(state_of(each.row))) retrying->left.push_back(each.row.seq);
                }
                if (!last) return;
                if (tasks_.size() + retrying->left.size() > options_.max_tasks) {
                  return retrying->done(too_many());
                }
                retry_on(retrying);
              });
}

// One after the other, so that one spec at a time is on its way and not ten thousand.
void Dispatch::retry_on(const std::shared_ptr<Retrying>& retrying) {
  if (retrying->left.empty()) {
    journal_.after([retrying] { retrying->done(retrying->retried); });
    return parts_.wake();
  }
  const std::uint64_t seq = retrying->left.back();
  retrying->left.pop_back();
  parts_.store->find(seq, [this, retrying,
                           alive = std::weak_ptr(alive_)](const Result<store::TaskDetail>& found) {
    if (alive.expired()) return;
    // Meanwhile somebody else may have tried it again, or its retention may have ended.
    if (found && !tasks_.contains(found->row.seq)) {
      revive(found->row, [retrying](const Result<void>& did) { retrying->retried += did ? 1 : 0; });
    }
    retry_on(retrying);
  });
}

TaskState Dispatch::state_of(const store::TaskRow& row) const {
  auto live = tasks_.find(row.seq);
  return live == tasks_.end() ? row.task.state : live->second.state.state;
}

// Calls `take` with the stored members, newest first, page by page.
void Dispatch::each_member(const GroupId& group, const Members& take) {
  if (!owns(group.first)) return take(no_such_task(group.first), true);
  members_before(group, group.first.seq + group.size, take);
}

void Dispatch::members_before(const GroupId& group, std::uint64_t before, const Members& take) {
  store::ListFilter asked;
  asked.before = before;
  asked.limit = kPage;
  parts_.store->list(asked, [this, group, take, alive = std::weak_ptr(alive_)](
                                Result<std::vector<store::ListedTask>> rows) {
    if (alive.expired()) return;
    if (!rows) return take(rows.error(), true);
    bool over = rows->size() < kPage;
    while (!rows->empty() && rows->back().row.seq < group.first.seq) {
      rows->pop_back();
      over = true;
    }
    const std::uint64_t next = rows->empty() ? 0 : rows->back().row.seq;
    take(rows, over);
    if (!over) members_before(group, next, take);
  });
}

void Dispatch::count(const GroupId& group, const Done<GroupView>& done) {
  auto view = std::make_shared<GroupView>();
  view->group = group;
  each_member(
      group, [this, view, done](const Result<std::vector<store::ListedTask>>& page, bool last) {
        if (!page) return done(page.error());
        std::uint64_t found = 0;
        for (const store::ListedTask& each : *page) {
          view->by_state[std::size_t(state_of(each.row))] += 1;
          view->kind = each.kind;
          view->created = timeline_.wall_of(each.row.created);
        }
        if (!last) return;
        for (std::uint64_t each : view->by_state) found += each;
        view->forgotten = view->group.size - std::min<std::uint64_t>(found, view->group.size);
        done(*view);
      });
}

struct Dispatch::Grouping {
  std::uint64_t before;
  std::uint32_t limit;
  Done<std::vector<GroupView>> done;
  std::vector<GroupView> found;
};

void Dispatch::groups(std::uint64_t before, std::uint32_t limit,
                      Done<std::vector<GroupView>> done) {
  groups_on(std::make_shared<Grouping>(Grouping{before, limit, std::move(done), {}}));
}

// From the newest task to its group, and from the group's first task to the group before.
void Dispatch::groups_on(const std::shared_ptr<Grouping>& grouping) {
  if (grouping->found.size() >= grouping->limit) return grouping->done(std::move(grouping->found));
  store::ListFilter asked;
  asked.before = grouping->before;
  asked.limit = 1;
  parts_.store->list(asked, [this, grouping, alive = std::weak_ptr(alive_)](
                                Result<std::vector<store::ListedTask>> rows) {
    if (alive.expired()) return;
    if (!rows) return grouping->done(rows.error());
    if (rows->empty()) return grouping->done(std::move(grouping->found));
    find(id_of(rows->front().row.seq),
         [this, grouping, seq = rows->front().row.seq](const Result<SentTaskDetail>& task) {
           // A spec that cannot be read any more names no group, and neither does one just purged.
           if (!task || task->group.size == 0) {
             grouping->before = seq;
             return groups_on(grouping);
           }
           grouping->before = task->group.first.seq;
           count(task->group, [this, grouping](Result<GroupView> view) {
             if (!view) return grouping->done(view.error());
             grouping->found.push_back(*std::move(view));
             groups_on(grouping);
           });
         });
  });
}

}  // namespace spillway::cloud
