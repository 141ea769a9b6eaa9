#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "common/base/owed.h"
#include "common/owner/owned_task.h"
#include "common/wire/messages.h"

namespace spillway::owner {

// One other node that an owner's tasks may be leased to: whether it is there, how much it takes,
// and what it was offered and has not acknowledged. Loop only.
class OfferBook {
 public:
  OfferBook(PlaceId id, std::string place) : id_(id), place_(std::move(place)) {}
  PlaceId id() const { return id_; }
  const std::string& place() const { return place_; }

  // The node came, went, or is there still. True: in a session of its own that was not known, in
  // which it may have forgotten what it was offered, or never have heard of it. Credits of a
  // session that is over say nothing; those of its first one may be there before it says that it
  // is.
  bool on_presence(const wire::Presence& presence);
  void on_gone() {
    online_ = false;
    credits_ = {};
  }
  bool online() const { return online_; }

  void set_credits(const wire::Credits& credits) { credits_ = credits; }
  const wire::Credits& credits() const { return credits_; }
  // Attempts that it takes now.
  std::uint32_t room() const { return credits_.offers > held_ ? credits_.offers - held_ : 0; }

  // A task came into memory, moved on, or is about to go, and is cancelled: what is held and
  // pending follows. The book's own part of task.away is there as long as it is held.
  void track(OwnedTask& task);
  std::uint32_t held() const { return held_; }           // attempts leased to it or running there
  double held_seconds() const { return held_seconds_; }  // that they are taken to run
  // Tasks with an OFFER of the live epoch that has no application ack.
  const std::set<std::uint64_t>& pending() const { return pending_; }
  std::uint64_t pending_bytes() const { return pending_bytes_; }

  // Pending offers whose grant is on disk go out: at once, in a new session, and when nothing came
  // back. The urgent ones and the others do not wait for each other.
  void owe(OwnedTask& task, Away& out) { lane(task.urgent()).add(task.seq, out.owed); }
  bool owing() const { return !lanes_[0].empty() || !lanes_[1].empty(); }
  // `quiet`: all that went out in this lane has left this side.
  std::optional<std::uint64_t> next(bool urgent, NodeTime now, bool quiet) const {
    return lanes_[urgent ? 0 : 1].next(now, quiet);
  }
  bool owing(bool urgent) const { return !lanes_[urgent ? 0 : 1].empty(); }
  void on_sent(OwnedTask& task, NodeTime now) {
    lane(task.urgent()).on_sent(task.seq, task.away_at(id_)->owed, now);
  }

  static constexpr Duration kResendAfter = std::chrono::seconds(5);

 private:
  const lifecycle::LiveAttempt* here(const lifecycle::OwnerTask& task) const {
    return is_terminal(task.state) ? nullptr : task.attempt_at(id_);
  }
  Owed<std::uint64_t>& lane(bool urgent) { return lanes_[urgent ? 0 : 1]; }

  const PlaceId id_;
  const std::string place_;
  bool online_ = false;
  BootId boot_;
  std::uint64_t session_ = 0;
  wire::Credits credits_;
  std::uint32_t held_ = 0;
  double held_seconds_ = 0;
  std::set<std::uint64_t> pending_;
  std::uint64_t pending_bytes_ = 0;
  std::array<Owed<std::uint64_t>, 2> lanes_{Owed<std::uint64_t>(kResendAfter),
                                            Owed<std::uint64_t>(kResendAfter)};
};

}  // namespace spillway::owner
