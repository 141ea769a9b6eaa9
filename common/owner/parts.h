#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/owner/offer_book.h"
#include "common/owner/owned_task.h"
#include "common/store/owner_store.h"
#include "common/wire/messages.h"

namespace spillway::owner {

struct Options {
  BootId boot;  // of this process
  Duration lease = std::chrono::seconds(30);
  std::string store = "the store";  // what people are told of it as
  bool offers_go_up = true;         // as attempts count bytes: towards the cloud
};

// Where a node runs attempts itself. Asked once their grant is on disk.
class LocalRuns {
 public:
  virtual ~LocalRuns() = default;
  virtual void run_here(std::uint64_t seq, Epoch epoch) = 0;
  virtual void stop_here(TaskId id, Epoch epoch) = 0;
  // When its body began, if it has not ended.
  virtual std::optional<NodeTime> begun_here(TaskId id, Epoch epoch) const = 0;
  // Whether a body may have run before this process started.
  virtual bool may_have_begun(TaskId id) const = 0;
};

// What an owner works with. Everything outlives it.
struct Parts {
  const Clock* clock = nullptr;
  store::OwnerStore* store = nullptr;
  LocalRuns* local = nullptr;  // null: every attempt runs at another node
  std::function<std::uint64_t()> random;
  std::function<void()> wake;
  std::function<void(const std::string& message)> report;
  std::function<void(const std::string& message)> alarm;  // the same, of what needs somebody
  std::function<void(const std::string& cause, const std::string& detail)> refused;
  // To another node. False: there is no room or no link now; `wake` is called when there is.
  std::function<bool(OfferBook& there, wire::Item, bool urgent)> send_task;
  std::function<bool(OfferBook& there, wire::Item)> send_ack;
  // Whether all tasks sent there in that lane have left this side.
  std::function<bool(const OfferBook& there, bool urgent)> tasks_left;
};

// Why a step was taken: for its event, and for the task's error when it was the last.
struct Cause {
  std::string message;
  Code code = Code::internal;
};

// What an owner's node does beside it with the tasks: their order, who may run them, who waits for
// them, what is counted.
class Host {
 public:
  virtual ~Host() = default;
  // Completes a task that was read or accepted. False: nobody can tell any more whose it is.
  virtual bool prepare(OwnedTask& task) = 0;
  // The task's state was `was`; `cancelled`: it came into memory. One that is to leave memory,
  // since the disk contradicts it, is cancelled.
  virtual void changed(OwnedTask& task, const lifecycle::OwnerTask& was) = 0;
  // A step, as it is to be told; whoever listens waits for the commit.
  virtual void told(const store::EventRow& event) = 0;
  // Whether one that no commit speaks of stays in memory.
  virtual bool keeps(const OwnedTask& task) const = 0;
  virtual void forgets(OwnedTask& task) = 0;
  // Whether there is room for one that has ended to be unfinished again.
  virtual Status has_room_for(const OwnedTask& task) = 0;
  // Completes what is told of an end, and says until when it is kept.
  virtual NodeTime ending(OwnedTask& task, TaskResult& result) = 0;
  virtual void ended(OwnedTask& task, TaskResult result) = 0;
  // A result came, from another node, that was accepted; and one, from any place, that was not.
  virtual void came(OwnedTask& task, const wire::ResultItem& item) = 0;
  virtual void repeated() = 0;
  // There is more to write, and the disk is free: flush() is to be called.
  virtual void gathered() = 0;
  virtual void committed() = 0;
};

}  // namespace spillway::owner
