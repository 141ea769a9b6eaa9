#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "agent/intake/api.h"
#include "agent/node/admission.h"
#include "agent/node/loss_reporter.h"
#include "agent/node/ready_window.h"
#include "agent/node/story_sample.h"
#include "agent/node/subscription.h"
#include "agent/placement/placement.h"
#include "agent/session/device_session.h"
#include "common/attempt/attempt_runner.h"
#include "common/attempt/claims.h"
#include "common/base/clock.h"
#include "common/base/latency_counts.h"
#include "common/base/wall_watch.h"
#include "common/kinds/registry.h"
#include "common/ledger/ledger.h"
#include "common/lessee/lessee.h"
#include "common/owner/owner.h"
#include "common/wire/telemetry.h"

namespace spillway::agent {

struct NodeOptions {
  std::string device;
  std::string version;
  BootId boot;
  std::vector<std::string> tags;
  std::uint64_t memory = 0;  // bytes offered to tasks
  std::size_t max_ready = 512;
  BudgetLimits budget;
  std::uint64_t bandwidth = 0;  // bytes per second to the broker; 0: no limit
  bool metered = false;         // bytes cost: only what must goes to the cloud
  Duration lease = std::chrono::seconds(30);
  Duration probe_interval = std::chrono::seconds(30);
  Duration telemetry{};  // between frames to the cloud; 0: nothing is measured
  placement::Policy placement;
  std::vector<std::string> takes;  // kinds that the cloud may have run here
  std::uint32_t max_leased = 16;   // tasks of the cloud that are here and not done
  Duration max_leased_run{};       // longest run of one of them; 0: no limit
};

// What a node works with. Everything outlives it.
struct NodeParts {
  const Clock* clock = nullptr;
  store::OwnerStore* store = nullptr;
  ledger::Ledger* ledger = nullptr;  // of what the cloud has run here; null: nothing is
  attempt::Runner* runner = nullptr;
  const kinds::KindRegistry* kinds = nullptr;
  std::function<std::uint64_t()> random;
  std::function<Machine()> machine;  // none: it never runs short
  // Adds what the system knows of itself to a frame; may be empty.
  std::function<void(wire::Telemetry&)> measure = {};
  // Where the firmware's update stands; none: this device has no updater.
  std::function<wire::UpdateReport()> update = {};
  // Told what was measured, as often as frames are sent, also without a link; may be empty.
  std::function<void(const wire::Metrics&)> measured = {};
  // What an earlier start kept of what was learned; empty: nothing. And who keeps it: told now and
  // then, and at the end; none: each start learns anew.
  Bytes models = {};
  std::function<void(const Bytes& models)> keep_models = {};
  // Asks for a call of cycle() soon, on the loop; several asks may melt into one.
  std::function<void()> wake;
  std::function<std::string()> trace;  // of the pool, see wire::Trace; none: there is none
  std::function<std::string(std::uint32_t lines)> logs = {};  // the newest lines; may be empty
  // For people: once per change, not per task.
  std::function<void(const std::string& message)> report;
  std::function<void(const std::string& message)> alarm;  // the same, of what needs somebody
  std::function<void(const std::string& cause, const std::string& detail)> refused;
};

// The owner of what was submitted here: binds life cycle, store, placement, local runs and the
// session with the cloud. On the loop only; nothing in it blocks. Steps are taken in memory at
// once, and what leaves the process (answers, OFFERs, acks, user code) waits for the commit that
// made it true.
class Node final : public intake::Api, private owner::Host, private owner::LocalRuns {
 public:
  // `leased` comes with a ledger.
  Node(NodeOptions options, NodeParts parts, const store::Recovered& recovered,
       const ledger::LedgerRecovered* leased = nullptr);
  ~Node() override;

  // The session is optional: without one the node is local only.
  void attach(mqtt::Transport& transport, SessionOptions session);
  // Carries on from what the store held.
  void start(const store::Recovered& recovered, const ledger::LedgerRecovered* leased = nullptr);

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

  // Takes up limits and placement policy from a configuration that was read again.
  void reconfigure(const NodeOptions& options);

  NodeView view() const;
  NodeTime now() const { return owner_.now(); }

 private:
  // What the node counts and shows; since start unless said otherwise.
  struct Counters {
    std::uint64_t accepted = 0;  // since the store was made
    std::uint64_t done_local = 0, done_cloud = 0, buffered = 0, duplicates = 0, refused = 0;
    std::uint64_t failed = 0, expired = 0;
  };
  struct Cloud {
    wire::Presence presence;
    std::vector<std::string> kinds;   // sorted
    NodeTime starved_since = kNever;  // reachable, but without credits
    std::string refuses;              // why it takes nothing of this device; empty: it does
    NodeTime refuses_until{};         // then it is asked again
    std::string said_refusal;         // the last one that was reported, and is not over
  };
  static constexpr std::uint32_t kLeasedThreads = 4;  // for blocking kinds that the cloud sends
  struct Submission;
  // A key that one submission has taken: that of a task not yet durable, or, while its seq is 0, of
  // one that is still being looked at. The others with the same key wait for it.
  struct PendingKey {
    std::uint64_t seq = 0;
    std::vector<std::function<void()>> others;
  };

  // node.cpp
  owner::Parts owner_parts();
  store::OwnerJournal& journal() { return owner_.journal(); }
  TaskId id_of(std::uint64_t seq) const { return owner_.id_of(seq); }
  owner::OwnedTask read(const store::TaskRow& row);
  bool prepare(owner::OwnedTask& task) override;
  void changed(owner::OwnedTask& task, const lifecycle::OwnerTask& was) override;
  void told(const store::EventRow& event) override;
  bool keeps(const owner::OwnedTask& task) const override { return window_.keeps(task); }
  void forgets(owner::OwnedTask& task) override { window_.forgets(task); }
  NodeTime ending(owner::OwnedTask& task, TaskResult& result) override;
  store::EncodedBytes spec_left(const owner::OwnedTask& task) const override;
  void ended(owner::OwnedTask& task, TaskResult result) override;
  void came(owner::OwnedTask& task, const wire::ResultItem& item) override;
  void repeated() override { counters_.duplicates += 1; }
  void gathered() override { flush(); }
  void committed() override;
  void emit(EventView event);
  void on_timers();
  void look_on_disk();
  void take_due(const std::vector<store::TaskRow>& rows);
  void look_again_later(owner::OwnedTask& task);
  void refill();
  void flush();

  // node_submit.cpp
  void submit(wire::SubmitRequest request, Reply reply);
  void submit_one(std::shared_ptr<Submission> all, std::size_t index, Bytes encoded);
  Result<TaskSpec> admit(ByteView encoded) const;
  std::optional<store::Refusal> refusal(Band band, std::size_t spec_bytes);
  void turn_away(const std::shared_ptr<Submission>& all, std::size_t index,
                 const store::Refusal& refusal);
  void look_at_budget();
  void check_key(std::shared_ptr<Submission> all, std::size_t index, TaskSpec spec, Bytes encoded);
  void answer_known(const std::shared_ptr<Submission>& all, std::size_t index, const TaskSpec& spec,
                    std::uint64_t seq);
  void release_key(const std::string& key);
  void check_dependencies(std::shared_ptr<Submission> all, std::size_t index, TaskSpec spec,
                          Bytes encoded, std::size_t next, std::vector<std::uint64_t> unfinished);
  void accept(const std::shared_ptr<Submission>& all, std::size_t index, TaskSpec spec,
              Bytes encoded, std::vector<std::uint64_t> unfinished);
  void release_ended(std::uint64_t after);
  void release_dependents(std::uint64_t seq, bool succeeded);
  void release_later();

  // node_requests.cpp
  void with_task(std::uint64_t seq, const Reply& reply, std::function<void(owner::OwnedTask&)> use);
  void people(const wire::TaskRequest& request, const Reply& reply);
  void check_parents(const wire::TaskRequest& request, const Reply& reply, std::size_t next);
  void take_op(const wire::TaskRequest& request, const Reply& reply);
  void show(std::uint64_t seq, Reply reply);
  void why(std::uint64_t seq, Reply reply);
  Ticket wait(std::uint64_t seq, Reply reply);
  void look_for_end(std::uint64_t seq, const std::weak_ptr<Subscription>& who);
  void list(const wire::ListRequest& request, Reply reply);
  void status(Reply reply);
  Ticket events(const wire::EventsRequest& request, Reply reply);

  // node_views.cpp
  TaskView view_of(const owner::OwnedTask& task) const;
  TaskView view_of(const store::TaskRow& row, const std::string& kind,
                   const std::string& tenant) const;
  TaskView view_of(const store::TaskDetail& detail) const;
  EventView view_of(const store::EventRow& row) const;
  WhyReport why_of(TaskView view, const owner::OwnedTask& live) const;
  PlaceView local_view() const;
  PlaceView cloud_view() const;

  // node_leased.cpp
  void make_lessee(const ledger::LedgerRecovered& leased);
  bool takes(const std::string& kind) const;
  std::uint32_t leased_cores() const;
  bool is_barred() const { return now() < cloud_.refuses_until; }
  bool leased_is_due() const;
  bool may_start_leased() const;
  NodeTime cycle_leased();
  TaskView view_of(const lessee::HeldTask& task) const;
  void list_leased(const wire::LeasedRequest& request, const Reply& reply) const;

  // node_local.cpp
  void run_here(std::uint64_t seq, Epoch epoch) override;
  void stop_here(TaskId id, Epoch epoch) override;
  std::optional<NodeTime> begun_here(TaskId id, Epoch epoch) const override;
  bool may_have_begun(TaskId id) const override;
  void take_core(const owner::OwnedTask& task);
  void free_core(std::uint64_t seq, Epoch epoch);
  void on_outcome(attempt::Outcome outcome);
  void take_outcome(owner::OwnedTask& task, attempt::Outcome outcome);
  void note_local_times(owner::OwnedTask& task, const attempt::Outcome& outcome);

  // node_cloud.cpp
  static session::Urgency urgency(bool urgent) {
    return urgent ? session::Urgency::live : session::Urgency::backlog;
  }
  void on_link_down(const Error& reason);
  void say_largest();
  void on_cloud(const wire::Presence& presence);
  void withdraw_offers();
  void review_offers();
  void look_for_elders();
  void on_item(wire::Item item);
  void on(const wire::Accept& item);
  void on(const wire::Nack& item);
  void on(const wire::Beat& item) { owner_.on(there_, item); }
  void on(const wire::Command& command);
  void on(const wire::ResultItem& item) { owner_.on(there_, item); }
  void on(const wire::Credits& item);
  void set_rate();
  void on(const wire::Echo& item);
  void probe();
  void note_probe(bool lost);
  void learn_transfer(const owner::OwnedTask& task);

  // node_clock.cpp
  void look_at_clock();
  Duration wall_of(NodeTime instant) const;

  // node_story.cpp
  wire::TaskStory story_of(const owner::OwnedTask& task, Bytes history) const;
  void tell_story(const owner::OwnedTask& task);
  void reply_with_story(const wire::Command& command);

  // node_update.cpp
  void tell_update();

  // node_lives.cpp
  void look_at_life(const wire::Presence& cloud);
  void on(const wire::LifeNotice& notice);
  std::string life_problem() const;  // empty: none is known

  // node_bars.cpp
  void note_barred(const std::string& why, Duration ask_again);
  void let_in();
  void forget_bar();
  void on(const wire::StandingNotice& notice);

  // node_losses.cpp
  void look_for_losses();
  void read_losses(std::function<void(const Result<store::LossTable>&)> use);
  void report_losses();
  void on(const wire::LossAck& item);

  // node_models.cpp
  void load_models();
  void learn_run(const owner::OwnedTask& task, PlaceKind place, Duration ran);
  void keep_models();

  // node_telemetry.cpp
  void send_telemetry();
  void count_sample(bool sent);
  void count_end(const owner::OwnedTask& task);
  wire::Metrics metrics() const;
  void add_queues(wire::Metrics& into) const;

  // node_schedule.cpp
  std::uint32_t own_threads() const;
  void schedule();
  placement::Place local_place() const;
  placement::Place cloud_place() const;
  placement::Estimate soonest_core() const;
  placement::Estimate wait_behind() const;
  Duration oldest_offer() const;
  placement::Candidate candidate_of(const owner::OwnedTask& task) const;
  std::vector<placement::Candidate> candidates();
  bool gives_up_disconnected(const owner::OwnedTask& task) const;
  bool grant(std::uint64_t seq, PlaceKind place, Explanation explanation);
  void grant_local(std::vector<placement::Candidate>& ready, placement::Place& local,
                   const placement::Place& cloud);
  bool may_claim_ahead(const owner::OwnedTask& task) const;
  double predicted_run(const owner::OwnedTask& task) const;
  double seconds_there(const owner::OwnedTask& task) const;
  void grant_cloud(std::vector<placement::Candidate>& ready, const placement::Place& local,
                   placement::Place& cloud);
  void set_aside_impossible(std::vector<placement::Candidate>& ready, const placement::Place& local,
                            const placement::Place& cloud);

  NodeOptions options_;
  NodeParts parts_;
  owner::Owner owner_;
  owner::OfferBook& there_;                     // of the cloud
  std::map<Origin, KnownLife> peers_;           // of clouds, by their store
  std::optional<wire::LifeRemark> begun_anew_;  // what the cloud said of this life, if anything
  NodeTime cloned_until_{};                     // another device speaks as this one
  WallWatch wall_;
  NodeTime started_;
  ReadyWindow window_;
  Admission admission_;
  placement::Placement placement_;
  std::unique_ptr<DeviceSession> session_;
  std::unique_ptr<lessee::Lessee> lessee_;  // of the cloud's tasks; null: none are run here
  LossReporter losses_;
  StorySample stories_;
  Counters counters_;
  Cloud cloud_;
  // Of local attempts. Fewer ahead than in the cloud, for what is new here is done around them.
  attempt::Claims claims_{128};
  std::uint32_t new_claims_ = 0;          // of them, those that no commit speaks of yet
  std::vector<std::string> local_kinds_;  // sorted
  bool dependencies_ = false;             // somebody may wait for somebody
  bool asked_who_waits_ = false;          // the disk was asked, since the start
  bool draining_ = false;
  bool stopped_ = false;
  bool looking_ = false;  // a look for due tasks on disk is under way
  std::function<void()> drained_;
  std::string clock_problem_;
  std::size_t said_largest_ = SIZE_MAX;
  std::string link_problem_;  // why there is no connection, as last said
  NodeTime retry_release_ = kNever;
  NodeTime next_probe_ = kNever, next_review_ = kNever, link_since_{};
  wire::TelemetryFrames frames_;
  LatencyCounts local_latency_, cloud_latency_;  // since the last frame
  NodeTime next_telemetry_ = kNever;
  // Of the ledger, as of the last sample: tasks and results, and samples.
  std::optional<std::uint64_t> lost_, unsent_;
  bool lost_at_least_ = false;   // nobody knows how much more
  bool ledger_moved_ = true;     // since then
  NodeTime next_keep_ = kNever;  // of what was learned
  NodeTime next_elders_{};
  std::vector<std::uint64_t> elders_;  // the candidates that have waited longest, in their turn
  unsigned passed_over_ = 0;           // cores given to others since one of them had one
  NodeTime next_update_ = kNever;      // when the updater is looked at again
  wire::UpdateReport told_update_;     // what the cloud has heard of it
  std::uint64_t probe_token_ = 0;
  NodeTime probe_sent_{};
  std::optional<double> probe_loss_;             // share of echoes that stayed without an answer
  unsigned looking_up_ = 0;                      // dependency look-ups under way
  std::unordered_set<std::uint64_t> ended_;      // tasks that ended meanwhile
  std::unordered_set<std::uint64_t> releasing_;  // whose dependents' steps are not durable
  std::map<std::string, PendingKey> pending_keys_;
  std::unordered_multimap<std::uint64_t, std::weak_ptr<Subscription>> waiters_;
  std::vector<std::weak_ptr<Subscription>> listeners_;
  Gate gate_;
};

}  // namespace spillway::agent
