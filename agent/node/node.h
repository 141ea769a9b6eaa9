#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "agent/intake/api.h"
#include "agent/node/backlog.h"
#include "agent/node/clock_watch.h"
#include "agent/node/cloud_place.h"
#include "agent/node/dependents.h"
#include "agent/node/dispatched_tasks.h"
#include "agent/node/life_watch.h"
#include "agent/node/local_place.h"
#include "agent/node/losses.h"
#include "agent/node/models.h"
#include "agent/node/node_parts.h"
#include "agent/node/requests.h"
#include "agent/node/scheduler.h"
#include "agent/node/stories.h"
#include "agent/node/submissions.h"
#include "agent/node/telemetry.h"
#include "agent/node/update_watch.h"
#include "agent/node/views.h"
#include "agent/node/watchers.h"
#include "agent/session/device_session.h"
#include "common/owner/owner.h"
#include "common/threads/door.h"

namespace spillway::agent {

// The agent's working part: the owner of what was submitted here, the lessee of what the cloud has
// run here, the two places, and what is told of all that. Each is a class of its own; this one
// joins them and gives them their turns. On the loop only; nothing in it blocks.
class Node final : public intake::Api, private owner::Host {
 public:
  // `dispatched` comes with a ledger.
  Node(NodeOptions options, NodeParts parts, const store::Recovered& recovered,
       const ledger::LedgerRecovered* dispatched = nullptr);
  ~Node() override;

  // The session is optional: without one the node is local only.
  void attach(mqtt::Transport& transport, SessionOptions session);
  // Carries on from what the store held.
  void start(const store::Recovered& recovered,
             const ledger::LedgerRecovered* dispatched = nullptr);

  Ticket handle(wire::RequestBody request, Reply reply) override;

  // One turn: timers, placement, commits, publications. Returns when it wants the next one.
  NodeTime cycle();

  // Stops admission, grants and the session's offers; `done` is called once nothing runs here, or
  // when the node is told to go on.
  void drain(std::function<void()> done);
  void resume();
  // Says goodbye to the broker. Commits still queued are the store's to finish.
  void stop();
  // The wall clock was set; looked at again. Also noticed without it, at the next turn.
  void clock_stepped() { parts_.wake(); }

  // Takes up what is taken up while running from a configuration that was read again.
  void reconfigure(const Options& options);

  NodeView view() const;
  NodeTime now() const { return owner_.now(); }

 private:
  struct Asked;     // what a request of a client is answered by
  struct Received;  // what takes an item of the cloud

  owner::Parts owner_parts();
  bool prepare(owner::OwnedTask& task) override;
  void changed(owner::OwnedTask& task, const lifecycle::OwnerTask& was) override;
  void told(const store::EventRow& event) override { watchers_.told(event); }
  bool keeps(const owner::OwnedTask& task) const override;
  Status has_room_for(const owner::OwnedTask& task) override;
  void forgets(owner::OwnedTask& task) override { backlog_.window().forgets(task); }
  NodeTime ending(owner::OwnedTask& task, TaskResult& result) override;
  void ended(owner::OwnedTask& task, TaskResult result) override;
  void came(owner::OwnedTask& task, const wire::ResultItem& item) override;
  void repeated() override { telemetry_.on_repeated(); }
  void gathered() override { flush(); }
  void committed() override;
  void on_timers();
  void flush();
  void send_telemetry();
  PlaceView local_view() const;
  void status(const Reply& reply);

  // node_session.cpp
  void on_cloud(const wire::Presence& presence);
  void on_link_down(const Error& reason);
  void obey(const wire::Command& command);
  void refuse(const std::string& cause, const std::string& detail);

  NodeOptions options_;
  NodeParts parts_;
  std::unique_ptr<DeviceSession> session_;  // null: there is no cloud
  owner::Owner owner_;
  Models models_;
  ClockWatch clock_;
  LifeWatch lives_;
  LocalPlace local_;
  DispatchedTasks dispatched_;
  CloudPlace cloud_;
  Backlog backlog_;
  Scheduler scheduler_;
  Views views_;
  Watchers watchers_;
  Dependents dependents_;
  Submissions submissions_;
  Requests requests_;
  Losses losses_;
  Stories stories_;
  UpdateWatch update_;
  Telemetry telemetry_;
  std::uint64_t refused_ = 0;  // messages, since start
  bool stopped_ = false;
  std::function<void()> drained_;
  threads::Door door_{"agent::Node"};
};

}  // namespace spillway::agent
