#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace spillway::executor {

struct Node;

// What waits with a deadline: the earliest first, in order of arrival among equals. For one thread
// at a time.
//
// A row of buckets, each later than the next; only the last is put in order, a part of it at a
// time. To arrive is to find the bucket and to be stored at its end, so a million may wait and one
// more costs little; no step looks at more than kBucket items, however many arrived at once.
class DeadlineQueue {
 public:
  struct Item {
    std::int64_t deadline;
    std::uint64_t order : 56;  // of arrival
    std::uint64_t shard : 8;   // the caller's
    Node* node;
    bool later_than(const Item& other) const {  // bitwise: a wrong guess costs more than both
      return (deadline > other.deadline) | ((deadline == other.deadline) & (order > other.order));
    }
  };

  void push(std::int64_t deadline, std::uint8_t shard, Node* node);
  Item pop();  // not when empty
  bool empty() const { return buckets_.size() == 1 && buckets_.back().size == 0; }

 private:
  static constexpr std::size_t kBucket = 512;  // items of a bucket, at most
  static constexpr std::size_t kSorted = 256;  // put in order at once, at most
  static constexpr std::size_t kFew = 64;      // mostly fewer

  struct Bucket {
    std::unique_ptr<Item[]> items = std::make_unique_for_overwrite<Item[]>(kBucket);
    std::size_t size = 0;
  };

  std::size_t bucket_for(std::int64_t deadline) const;
  void split(std::size_t at);
  void sort_last();

  static constexpr std::int64_t kEarliest = std::numeric_limits<std::int64_t>::min();

  // By bucket: what arrives from now on is stored there if it is no earlier. The last is kEarliest.
  std::vector<std::int64_t> from_{kEarliest};
  std::vector<Bucket> buckets_ = std::vector<Bucket>(1);
  std::size_t sorted_ = 0;  // of the last one's items, from its begin: the latest first
  std::uint64_t arrived_ = 0;
};

}  // namespace spillway::executor
