#include "common/executor/deadline_queue.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace spillway::executor {
namespace {

using Item = DeadlineQueue::Item;

constexpr auto later = [](const Item& a, const Item& b) { return a.later_than(b); };

// An item near the middle, and not the earliest: the median of nine.
Item middle_of(const Item* items, std::size_t count) {
  std::array<Item, 9> sample;
  for (std::size_t i = 0; i < sample.size(); ++i) sample[i] = items[count * i / 9];
  std::nth_element(sample.begin(), sample.begin() + 4, sample.end(), later);
  return sample[4];
}

// Up to kMost items, the latest first. Each goes near its place by its share of the span, which
// takes no comparison; what is left to move is little, or the items are few.
template <std::size_t kMost>
void sort(Item* items, std::size_t count) {
  const auto [low, high] = std::minmax_element(
      items, items + count, [](const Item& a, const Item& b) { return a.deadline < b.deadline; });
  const auto least = static_cast<std::uint64_t>(low->deadline);
  const auto span = static_cast<std::uint64_t>(high->deadline) - least;
  constexpr int kDigits = static_cast<int>(std::bit_width(kMost)) - 1;
  const int shift = std::max(0, static_cast<int>(std::bit_width(span)) - kDigits);
  const auto place = [&](const Item& item) {
    const std::uint64_t above = static_cast<std::uint64_t>(item.deadline) - least;
    return kMost - 1 - static_cast<std::size_t>(above >> shift);
  };
  std::array<std::uint16_t, kMost + 1> begins{};
  for (std::size_t i = 0; i < count; ++i) ++begins[place(items[i]) + 1];
  for (std::size_t i = 1; i < kMost; ++i) begins[i] += begins[i - 1];
  std::array<Item, kMost> spread;
  for (std::size_t i = 0; i < count; ++i) spread[begins[place(items[i])]++] = items[i];
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t at = i;
    for (; at > 0 && spread[i].later_than(items[at - 1]); --at) items[at] = items[at - 1];
    items[at] = spread[i];
  }
}

}  // namespace

void DeadlineQueue::push(std::int64_t deadline, std::uint8_t shard, Node* node) {
  std::size_t at = buckets_.size() - 1;
  // Under load the late ones stay, so most of what arrives is earlier than what waits.
  if (at > 0 && from_[at - 1] <= deadline) at = bucket_for(deadline);
  Bucket& bucket = buckets_[at];
  bucket.items[bucket.size++] = {deadline, ++arrived_ & (~std::uint64_t{0} >> 8), shard, node};
  if (bucket.size == kBucket) split(at);
}

// The first, the latest, that takes it. A binary search whose steps are no branches.
std::size_t DeadlineQueue::bucket_for(std::int64_t deadline) const {
  const std::int64_t* from = from_.data();
  for (std::size_t left = from_.size(); left > 1;) {
    const std::size_t half = left / 2;
    from += (from[half - 1] > deadline) * half;
    left -= half;
  }
  return static_cast<std::size_t>(from - from_.data());
}

DeadlineQueue::Item DeadlineQueue::pop() {
  if (sorted_ != buckets_.back().size) sort_last();
  Bucket& last = buckets_.back();
  const Item earliest = last.items[--last.size];
  sorted_ = last.size;
  if (last.size == 0 && buckets_.size() > 1) {
    buckets_.pop_back();
    from_.pop_back();
    from_.back() = kEarliest;
  }
  return earliest;
}

// Moves the later ones, about half, to a bucket of their own in front. No order is kept but that of
// the pivot, and nothing branches on a comparison: half of the guesses would be wrong.
void DeadlineQueue::split(std::size_t at) {
  Bucket late;
  Bucket& bucket = buckets_[at];
  if (at + 1 == buckets_.size()) sorted_ = 0;
  const Item pivot = middle_of(bucket.items.get(), bucket.size);
  std::size_t early = 0;
  for (std::size_t i = 0; i < bucket.size; ++i) {
    const Item item = bucket.items[i];
    const bool is_early = pivot.later_than(item);
    bucket.items[early] = late.items[late.size] = item;
    early += is_early;
    late.size += !is_early;
  }
  bucket.size = early;
  from_.insert(from_.begin() + static_cast<std::ptrdiff_t>(at), pivot.deadline);
  buckets_.insert(buckets_.begin() + static_cast<std::ptrdiff_t>(at), std::move(late));
}

void DeadlineQueue::sort_last() {
  while (buckets_.back().size - sorted_ > kSorted) split(buckets_.size() - 1);
  Bucket& last = buckets_.back();
  Item* const fresh = last.items.get() + sorted_;
  Item* const end = last.items.get() + last.size;
  const std::size_t count = last.size - sorted_;
  count <= kFew ? sort<kFew>(fresh, count) : sort<kSorted>(fresh, count);
  if (sorted_) {
    std::inplace_merge(std::upper_bound(last.items.get(), fresh, *fresh, later), fresh, end, later);
  }
  sorted_ = last.size;
}

}  // namespace spillway::executor
