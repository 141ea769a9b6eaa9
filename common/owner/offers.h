#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>

#include "common/owner/offer_book.h"
#include "common/owner/parts.h"
#include "common/wire/messages.h"

namespace spillway::owner {

class Owner;

// What an owner and the other nodes that it leases tasks to have to say to each other: it makes
// offers until they are acknowledged, and hears what becomes of them. What is not of the place
// that says it changes nothing. Loop only.
class Offers {
 public:
  Offers(Owner& owner, const Options& options, const Parts& parts)
      : owner_(owner), options_(options), parts_(parts) {}

  // A book stays where it is.
  OfferBook& book(const std::string& place);
  // The place came, went, or is there still. True: in another session than before.
  bool on_presence(OfferBook& there, const wire::Presence& presence);
  // What nobody acknowledged goes back, as its task wishes.
  void take_back(OfferBook& there, const std::string& why);
  // Gives up the leases of what the place has, which was stopped there, or is told to stop.
  // `it_says`: the place says so and may be wrong, so that what has its effects once is given to
  // nobody else before its lease is over.
  void lose_leases(OfferBook& there, const std::string& why, bool it_says);

  void on(OfferBook& there, const wire::Credits& credits);
  void on(OfferBook& there, const wire::Accept& item);
  void on(OfferBook& there, const wire::Nack& item);
  void on(OfferBook& there, const wire::Beat& item);
  void on(OfferBook& there, const wire::ResultItem& item);

  // A task came into memory, moved on, or is about to go, and is cancelled: the books of the places
  // that have, or had, attempts of it follow.
  void track(OwnedTask& task);
  // The task, if what the place says of that epoch is heard: it is in memory, as it is for as long
  // as it is leased, and the epoch was the place's.
  OwnedTask* leased(const OfferBook& there, TaskId id, Epoch epoch);
  // A grant to another node is on disk: its offer goes out, now and until it is answered.
  void owe(std::uint64_t seq, Epoch epoch);
  // Tells the place to stop the attempt, once everything so far is on disk.
  void cancel(PlaceId place, TaskId id, Epoch epoch);
  // Sends the offers that are due; what finds no room follows when something has left.
  void send_owed();
  void on_timer();
  NodeTime next_timer() const { return next_resend_; }

 private:
  bool send_owed(OfferBook& there, bool urgent);
  bool send(OfferBook& there, OwnedTask& task);
  OfferBook* book_of(PlaceId place);
  bool is_of(const OfferBook& there, const OwnedTask& task, Epoch epoch) const;
  void take_result(OfferBook& there, OwnedTask& task, const wire::ResultItem& item);
  void acknowledge(OfferBook& there, const wire::ResultItem& item, wire::ResultVerdict verdict);
  void count_bytes(OwnedTask& task, std::uint64_t sent, std::uint64_t received) const;

  Owner& owner_;
  const Options& options_;
  const Parts& parts_;
  std::unordered_map<std::string, OfferBook> books_;
  std::set<OfferBook*> owing_;  // with offers that may be due
  NodeTime next_resend_ = kNever;
};

}  // namespace spillway::owner
