#include "common/executor/deadline_queue.h"

#include <random>
#include <set>
#include <utility>

#include "tests/unit/executor/unit.h"

using spillway::executor::DeadlineQueue;

namespace {

// Beside the simplest queue there is: every pop must give the same.
class Both {
 public:
  void push(std::int64_t deadline) {
    queue_.push(deadline, static_cast<std::uint8_t>(deadline & 7), nullptr);
    expected_.emplace(deadline, ++arrived_);
  }
  void pop() {
    const auto expected = *expected_.begin();
    expected_.erase(expected_.begin());
    const DeadlineQueue::Item item = queue_.pop();
    CHECK(item.deadline == expected.first && item.order == expected.second);
    CHECK_EQUAL(static_cast<unsigned>(item.deadline & 7), static_cast<unsigned>(item.shard));
    CHECK_EQUAL(expected_.empty(), queue_.empty());
  }
  std::size_t size() const { return expected_.size(); }
  void drain() {
    while (size()) pop();
  }

 private:
  DeadlineQueue queue_;
  std::set<std::pair<std::int64_t, std::uint64_t>> expected_;
  std::uint64_t arrived_ = 0;
};

}  // namespace

TEST_GROUP(DeadlineQueue){};

TEST(DeadlineQueue, gives_the_earliest_and_equals_as_they_came_whatever_comes_between) {
  std::minstd_rand random(7);
  for (int spread : {1, 10, 100'000}) {  // all equal, many equal, hardly any
    Both both;
    for (int round = 0; round < 400; ++round) {
      for (auto i = random() % 64; i > 0; --i) both.push(static_cast<int>(random()) % spread);
      for (auto i = random() % 56; i > 0 && both.size(); --i) both.pop();
    }
    both.drain();
  }
}

TEST(DeadlineQueue, keeps_its_order_when_all_arrive_rising_or_falling) {
  for (std::int64_t step : {1, -1}) {
    Both both;
    for (std::int64_t i = 0; i < 5000; ++i) {
      both.push(i * step);
      if (i % 3 == 0) both.pop();
    }
    both.drain();
  }
}

TEST(DeadlineQueue, takes_the_most_extreme_deadlines) {
  Both both;
  for (int i = 0; i < 1000; ++i) {
    both.push(i % 2 ? std::numeric_limits<std::int64_t>::max()
                    : std::numeric_limits<std::int64_t>::min());
  }
  both.drain();
}
