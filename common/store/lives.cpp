#include "common/store/lives.h"

#include <algorithm>

namespace spillway::store {

Lives::Lives(const std::vector<Life>& kept, Origin founding) {
  for (const Life& life : kept) {
    const bool follows = lives_.empty() || (life.number > lives_.back().number &&
                                            life.first_seq >= lives_.back().first_seq);
    if (follows) lives_.push_back(life);
  }
  if (lives_.empty()) lives_.push_back({1, founding, 1, false});
}

void Lives::begin(Origin drawn, std::uint64_t next_seq) {
  const Life& last = lives_.back();
  lives_.push_back({last.number + 1, drawn, std::max(next_seq, last.first_seq), false});
}

TaskId Lives::id_of(std::uint64_t seq) const {
  if (seq >= lives_.back().first_seq) return {lives_.back().origin, seq};
  const auto next =
      std::upper_bound(lives_.begin(), lives_.end(), seq,
                       [](std::uint64_t at, const Life& life) { return at < life.first_seq; });
  return {next == lives_.begin() ? next->origin : std::prev(next)->origin, seq};
}

std::optional<std::uint64_t> Lives::seq_of(TaskId id) const {
  return id_of(id.seq) == id ? std::optional(id.seq) : std::nullopt;
}

Origin Lives::counts() const {
  const auto newest =
      std::find_if(lives_.rbegin(), lives_.rend(), [](const Life& life) { return life.restored; });
  return newest == lives_.rend() ? lives_.front().origin : newest->origin;
}

Lineage Lives::lineage() const {
  Lineage told{lives_.front().origin, lives_.back().number, {lives_.back().origin}};
  for (std::size_t i = lives_.size() - 1; i > 0 && told.lives.size() < kMaxLineage; --i) {
    if (lives_[i - 1].number + 1 != lives_[i].number) break;
    told.lives.push_back(lives_[i - 1].origin);
  }
  return told;
}

bool Lives::may_go(std::size_t index) const {
  return lives_.size() > kMany && index > 0 && index + kMaxLineage < lives_.size() &&
         lives_[index].origin != counts();
}

std::uint64_t Lives::end_of(std::size_t index) const {
  return index + 1 < lives_.size() ? lives_[index + 1].first_seq : UINT64_MAX;
}

}  // namespace spillway::store
