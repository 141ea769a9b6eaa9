#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "agent/intake/api.h"
#include "agent/node/subscription.h"
#include "agent/node/views.h"
#include "common/base/gate.h"
#include "common/owner/owner.h"

namespace spillway::agent {

// Who waits for a task's end, and who listens to events. Each is told what is on disk. Loop only.
class Watchers {
 public:
  using Ticket = intake::Api::Ticket;
  using Reply = intake::Api::Reply;

  Watchers(store::OwnerStore& store, owner::Owner& owner, const Views& views,
           std::function<void()> wake)
      : store_(store), owner_(owner), views_(views), wake_(std::move(wake)) {}

  // Answered once, when the task has ended; forgotten with its ticket. not_found: there is none.
  Ticket wait(std::uint64_t seq, Reply reply);
  // Answered with each event; of one task only, if it is said which.
  Ticket listen(std::optional<std::uint64_t> only, Reply reply);

  // An event, which is told once it is on disk.
  void told(const store::EventRow& event);
  // Tells an event that is on disk.
  void tell(const store::EventRow& event);
  // A task's end, which is told once it is on disk.
  void ended(const owner::OwnedTask& task, TaskResult result);

 private:
  void look_for_end(std::uint64_t seq, const std::weak_ptr<Subscription>& who);
  void emit(const EventView& event);

  store::OwnerStore& store_;
  owner::Owner& owner_;
  const Views& views_;
  const std::function<void()> wake_;
  std::unordered_multimap<std::uint64_t, std::weak_ptr<Subscription>> waiters_;
  std::vector<std::weak_ptr<Subscription>> listeners_;
  Gate gate_;
};

// The answer to whoever asks for a task that is not here.
Error no_task(std::uint64_t seq);
Error no_task(TaskId id);
// The same, where that is why.
Error no_task(std::uint64_t seq, const Error& why);

}  // namespace spillway::agent
