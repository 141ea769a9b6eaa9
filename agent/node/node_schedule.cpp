#include <algorithm>

#include "agent/node/node.h"

namespace spillway::agent {
namespace {

constexpr Duration kReviewEvery = std::chrono::milliseconds(250);
constexpr double kLeasedRun = 1.0;           // seconds that a task of the cloud is taken to run
constexpr std::size_t kOfferWindow = 256;    // OFFERs without an application ack
constexpr std::size_t kBacklogWindow = 192;  // of them, those of the lower bands
// While one has waited for so long, every so many-th core goes to the one that waits longest,
// whatever is more urgent.
constexpr Duration kElderly = std::chrono::seconds(5);
constexpr unsigned kElderTurns = 4;
constexpr std::size_t kElders = 4;  // looked at in such a turn

}  // namespace

placement::Place Node::local_place() const {
  placement::Place place;
  place.kind = PlaceKind::local;
  place.reachable = true;
  place.workers = parts_.runner->width();
  place.idle = place.workers - std::min(place.workers, claims_.running() + leased_cores());
  place.memory = options_.memory;
  place.tags = options_.tags;
  place.kinds = local_kinds_;
  if (place.idle == 0)
    place.queue = claims_.running() > place.workers ? wait_behind() : soonest_core();
  return place;
}

// Behind all that was claimed.
placement::Estimate Node::wait_behind() const {
  const double wait = claims_.seconds() / parts_.runner->width();
  return {wait, 2 * wait};
}

// How long until one of the running attempts is due to end.
placement::Estimate Node::soonest_core() const {
  double soonest = 0;
  bool first = true;
  claims_.each_running([&](TaskId id) {
    const owner::OwnedTask* task = owner_.find(id.seq);
    if (!task) return;
    double left = double((task->predicted - (now() - task->state.since)).count()) / 1e6;
    soonest = first ? left : std::min(soonest, left);
    first = false;
  });
  // All of them work for the cloud: nobody predicted for how long.
  if (first) soonest = kLeasedRun;
  soonest = std::max(soonest, 0.0);
  return {soonest, 2 * soonest};
}

placement::Place Node::cloud_place() const {
  placement::Place place;
  if (!session_) return place;
  place.kind = PlaceKind::cloud;
  place.reachable = there_.online() && !is_barred();
  if (there_.online() && is_barred()) {
    place.unreachable_because = cloud_.refuses;
  } else if (!place.reachable) {
    place.unreachable_because = session_->up() ? "the cloud is away" : "the link is down";
  }
  place.outstanding = there_.held();
  place.queued_bytes = there_.pending_bytes();
  place.unacknowledged = oldest_offer();
  if (cloud_.starved_since != kNever) place.starved = now() - cloud_.starved_since;
  place.workers = std::max(1U, there_.credits().workers);
  place.idle = there_.credits().offers - std::min(there_.credits().offers, there_.held());
  place.memory = cloud_.presence.memory;
  place.largest = session_->connection().largest_item();
  place.tags = cloud_.presence.tags;
  place.kinds = cloud_.kinds;
  // What it said last, or what we sent since, whichever is more.
  double said = double(there_.credits().queue_delay.count()) / 1e6;
  double ours = there_.held_seconds() / place.workers;
  place.queue.median = std::max(said, there_.held() >= place.workers ? ours : 0);
  place.queue.high = 2 * place.queue.median;
  return place;
}

placement::Candidate Node::candidate_of(const owner::OwnedTask& task) const {
  placement::Candidate candidate;
  candidate.seq = task.seq;
  candidate.spec = task.spec.get();
  candidate.work = task.work;
  candidate.input_bytes = task.spec->input.bytes.size();
  if (task.state.deadline != kNever) candidate.deadline_in = task.state.deadline - now();
  candidate.losses = task.state.losses;
  return candidate;
}

std::vector<placement::Candidate> Node::candidates() {
  std::vector<placement::Candidate> ready;
  ready.reserve(placement::Placement::kScan);
  elders_.clear();
  if (passed_over_ + 1 >= kElderTurns) {
    elders_ = window_.oldest(now() - kElderly, kElders, [this](const owner::OwnedTask& task) {
      return (there_.online() && !is_barred()) || (task.kind && task.spec->prefer != Prefer::cloud);
    });
  }
  for (std::uint64_t seq : elders_) ready.push_back(candidate_of(*owner_.find(seq)));
  for (const store::ReadyKey& key : window_.ready()) {
    if (std::find(elders_.begin(), elders_.end(), key.seq) != elders_.end()) continue;
    ready.push_back(candidate_of(*owner_.find(key.seq)));
    if (ready.size() == placement::Placement::kScan) break;
  }
  return ready;
}

Duration Node::oldest_offer() const {
  Duration oldest{};
  for (std::uint64_t seq : there_.pending()) {
    const owner::OwnedTask* task = owner_.find(seq);
    if (task->offered != NodeTime{}) oldest = std::max(oldest, now() - task->offered);
  }
  return oldest;
}

// Offers that the link has swallowed, or nearly: those that would be done here sooner come back.
void Node::review_offers() {
  next_review_ = there_.pending().empty() ? kNever : now() + kReviewEvery;
  const auto& pending = there_.pending();
  placement::Place local = local_place();
  placement::Place cloud = cloud_place();
  for (std::uint64_t seq : std::vector(pending.begin(), pending.end())) {
    owner::OwnedTask& task = *owner_.find(seq);
    if (task.unsaved > 0) continue;
    auto why = placement_.withdraw(candidate_of(task), local, cloud, now());
    if (why)
      owner_.apply(task, lifecycle::withdraw(task.state, task.policy, owner_.tick()),
                   {*why, Code::timeout});
  }
}

// Of those for blocking kinds, what is not kept for the cloud's tasks.
std::uint32_t Node::own_threads() const {
  const std::uint32_t all = parts_.runner->blocking_width();
  return std::max(1U, all - (options_.takes.empty() ? 0 : std::min(all, kLeasedThreads)));
}

void Node::schedule() {
  if (draining_ || window_.ready().empty() || !owner_.store_problem().empty()) return;
  placement::Place local = local_place();
  placement::Place cloud = cloud_place();
  bool starved = cloud.reachable && cloud.idle == 0;
  if (!starved) cloud_.starved_since = kNever;
  if (starved && cloud_.starved_since == kNever) cloud_.starved_since = now();
  bool uplink = cloud.reachable && cloud.idle > 0 && there_.pending().size() < kOfferWindow;
  bool core = local.idle > 0 || claims_.blocking() < own_threads();
  if (!uplink && !core) return;
  std::vector<placement::Candidate> ready = candidates();
  set_aside_impossible(ready, local, cloud);
  placement_.fill_backlog(ready, local, now());
  grant_local(ready, local, cloud);
  if (uplink) grant_cloud(ready, local, cloud);
}

void Node::set_aside_impossible(std::vector<placement::Candidate>& ready,
                                const placement::Place& local, const placement::Place& cloud) {
  std::erase_if(ready, [&](const placement::Candidate& candidate) {
    owner::OwnedTask& task = *owner_.find(candidate.seq);
    if (gives_up_disconnected(task)) {
      owner_.apply(
          task, lifecycle::on_link_down(task.state, task.policy, OnDisconnect::fail, owner_.tick()),
          {"the link is down and on_disconnect is fail", Code::unavailable});
      return true;
    }
    auto why_not = placement_.no_place(candidate, local, cloud);
    if (!why_not) return false;
    owner_.apply(task, lifecycle::on_no_place(task.state, owner_.tick()),
                 {*why_not, Code::unavailable});
    look_again_later(task);
    return true;
  });
}

bool Node::gives_up_disconnected(const owner::OwnedTask& task) const {
  const TaskSpec& spec = *task.spec;
  return session_ && !there_.online() && spec.on_disconnect == OnDisconnect::fail &&
         spec.prefer != Prefer::local && spec.data != DataScope::edge_only;
}

void Node::grant_local(std::vector<placement::Candidate>& ready, placement::Place& local,
                       const placement::Place& cloud) {
  placement::Place next = local;  // as who comes next finds it
  bool full = false;
  std::erase_if(ready, [&](const placement::Candidate& candidate) {
    const owner::OwnedTask& task = *owner_.find(candidate.seq);
    const bool blocking = task.kind && task.kind->traits.blocking;
    if (!task.kind || (blocking ? claims_.blocking() >= own_threads() : full)) return false;
    next.queue = blocking ? placement::Estimate{} : wait_behind();
    auto explanation = placement_.offer_local(candidate, next, cloud, now());
    if (!explanation) return false;
    const bool room = blocking || next.idle > 0 || may_claim_ahead(task);
    // None goes past one that waits for a core, or that one would wait for ever.
    full = full || !room;
    if (!room || !grant(candidate.seq, PlaceKind::local, *std::move(explanation))) return false;
    if (!blocking && next.idle > 0) next.idle -= 1;
    return true;
  });
  local.idle = next.idle;
}

bool Node::may_claim_ahead(const owner::OwnedTask& task) const {
  const std::uint32_t width = parts_.runner->width();
  const std::uint32_t cores = width - std::min(width, leased_cores());
  return claims_.may_go_ahead(*task.spec, task.state.crashes > 0, predicted_run(task), cores);
}

double Node::predicted_run(const owner::OwnedTask& task) const {
  return placement_.run_time(task.spec->kind, PlaceKind::local, task.work, now()).high;
}

void Node::grant_cloud(std::vector<placement::Candidate>& ready, const placement::Place& local,
                       placement::Place& cloud) {
  if (options_.metered) {
    std::erase_if(ready, [this](const placement::Candidate& candidate) {
      return candidate.spec->prefer != Prefer::cloud && owner_.find(candidate.seq)->kind != nullptr;
    });
  }
  while (cloud.idle > 0 && !ready.empty()) {
    // A backlog leaves some of the window to what is urgent.
    const bool live = ready.front().spec->band <= Band::high;
    if (there_.pending().size() >= (live ? kOfferWindow : kBacklogWindow)) return;
    auto picked = placement_.pick_for_cloud(ready, local, cloud, now());
    if (!picked) return;
    auto candidate = ready.begin() + std::ptrdiff_t(picked->first);
    double ran =
        placement_.run_time(candidate->spec->kind, PlaceKind::cloud, candidate->work, now()).median;
    if (!grant(candidate->seq, PlaceKind::cloud, std::move(picked->second))) return;
    cloud.idle -= 1;
    cloud.queued_bytes += candidate->input_bytes;
    if (there_.held() >= cloud.workers) cloud.queue.median += ran / cloud.workers;
    cloud.queue.high = std::max(cloud.queue.high, 2 * cloud.queue.median);
    ready.erase(candidate);
    if (ready.size() < placement::Placement::kScan / 2 && window_.ready().size() > ready.size()) {
      ready = candidates();
      placement_.fill_backlog(ready, local, now());
    }
  }
}

bool Node::grant(std::uint64_t seq, PlaceKind place, Explanation explanation) {
  owner::OwnedTask& task = *owner_.find(seq);
  if (place == PlaceKind::cloud) task.seconds_there = seconds_there(task);
  if (!owner_.grant(task, place, std::move(explanation))) return false;
  if (place != PlaceKind::local) return true;
  const bool elder = std::find(elders_.begin(), elders_.end(), seq) != elders_.end();
  passed_over_ = elder ? 0 : passed_over_ + 1;
  take_core(task);
  return true;
}

double Node::seconds_there(const owner::OwnedTask& task) const {
  return placement_.run_time(task.spec->kind, PlaceKind::cloud, task.work, now()).median;
}

// The first of each band that the window does not reach grows old, too.
void Node::look_for_elders() {
  next_elders_ = now() + kElderly;
  for (const Band band : window_.bands_beyond()) {
    parts_.store->ready_after(store::ReadyKey{band, NodeTime{}, 0}, 1, kInlineLimit,
                              gate_.pass([this](const Result<std::vector<store::TaskRow>>& rows) {
                                if (!rows || rows->empty()) return;
                                const store::TaskRow& row = rows->front();
                                owner_.adopt(row);
                                if (owner::OwnedTask* task = owner_.find(row.seq))
                                  window_.add_elder(*task);
                                parts_.wake();
                              }));
  }
}

}  // namespace spillway::agent
