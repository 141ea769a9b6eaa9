#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <vector>

// The memory model of C++20 ([intro.races], [atomics.order]), a step at a time: which writes an
// operation may read and where it may put its own, under exactly the memory orders it asks for.
//
// A location keeps all its writes in modification order. A store takes any place there and a load
// reads any write, but none older than what happens before it wrote or read; what reads and writes
// in one comes directly behind what it read. Acquiring learns what happened before the release
// whose write, or whose release sequence, is read. The sequentially consistent operations have one
// order, which agrees with what strongly happens before and with what is coherence-ordered before;
// as in Lahav et al., "Repairing Sequential Consistency in C/C++11" (PLDI'17), nothing else binds
// them.
//
// Steps come in an order that agrees with who reads whom, which leaves out load buffering: a load
// that reads a store its own thread's later stores have led to. A promised load can do that, too.
// Not covered: fences, for the executor has none, and consume.
namespace model {

using Word = std::uint64_t;
using Set = std::uint64_t;  // of events, a bit for each

inline bool sequential(std::memory_order order) { return order == std::memory_order_seq_cst; }
inline bool acquires(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}
inline bool releases(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_acquire;
}

struct Write {
  Word value = 0;
  Set self = 0, readers = 0;  // events; what was there before the threads is none
  Set released = 0;           // what happens before whoever acquires it
  bool update = false;        // reads what is before it, so nothing comes between
  char name = 0;              // the same in whatever order the threads' steps came
};

struct Location {
  std::vector<Write> writes;  // in modification order
};

// Reads the write at `write`, or writes behind it, or both.
struct Step {
  Location* at;
  std::size_t write;
  bool reads;
  std::optional<Word> value;  // to write
  std::memory_order order;
  Set promised = 0;  // the event, if this fulfils a promise
};

class Memory {
 public:
  static constexpr std::size_t kThreads = 4;

  void reset() { *this = {}; }

  bool allows(std::size_t thread, const Step& step) const {
    const std::vector<Write>& writes = step.at->writes;
    const Set before = step.promised ? before_[index(step.promised)] : threads_[thread].before;
    for (std::size_t i = step.write + 1; i < writes.size(); ++i) {
      if ((writes[i].self | writes[i].readers) & before) return false;
    }
    for (std::size_t i = 0; step.promised && i <= step.write; ++i) {
      const Set older = writes[i].self | (i < step.write ? writes[i].readers : 0);
      if (happens_before(step.promised, older)) return false;
    }
    if (step.value && step.write + 1 < writes.size() && writes[step.write + 1].update) return false;
    if (!sequential(step.order)) return true;
    const Place place = place_of(thread, step);
    return !(place.earlier & place.later);
  }

  void take(std::size_t thread, const Step& step) {
    const Place place = sequential(step.order) ? place_of(thread, step) : Place{};
    Thread& self = threads_[thread];
    std::vector<Write>& writes = step.at->writes;
    const Set event = step.promised ? step.promised : promise(thread);
    Set released = 0;
    if (step.reads) {
      Write& source = writes[step.write];
      if (acquires(step.order)) before_[index(event)] |= source.released;
      self.before |= before_[index(event)];
      if (step.value) {
        released = source.released;
      } else {
        source.readers |= event;
      }
    }
    if (sequential(step.order)) {
      sequential_ |= event;
      earlier_[index(event)] = place.earlier;
      each(place.later, [&](std::size_t i) { earlier_[i] |= place.earlier | event; });
    }
    if (!step.value) return;
    if (releases(step.order)) released |= self.before;
    writes.insert(writes.begin() + static_cast<std::ptrdiff_t>(step.write) + 1,
                  {*step.value, event, 0, released, step.reads,
                   static_cast<char>(thread * kEvents + self.events)});
  }

  // An event of the thread, whose step is taken later.
  Set promise(std::size_t thread) {
    if (events_ == kEvents) throw std::logic_error("more events than a Set can hold");
    Thread& self = threads_[thread];
    const Set event = Set{1} << events_;
    before_[events_++] = self.before;
    self.before |= event;
    self.own |= event;
    ++self.events;
    return event;
  }

  // Plain memory; false if that is a race: it is not ordered by what happens before.
  bool touch(std::size_t thread, Location& at, bool writes) {
    Write& last = at.writes.back();
    const Set others = last.self | (writes ? last.readers : 0);
    const bool ordered = !(others & ~threads_[thread].before);
    (writes ? last.self : last.readers) |= promise(thread);
    return ordered;
  }

 private:
  static constexpr std::size_t kEvents = 64;

  struct Thread {
    Set before = 0;  // what happens before its next event
    Set own = 0;
    unsigned events = 0;
  };
  struct Place {
    Set earlier = 0, later = 0;
  };

  static std::size_t index(Set event) { return static_cast<std::size_t>(std::countr_zero(event)); }
  template <class Visit>
  static void each(Set set, Visit&& visit) {
    for (; set; set &= set - 1) visit(index(set));
  }

  bool happens_before(Set event, Set others) const {
    bool found = false;
    each(others, [&](std::size_t i) { found = found || before_[i] & event; });
    return found;
  }

  // Where the next event of the thread stands in the order of the sequentially consistent ones.
  Place place_of(std::size_t thread, const Step& step) const {
    Place place;
    // Strongly: of the same thread, or before something of its own thread that happens before
    // something of this one.
    for (std::size_t i = 0; i < kThreads; ++i) {
      const Set known = threads_[i].own & threads_[thread].before;
      place.earlier |=
          i == thread || !known ? known : threads_[i].own & (std::bit_floor(known) - 1);
    }
    // In coherence: before it older writes and those who read older ones, behind it newer ones.
    const std::vector<Write>& writes = step.at->writes;
    for (std::size_t i = 0; i < writes.size(); ++i) {
      if (i > step.write) {
        place.later |= writes[i].self | writes[i].readers;
      } else {
        place.earlier |= writes[i].self;
        if (i < step.write || step.value) place.earlier |= writes[i].readers;
      }
    }
    place.earlier &= sequential_;
    place.later &= sequential_;
    each(place.earlier, [&](std::size_t i) { place.earlier |= earlier_[i]; });
    const Set later = place.later;
    each(sequential_, [&](std::size_t i) {
      if (earlier_[i] & later) place.later |= Set{1} << i;
    });
    return place;
  }

  std::array<Thread, kThreads> threads_{};
  std::array<Set, kEvents> before_{};   // of each event: what happens before it
  std::array<Set, kEvents> earlier_{};  // of each sequentially consistent one: those before it
  Set sequential_ = 0;
  std::size_t events_ = 0;
};

}  // namespace model
