#include "tests/unit/agent_placement/queueing.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace spillway::placement {

constexpr std::uint32_t kWindow = 32;  // messages without an application ack
constexpr double kLook = 0.1;          // seconds between looks at late uploads

double LinkTrace::sent_by(double start, double bytes) const {
  double t = start;
  while (bytes > 0) {
    const double second_ends = std::floor(t) + 1;
    const double rate = capacity[static_cast<std::size_t>(t) % capacity.size()];
    const double room = rate * (second_ends - t);
    if (room >= bytes) return t + bytes / rate;
    bytes -= room;
    t = second_ends;
  }
  return t;
}

Queueing::Queueing(Rule rule, std::vector<Job> jobs, LinkTrace link, std::uint32_t cores,
                   std::uint32_t cloud_workers)
    : rule_(rule),
      jobs_(std::move(jobs)),
      link_(std::move(link)),
      cores_(cores),
      cloud_workers_(cloud_workers),
      latency_(jobs_.size(), -1),
      withdrawn_(jobs_.size()),
      predicted_there_(jobs_.size()) {}

Outcome Queueing::play() {
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    at_time(jobs_[i].arrival, [this, i] { arrive(i); });
  }
  double next_beat = 0;
  while (!events_.empty()) {
    const Event event = events_.top();
    events_.pop();
    // The session's beats measure the round trip once a second.
    for (; next_beat <= event.time; next_beat += 1) {
      placement_.link().learn_round_trip(from_seconds(link_.rtt_at(next_beat)), at(next_beat));
    }
    now_ = event.time;
    event.act();
    dispatch();
  }
  outcome_.makespan = last_result_ - jobs_.front().arrival;
  outcome_.mean =
      std::accumulate(latency_.begin(), latency_.end(), 0.0) / static_cast<double>(latency_.size());
  std::sort(latency_.begin(), latency_.end());
  outcome_.p95 = latency_[latency_.size() * 95 / 100];
  return outcome_;
}

void Queueing::at_time(double time, std::function<void()> act) {
  events_.push({time, order_++, std::move(act)});
}

void Queueing::arrive(std::size_t job) {
  const bool spill = rule_ == Rule::cloud_only ||
                     (rule_ == Rule::overflow && running_here_ + ready_.size() >= cores_);
  if (spill) {
    send(job);
  } else {
    ready_.push_back(job);
  }
}

void Queueing::dispatch() {
  while (start_one_here() || send_one()) {
  }
}

bool Queueing::start_one_here() {
  if (running_here_ >= cores_ || ready_.empty()) return false;
  if (rule_ != Rule::spillway) {
    run_here(ready_.front());
    ready_.pop_front();
    return true;
  }
  const auto tasks = first_ready();
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (!placement_.offer_local(tasks[i], local_now(), cloud_now(), at(now_))) continue;
    run_here(ready_[i]);
    ready_.erase(ready_.begin() + static_cast<long>(i));
    return true;
  }
  return false;
}

bool Queueing::send_one() {
  if (rule_ != Rule::spillway || ready_.empty()) return false;
  auto tasks = first_ready();
  placement_.fill_backlog(tasks, local_now(), at(now_));
  const auto picked = placement_.pick_for_cloud(tasks, local_now(), cloud_now(), at(now_));
  if (!picked) return false;
  send(ready_[picked->first]);
  ready_.erase(ready_.begin() + static_cast<long>(picked->first));
  return true;
}

void Queueing::run_here(std::size_t job) {
  ++running_here_;
  const Estimate t = placement_.run_time("spin", kHere, jobs_[job].work, at(now_));
  core_free_at_.push_back(now_ + t.median);
  const std::size_t slot = core_free_at_.size() - 1;
  at_time(now_ + jobs_[job].run_local, [this, job, slot] {
    --running_here_;
    core_free_at_[slot] = 0;
    placement_.learn_run("spin", kHere, jobs_[job].work, from_seconds(jobs_[job].run_local),
                         at(now_));
    finish(job, kHere);
  });
}

void Queueing::send(std::size_t job) {
  const std::uint64_t bytes = jobs_[job].bytes + 300;
  if (uploads_.empty()) at_time(now_ + kLook, [this] { withdraw_late_uploads(); });
  uploads_.push_back({job, now_, bytes});
  ++outstanding_;
  predicted_there_[job] = placement_.run_time("spin", kCloud, jobs_[job].work, at(now_)).median;
  outstanding_seconds_ += predicted_there_[job];
  uplink_free_at_ = link_.sent_by(std::max(now_, uplink_free_at_), static_cast<double>(bytes));
  const double half_way = link_.rtt_at(uplink_free_at_) / 2;
  at_time(uplink_free_at_ + half_way, [this, job] { reach_cloud(job); });
  at_time(uplink_free_at_ + 2 * half_way, [this] { acknowledge(); });
}

void Queueing::acknowledge() {
  const Upload& oldest = uploads_.front();
  placement_.link().learn_transfer(oldest.bytes, from_seconds(now_ - oldest.since), at(now_));
  uploads_.pop_front();
}

// What the link has already swallowed may still arrive; the first result counts.
void Queueing::withdraw_late_uploads() {
  if (uploads_.empty()) return;
  at_time(now_ + kLook, [this] { withdraw_late_uploads(); });
  if (rule_ != Rule::spillway) return;
  for (const Upload& upload : uploads_) {
    if (withdrawn_[upload.job]) continue;
    if (!placement_.withdraw(as_candidate(upload.job), local_now(), cloud_now(), at(now_)))
      continue;
    withdrawn_[upload.job] = 1;
    ready_.push_front(upload.job);
  }
}

void Queueing::reach_cloud(std::size_t job) {
  cloud_queue_.push_back(job);
  run_in_cloud();
}

void Queueing::run_in_cloud() {
  while (running_there_ < cloud_workers_ && !cloud_queue_.empty()) {
    const std::size_t job = cloud_queue_.front();
    cloud_queue_.pop_front();
    ++running_there_;
    at_time(now_ + jobs_[job].run_cloud, [this, job] {
      --running_there_;
      run_in_cloud();
      at_time(now_ + link_.rtt_at(now_) / 2, [this, job] {
        --outstanding_;
        outstanding_seconds_ -= predicted_there_[job];
        placement_.learn_run("spin", kCloud, jobs_[job].work, from_seconds(jobs_[job].run_cloud),
                             at(now_));
        finish(job, kCloud);
      });
    });
  }
}

void Queueing::finish(std::size_t job, PlaceId place) {
  if (latency_[job] >= 0) return;
  latency_[job] = now_ - jobs_[job].arrival;
  last_result_ = now_;
  std::erase(ready_, job);
  ++(place == kHere ? outcome_.local : outcome_.cloud);
}

Place Queueing::local_now() const {
  Place place = local_place(cores_);
  place.idle = cores_ - running_here_;
  double first = 1e9;
  for (const double free_at : core_free_at_) {
    if (free_at > 0) first = std::min(first, free_at);
  }
  const double wait = place.idle > 0 ? 0 : std::max(0.0, first - now_);
  place.queue = {wait, wait};
  return place;
}

Place Queueing::cloud_now() const {
  Place place = cloud_place(cloud_workers_);
  const auto sent = static_cast<std::uint32_t>(uploads_.size());
  place.idle = sent < kWindow ? kWindow - sent : 0;
  place.queue = queue_wait(outstanding_, outstanding_seconds_, cloud_workers_);
  for (const Upload& upload : uploads_) place.queued_bytes += upload.bytes;
  if (!uploads_.empty()) place.unacknowledged = from_seconds(now_ - uploads_.front().since);
  place.outstanding = outstanding_;
  return place;
}

std::vector<Candidate> Queueing::first_ready() const {
  std::vector<Candidate> tasks;
  for (std::size_t i = 0; i < std::min(ready_.size(), Placement::kScan); ++i) {
    tasks.push_back(as_candidate(ready_[i]));
  }
  return tasks;
}

Candidate Queueing::as_candidate(std::size_t job) const {
  Candidate c = candidate(spec_, jobs_[job].work, jobs_[job].bytes + 300);
  // A job that came back is on its way already; it waits for a core.
  c.losses = withdrawn_[job] ? 4 : 0;
  return c;
}

}  // namespace spillway::placement
