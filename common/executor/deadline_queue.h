#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
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
  bool empty() const { return size_ == 0; }

 private:
  static constexpr std::size_t kBucket = 512;  // items of a bucket, at most
  static constexpr std::size_t kSorted = 64;   // put in order at once, at most
  static constexpr std::size_t kSpare = 64;    // empty buckets kept for their memory

  struct Bucket {
    Item from;  // nothing in it is earlier; nothing in the next is not
    std::vector<Item> items;
  };

  void split(std::size_t at);
  void sort_last();

  static constexpr Item kEarliest{std::numeric_limits<std::int64_t>::min(), 0, 0, nullptr};

  std::vector<Bucket> buckets_{{kEarliest, {}}};  // never none; the last begins with kEarliest
  std::size_t sorted_ = 0;                        // of the last one's items, from its begin
  std::vector<std::vector<Item>> spare_;
  std::size_t size_ = 0;
  std::uint64_t arrived_ = 0;
};

}  // namespace spillway::executor
