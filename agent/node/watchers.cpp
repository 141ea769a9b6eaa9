#include "agent/node/watchers.h"

#include <algorithm>

namespace spillway::agent {

namespace {

Error no_task(const std::string& name) {
  return fail(Code::not_found,
              "there is no task " + name + "; finished tasks are kept for their retention only");
}

}  // namespace

Error no_task(std::uint64_t seq) { return no_task(std::to_string(seq)); }

Error no_task(TaskId id) { return no_task(to_string(id)); }

Error no_task(std::uint64_t seq, const Error& why) {
  return why.code == Code::not_found ? no_task(seq) : why;
}

Watchers::Ticket Watchers::wait(std::uint64_t seq, Reply reply) {
  auto waiter = std::make_shared<Subscription>();
  waiter->reply = std::move(reply);
  waiters_.emplace(seq, waiter);
  // Registered first: the task may end while the disk is asked.
  look_for_end(seq, waiter);
  return waiter;
}

void Watchers::look_for_end(std::uint64_t seq, const std::weak_ptr<Subscription>& who) {
  const auto look = [this, seq, who](const Result<store::TaskDetail>& found) {
    const auto waiting = who.lock();
    if (!waiting) return;
    if (found && !is_terminal(found->row.task.state)) {
      // The task's end may be on its way to the disk, and have looked for waiters before we were
      // one.
      const owner::OwnedTask* live = owner_.find(seq);
      if (!live || !is_terminal(live->state.state)) return;
      owner_.journal().after([this, seq, who] { look_for_end(seq, who); });
      return wake_();
    }
    const auto [first, last] = waiters_.equal_range(seq);
    const auto mine =
        std::find_if(first, last, [&](auto& one) { return one.second.lock() == waiting; });
    if (mine == last) return;  // answered by the task's end
    waiters_.erase(mine);
    if (found) return waiting->reply(views_.view_of(*found));
    waiting->reply(no_task(seq, found.error()));
  };
  store_.find(seq, gate_.pass(look));
}

void Watchers::ended(const owner::OwnedTask& task, TaskResult result) {
  const auto [first, last] = waiters_.equal_range(task.seq);
  if (first == last) return;
  TaskView view = views_.view_of(task);
  view.result = std::move(result);
  for (auto waiter = first; waiter != last; ++waiter) {
    const auto tell = [this, seq = task.seq, who = waiter->second, view](const Error* refused) {
      const auto waiting = who.lock();
      if (!waiting) return;
      if (!refused) return waiting->reply(view);
      waiters_.emplace(seq, waiting);
      look_for_end(seq, waiting);
    };
    owner_.journal().after(task.seq, tell);
  }
  waiters_.erase(first, last);
}

Watchers::Ticket Watchers::listen(std::optional<std::uint64_t> only, Reply reply) {
  auto listener = std::make_shared<Subscription>();
  listener->reply = std::move(reply);
  listener->only = only;
  listeners_.push_back(listener);
  return listener;
}

void Watchers::told(const store::EventRow& event) {
  if (listeners_.empty()) return;
  owner_.journal().after([this, view = views_.view_of(event)] { emit(view); });
}

void Watchers::tell(const store::EventRow& event) {
  if (!listeners_.empty()) emit(views_.view_of(event));
}

void Watchers::emit(const EventView& event) {
  std::erase_if(listeners_, [](const auto& who) { return who.expired(); });
  for (const auto& who : std::vector(listeners_)) {
    const auto listener = who.lock();
    if (listener && (!listener->only || *listener->only == event.seq)) listener->reply(event);
  }
}

}  // namespace spillway::agent
