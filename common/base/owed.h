#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "spillway/time.h"

namespace spillway {

// Where one thing that is owed stands among the others; kept with the thing.
struct OwedMark {
  std::uint64_t turn = 0;  // 0: has not gone out
  bool owed = false;
};

// What is to reach another node until it acknowledges: each goes out once to a session of that
// node, and again when nothing came back. It holds names only; what they stand for is made when
// there is room to send it. Pure; one thread.
template <class Id>
class Owed {
 public:
  explicit Owed(Duration again_after) : again_after_(again_after) {}

  // Due at once, also when it went out before.
  void add(const Id& id, OwedMark& mark) {
    remove(id, mark);
    mark = {.turn = 0, .owed = true};
    items_.insert({0, id, {}});
  }
  void remove(const Id& id, OwedMark& mark) {
    if (mark.owed) items_.erase({mark.turn, id, {}});
    mark.owed = false;
  }
  // A new session: what went out may never have been heard.
  void on_session() { session_ = turn_; }

  // The next to send. `quiet`: nothing that was sent waits on this side any more; until then what
  // is under way is not sent again.
  std::optional<Id> next(NodeTime now, bool quiet) const {
    if (items_.empty()) return std::nullopt;
    const Item& first = *items_.begin();
    const bool again = quiet && now - first.sent >= again_after_;
    return first.turn <= session_ || again ? std::optional(first.id) : std::nullopt;
  }
  void on_sent(const Id& id, OwedMark& mark, NodeTime now) {
    auto item = items_.extract({mark.turn, id, {}});
    mark.turn = ++turn_;
    item.value().turn = mark.turn;
    item.value().sent = now;
    items_.insert(items_.end(), std::move(item));
  }
  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }

 private:
  struct Item {
    std::uint64_t turn = 0;
    Id id;
    NodeTime sent;
    bool operator<(const Item& other) const {
      return turn != other.turn ? turn < other.turn : id < other.id;
    }
  };
  Duration again_after_;
  std::set<Item> items_;       // in the order in which they went out
  std::uint64_t turn_ = 0;     // of the last one sent
  std::uint64_t session_ = 0;  // the last turn before this session
};

}  // namespace spillway
