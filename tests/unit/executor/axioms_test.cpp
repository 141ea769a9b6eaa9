#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/executor/model.h"
#include "tests/unit/executor/unit.h"

// The memory model again, in the words of the standard: as conditions on the relations of a whole
// execution. What the checker finds step by step must be what they allow, for any small program.
namespace {

using model::Set;
using Order = std::memory_order;

constexpr std::size_t kLocations = 2, kMost = 7;  // operations of a program

struct Operation {
  enum Kind { load, store, add, exchange } kind;
  std::size_t location;
  int value, expected;  // an exchange takes place if it reads what it expects
  Order order, otherwise;
};
using Program = std::vector<std::vector<Operation>>;
using Outcome = std::vector<int>;  // what is read, in order of threads, and what remains

// For each event, those that it comes before.
using Relation = std::array<Set, kLocations + kMost>;
constexpr Set bit(std::size_t event) { return Set{1} << event; }

Relation operator|(Relation a, const Relation& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] |= b[i];
  return a;
}
Relation operator*(const Relation& a, const Relation& b) {
  Relation both{};
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < a.size(); ++k) both[i] |= a[i] & bit(k) ? b[k] : 0;
  }
  return both;
}
Relation closure(Relation a) {
  for (std::size_t k = 0; k < a.size(); ++k) {
    for (Set& row : a) row |= row & bit(k) ? a[k] : 0;
  }
  return a;
}
Relation among(Set events, Relation a) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] &= events & bit(i) ? events : 0;
  return a;
}
bool irreflexive(const Relation& a) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] & bit(i)) return false;
  }
  return true;
}
bool acyclic(const Relation& a) { return irreflexive(closure(a)); }

// An execution: the first events are what the locations hold before the threads begin.
struct Event {
  Operation does;
  bool reads, writes;
  Order order;
  std::size_t from = 0;  // the write it reads
  int read = 0, value = 0;
};

class Executions {
 public:
  explicit Executions(const Program& program) {
    for (std::size_t i = 0; i < kLocations; ++i) {
      events_.push_back({{Operation::store, i, 0, 0, Order::relaxed, Order::relaxed},
                         false,
                         true,
                         Order::relaxed});
    }
    for (const auto& thread : program) {
      const std::size_t first = events_.size();
      for (const Operation& does : thread) {
        for (std::size_t i = 0; i < events_.size(); ++i) {
          if (i < kLocations || i >= first) sequenced_[i] |= bit(events_.size());
        }
        events_.push_back(
            {does, does.kind != Operation::store, does.kind != Operation::load, does.order});
      }
    }
    read_from(0);
  }
  std::set<Outcome> outcomes;

 private:
  // Tries every write for every read.
  void read_from(std::size_t event) {
    if (event == events_.size()) {
      if (evaluate()) modify(0, {});
      return;
    }
    if (!events_[event].reads) return read_from(event + 1);
    for (std::size_t i = 0; i < events_.size(); ++i) {
      const Operation& does = events_[i].does;
      if (i == event || does.kind == Operation::load ||
          does.location != events_[event].does.location) {
        continue;
      }
      events_[event].from = i;
      read_from(event + 1);
    }
  }

  // What is read and written; false if that goes round in a circle, or reads what is not written.
  bool evaluate() {
    reads_from_ = {};
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (events_[i].reads) reads_from_[events_[i].from] |= bit(i);
    }
    if (!acyclic(sequenced_ | reads_from_)) return false;
    for (std::size_t round = 0; round < events_.size(); ++round) {
      for (Event& event : events_) {
        const Operation& does = event.does;
        if (event.reads) event.read = events_[event.from].value;
        event.value = does.kind == Operation::add ? event.read + does.value : does.value;
        if (does.kind != Operation::exchange) continue;
        event.writes = event.read == does.expected;
        event.order = event.writes ? does.order : does.otherwise;
      }
    }
    return std::all_of(events_.begin(), events_.end(), [this](const Event& event) {
      return !event.reads || events_[event.from].writes;
    });
  }

  // Tries every modification order of every location.
  void modify(std::size_t location, const Relation& modification) {
    if (location == kLocations) {
      if (consistent(modification)) outcomes.insert(outcome(modification));
      return;
    }
    std::vector<std::size_t> writes;
    for (std::size_t i = kLocations; i < events_.size(); ++i) {
      if (events_[i].writes && events_[i].does.location == location) writes.push_back(i);
    }
    do {
      Relation with = modification;
      Set later = 0;
      for (std::size_t i = writes.size(); i-- > 0; later |= bit(writes[i])) with[writes[i]] = later;
      with[location] = later;
      modify(location + 1, with);
    } while (std::next_permutation(writes.begin(), writes.end()));
  }

  bool consistent(const Relation& modification) const {
    Relation reads_before{}, synchronizes{};  // reads_before: what is older than a write
    Set sequential = 0;
    for (std::size_t i = kLocations; i < events_.size(); ++i) {
      const Event& event = events_[i];
      if (model::sequential(event.order)) sequential |= bit(i);
      if (!event.reads) continue;
      reads_before[i] = modification[event.from] & ~bit(i);
      if (model::acquires(event.order)) {
        for (const std::size_t head : released_by(event.from)) synchronizes[head] |= bit(i);
      }
      // What reads and writes comes directly behind what it reads.
      if (!event.writes) continue;
      if (!(modification[event.from] & bit(i))) return false;
      for (std::size_t k = 0; k < events_.size(); ++k) {
        if (modification[event.from] & bit(k) && modification[k] & bit(i)) return false;
      }
    }
    const Relation happens_before = closure(sequenced_ | synchronizes);
    const Relation coherence = closure(modification | reads_from_ | reads_before);
    const Relation strongly = closure(sequenced_ | among(sequential, synchronizes) |
                                      sequenced_ * happens_before * sequenced_);
    return irreflexive(happens_before) && irreflexive(coherence) &&
           irreflexive(happens_before * coherence) &&
           acyclic(among(sequential, strongly | coherence));
  }

  // The releases whose release sequence the write is in.
  std::vector<std::size_t> released_by(std::size_t write) const {
    std::vector<std::size_t> heads;
    for (;; write = events_[write].from) {
      if (model::releases(events_[write].order)) heads.push_back(write);
      if (!events_[write].reads) return heads;
    }
  }

  Outcome outcome(const Relation& modification) const {
    Outcome outcome;
    for (const Event& event : events_) {
      if (event.reads) outcome.push_back(event.read);
    }
    for (std::size_t location = 0; location < kLocations; ++location) {
      std::size_t last = location;
      for (std::size_t i = 0; i < events_.size(); ++i) {
        if (modification[last] & bit(i)) last = i;
      }
      outcome.push_back(events_[last].value);
    }
    return outcome;
  }

  std::vector<Event> events_;
  Relation sequenced_{}, reads_from_{};
};

std::set<Outcome> found_by_checker(const Program& program) {
  struct Shared {
    std::array<model::Atomic<int>, kLocations> locations;
    std::array<Outcome, model::Memory::kThreads> read;

    void run(std::size_t thread, const Operation& does) {
      model::Atomic<int>& at = locations[does.location];
      int expected = does.expected;
      switch (does.kind) {
        case Operation::load: return read[thread].push_back(at.load(does.order));
        case Operation::store: return at.store(does.value, does.order);
        case Operation::add: return read[thread].push_back(at.fetch_add(does.value, does.order));
        case Operation::exchange:
          at.compare_exchange_strong(expected, does.value, does.order, does.otherwise);
          read[thread].push_back(expected);
      }
    }
  };
  std::unique_ptr<Shared> shared;
  std::set<Outcome> outcomes;
  model::Checker checker;
  checker.explore(
      [&] {
        shared = std::make_unique<Shared>();
        model::Checker::Threads threads;
        for (std::size_t i = 0; i < program.size(); ++i) {
          threads.push_back([&, i] {
            for (const Operation& does : program[i]) shared->run(i, does);
          });
        }
        return threads;
      },
      [&] {
        Outcome outcome;
        for (const Outcome& read : shared->read) {
          outcome.insert(outcome.end(), read.begin(), read.end());
        }
        for (auto& at : shared->locations) outcome.push_back(at.load(Order::relaxed));
        outcomes.insert(outcome);
        return true;
      });
  CHECK(checker.complete);
  return outcomes;
}

Program random_program(std::minstd_rand& random) {
  constexpr Order kLoads[] = {Order::relaxed, Order::acquire, Order::seq_cst, Order::seq_cst};
  constexpr Order kStores[] = {Order::relaxed, Order::release, Order::seq_cst, Order::seq_cst};
  constexpr Order kUpdates[] = {Order::relaxed, Order::acquire, Order::release,
                                Order::acq_rel, Order::seq_cst, Order::seq_cst};
  constexpr Operation::Kind kKinds[] = {Operation::load,  Operation::load,    Operation::load,
                                        Operation::store, Operation::store,   Operation::store,
                                        Operation::add,   Operation::exchange};
  auto any = [&](const auto& of) { return of[random() % std::size(of)]; };
  Program program(2 + random() % 3);
  for (std::size_t i = 0; i < kMost; ++i) {
    const Operation::Kind kind = any(kKinds);
    const Order order = kind == Operation::load    ? any(kLoads)
                        : kind == Operation::store ? any(kStores)
                                                   : any(kUpdates);
    program[random() % program.size()].push_back(
        {kind, random() % kLocations, static_cast<int>(1 + random() % 3),
         static_cast<int>(random() % 3), order, any(kLoads)});
  }
  return program;
}

}  // namespace

TEST_GROUP(Axioms){};

TEST(Axioms, the_checker_finds_what_the_standard_allows_and_nothing_else) {
  std::minstd_rand random(1);
  for (int i = 0; i < 1'200; ++i) {
    const Program program = random_program(random);
    CHECK(found_by_checker(program) == Executions(program).outcomes);
  }
}
