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
#include "agent/node/story_sample.h"
#include "agent/node/subscription.h"
#include "agent/node/task_table.h"
#include "agent/placement/placement.h"
#include "agent/session/device_session.h"
#include "common/attempt/attempt_runner.h"
#include "common/attempt/claims.h"
#include "common/base/clock.h"
#include "common/base/latency_counts.h"
#include "common/base/owed.h"
#include "common/base/wall_watch.h"
#include "common/kinds/registry.h"
#include "common/ledger/ledger.h"
#include "common/lessee/lessee.h"
#include "common/store/owner_journal.h"
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

// Why a step was taken: for its event, and for the task's error when it was the last.
struct Cause {
  std::string message;
  Code code = Code::internal;
};

// The owner of what was submitted here: binds life cycle, store, placement, local runs and the
// session with the cloud. On the loop only; nothing in it blocks. Steps are taken in memory at
// once, and what leaves the process (answers, OFFERs, acks, user code) waits for the commit that
// made it true.
class Node final : public intake::Api {
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
  NodeTime now() const { return timeline_.now(); }

 private:
  // What the node counts and shows; since start unless said otherwise.
  struct Counters {
    std::uint64_t accepted = 0;  // since the store was made
    std::uint64_t by_state[8] = {};
    std::uint64_t done_local = 0, done_cloud = 0, buffered = 0, duplicates = 0, refused = 0;
    std::uint64_t failed = 0, expired = 0;
  };
  struct Cloud {
    bool online = false;
    wire::Presence presence;
    std::vector<std::string> kinds;  // sorted
    wire::Credits credits;
    NodeTime credits_at{};
    std::uint32_t held = 0;           // our attempts there: leased or running
    double held_seconds = 0;          // their predicted run time
    std::uint64_t offered_bytes = 0;  // of OFFERs without an ACCEPT
    NodeTime starved_since = kNever;  // reachable, but without credits
    std::string refuses;              // why it takes nothing of this device; empty: it does
    NodeTime refuses_until{};         // then it is asked again
    std::string said_refusal;         // the last one that was reported, and is not over
  };
  static constexpr Duration kResendAfter = std::chrono::seconds(5);
  static constexpr std::uint32_t kLeasedThreads = 4;  // for blocking kinds that the cloud sends
  struct Submission;
  // A key that one submission has taken: that of a task not yet durable, or, while its seq is 0, of
  // one that is still being looked at. The others with the same key wait for it.
  struct PendingKey {
    std::uint64_t seq = 0;
    std::vector<std::function<void()>> others;
  };

  // node.cpp
  lifecycle::Now tick() { return {timeline_.now(), parts_.random()}; }
  TaskId id_of(std::uint64_t seq) const { return lives_.id_of(seq); }
  // Of a task that was accepted here, in any life of this store; else null.
  std::optional<std::uint64_t> own(TaskId id) const;
  LiveTask& adopt(const store::TaskRow& row);
  LiveTask& adopt_new(const store::NewTask& row, TaskSpec spec);
  LiveTask make_live(const store::TaskRow& row) const;
  void fill_derived(LiveTask& task) const;
  void apply(LiveTask& task, const lifecycle::OwnerStep& step, Cause cause = {});
  void act(LiveTask& task, const lifecycle::OwnerStep& step);
  void journal_event(LiveTask& task, const lifecycle::OwnerTask& was,
                     const lifecycle::OwnerStep& step, const std::string& detail);
  void record_change(LiveTask& task, const lifecycle::OwnerTask& was, FailureClass failure);
  void note_given_up(LiveTask& task, Epoch epoch) const;
  void hold_in_cloud(const LiveTask& task, int change);
  void finish(LiveTask& task, TaskResult result);
  static store::EncodedBytes spec_left(const LiveTask& task);
  void emit(EventView event);
  void on_timers();
  void look_on_disk();
  void take_due(const std::vector<store::TaskRow>& rows);
  void look_again_later(LiveTask& task);
  void refill();
  void purge();
  void flush();
  void on_committed();
  void on_store_failed(const Error& error);
  void on_refused(std::uint64_t seq, const Error& why);
  void reload(std::uint64_t seq);

  // node_submit.cpp
  void submit(wire::SubmitRequest request, Reply reply);
  void submit_one(std::shared_ptr<Submission> all, std::size_t index, Bytes encoded);
  Result<TaskSpec> admit(ByteView encoded) const;
  std::optional<store::Refusal> refusal(Band band, std::size_t spec_bytes);
  void turn_away(const std::shared_ptr<Submission>& all, std::size_t index,
                 const store::Refusal& refusal);
  std::uint64_t unfinished() const;
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
  void with_task(std::uint64_t seq, Reply reply, std::function<void(LiveTask&)> use);
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
  TaskView view_of(const LiveTask& task) const;
  TaskView view_of(const store::TaskRow& row, const std::string& kind,
                   const std::string& tenant) const;
  TaskView view_of(const store::TaskDetail& detail) const;
  EventView view_of(const store::EventRow& row) const;
  WhyReport why_of(TaskView view, const LiveTask& live) const;
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
  void start_local(std::uint64_t seq, Epoch epoch);
  void take_core(const LiveTask& task);
  void free_core(std::uint64_t seq, Epoch epoch);
  void on_outcome(attempt::Outcome outcome);
  void take_outcome(LiveTask& task, attempt::Outcome outcome);
  static lifecycle::OwnerPolicy policy_after(const LiveTask& task, Code error);
  void note_local_times(LiveTask& task, const attempt::Outcome& outcome);

  // node_cloud.cpp
  void owe_offer(std::uint64_t seq, Epoch epoch);
  void owe_offers_again();
  void send_owed();
  void send_owed(session::Urgency urgency);
  bool send_offer(LiveTask& task, session::Urgency urgency);
  Owed<std::uint64_t>& offers(session::Urgency urgency) {
    return offers_[static_cast<std::size_t>(urgency)];
  }
  static session::Urgency urgency_of(const LiveTask& task);
  void on_link_down(const Error& reason);
  void say_largest();
  void on_cloud(const wire::Presence& presence);
  void withdraw_offers();
  void review_offers();
  void look_for_elders();
  void on_item(wire::Item item);
  LiveTask* leased(TaskId id);
  void on(const wire::Accept& item);
  void on(const wire::Nack& item);
  void on(const wire::Beat& item);
  void on(const wire::Command& command);
  void on(const wire::ResultItem& item);
  void on(const wire::Credits& item);
  void set_rate();
  void on(const wire::Echo& item);

  // node_clock.cpp
  void look_at_clock();
  Duration wall_of(NodeTime instant) const;

  // node_story.cpp
  wire::TaskStory story_of(const LiveTask& task, Bytes history) const;
  void tell_story(const LiveTask& task);
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
  void take_back_from_cloud();
  void on_barred(LiveTask& task, Epoch epoch);

  // node_losses.cpp
  void look_for_losses();
  void read_losses(std::function<void(const Result<store::LossTable>&)> use);
  void report_losses();
  void on(const wire::LossAck& item);
  void take_result(LiveTask& task, const wire::ResultItem& item);
  void acknowledge(const wire::ResultItem& item, wire::ResultVerdict verdict);
  void probe();
  void note_probe(bool lost);
  void learn_transfer(const LiveTask& task);

  // node_models.cpp
  void load_models();
  void learn_run(const LiveTask& task, PlaceKind place, Duration ran);
  void keep_models();

  // node_telemetry.cpp
  void send_telemetry();
  void count_sample(bool sent);
  void count_end(const LiveTask& task);
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
  placement::Candidate candidate_of(const LiveTask& task) const;
  std::vector<placement::Candidate> candidates();
  bool gives_up_disconnected(const LiveTask& task) const;
  bool grant(std::uint64_t seq, PlaceKind place, Explanation explanation);
  void grant_local(std::vector<placement::Candidate>& ready, placement::Place& local,
                   const placement::Place& cloud);
  bool may_claim_ahead(const LiveTask& task) const;
  double predicted_run(const LiveTask& task) const;
  void grant_cloud(std::vector<placement::Candidate>& ready, const placement::Place& local,
                   placement::Place& cloud);
  void set_aside_impossible(std::vector<placement::Candidate>& ready, const placement::Place& local,
                            const placement::Place& cloud);

  NodeOptions options_;
  NodeParts parts_;
  store::Lives lives_;
  std::map<Origin, KnownLife> peers_;           // of clouds, by their store
  std::optional<wire::LifeRemark> begun_anew_;  // what the cloud said of this life, if anything
  NodeTime cloned_until_{};                     // another device speaks as this one
  NodeTimeline timeline_;
  WallWatch wall_;
  NodeTime started_;
  TaskTable table_;
  Admission admission_;
  store::OwnerJournal journal_;
  placement::Placement placement_;
  std::unique_ptr<DeviceSession> session_;
  std::unique_ptr<lessee::Lessee> lessee_;  // of the cloud's tasks; null: none are run here
  LossReporter losses_;
  StorySample stories_;
  Counters counters_;
  Cloud cloud_;
  std::uint64_t next_seq_ = 1;
  // Of local attempts. Fewer ahead than in the cloud, for what is new here is done around them.
  attempt::Claims claims_{128};
  std::uint32_t new_claims_ = 0;          // of them, those that no commit speaks of yet
  std::vector<std::string> local_kinds_;  // sorted
  bool dependencies_ = false;             // somebody may wait for somebody
  bool asked_who_waits_ = false;          // the disk was asked, since the start
  bool draining_ = false;
  bool stopped_ = false;
  bool looking_ = false;  // a look for due tasks on disk is under way
  bool purging_ = false;
  std::function<void()> drained_;
  std::string store_problem_;
  std::string clock_problem_;
  std::size_t said_largest_ = SIZE_MAX;
  std::string link_problem_;  // why there is no connection, as last said
  NodeTime retry_commit_ = kNever;
  NodeTime retry_release_ = kNever;
  // OFFERs that go out, of the urgent and of the others.
  std::array<Owed<std::uint64_t>, 2> offers_{Owed<std::uint64_t>(kResendAfter),
                                             Owed<std::uint64_t>(kResendAfter)};
  NodeTime next_purge_{}, next_resend_ = kNever, next_probe_ = kNever, next_review_ = kNever,
                          link_since_{};
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
  std::vector<std::uint64_t> unread_;  // refused, and not looked up on the disk yet
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // outlived by late store answers
};

}  // namespace spillway::agent
