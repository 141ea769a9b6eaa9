#include "agent/node/scheduler.h"

#include <algorithm>
#include <cassert>

namespace spillway::agent {
namespace {

constexpr Duration kFirstReview = std::chrono::milliseconds(500);
constexpr Duration kReviewEvery = std::chrono::milliseconds(250);
constexpr std::size_t kOfferWindow = 256;    // OFFERs without an application ack
constexpr std::size_t kBacklogWindow = 192;  // of them, those of the lower bands
constexpr unsigned kElderTurns = 4;          // every so many-th core is an elder's
constexpr std::size_t kElders = 4;           // looked at in such a turn

}  // namespace

Scheduler::Scheduler(const NodeOptions& options, owner::Owner& owner, const Models& models,
                     LocalPlace& local, CloudPlace& cloud, Backlog& backlog)
    : options_(options),
      owner_(owner),
      models_(models),
      local_(local),
      cloud_(cloud),
      backlog_(backlog) {}

placement::Candidate Scheduler::candidate(std::uint64_t seq, NodeTime now) const {
  return candidate_of(owner_.at(seq), now);
}

Scheduler::Candidates Scheduler::candidates() {
  const NodeTime now = owner_.now();
  Candidates ready;
  ready.reserve(placement::Placement::kScan);
  elders_.clear();
  if (passed_over_ + 1 >= kElderTurns) {
    const auto may_run = [this](const owner::OwnedTask& task) {
      return cloud_.reachable() || (task.kind && task.spec->prefer != Prefer::cloud);
    };
    elders_ = backlog_.window().oldest(now - kElderly, kElders, may_run);
  }
  for (std::uint64_t seq : elders_) ready.push_back(candidate(seq, now));
  for (const store::ReadyKey& key : backlog_.window().ready()) {
    if (std::find(elders_.begin(), elders_.end(), key.seq) != elders_.end()) continue;
    ready.push_back(candidate(key.seq, now));
    if (ready.size() == placement::Placement::kScan) break;
  }
  return ready;
}

void Scheduler::review_offers() {
  const NodeTime now = owner_.now();
  const auto& pending = cloud_.book().pending();
  if (next_review_ == kNever && !pending.empty()) next_review_ = now + kFirstReview;
  if (now < next_review_) return;
  next_review_ = pending.empty() ? kNever : now + kReviewEvery;
  const placement::Place local = local_.place();
  const placement::Place cloud = cloud_.place();
  for (std::uint64_t seq : std::vector(pending.begin(), pending.end())) {
    owner::OwnedTask& task = owner_.at(seq);
    if (task.unsaved > 0) continue;
    const auto why = models_.placement().withdraw(candidate(seq, now), local, cloud, now);
    if (!why) continue;
    const lifecycle::LiveAttempt* out = task.state.attempt_at(cloud_.book().id());
    assert(out && "an offer that is pending belongs to a live attempt");
    owner_.apply(task, lifecycle::withdraw(task.state, out->epoch, owner_.tick()),
                 {*why, Code::timeout});
  }
}

// One pass over the first ready tasks, with both places as they are now; each grant brings them up
// to date for the next. In this order: tasks that can go nowhere are set aside, or fail; free cores
// are filled; then the uplink. Nothing is granted while the disk takes nothing.
void Scheduler::schedule() {
  if (backlog_.window().ready().empty() || !owner_.store_problem().empty()) return;
  placement::Place local = local_.place();
  placement::Place cloud = cloud_.place();
  cloud_.look_for_credits(cloud);
  const bool uplink =
      cloud.reachable && cloud.idle > 0 && cloud_.book().pending().size() < kOfferWindow;
  const bool core = local.idle > 0 || local_.has_thread();
  if (!uplink && !core) return;
  Candidates ready = candidates();
  set_aside_impossible(ready, local, cloud);
  models_.placement().fill_backlog(ready, local, owner_.now());
  grant_local(ready, local, cloud);
  if (uplink) grant_cloud(ready, local, cloud);
}

void Scheduler::set_aside_impossible(Candidates& ready, const placement::Place& local,
                                     const placement::Place& cloud) {
  std::erase_if(ready, [&](const placement::Candidate& candidate) {
    owner::OwnedTask& task = owner_.at(candidate.seq);
    if (gives_up_disconnected(task)) {
      owner_.apply(task,
                   lifecycle::on_link_down(task.state, OnDisconnect::fail, cloud_.book().id(),
                                           owner_.tick()),
                   {cloud.unreachable_because + ", and on_disconnect is fail", Code::unavailable});
      return true;
    }
    const auto why_not = models_.placement().no_place(candidate, local, cloud);
    if (why_not) backlog_.set_aside(task, *why_not);
    return why_not.has_value();
  });
}

bool Scheduler::gives_up_disconnected(const owner::OwnedTask& task) const {
  const TaskSpec& spec = *task.spec;
  return cloud_.exists() && !cloud_.reachable() && spec.on_disconnect == OnDisconnect::fail &&
         spec.prefer != Prefer::local && spec.data != DataScope::edge_only;
}

void Scheduler::grant_local(Candidates& ready, placement::Place& local,
                            const placement::Place& cloud) {
  const NodeTime now = owner_.now();
  placement::Place next = local;  // as who comes next finds it
  bool full = false;
  std::erase_if(ready, [&](const placement::Candidate& candidate) {
    const owner::OwnedTask& task = owner_.at(candidate.seq);
    const bool blocking = task.kind && task.kind->traits.blocking;
    if (!task.kind || (blocking ? !local_.has_thread() : full)) return false;
    next.queue = blocking ? placement::Estimate{} : local_.wait_behind();
    auto explanation = models_.placement().offer_local(candidate, next, cloud, now);
    if (!explanation) return false;
    const bool room = blocking || next.idle > 0 || local_.may_claim_ahead(task);
    // No task goes past one that waits for a core, or that one would wait for ever.
    full = full || !room;
    if (!room || !grant(candidate.seq, kHere, *std::move(explanation))) return false;
    if (!blocking && next.idle > 0) next.idle -= 1;
    return true;
  });
  local.idle = next.idle;
}

// Offers tasks while the cloud has credits and the window has room, the one that gains most first.
// A metered link carries only what must, or prefers to, go there.
void Scheduler::grant_cloud(Candidates& ready, const placement::Place& local,
                            placement::Place& cloud) {
  const placement::Placement& placement = models_.placement();
  if (options_.link.metered) {
    std::erase_if(ready, [this](const placement::Candidate& candidate) {
      return candidate.spec->prefer != Prefer::cloud && owner_.at(candidate.seq).kind != nullptr;
    });
  }
  while (cloud.idle > 0 && !ready.empty()) {
    // A backlog leaves some of the window to what is urgent.
    const bool urgent = ready.front().spec->band <= Band::high;
    if (cloud_.book().pending().size() >= (urgent ? kOfferWindow : kBacklogWindow)) return;
    auto picked = placement.pick_for_cloud(ready, local, cloud, owner_.now());
    if (!picked) return;
    const auto candidate = ready.begin() + std::ptrdiff_t(picked->first);
    const double ran = cloud_.seconds_there(owner_.at(candidate->seq));
    if (!grant(candidate->seq, cloud_.book().id(), std::move(picked->second))) return;
    cloud.idle -= 1;
    cloud.queued_bytes += candidate->input_bytes;
    if (cloud_.book().held() >= cloud.workers) cloud.queue.median += ran / cloud.workers;
    cloud.queue.high = std::max(cloud.queue.high, 2 * cloud.queue.median);
    ready.erase(candidate);
    if (ready.size() < placement::Placement::kScan / 2 &&
        backlog_.window().ready().size() > ready.size()) {
      ready = candidates();
      placement.fill_backlog(ready, local, owner_.now());
    }
  }
}

bool Scheduler::grant(std::uint64_t seq, PlaceId place, Explanation explanation) {
  owner::OwnedTask& task = owner_.at(seq);
  if (place != kHere) task.seconds_there = cloud_.seconds_there(task);
  if (!owner_.grant(task, place, std::move(explanation))) return false;
  if (place != kHere) return true;
  const bool elder = std::find(elders_.begin(), elders_.end(), seq) != elders_.end();
  passed_over_ = elder ? 0 : passed_over_ + 1;
  local_.take_core(task);
  return true;
}

}  // namespace spillway::agent
