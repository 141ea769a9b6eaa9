#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/placement/link_model.h"
#include "agent/placement/run_time_model.h"
#include "spillway/agent/options.h"
#include "spillway/task.h"
#include "spillway/view.h"

// Where a ready task should run. Pure: it is told measurements and asked for decisions
// (common/doc/architecture.md, "Where a task runs").
// Binding is late: it is asked only when a core, or a place in the uplink window, is free.
namespace spillway::placement {

// `risk` is ρ, the weight of the spread between the median and the 95th percentile; `margin` is the
// part of S_local that the gain must exceed, or two round trips, if more.
using Policy = agent::PlacementOptions;

// How long `prefer = cloud` waits for a cloud that is connected but takes nothing.
inline constexpr Duration kCreditPatience = std::chrono::seconds(5);

// A place as it is now.
struct Place {
  PlaceId id;  // kNowhere: there is no such place
  bool reachable = false;
  std::string unreachable_because;  // a clause: "the link is down since 3 s"
  std::uint32_t workers = 0;
  std::uint32_t idle = 0;              // local: idle workers; cloud: credits
  std::uint64_t memory = 0;            // bytes
  std::uint64_t largest = UINT64_MAX;  // bytes of a task that the way there carries
  std::vector<std::string> tags;
  std::vector<KindRef> kinds;  // sorted; what it can run; empty and unreachable: not known yet
  // Wait of a task that came now. Local: until a worker is free, without the ready tasks, which
  // Candidate::backlog_local counts. Cloud: the larger of the advertised delay and queue_wait() of
  // what was sent there and is not answered.
  Estimate queue;
  std::uint64_t queued_bytes = 0;  // handed to the link and not acknowledged
  Duration unacknowledged{};       // how long the oldest of these has been on its way
  std::uint32_t outstanding = 0;   // our tasks sent there and not answered; > 0: no experiments
  Duration starved{};              // how long it has been reachable without credits
};

// What placement needs of a task.
struct Candidate {
  std::uint64_t seq = 0;
  const TaskSpec* spec = nullptr;
  double work = 1;  // the kind's unit, or the spec's hint
  std::uint64_t input_bytes = 0;
  std::optional<Duration> deadline_in;
  std::uint32_t losses = 0;  // consecutive lost or refused remote attempts: a bias to local
  // Seconds of work queued ahead of it locally, per worker; see Placement::fill_backlog.
  double backlog_local = 0;
};

// The wait before a place with `tasks` unfinished tasks, of `seconds` predicted run time together,
// frees a worker for one more.
Estimate queue_wait(std::uint64_t tasks, double seconds, std::uint32_t workers);

struct Assessment;

// The decisions. One thread. Nothing here fails: what is malformed is ignored, what is unknown is
// assumed as Policy says.
class Placement {
 public:
  static constexpr std::size_t kScan = 64;  // ready tasks a freed uplink slot looks at

  explicit Placement(Policy policy);

  // Takes effect with the next decision; what was assumed of the link before it was measured stays.
  void set_policy(const Policy& policy) { policy_ = policy; }

  // Predicts both places for a task and says why; `chosen` stays none. For `why` of a waiting task.
  Explanation explain(const Candidate&, const Place& local, const Place& cloud, NodeTime now) const;

  // It is this task's turn: may it start here as soon as a core is free, after `local.queue` if
  // none is, or does it require, or had better wait for, the cloud? The caller offers tasks in
  // order (band, deadline, seq). nullopt: not here, or not now.
  std::optional<Explanation> offer_local(const Candidate&, const Place& local, const Place& cloud,
                                         NodeTime now) const;

  // A place in the uplink window is free: of the first ready tasks (at most kScan) the one with the
  // largest gain S_local − S_cloud above the margin, or the first that requires the cloud. Index
  // into `ready`.
  std::optional<std::pair<std::size_t, Explanation>> pick_for_cloud(
      std::span<const Candidate> ready, const Place& local, const Place& cloud, NodeTime now) const;

  // An offer that has no ACCEPT yet: should it come back? Yes when the link is silent for longer
  // than its 95th percentile and than a run here would take (silence lasts about as long again).
  // Says why. `backlog_local` is what would be ahead of it.
  std::optional<std::string> withdraw(const Candidate&, const Place& local, const Place& cloud,
                                      NodeTime now) const;

  // Why no place can ever run it as things are configured (tags, memory, cores, kind); nullopt: one
  // can.
  std::optional<std::string> no_place(const Candidate&, const Place& local,
                                      const Place& cloud) const;

  // Sets backlog_local of tasks in queue order: the predicted run times ahead of each, per worker.
  void fill_backlog(std::span<Candidate> ready, const Place& local, NodeTime now) const;

  // Predicted run time; a kind not yet seen at a place is taken to run there as at the other.
  Estimate run_time(std::string_view kind, PlaceId place, double work, NodeTime now) const;

  // A run of so much work succeeded there, and took so long from its start to its end.
  void learn_run(const std::string& kind, PlaceId place, double work, Duration ran, NodeTime now);
  LinkModel& link() { return link_; }
  const LinkModel& link() const { return link_; }

  // The learned state as bytes to keep, and back (hostile: false, and ignored, when malformed).
  Bytes save() const;
  bool load(ByteView bytes);

 private:
  struct Learned {
    RunTimeModel model;
    NodeTime last{};
  };
  using Kinds = std::map<std::string, std::array<Learned, 2>, std::less<>>;  // local, cloud

  const Learned* learned(std::string_view kind, PlaceId place) const;
  // What bars each place, without costs.
  Assessment bars(const TaskSpec&, const Place& local, const Place& cloud) const;
  // Adds the costs, and a deadline that only one place meets.
  void weigh(Assessment&, const Candidate&, const Place& local, const Place& cloud,
             bool is_its_turn, NodeTime now) const;
  Assessment assess(const Candidate&, const Place& local, const Place& cloud, bool is_its_turn,
                    NodeTime now) const;
  double optimistic_cloud(const Candidate&, const Assessment&, NodeTime now) const;
  static std::optional<Kinds> parse_kinds(ByteView bytes);

  Policy policy_;
  LinkModel link_;
  Kinds kinds_;
};

}  // namespace spillway::placement
