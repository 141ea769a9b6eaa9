#pragma once

#include <ucontext.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "tests/unit/executor/memory.h"

// A model checker for a few threads over a few atomics: it runs all that Memory allows, and so
// shows on any machine what one with weak memory may do.
//
// Two runs are the same if every load reads the same store and the stores of each location come in
// the same order, whoever was first otherwise. So a store is made as soon as its thread comes to
// it, in each place it may have; of the loads that are due each has its turn, and what leads to
// where another run has been is left.
//
// Beside what Memory does not cover there is no weak exchange that fails without a cause, and no
// thread that waits for another.
namespace model {

// An operation as it stands in the code.
struct Site {
  std::string_view function;
  unsigned line;

  static constexpr Site here(const char* function = __builtin_FUNCTION(),
                             unsigned line = __builtin_LINE()) {
    const std::string_view name = function;
    return {name.substr(0, name.find('<')), line};
  }
  bool operator<(const Site& other) const {
    return std::tie(line, function) < std::tie(other.line, other.function);
  }
};

enum class Kind { load, store, update };

// The next weaker orders that an operation may have: none if it is relaxed.
inline std::vector<std::memory_order> weaker(Kind kind, std::memory_order order) {
  using enum std::memory_order;
  if (order == relaxed) return {};
  if (order == acquire || order == release) return {relaxed};
  if (order == acq_rel) return {acquire, release};
  if (kind == Kind::load) return {acquire};
  return {kind == Kind::store ? release : acq_rel};
}

// What an operation makes of what it reads: nothing if it only reads.
struct Update {
  std::optional<Word> (*next)(Word old, Word value, Word expected);
  Word value = 0, expected = 0;
  std::optional<Word> operator()(Word old) const { return next(old, value, expected); }
};
inline constexpr Update kLoad{[](Word, Word, Word) -> std::optional<Word> { return {}; }};

class Checker;
inline Checker* checker = nullptr;

class Checker {
 public:
  using Threads = std::vector<std::function<void()>>;

  // `make` builds a fresh scenario and returns its threads; `check` looks at the end of each run,
  // when all of them are joined. What threads share beside atomics and Plain must not depend on who
  // comes to it first. False as soon as check() is false or threads race for plain memory.
  bool explore(const std::function<Threads()>& make, const std::function<bool()>& check,
               std::size_t limit = 1'000'000) {
    checker = this;
    path_.clear();
    graphs_.clear();
    bool right = true;
    for (runs = 0; runs < limit && right; ++runs) {
      locations_.clear();
      const bool ended = run(make());
      right = !raced_ && (!ended || check());
      while (!path_.empty() && path_.back().taken + 1 == path_.back().moves.size()) {
        path_.pop_back();
      }
      if (path_.empty()) break;
      ++path_.back().taken;
    }
    complete = right && runs < limit;
    checker = nullptr;
    return right;
  }
  std::size_t runs = 0;
  bool complete = false;  // nothing is left to explore

  // The operations that threads came to, and those that are to have another order.
  std::map<Site, std::pair<Kind, std::memory_order>> sites;
  std::map<Site, std::memory_order> changed;

  // What follows is for the atomics.
  void found(Location& at) { locations_.push_back(&at); }
  bool running() const { return running_; }

  std::memory_order order_of(const Site& site, Kind kind, std::memory_order order) {
    if (running_) sites.emplace(site, std::pair(kind, order));
    const auto other = changed.find(site);
    return other == changed.end() ? order : other->second;
  }

  // Updates with `order` if it writes, else with `otherwise`.
  Word update(Location& at, const Update& update, std::memory_order order,
              std::memory_order otherwise) {
    if (running_) return read({&at, update, order, otherwise, 0});
    const Word value = at.writes.back().value;
    if (const auto next = update(value)) at.writes = {{*next}};
    return value;
  }

  void store(Location& at, Word value, std::memory_order order) {
    if (!running_) {
      at.writes = {{value}};
      return;
    }
    Step step{&at, 0, false, value, order};
    step.write = choose([&](std::vector<Move>& moves) {
                   for (; step.write < at.writes.size(); ++step.write) {
                     if (memory_.allows(current_, step)) moves.push_back({current_, step.write});
                   }
                 }).write;
    memory_.take(current_, step);
  }

  // A load whose value is looked up later, with fetch() of what this returns.
  std::size_t promise(Location& at) {
    promises_.push_back({&at, memory_.promise(current_), {}});
    return promises_.size() - 1;
  }
  Word fetch(std::size_t promise) {
    Promise& made = promises_[promise];
    const auto relaxed = std::memory_order_relaxed;
    if (!made.value) {
      const Word value = read({made.at, kLoad, relaxed, relaxed, made.event});
      promises_[promise].value = value;
    }
    return *promises_[promise].value;
  }

  void touch(Location& at, bool writes) {
    if (running_) raced_ = !memory_.touch(current_, at, writes) || raced_;
  }

 private:
  struct Access {
    Location* at;
    Update update;
    std::memory_order order, otherwise;
    Set promised;
  };
  struct Fiber {
    ucontext_t context{};
    std::vector<char> stack = std::vector<char>(32 * 1024);
    std::function<void()> body;
    bool done = false;
    Access access{};    // that is due
    Word value = 0;     // that it read
    std::string reads;  // names of all writes it read
  };
  struct Move {
    std::size_t thread, write;  // which the thread is to read, or to put its own behind
  };
  struct Choice {
    std::vector<Move> moves;
    std::size_t taken = 0;
  };
  struct Promise {
    Location* at;
    Set event;
    std::optional<Word> value;
  };

  static void enter() {
    Checker& self = *checker;
    Fiber& fiber = *self.fibers_[self.current_];
    fiber.body();
    fiber.done = true;
    swapcontext(&fiber.context, &self.scheduler_);
  }
  void resume(std::size_t thread) {
    current_ = thread;
    swapcontext(&scheduler_, &fibers_[thread]->context);
  }

  void start(Threads threads) {
    fibers_.resize(threads.size());
    for (std::size_t i = 0; i < threads.size(); ++i) {
      if (!fibers_[i]) fibers_[i] = std::make_unique<Fiber>();
      Fiber& fiber = *fibers_[i];
      fiber.body = std::move(threads[i]);
      fiber.done = false;
      fiber.reads.clear();
      getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = fiber.stack.data();
      fiber.context.uc_stack.ss_size = fiber.stack.size();
      fiber.context.uc_link = nullptr;
      makecontext(&fiber.context, &enter, 0);
    }
  }

  // False if it came to where another has been.
  bool run(Threads threads) {
    start(std::move(threads));
    memory_.reset();
    promises_.clear();
    raced_ = false;
    depth_ = 0;
    running_ = true;
    for (std::size_t i = 0; i < fibers_.size(); ++i) resume(i);
    bool fresh = true, done = false;
    for (;;) {
      fresh = depth_ < path_.size() || graphs_.insert(graph()).second;
      done = std::all_of(fibers_.begin(), fibers_.end(), [](auto& fiber) { return fiber->done; });
      if (!fresh || done || raced_) break;
      const Move move = choose([this](std::vector<Move>& moves) { find_loads(moves); });
      Fiber& fiber = *fibers_[move.thread];
      const Write& write = fiber.access.at->writes[move.write];
      fiber.value = write.value;
      fiber.reads += write.name;
      memory_.take(move.thread, load_of(move));
      resume(move.thread);
    }
    running_ = false;
    return fresh && done;
  }

  // The newest is always allowed, so there is at least one.
  template <class Find>
  Move choose(Find&& find) {
    if (depth_ == path_.size()) find(path_.emplace_back().moves);
    const Choice& choice = path_[depth_++];
    return choice.moves.at(choice.taken);
  }

  void find_loads(std::vector<Move>& moves) const {
    for (std::size_t i = 0; i < fibers_.size(); ++i) {
      if (fibers_[i]->done) continue;
      for (std::size_t write = 0; write < fibers_[i]->access.at->writes.size(); ++write) {
        if (memory_.allows(i, load_of({i, write}))) moves.push_back({i, write});
      }
    }
  }
  Step load_of(const Move& move) const {
    const auto& [at, update, order, otherwise, promised] = fibers_[move.thread]->access;
    const auto next = update(at->writes[move.write].value);
    return {at, move.write, true, next, next ? order : otherwise, promised};
  }

  Word read(const Access& access) {
    Fiber& fiber = *fibers_[current_];
    fiber.access = access;
    swapcontext(&fiber.context, &scheduler_);
    return fiber.value;
  }

  std::string graph() const {
    std::string graph;
    auto add = [&](const std::string& names) {
      graph += static_cast<char>(names.size());
      graph += names;
    };
    for (const auto& fiber : fibers_) add(fiber->reads);
    for (const Location* at : locations_) {
      std::string names;
      for (const Write& write : at->writes) names += write.name;
      if (names.size() > 2) add(names);
    }
    return graph;
  }

  Memory memory_;
  std::vector<Location*> locations_;  // of the scenario, in the order in which it makes them
  std::vector<Promise> promises_;
  bool raced_ = false;

  ucontext_t scheduler_{};
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::size_t current_ = 0;
  bool running_ = false;

  std::vector<Choice> path_;
  std::size_t depth_ = 0;
  std::unordered_set<std::string> graphs_;  // that runs have come to
};

// A load of it gives its value only when that is asked for: then a store of another thread may be
// read that came because of later stores of this one, as on machines that store ahead of a load.
class Late {
 public:
  Late(int value = 0) : value_(static_cast<Word>(value)) {}
  Word word() const { return promise_ ? checker->fetch(*promise_) : value_; }
  operator int() const { return static_cast<int>(word()); }

  static Late promised(std::size_t promise) {
    Late late;
    late.promise_ = promise;
    return late;
  }

 private:
  Word value_;
  std::optional<std::size_t> promise_;
};

// std::atomic under the checker.
template <class T>
class Atomic {
 public:
  Atomic() : Atomic(T{}) {}
  Atomic(T value) : at_{{{word(value)}}} { checker->found(at_); }
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order order, Site site = Site::here()) const {
    order = checker->order_of(site, Kind::load, order);
    if constexpr (std::is_same_v<T, Late>) {
      if (checker->running() && order == std::memory_order_relaxed) {
        return Late::promised(checker->promise(at_));
      }
    }
    return value(checker->update(at_, kLoad, order, order));
  }
  void store(T value, std::memory_order order, Site site = Site::here()) {
    checker->store(at_, word(value), checker->order_of(site, Kind::store, order));
  }
  T exchange(T value, std::memory_order order, Site site = Site::here()) {
    return update([](T, T next) { return next; }, value, order, site);
  }
  T fetch_add(T by, std::memory_order order, Site site = Site::here()) {
    return update([](T a, T b) { return static_cast<T>(a + b); }, by, order, site);
  }
  T fetch_sub(T by, std::memory_order order, Site site = Site::here()) {
    return update([](T a, T b) { return static_cast<T>(a - b); }, by, order, site);
  }
  T fetch_and(T by, std::memory_order order, Site site = Site::here()) {
    return update([](T a, T b) { return static_cast<T>(a & b); }, by, order, site);
  }
  T fetch_or(T by, std::memory_order order, Site site = Site::here()) {
    return update([](T a, T b) { return static_cast<T>(a | b); }, by, order, site);
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order order,
                               std::memory_order otherwise, Site site = Site::here()) {
    const Word wanted = word(expected);
    const Update update{[](Word old, Word next, Word due) {
                          return old == due ? std::optional(next) : std::nullopt;
                        },
                        word(value), wanted};
    const Word old =
        checker->update(at_, update, checker->order_of(site, Kind::update, order), otherwise);
    if (old != wanted) expected = Atomic::value(old);
    return old == wanted;
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order order,
                               Site site = Site::here()) {
    order = checker->order_of(site, Kind::update, order);
    const std::memory_order otherwise = sequential(order) ? order
                                        : acquires(order) ? std::memory_order_acquire
                                                          : std::memory_order_relaxed;
    return compare_exchange_strong(expected, value, order, otherwise, site);
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order order,
                             Site site = Site::here()) {
    return compare_exchange_strong(expected, value, order, site);
  }

 private:
  static Word word(T value) {
    if constexpr (std::is_same_v<T, Late>) {
      return value.word();
    } else if constexpr (std::is_pointer_v<T>) {
      return reinterpret_cast<std::uintptr_t>(value);
    } else {
      return static_cast<Word>(value);
    }
  }
  static T value(Word word) {
    if constexpr (std::is_same_v<T, Late>) {
      return Late(static_cast<int>(word));
    } else if constexpr (std::is_pointer_v<T>) {
      return reinterpret_cast<T>(static_cast<std::uintptr_t>(word));
    } else {
      return static_cast<T>(word);
    }
  }
  template <class Next>
  T update(Next, T by, std::memory_order order, Site site) {
    const Update update{[](Word old, Word operand, Word) -> std::optional<Word> {
                          return word(Next{}(value(old), value(operand)));
                        },
                        word(by)};
    order = checker->order_of(site, Kind::update, order);
    return value(checker->update(at_, update, order, order));
  }

  mutable Location at_;
};

// Plain memory under the checker: threads that come to it unordered race.
template <class T>
class Plain {
 public:
  Plain(T value = T{}) : value_(value) {}
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  T get() const {
    checker->touch(at_, false);
    return value_;
  }
  void set(T value) {
    checker->touch(at_, true);
    value_ = value;
  }

 private:
  T value_;
  mutable Location at_{{{}}};
};

}  // namespace model
