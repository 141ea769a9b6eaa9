#include "agent/node/backlog.h"

#include <algorithm>

namespace spillway::agent {
namespace {

constexpr Duration kLookAgain = std::chrono::seconds(1);
constexpr std::size_t kDueSlice = 256;
constexpr Duration kLookForPlace = std::chrono::seconds(30);
constexpr std::size_t kRefillBytes = 8 * 1024 * 1024;

}  // namespace

placement::Candidate candidate_of(const owner::OwnedTask& task, NodeTime now) {
  placement::Candidate candidate;
  candidate.seq = task.seq;
  candidate.spec = task.spec.get();
  candidate.work = task.work;
  candidate.input_bytes = task.spec->input.bytes.size();
  if (task.state.deadline != kNever) candidate.deadline_in = task.state.deadline - now;
  candidate.losses = task.state.losses;
  return candidate;
}

Backlog::Backlog(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
                 const Models& models, const LocalPlace& local, const CloudPlace& cloud)
    : options_(options),
      parts_(parts),
      owner_(owner),
      models_(models),
      local_(local),
      cloud_(cloud),
      window_(options.store.max_ready, owner.table()) {}

void Backlog::on_timers() {
  const NodeTime now = owner_.now();
  if (window_.needs_refill()) refill();
  if (now >= next_elders_) look_for_elders();
  if (!looking_ && now >= window_.disk_due()) look_on_disk();
}

void Backlog::shrink() {
  if (window_.shrink()) owner_.settle_all();
}

void Backlog::refill() {
  const auto after = window_.refill_after();
  const auto bytes = std::min<std::uint64_t>(kRefillBytes, options_.budget.memory / 8);
  const auto take = [this](const Result<std::vector<store::TaskRow>>& rows) {
    if (!rows) return window_.refill_failed();
    std::optional<store::ReadyKey> last;
    for (const store::TaskRow& row : *rows) {
      last = store::ReadyKey{row.band, row.task.deadline, row.seq};
      owner_.adopt(row);
    }
    // An empty answer is the end; a short one may have been cut by its bytes.
    window_.refilled(last, !rows->empty());
    parts_.wake();
  };
  parts_.store->ready_after(after, window_.refill_count(), static_cast<std::size_t>(bytes),
                            gate_.pass(take));
}

void Backlog::look_on_disk() {
  looking_ = true;
  const auto take = [this](const Result<store::OwnerStore::Due>& due) {
    looking_ = false;
    const NodeTime now = owner_.now();
    window_.set_disk_due(due ? due->next : now + kLookAgain);
    if (!due) return parts_.wake();
    take_due(due->rows);
    owner_.journal().hurry();  // the next look is to find them gone
    if (due->rows.size() == kDueSlice) window_.set_disk_due(now);
    parts_.wake();
  };
  parts_.store->due(owner_.now(), kDueSlice, gate_.pass(take));
}

void Backlog::take_due(const std::vector<store::TaskRow>& rows) {
  const placement::Place local = local_.place();
  const placement::Place cloud = cloud_.place();
  for (const store::TaskRow& row : rows) {
    if (owner_.find(row.seq)) continue;
    owner::OwnedTask* adopted = owner_.adopt(row);
    if (!adopted) continue;
    owner::OwnedTask& task = *adopted;
    owner_.apply(task, lifecycle::on_time(task.state, task.policy, owner_.tick()));
    if (task.state.reason == WaitReason::no_place) {
      if (models_.placement().no_place(candidate_of(task, owner_.now()), local, cloud)) {
        look_again_later(task);
      } else {
        owner_.apply(task, lifecycle::on_place_found(task.state, owner_.tick()));
      }
    } else if (task.state.state == TaskState::waiting && task.state.wake <= owner_.now()) {
      // Held, or after others, past its not_before: left as it is it would be due at every look,
      // and enough of them would hide all others.
      task.state.wake = kNever;
      owner_.journal().update(task, task.state.state, task.state.epoch);
    }
    owner_.settle(row.seq);
  }
}

void Backlog::set_aside(owner::OwnedTask& task, const std::string& why) {
  owner_.apply(task, lifecycle::on_no_place(task.state, owner_.tick()), {why, Code::unavailable});
  look_again_later(task);
}

void Backlog::look_again_later(owner::OwnedTask& task) {
  task.state.wake = owner_.now() + kLookForPlace;
  owner_.journal().update(task, task.state.state, task.state.epoch);
}

// The first of each band that the window does not reach grows old, too.
void Backlog::look_for_elders() {
  next_elders_ = owner_.now() + kElderly;
  const auto take = [this](const Result<std::vector<store::TaskRow>>& rows) {
    if (!rows || rows->empty()) return;
    if (owner::OwnedTask* task = owner_.adopt(rows->front())) window_.add_elder(*task);
    parts_.wake();
  };
  for (const Band band : window_.bands_beyond()) {
    parts_.store->ready_after(store::ReadyKey{band, NodeTime{}, 0}, 1, kInlineLimit,
                              gate_.pass(take));
  }
}

}  // namespace spillway::agent
