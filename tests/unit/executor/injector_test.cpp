#include "common/executor/injector.h"

#include <array>
#include <deque>
#include <random>

#include "tests/unit/executor/unit.h"

using namespace spillway;
using namespace spillway::executor;

namespace {

// Beside it stands what it should hold. Every closure taken is held against the bounds it states.
class Checked {
 public:
  ~Checked() {
    while (take(64)) {
    }
    for (const Waiting& each : waiting_) CHECK_EQUAL(0u, each.plain + each.timed);
  }

  void push(Band band, std::int64_t deadline = kNoDeadline) {
    Node* node = Task([] {}).release();
    node->band = band;
    node->deadline = deadline;
    CHECK(injector_.push(node, true) == Injector::Pushed::yes);
    Waiting& waiting = waiting_[static_cast<std::size_t>(band)];
    ++(deadline == kNoDeadline ? waiting.plain : waiting.timed);
  }
  // How many came; their bands are in taken().
  std::size_t take(std::size_t count, unsigned worst = kBands - 1) {
    std::array<Node*, 64> nodes;
    const std::size_t got = injector_.take(nodes.data(), count, worst);
    taken_.clear();
    for (std::size_t i = 0; i < got; ++i) account(nodes[i], worst);
    CHECK(kept_);
    return got;
  }
  const std::vector<unsigned>& taken() const { return taken_; }

 private:
  struct Waiting {
    unsigned plain = 0, timed = 0;
    unsigned better = 0, other = 0;  // taken since it has something and none of it was
    unsigned timed_in_a_row = 0;     // while one without a deadline waits
  };

  void account(Node* node, unsigned worst) {
    const auto band = static_cast<unsigned>(node->band);
    const bool timed = node->deadline != kNoDeadline;
    node->finish(node, Outcome::dropped);
    taken_.push_back(band);
    for (unsigned other = 0; other <= worst; ++other) {
      Waiting& waiting = waiting_[other];
      if (other == band || waiting.plain + waiting.timed == 0) continue;
      waiting.better += band < other;
      ++waiting.other;
      kept_ =
          kept_ && waiting.better <= Injector::kAgeLimit && waiting.other <= Injector::kLongestWait;
    }
    Waiting& own = waiting_[band];
    kept_ = kept_ && band <= worst && (timed ? own.timed : own.plain) > 0;
    --(timed ? own.timed : own.plain);
    own.better = own.other = 0;
    own.timed_in_a_row = timed && own.plain ? own.timed_in_a_row + 1 : 0;
    kept_ = kept_ && own.timed_in_a_row <= Injector::kPlainTurn;
  }

  Injector injector_{2, 1 << 20};
  std::array<Waiting, kBands> waiting_{};
  std::vector<unsigned> taken_;
  bool kept_ = true;  // every bound, so far
};

}  // namespace

TEST_GROUP(Injector){};

TEST(Injector, serves_a_band_after_exactly_the_age_limit_of_better_ones_however_they_are_taken) {
  for (std::size_t count : {1U, 3U, 64U}) {
    Checked injector;
    injector.push(Band::background);
    for (unsigned i = 0; i < 3 * Injector::kAgeLimit; ++i) injector.push(Band::urgent);
    unsigned before = 0;
    for (bool found = false; !found;) {
      CHECK(injector.take(count) > 0);
      for (unsigned band : injector.taken()) {
        found = found || band == static_cast<unsigned>(Band::background);
        before += !found;
      }
    }
    CHECK_EQUAL(Injector::kAgeLimit, before);
  }
}

TEST(Injector, keeps_every_band_within_its_bounds_while_all_are_full) {
  for (std::size_t count : {1U, 7U, 64U}) {
    Checked injector;
    for (unsigned i = 0; i < 4000; ++i) injector.push(static_cast<Band>(i % kBands));
    while (injector.take(count)) {
    }
  }
}

TEST(Injector, keeps_every_band_within_its_bounds_whatever_comes_and_whoever_takes) {
  std::minstd_rand random(11);
  for (int round = 0; round < 20; ++round) {
    Checked injector;
    for (int step = 0; step < 400; ++step) {
      // Mostly the best, so that the others get old; at times nothing, so that all run dry.
      for (auto i = step % 50 < 40 ? random() % 80 : 0; i > 0; --i) {
        const auto band = random() % 8 < 5 ? 0 : random() % kBands;
        const auto due = static_cast<std::int64_t>(random() % 1000);
        injector.push(static_cast<Band>(band), random() % 2 ? due : kNoDeadline);
      }
      injector.take(1 + random() % 64, random() % 4 ? kBands - 1 : 1);
    }
  }
}

TEST(Injector, of_bands_that_fell_due_together_none_waits_for_a_better_one_more) {
  Checked injector;
  for (Band band : {Band::high, Band::normal, Band::background}) injector.push(band);
  for (unsigned i = 0; i < 2 * Injector::kAgeLimit; ++i) injector.push(Band::urgent);
  CHECK_EQUAL(64u, injector.take(64));
  CHECK_EQUAL(4u, injector.take(4));
  CHECK(injector.taken() == (std::vector<unsigned>{3, 2, 1, 0}));
}

TEST(Injector, has_no_band_left_when_its_lone_closure_was_taken) {
  Injector injector(2, 64);
  for (const std::int64_t deadline : {kNoDeadline, std::int64_t{1000}}) {
    Node* node = Task([] {}).release();
    node->deadline = deadline;
    CHECK(injector.push(node, true) == Injector::Pushed::yes);
    Node* taken = nullptr;
    CHECK_EQUAL(1u, injector.take(&taken, 1));
    CHECK(taken == node);
    CHECK_EQUAL(kBands, injector.best_band());  // so nobody is woken in vain
    taken->finish(taken, Outcome::dropped);
  }
}
