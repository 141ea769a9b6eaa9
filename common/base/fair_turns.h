#pragma once

#include <algorithm>
#include <map>

namespace spillway {

// Turns between those who want something, so that each gets the same amount of it, however many
// turns one asks for (stride scheduling). Who was away comes in where the others are: it has saved
// up nothing, and owes what it took ahead of them. Pure; one thread.
template <class Key>
class FairTurns {
 public:
  FairTurns() = default;
  FairTurns(const FairTurns&) = delete;
  FairTurns& operator=(const FairTurns&) = delete;

  void join(const Key& key) {
    auto [known, fresh] = known_.try_emplace(key);
    Entry& entry = known->second;
    if (fresh) {
      entry.at = away_.emplace(time_, &known->first);
    } else if (entry.waits) {
      return;
    }
    move(entry, away_, waiting_, std::max(entry.at->first, time_));
    entry.waits = true;
  }
  void leave(const Key& key) {
    auto known = known_.find(key);
    if (known == known_.end() || !known->second.waits) return;
    move(known->second, waiting_, away_, known->second.at->first);
    known->second.waits = false;
    forget_even();
  }
  // Whose turn it is, of those that `may` have it; null: nobody's.
  template <class May>
  const Key* next(May&& may) const {
    for (const auto& [pass, key] : waiting_) {
      if (may(*key)) return key;
    }
    return nullptr;
  }
  const Key* next() const { return waiting_.empty() ? nullptr : waiting_.begin()->second; }
  // `key` has its turn, and is given so much.
  void charge(const Key& key, double amount) {
    auto known = known_.find(key);
    if (known != known_.end() && known->second.waits) {
      time_ = std::max(time_, known->second.at->first);
    }
    correct(key, amount);
  }
  // A turn that `key` had took so much more, or less. Whose turn it is now is another matter: who
  // comes in comes in where that one is.
  void correct(const Key& key, double amount) {
    auto [known, fresh] = known_.try_emplace(key);
    Entry& entry = known->second;
    if (fresh) entry.at = away_.emplace(time_, &known->first);
    Passes& in = entry.waits ? waiting_ : away_;
    move(entry, in, in, entry.at->first + amount);
    forget_even();
  }
  std::size_t size() const { return waiting_.size(); }
  std::size_t remembered() const { return known_.size(); }

 private:
  using Passes = std::multimap<double, const Key*>;
  struct Entry {
    typename Passes::iterator at;
    bool waits = false;
  };
  static void move(Entry& entry, Passes& from, Passes& to, double pass) {
    auto node = from.extract(entry.at);
    node.key() = pass;
    entry.at = to.insert(std::move(node));
  }
  // Forgets who is away and owes nothing any more.
  void forget_even() {
    while (!away_.empty() && away_.begin()->first <= time_) {
      const Key* key = away_.begin()->second;
      away_.erase(away_.begin());
      known_.erase(known_.find(*key));
    }
  }

  std::map<Key, Entry> known_;  // those that wait, or are ahead of the others
  Passes waiting_, away_;       // by what they were given
  double time_ = 0;             // the pass of whom the last turn was given to
};

}  // namespace spillway
