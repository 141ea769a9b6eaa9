#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "common/executor/deque.h"
#include "common/executor/idlers.h"
#include "common/executor/intake.h"
#include "common/executor/list_bits.h"
#include "tests/unit/executor/model.h"
#include "tests/unit/executor/unit.h"

using namespace spillway::executor;

namespace {

template <template <class> class Atomic>
struct Link {
  Atomic<Link*> next{nullptr};
  int value = 0;
};

// A deque that holds some items, whose owner pushes and pops more among thieves.
struct Play {
  int held, pushes, pops, thieves, steals;  // steals of each thief
};

// Every item comes out exactly once.
template <template <class> class Atomic>
bool deque_is_right(model::Checker& checker, const Play& play) {
  std::unique_ptr<Deque<int, 2, Atomic>> deque;
  std::vector<int> seen;
  int pushed = 0;
  auto take = [&](int item) {
    if (item) seen.push_back(item);
  };
  return checker.explore(
      [&] {
        deque = std::make_unique<Deque<int, 2, Atomic>>();
        seen.clear();
        for (pushed = 0; pushed < play.held;) pushed += deque->push(pushed + 1);
        model::Checker::Threads threads{[&] {
          for (int i = 0; i < play.pushes; ++i) pushed += deque->push(pushed + 1);
          for (int i = 0; i < play.pops; ++i) take(deque->pop());
        }};
        for (int i = 0; i < play.thieves; ++i) {
          threads.push_back([&] {
            for (int k = 0; k < play.steals; ++k) take(deque->steal());
          });
        }
        return threads;
      },
      [&] {
        while (int item = deque->steal()) seen.push_back(item);
        std::sort(seen.begin(), seen.end());
        return static_cast<int>(seen.size()) == pushed &&
               std::adjacent_find(seen.begin(), seen.end()) == seen.end();
      });
}

// Two bringers and a worker that sleeps when it sees nothing. Asleep at the end with work about
// and nobody told is a lost wake-up.
template <template <class> class Atomic>
bool no_wake_up_is_lost(model::Checker& checker, int bringers, bool searching) {
  struct State {
    Idlers<Atomic> idlers;
    Atomic<int> work{0};
    bool asleep = false, signalled = false;
  };
  std::unique_ptr<State> s;
  return checker.explore(
      [&] {
        s = std::make_unique<State>();
        model::Checker::Threads threads{[&] {
          const bool searcher = searching && s->idlers.start();
          s->idlers.park(0, searcher);
          if (s->work.load(std::memory_order_seq_cst) && s->idlers.unpark(0)) return;
          s->asleep = true;
        }};
        for (int i = 0; i < bringers; ++i) {
          threads.push_back([&] {
            s->work.store(1, std::memory_order_seq_cst);
            if (s->idlers.claim(1, 0) == 0) s->signalled = true;
          });
        }
        return threads;
      },
      [&] { return !s->asleep || s->signalled; });
}

// As ListBits, but looks at the list only before it clears the bit.
template <template <class> class Atomic>
struct HastyBits : ListBits<Atomic> {
  template <class Empty>
  void settle(unsigned list, Empty&& empty) {
    bool first = true;
    ListBits<Atomic>::settle(list, [&] { return std::exchange(first, false) ? empty() : true; });
  }
};

// Threads fill a list while another empties it, as those who push to the injector and take from it
// do. Something there at the end and no bit to tell is work nobody looks for. The list is a number,
// filled and found empty in the order an Intake has for that.
template <class Bits>
bool no_list_is_overlooked(model::Checker& checker, const std::vector<int>& pushes) {
  struct State {
    model::Atomic<int> list{0};
    Bits bits;
  };
  std::unique_ptr<State> s;
  auto empty = [&] { return s->list.load(std::memory_order_seq_cst) == 0; };
  return checker.explore(
      [&] {
        s = std::make_unique<State>();
        model::Checker::Threads threads{[&] {
          if (s->bits.all() && !empty()) s->list.fetch_sub(1, std::memory_order_seq_cst);
          s->bits.settle(0, empty);
        }};
        for (const int count : pushes) {
          threads.push_back([&, count] {
            for (int i = 0; i < count; ++i) {
              s->list.fetch_add(1, std::memory_order_seq_cst);
              s->bits.mark(0);
            }
          });
        }
        return threads;
      },
      [&] { return empty() || s->bits.has(0); });
}

}  // namespace

TEST_GROUP(Model){};

TEST(Model, P15_the_deque_gives_every_item_once_in_every_schedule) {
  model::Checker checker;
  for (const Play& play : {Play{2, 0, 1, 1, 2}, Play{2, 0, 2, 1, 1}, Play{1, 0, 1, 1, 1},
                           Play{0, 1, 1, 1, 1}, Play{1, 1, 0, 1, 2}}) {
    CHECK(deque_is_right<model::Atomic>(checker, play));
    CHECK(checker.complete);
  }
}

TEST(Model, the_checker_finds_the_deque_wrong_without_its_order) {
  model::Checker checker;
  CHECK_FALSE(deque_is_right<model::WeakAtomic>(checker, {2, 0, 1, 1, 2}));
}

TEST(Model, P15_the_intake_gives_every_item_once_and_in_order_in_every_schedule) {
  using Item = Link<model::Atomic>;
  struct State {
    Intake<Item, model::Atomic> intake;
    Item items[3];
    std::vector<int> seen;
  };
  model::Checker checker;
  std::unique_ptr<State> s;
  CHECK(checker.explore(
      [&] {
        s = std::make_unique<State>();
        for (int i = 0; i < 3; ++i) s->items[i].value = i;
        return model::Checker::Threads{[&] {
                                         s->intake.push(&s->items[0]);
                                         s->intake.push(&s->items[1]);
                                       },
                                       [&] {
                                         if (Item* item = s->intake.pop())
                                           s->seen.push_back(item->value);
                                       }};
      },
      [&] {
        if (s->seen.empty() && s->intake.empty()) return false;
        while (Item* item = s->intake.pop()) s->seen.push_back(item->value);
        return s->intake.empty() && s->seen == std::vector<int>{0, 1};
      }));
  CHECK(checker.complete);
  CHECK(checker.explore(
      [&] {
        s = std::make_unique<State>();
        for (int i = 0; i < 3; ++i) s->items[i].value = i;
        return model::Checker::Threads{[&] { s->intake.push(&s->items[0]); },
                                       [&] { s->intake.push(&s->items[1]); },
                                       [&] {
                                         if (Item* item = s->intake.pop())
                                           s->seen.push_back(item->value);
                                       }};
      },
      [&] {
        while (Item* item = s->intake.pop()) s->seen.push_back(item->value);
        std::sort(s->seen.begin(), s->seen.end());
        return s->intake.empty() && s->seen == std::vector<int>{0, 1};
      }));
  CHECK(checker.complete);
}

TEST(Model, P16_no_list_of_the_injector_is_overlooked_in_any_schedule) {
  model::Checker checker;
  for (const std::vector<int>& pushes : {std::vector<int>{1}, {2}, {1, 1}}) {
    CHECK(no_list_is_overlooked<ListBits<model::Atomic>>(checker, pushes));
    CHECK(checker.complete);
  }
}

TEST(Model, P16_the_checker_finds_a_list_overlooked_without_the_second_look) {
  model::Checker checker;
  CHECK_FALSE(no_list_is_overlooked<HastyBits<model::Atomic>>(checker, {2}));
}

TEST(Model, P16_no_wake_up_is_lost_in_any_schedule) {
  model::Checker checker;
  CHECK(no_wake_up_is_lost<model::Atomic>(checker, 1, false));
  CHECK(checker.complete);
  CHECK(no_wake_up_is_lost<model::Atomic>(checker, 1, true));
  CHECK(checker.complete);
  CHECK(no_wake_up_is_lost<model::Atomic>(checker, 2, true));
  CHECK(checker.complete);
}

TEST(Model, P16_the_checker_finds_a_wake_up_lost_without_the_order) {
  model::Checker checker;
  CHECK_FALSE(no_wake_up_is_lost<model::WeakAtomic>(checker, 1, true));
}
