#include "common/executor/deadline_queue.h"

#include <algorithm>
#include <array>
#include <utility>

namespace spillway::executor {
namespace {

constexpr auto later = [](const DeadlineQueue::Item& a, const DeadlineQueue::Item& b) {
  return a.later_than(b);
};

// One that is near the middle, and not the earliest: the median of nine.
DeadlineQueue::Item middle_of(const std::vector<DeadlineQueue::Item>& items) {
  std::array<DeadlineQueue::Item, 9> sample;
  for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = items[items.size() * i / 9];
  std::nth_element(sample.begin(), sample.begin() + 4, sample.end(), later);
  return sample[4];
}

}  // namespace

void DeadlineQueue::push(std::int64_t deadline, std::uint8_t shard, Node* node) {
  const Item item{deadline, ++arrived_ & (~std::uint64_t{0} >> 8), shard, node};
  std::size_t at = buckets_.size() - 1;
  // Under load the late ones stay, so most of what arrives is earlier than what waits.
  if (at > 0 && !buckets_[at - 1].from.later_than(item)) {
    at = static_cast<std::size_t>(
        std::partition_point(buckets_.begin(), buckets_.end(),
                             [&](const Bucket& each) { return each.from.later_than(item); }) -
        buckets_.begin());
  }
  buckets_[at].items.push_back(item);
  ++size_;
  if (buckets_[at].items.size() > kBucket) split(at);
}

DeadlineQueue::Item DeadlineQueue::pop() {
  if (sorted_ != buckets_.back().items.size()) sort_last();
  std::vector<Item>& items = buckets_.back().items;
  const Item earliest = items.back();
  items.pop_back();
  --size_;
  sorted_ = items.size();
  if (items.empty() && buckets_.size() > 1) {
    if (spare_.size() < kSpare) spare_.push_back(std::move(items));
    buckets_.pop_back();
    buckets_.back().from = kEarliest;
  }
  return earliest;
}

// Moves the later ones, about half, to a bucket of their own in front. No order is kept but that of
// the pivot, and nothing branches on a comparison: half of the guesses would be wrong.
void DeadlineQueue::split(std::size_t at) {
  std::vector<Item> late;
  if (!spare_.empty()) {
    late = std::move(spare_.back());
    spare_.pop_back();
  }
  if (at + 1 == buckets_.size()) sorted_ = 0;
  std::vector<Item>& items = buckets_[at].items;
  const Item pivot = middle_of(items);
  late.resize(items.size());
  Item* early_end = items.data();
  Item* late_end = late.data();
  for (const Item& each : items) {
    const Item item = each;
    const bool early = pivot.later_than(item);
    *early_end = *late_end = item;
    early_end += early;
    late_end += !early;
  }
  late.resize(static_cast<std::size_t>(late_end - late.data()));
  items.resize(static_cast<std::size_t>(early_end - items.data()));
  buckets_.insert(buckets_.begin() + static_cast<std::ptrdiff_t>(at), {pivot, std::move(late)});
}

void DeadlineQueue::sort_last() {
  while (buckets_.back().items.size() - sorted_ > kSorted) split(buckets_.size() - 1);
  std::vector<Item>& items = buckets_.back().items;
  const auto fresh = items.begin() + static_cast<std::ptrdiff_t>(sorted_);
  std::sort(fresh, items.end(), later);
  if (sorted_) {
    std::inplace_merge(std::upper_bound(items.begin(), fresh, *fresh, later), fresh, items.end(),
                       later);
  }
  sorted_ = items.size();
}

}  // namespace spillway::executor
