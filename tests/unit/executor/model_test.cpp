#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/executor/deque.h"
#include "common/executor/idlers.h"
#include "common/executor/intake.h"
#include "common/executor/list_bits.h"
#include "tests/unit/executor/model.h"
#include "tests/unit/executor/unit.h"

using namespace spillway::executor;

namespace {

// A deque that holds some items, whose owner pushes and pops more among thieves.
struct Play {
  int held, pushes, pops, thieves, steals;  // steals of each thief
};

// Every item comes out exactly once, with what it points to.
bool deque_is_right(model::Checker& checker, const Play& play) {
  struct State {
    Deque<model::Late, 2, model::Atomic> deque;
    std::array<model::Plain<int>, 6> pointed_to;    // by an item
    std::array<std::vector<model::Late>, 4> taken;  // by thread
    int pushed = 0;
    bool whole = true;

    void push() {
      pointed_to[static_cast<std::size_t>(pushed) + 1].set(pushed + 1);
      pushed += deque.push(pushed + 1);
    }
    void look(std::size_t thread) {
      for (model::Late& late : taken[thread]) {
        const int item = late;
        late = item;
        whole = whole && (!item || pointed_to[static_cast<std::size_t>(item)].get() == item);
      }
    }
  };
  std::unique_ptr<State> s;
  return checker.explore(
      [&] {
        s = std::make_unique<State>();
        while (s->pushed < play.held) s->push();
        model::Checker::Threads threads{[&] {
          for (int i = 0; i < play.pushes; ++i) s->push();
          for (int i = 0; i < play.pops; ++i) s->taken[0].push_back(s->deque.pop());
          s->look(0);
        }};
        for (int i = 1; i <= play.thieves; ++i) {
          threads.push_back([&, thief = static_cast<std::size_t>(i)] {
            for (int k = 0; k < play.steals; ++k) s->taken[thief].push_back(s->deque.steal());
            s->look(thief);
          });
        }
        return threads;
      },
      [&] {
        std::vector<int> seen;
        for (const auto& items : s->taken) seen.insert(seen.end(), items.begin(), items.end());
        std::erase(seen, 0);
        while (const int item = s->deque.steal()) seen.push_back(item);
        std::sort(seen.begin(), seen.end());
        return s->whole && static_cast<int>(seen.size()) == s->pushed &&
               std::adjacent_find(seen.begin(), seen.end()) == seen.end();
      });
}

struct Link {
  model::Atomic<Link*> next{nullptr};
  model::Plain<int> value;
};

// Producers push to an intake what its consumer pops: everything comes out once, what one producer
// pushed in its order. The consumer pushes the first again, as one does with what is recycled.
bool intake_is_right(model::Checker& checker, const std::vector<int>& pushes, int pops) {
  struct State {
    Intake<Link, model::Atomic> intake;
    std::array<Link, 4> items;
    std::vector<int> seen;
    bool again = false;

    bool pop() {
      Link* item = intake.pop();
      if (!item) return false;
      seen.push_back(item->value.get());
      if (std::exchange(again, true)) return true;
      item->value.set(100 + item->value.get());
      intake.push(item);
      return true;
    }
  };
  std::unique_ptr<State> s;
  return checker.explore(
      [&] {
        s = std::make_unique<State>();
        model::Checker::Threads threads{[&] {
          for (int i = 0; i < pops; ++i) s->pop();
        }};
        for (int first = 0; const int count : pushes) {
          threads.push_back([&, first, count] {
            for (int i = first; i < first + count; ++i) {
              Link& item = s->items[static_cast<std::size_t>(i)];
              item.value.set(i);
              s->intake.push(&item);
            }
          });
          first += count;
        }
        return threads;
      },
      [&] {
        if (s->seen.empty() && s->intake.empty()) return false;
        while (s->pop()) continue;
        const int again = 100 + s->seen.front();
        const bool came_again = std::erase(s->seen, again) == 1;
        std::vector<int> all = s->seen;
        std::sort(all.begin(), all.end());
        int pushed = 0;
        bool in_order = true;
        for (const int count : pushes) {
          std::vector<int> seen = s->seen;
          std::erase_if(seen, [&](int i) { return i < pushed || i >= pushed + count; });
          in_order = in_order && static_cast<int>(seen.size()) == count &&
                     std::is_sorted(seen.begin(), seen.end());
          pushed += count;
        }
        return came_again && in_order && s->intake.empty() &&
               static_cast<int>(s->seen.size()) == pushed &&
               std::adjacent_find(all.begin(), all.end()) == all.end();
      });
}

// As ListBits, but looks at the list only before it clears the bit.
struct HastyBits : ListBits<model::Atomic> {
  template <class Empty>
  void settle(unsigned list, Empty&& empty) {
    bool first = true;
    ListBits<model::Atomic>::settle(list,
                                    [&] { return std::exchange(first, false) ? empty() : true; });
  }
};

// Threads fill a list while another empties it, as those who push to the injector and take from it
// do. Something there at the end and no bit to tell is work nobody looks for.
template <class Bits>
bool no_list_is_overlooked(model::Checker& checker, const std::vector<int>& pushes) {
  struct State {
    Intake<Link, model::Atomic> list;
    std::array<Link, 3> items;
    Bits bits;
  };
  std::unique_ptr<State> s;
  return checker.explore(
      [&] {
        s = std::make_unique<State>();
        model::Checker::Threads threads{[&] {
          if (s->bits.has(0)) s->list.pop();
          s->bits.settle(0, [&] { return s->list.empty(); });
        }};
        for (std::size_t first = 0; const int count : pushes) {
          threads.push_back([&, first, count] {
            for (int i = 0; i < count; ++i) {
              s->list.push(&s->items[first + static_cast<std::size_t>(i)]);
              s->bits.mark(0);
            }
          });
          first += static_cast<std::size_t>(count);
        }
        return threads;
      },
      [&] { return s->list.empty() || s->bits.has(0); });
}

// Work that is brought from outside, and two workers. The first looks for it, runs what it takes,
// and parks when there is none; a reserved one leaves such work to others.
struct Outside {
  int held;                  // before
  std::vector<int> brought;  // by each of those who bring
  enum Second { none, parked, parks } second;
  enum First { plain, searching, reserved } first;
  int looks = 1;      // of the first
  bool tells = true;  // of what came while it found the list empty
};

// At the end all that was brought has been taken, or one who can take it is up or told to wake.
bool no_wake_up_is_lost(model::Checker& checker, const Outside& play) {
  struct State {
    Idlers<model::Atomic> idlers;
    Intake<Link, model::Atomic> list;
    ListBits<model::Atomic> bits;
    std::array<Link, 3> items;
    enum { up, busy, asleep } workers[2] = {up, up};
    std::array<std::uint64_t, 4> told{};  // by thread: whom

    // What follows does as the members of Core and Worker do.
    void wake_for_outside(std::size_t thread, const Outside& play) {
      if (!idlers.worth_claiming()) return;
      const bool reserved = play.first == Outside::reserved;
      const int worker = idlers.claim(reserved ? 2 : 3, reserved ? 1 : 0);
      if (worker >= 0) told[thread] |= idlers.bit(static_cast<unsigned>(worker));
    }
    bool take(const Outside& play) {
      const bool taken = play.first != Outside::reserved && bits.has(0) && list.pop();
      const bool came = bits.settle(0, [&] { return list.empty(); });
      if (came && play.tells) wake_for_outside(0, play);
      return taken;
    }
    bool park(unsigned worker, bool searching, bool runs_it = true) {
      idlers.park(worker, searching);
      if (runs_it && bits.all()) return !idlers.unpark(worker);
      workers[worker] = asleep;
      return false;
    }
    void loop(const Outside& play) {
      bool searching = play.first == Outside::searching && idlers.start();
      for (int i = 0; i < play.looks && workers[0] == up; ++i) {
        if (!take(play)) {
          searching = park(0, searching, play.first != Outside::reserved);
          continue;
        }
        workers[0] = busy;
        if (!searching) return;
        idlers.stop();
        if (bits.all()) wake_for_outside(0, play);
      }
    }
  };
  std::unique_ptr<State> s;
  return checker.explore(
      [&] {
        s = std::make_unique<State>();
        model::Checker::Threads threads{[&] { s->loop(play); }};
        auto first = static_cast<std::size_t>(play.held);
        for (std::size_t i = 0; i < first; ++i) s->list.push(&s->items[i]);
        if (play.held) s->bits.mark(0);
        for (const int count : play.brought) {
          threads.push_back([&, first, count, thread = threads.size()] {
            for (std::size_t i = first; i < first + static_cast<std::size_t>(count); ++i) {
              s->list.push(&s->items[i]);
              s->bits.mark(0);
              s->wake_for_outside(thread, play);
            }
          });
          first += static_cast<std::size_t>(count);
        }
        if (play.second == Outside::parked) s->idlers.park(1, false);
        if (play.second == Outside::parks) threads.push_back([&] { s->park(1, false); });
        if (play.second != Outside::parks) s->workers[1] = State::asleep;
        return threads;
      },
      [&] {
        std::uint64_t told = 0;
        for (const std::uint64_t whom : s->told) told |= whom;
        const bool alone = play.second == Outside::none && s->workers[0] == State::busy;
        bool comes = alone || s->list.empty();
        for (const unsigned worker : {0U, 1U}) {
          if (worker == 0 && play.first == Outside::reserved) continue;
          comes = comes || s->workers[worker] == State::up ||
                  (s->workers[worker] == State::asleep && told & 1U << worker);
        }
        return comes;
      });
}

// A worker that parks while nobody else is awake, and a guest that comes and forks: as the comment
// on Core::others_awake() has it, the guest sees that it is parked, or the worker that there is one
// and takes a nap.
bool no_fork_is_missed(model::Checker& checker,
                       std::memory_order comes = std::memory_order_seq_cst) {
  struct State {
    Idlers<model::Atomic> idlers;
    Deque<int, 2, model::Atomic> spawned;
    model::Atomic<unsigned> guests{0};
    bool sleeps = false, told = false;
  };
  std::unique_ptr<State> s;
  return checker.explore(
      [&] {
        s = std::make_unique<State>();
        return model::Checker::Threads{
            [&] {
              s->idlers.park(0, false);
              const bool others_awake =
                  s->idlers.parked() < 1 || s->guests.load(std::memory_order_seq_cst) != 0;
              s->sleeps = !s->spawned.oldest() && !others_awake;
            },
            [&] {
              s->guests.fetch_add(1, comes);
              s->spawned.push(1);
              s->told = s->idlers.worth_claiming() && s->idlers.claim(1, 0) == 0;
            }};
      },
      [&] { return !s->sleeps || s->told; });
}

using Right = std::function<bool(model::Checker&)>;

// Whether it is right in all that may happen.
bool always(const Right& right) {
  model::Checker checker;
  return right(checker) && checker.complete;
}

// The orders that could all be weaker at once and leave it right, if any.
std::string not_needed(const Right& right) {
  const char* const orders[] = {"relaxed", "consume", "acquire", "release", "acq_rel", "seq_cst"};
  const char* const kinds[] = {"load", "store", "update"};
  model::Checker checker;
  right(checker);
  std::string found;
  for (const auto& [site, asked] : std::map(checker.sites)) {
    auto [kind, order] = asked;
    for (std::vector<std::memory_order> next = model::weaker(kind, order); !next.empty();) {
      const auto before = checker.changed;
      checker.changed[site] = next.back();
      if (right(checker)) {
        next = model::weaker(kind, order = next.back());
      } else {
        checker.changed = before;
        next.pop_back();
      }
    }
    if (order == asked.second) continue;
    found += std::string(site.function) + "'s " + kinds[static_cast<int>(kind)] + ' ' +
             orders[static_cast<int>(order)] + ", ";
  }
  return found;
}

}  // namespace

TEST_GROUP(Model){};

TEST(Model, P15_the_deque_gives_every_item_once_in_every_execution) {
  for (const Play& play :
       {Play{1, 0, 1, 1, 1}, Play{1, 1, 0, 1, 2}, Play{2, 0, 2, 1, 1}, Play{2, 0, 1, 2, 1},
        Play{0, 1, 1, 2, 1}, Play{2, 1, 2, 1, 2}, Play{2, 1, 1, 2, 1}, Play{1, 2, 1, 2, 1}}) {
    CHECK(always([&](model::Checker& checker) { return deque_is_right(checker, play); }));
  }
}

// Under C++20 both exchanges could do with less, as the loads before them have their place in the
// order already; of the rest each order is needed.
TEST(Model, the_checker_finds_the_deque_wrong_with_any_other_order_weakened) {
  STRCMP_EQUAL("pop's update relaxed, steal's update release, ",
               not_needed([](model::Checker& checker) {
                 for (const Play& play : {Play{2, 0, 1, 1, 2}, Play{0, 1, 1, 1, 1},
                                          Play{2, 0, 1, 2, 1}, Play{2, 1, 2, 1, 2}}) {
                   if (!deque_is_right(checker, play)) return false;
                 }
                 return true;
               }).c_str());
}

TEST(Model, P15_the_intake_gives_every_item_once_and_in_order_in_every_execution) {
  for (const std::vector<int>& pushes : {std::vector<int>{1}, {2}, {1, 1}, {2, 1}}) {
    for (const int pops : {1, 2, 3}) {
      CHECK(
          always([&](model::Checker& checker) { return intake_is_right(checker, pushes, pops); }));
    }
  }
}

TEST(Model, P16_no_list_of_the_injector_is_overlooked_in_any_execution) {
  for (const std::vector<int>& pushes : {std::vector<int>{1}, {2}, {1, 1}}) {
    CHECK(always([&](model::Checker& checker) {
      return no_list_is_overlooked<ListBits<model::Atomic>>(checker, pushes);
    }));
  }
}

TEST(Model, P16_the_checker_finds_a_list_overlooked_without_the_second_look) {
  model::Checker checker;
  CHECK_FALSE(no_list_is_overlooked<HastyBits>(checker, {2}));
}

TEST(Model, P16_no_wake_up_is_lost_in_any_execution) {
  using enum Outside::First;
  using enum Outside::Second;
  for (const Outside& play : {Outside{0, {1}, none, plain}, Outside{0, {1}, none, searching},
                              Outside{0, {1}, none, searching, 2}, Outside{0, {2}, none, searching},
                              Outside{0, {1}, parked, searching},
                              Outside{0, {1}, parked, searching, 2}, Outside{0, {2}, parked, plain},
                              Outside{1, {1}, parked, searching}, Outside{1, {1}, parks, plain},
                              Outside{0, {1}, parks, reserved}, Outside{1, {1}, parks, reserved}}) {
    CHECK(always([&](model::Checker& checker) { return no_wake_up_is_lost(checker, play); }));
  }
}

TEST(Model,
     P16_the_checker_finds_a_wake_up_lost_if_nobody_tells_of_what_came_while_a_list_settled) {
  using enum Outside::First;
  using enum Outside::Second;
  model::Checker checker;
  CHECK_FALSE(no_wake_up_is_lost(checker, {1, {1}, parks, plain, 1, false}));
  CHECK_FALSE(no_wake_up_is_lost(checker, {0, {1}, parks, reserved, 1, false}));
}

TEST(Model, P16_a_worker_naps_when_it_parks_unless_a_guest_sees_it_parked_in_every_execution) {
  CHECK(always([](model::Checker& checker) { return no_fork_is_missed(checker); }));
  model::Checker checker;
  CHECK_FALSE(no_fork_is_missed(checker, std::memory_order_acq_rel));
}

// Of the accesses that are in the order without need, those of start(), unpark() and claim() have
// to be atomic and no more, for what precedes or follows them is in it; and what pop() acquires of
// an item it would acquire before it gives it out, by its own exchange or a later load.
TEST(Model, the_checker_finds_an_item_or_a_wake_up_lost_with_any_other_order_weakened) {
  using enum Outside::First;
  using enum Outside::Second;
  STRCMP_EQUAL(
      "start's update relaxed, pop's load relaxed, pop's load relaxed, unpark's update relaxed, "
      "pop's load relaxed, claim's load relaxed, claim's update relaxed, ",
      not_needed([](model::Checker& checker) {
        return intake_is_right(checker, {2}, 2) &&
               no_list_is_overlooked<ListBits<model::Atomic>>(checker, {2}) &&
               no_wake_up_is_lost(checker, {0, {1}, none, plain}) &&
               no_wake_up_is_lost(checker, {0, {1}, parked, searching}) &&
               no_wake_up_is_lost(checker, {1, {1}, parked, searching}) &&
               no_wake_up_is_lost(checker, {0, {1}, parks, reserved});
      }).c_str());
}
