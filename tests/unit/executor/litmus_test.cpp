#include <functional>
#include <memory>
#include <set>
#include <vector>

#include "tests/unit/executor/model.h"
#include "tests/unit/executor/unit.h"

// What the checker must find, and what it must not: small programs about which the model of C++20
// is known to say something, by the names they have in its literature.
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kBoth = std::memory_order_acq_rel;
constexpr auto kOrdered = std::memory_order_seq_cst;

struct Shared {
  model::Atomic<int> x{0}, y{0}, z{0};
  model::Atomic<model::Late> late_x{0}, late_y{0};
  model::Plain<int> data;
  int a = -1, b = -1, c = -1, d = -1;  // what the threads saw
};
using Seen = std::vector<int>;
using Thread = std::function<void(Shared&)>;

// Whether threads may end with having seen `seen`: a, b, c, d, as far as it goes.
bool may_see(
    const std::vector<Thread>& threads, const Seen& seen,
    const Thread& at_the_end = [](Shared&) {}) {
  model::Checker checker;
  std::unique_ptr<Shared> shared;
  bool found = false;
  checker.explore(
      [&] {
        shared = std::make_unique<Shared>();
        model::Checker::Threads running;
        for (const Thread& thread : threads) running.push_back([&] { thread(*shared); });
        return running;
      },
      [&] {
        at_the_end(*shared);
        Seen all{shared->a, shared->b, shared->c, shared->d};
        all.resize(seen.size());
        found = found || all == seen;
        return true;
      });
  CHECK(checker.complete);
  return found;
}

bool may_race(const std::vector<Thread>& threads) {
  model::Checker checker;
  std::unique_ptr<Shared> shared;
  return !checker.explore(
      [&] {
        shared = std::make_unique<Shared>();
        model::Checker::Threads running;
        for (const Thread& thread : threads) running.push_back([&] { thread(*shared); });
        return running;
      },
      [] { return true; });
}

}  // namespace

TEST_GROUP(Litmus){};

TEST(Litmus, store_buffering_needs_sequential_consistency) {
  auto both_miss = [](std::memory_order store, std::memory_order load) {
    return may_see({[=](Shared& s) {
                      s.x.store(1, store);
                      s.a = s.y.load(load);
                    },
                    [=](Shared& s) {
                      s.y.store(1, store);
                      s.b = s.x.load(load);
                    }},
                   {0, 0});
  };
  CHECK(both_miss(kRelaxed, kRelaxed));
  CHECK(both_miss(kRelease, kAcquire));
  CHECK(both_miss(kRelease, kOrdered));
  CHECK(both_miss(kOrdered, kAcquire));
  CHECK_FALSE(both_miss(kOrdered, kOrdered));

  auto both_miss_after_update = [](std::memory_order update, std::memory_order load) {
    return may_see({[=](Shared& s) {
                      s.x.fetch_add(1, update);
                      s.a = s.y.load(load);
                    },
                    [=](Shared& s) {
                      s.y.fetch_add(1, update);
                      s.b = s.x.load(load);
                    }},
                   {0, 0});
  };
  CHECK(both_miss_after_update(kBoth, kOrdered));
  CHECK(both_miss_after_update(kOrdered, kAcquire));
  CHECK_FALSE(both_miss_after_update(kOrdered, kOrdered));
}

TEST(Litmus, message_passing_needs_release_and_acquire) {
  auto flag_without_message = [](std::memory_order store, std::memory_order load) {
    return may_see({[=](Shared& s) {
                      s.x.store(1, kRelaxed);
                      s.y.store(1, store);
                    },
                    [=](Shared& s) {
                      s.a = s.y.load(load);
                      s.b = s.x.load(kRelaxed);
                    }},
                   {1, 0});
  };
  CHECK(flag_without_message(kRelaxed, kRelaxed));
  CHECK(flag_without_message(kRelease, kRelaxed));
  CHECK(flag_without_message(kRelaxed, kAcquire));
  CHECK_FALSE(flag_without_message(kRelease, kAcquire));
  CHECK_FALSE(flag_without_message(kOrdered, kOrdered));
}

TEST(Litmus, plain_memory_races_unless_release_and_acquire_order_it) {
  auto races = [](std::memory_order store, std::memory_order load) {
    return may_race({[=](Shared& s) {
                       s.data.set(1);
                       s.y.store(1, store);
                     },
                     [=](Shared& s) {
                       if (s.y.load(load)) s.a = s.data.get();
                     }});
  };
  CHECK(races(kRelaxed, kRelaxed));
  CHECK(races(kRelease, kRelaxed));
  CHECK(races(kRelaxed, kAcquire));
  CHECK_FALSE(races(kRelease, kAcquire));
  CHECK(may_race({[](Shared& s) { s.a = s.data.get(); }, [](Shared& s) { s.data.set(1); }}));
  CHECK_FALSE(may_race({[](Shared& s) { s.a = s.data.get(); },  //
                        [](Shared& s) { s.b = s.data.get(); }}));
}

TEST(Litmus, a_release_sequence_goes_on_through_updates_and_not_through_stores) {
  auto flag_without_message = [](const Thread& second) {
    return may_see({[](Shared& s) {
                      s.x.store(1, kRelaxed);
                      s.y.store(1, kRelease);
                    },
                    second,
                    [](Shared& s) {
                      s.a = s.y.load(kAcquire);
                      s.b = s.x.load(kRelaxed);
                    }},
                   {2, 0});
  };
  CHECK_FALSE(flag_without_message([](Shared& s) {
    int one = 1;
    s.y.compare_exchange_strong(one, 2, kRelaxed, kRelaxed);
  }));
  CHECK(flag_without_message([](Shared& s) {
    if (s.y.load(kRelaxed) == 1) s.y.store(2, kRelaxed);
  }));
  // Since C++20 not through one's own, either.
  CHECK(may_see({[](Shared& s) {
                   s.x.store(1, kRelaxed);
                   s.y.store(1, kRelease);
                   s.y.store(2, kRelaxed);
                 },
                 [](Shared& s) {
                   s.a = s.y.load(kAcquire);
                   s.b = s.x.load(kRelaxed);
                 }},
                {2, 0}));
}

TEST(Litmus, what_was_heard_of_is_known_to_whom_it_is_told) {
  auto third_misses = [](std::memory_order store, std::memory_order load) {
    return may_see({[=](Shared& s) { s.x.store(1, store); },
                    [=](Shared& s) {
                      s.a = s.x.load(load);
                      s.y.store(1, store);
                    },
                    [=](Shared& s) {
                      s.b = s.y.load(load);
                      s.c = s.x.load(kRelaxed);
                    }},
                   {1, 1, 0});
  };
  CHECK(third_misses(kRelaxed, kRelaxed));
  CHECK_FALSE(third_misses(kRelease, kAcquire));
}

TEST(Litmus, independent_writes_are_seen_in_one_order_only_by_sequentially_consistent_loads) {
  auto readers_disagree = [](std::memory_order store, std::memory_order load) {
    return may_see(
        {[=](Shared& s) { s.x.store(1, store); }, [=](Shared& s) { s.y.store(1, store); },
         [=](Shared& s) {
           s.a = s.x.load(load);
           s.b = s.y.load(load);
         },
         [=](Shared& s) {
           s.c = s.y.load(load);
           s.d = s.x.load(load);
         }},
        {1, 0, 1, 0});
  };
  CHECK(readers_disagree(kRelaxed, kRelaxed));
  CHECK(readers_disagree(kRelease, kAcquire));
  CHECK(readers_disagree(kOrdered, kAcquire));
  CHECK_FALSE(readers_disagree(kOrdered, kOrdered));
  // What is not read yet is coherence-ordered before who has read it, whoever wrote it.
  CHECK_FALSE(readers_disagree(kRelaxed, kOrdered));
}

TEST(Litmus, one_location_is_coherent_whatever_the_order) {
  const Thread write_one = [](Shared& s) { s.x.store(1, kRelaxed); };
  const Thread write_two = [](Shared& s) { s.x.store(2, kRelaxed); };
  // Reads never go back (CoRR), nor before one's own write (CoWR), and two readers agree.
  const Thread read_twice = [](Shared& s) {
    s.a = s.x.load(kRelaxed);
    s.b = s.x.load(kRelaxed);
  };
  const Thread read_twice_too = [](Shared& s) {
    s.c = s.x.load(kRelaxed);
    s.d = s.x.load(kRelaxed);
  };
  CHECK(may_see({write_one, read_twice}, {0, 1}));
  CHECK_FALSE(may_see({write_one, read_twice}, {1, 0}));
  CHECK(may_see({write_one, write_two, read_twice}, {1, 2}));
  CHECK(may_see({write_one, write_two, read_twice}, {2, 1}));
  CHECK_FALSE(may_see({write_one, write_two, read_twice, read_twice_too}, {1, 2, 2, 1}));
  CHECK_FALSE(may_see({[](Shared& s) {
                         s.x.store(1, kRelaxed);
                         s.a = s.x.load(kRelaxed);
                       },
                       write_two},
                      {0}));
  // A write comes behind what its thread has read (CoRW).
  CHECK_FALSE(may_see({[](Shared& s) {
                         s.a = s.x.load(kRelaxed);
                         s.x.store(1, kRelaxed);
                       },
                       write_two},
                      {2, 2}, [](Shared& s) { s.b = s.x.load(kRelaxed); }));
}

TEST(Litmus, stores_to_two_locations_may_end_crosswise_unless_sequentially_consistent) {
  auto first_stores_win = [](std::memory_order store) {
    return may_see({[=](Shared& s) {
                      s.x.store(1, store);
                      s.y.store(2, store);
                    },
                    [=](Shared& s) {
                      s.y.store(1, store);
                      s.x.store(2, store);
                    }},
                   {1, 1}, [](Shared& s) {
                     s.a = s.x.load(kOrdered);
                     s.b = s.y.load(kOrdered);
                   });
  };
  CHECK(first_stores_win(kRelaxed));
  CHECK(first_stores_win(kRelease));
  CHECK_FALSE(first_stores_win(kOrdered));
}

TEST(Litmus, updates_never_work_on_the_same_value) {
  const Thread first = [](Shared& s) { s.a = s.x.fetch_add(1, kRelaxed); };
  const Thread second = [](Shared& s) { s.b = s.x.fetch_add(1, kRelaxed); };
  CHECK(may_see({first, second}, {0, 1}));
  CHECK(may_see({first, second}, {1, 0}));
  CHECK_FALSE(may_see({first, second}, {0, 0}));
  // Nor does a store come between.
  CHECK_FALSE(may_see({first, [](Shared& s) { s.x.store(5, kRelaxed); }}, {0, 1},
                      [](Shared& s) { s.b = s.x.load(kRelaxed) == 5 ? 0 : s.x.load(kRelaxed); }));
}

TEST(Litmus, an_exchange_that_fails_may_have_read_what_is_old) {
  auto stale = [](std::memory_order otherwise) {
    return may_see({[](Shared& s) {
                      s.x.store(1, kOrdered);
                      s.y.store(1, kOrdered);
                    },
                    [=](Shared& s) {
                      s.a = s.y.load(kRelaxed);
                      int seven = 7;
                      s.x.compare_exchange_strong(seven, 8, kOrdered, otherwise);
                      s.b = seven;
                    }},
                   {1, 0});
  };
  CHECK(stale(kRelaxed));
}

// To happen before is not enough: what C++11 forbade here Power does, so that C++20 allows it.
TEST(Litmus, sequentially_consistent_operations_are_ordered_by_what_strongly_happens_before) {
  CHECK(may_see({[](Shared& s) {
                   s.x.store(1, kOrdered);
                   s.y.store(1, kRelease);
                 },
                 [](Shared& s) {
                   s.a = s.y.fetch_add(1, kOrdered);
                   s.b = s.y.load(kRelaxed);
                 },
                 [](Shared& s) {
                   s.y.store(3, kOrdered);
                   s.c = s.x.load(kOrdered);
                 }},
                {1, 3, 0}));

  const Thread third = [](Shared& s) {
    s.y.store(1, kOrdered);
    s.c = s.x.load(kOrdered);
  };
  auto both_miss = [&](std::memory_order load) {
    return may_see({[](Shared& s) { s.x.store(1, kOrdered); },
                    [=](Shared& s) {
                      s.a = s.x.load(load);
                      s.b = s.y.load(kOrdered);
                    },
                    third},
                   {1, 0, 0});
  };
  CHECK(both_miss(kAcquire));
  CHECK_FALSE(both_miss(kOrdered));
  // A release behind the store, and an acquire of it before the load, forbid it, too.
  CHECK_FALSE(may_see({[](Shared& s) {
                         s.x.store(1, kOrdered);
                         s.z.store(1, kRelease);
                       },
                       [](Shared& s) {
                         s.a = s.z.load(kAcquire);
                         s.b = s.y.load(kOrdered);
                       },
                       third},
                      {1, 0, 0}));
}

TEST(Litmus, a_late_value_may_come_from_what_later_stores_led_to_but_never_from_itself) {
  auto both_see = [](std::memory_order load, bool depends) {
    auto thread = [=](auto& from, auto& to, int& seen) {
      const model::Late value = from.load(load);
      to.store(depends ? int{value} : 1, kRelaxed);
      seen = value;
    };
    return may_see({[=](Shared& s) { thread(s.late_x, s.late_y, s.a); },
                    [=](Shared& s) { thread(s.late_y, s.late_x, s.b); }},
                   {1, 1});
  };
  CHECK(both_see(kRelaxed, false));
  CHECK_FALSE(both_see(kRelaxed, true));
  CHECK_FALSE(both_see(kAcquire, false));
}

TEST(Litmus, a_late_value_does_not_come_from_what_a_release_put_behind_it) {
  auto both_see = [](std::memory_order store, std::memory_order load) {
    return may_see({[=](Shared& s) {
                      const model::Late value = s.late_x.load(kRelaxed);
                      s.y.store(1, store);
                      s.a = value;
                    },
                    [=](Shared& s) {
                      s.b = s.y.load(load);
                      s.late_x.store(s.b, kRelaxed);
                    }},
                   {1, 1});
  };
  CHECK(both_see(kRelaxed, kRelaxed));
  CHECK(both_see(kRelease, kRelaxed));
  CHECK(both_see(kRelaxed, kAcquire));
  CHECK_FALSE(both_see(kRelease, kAcquire));
}
