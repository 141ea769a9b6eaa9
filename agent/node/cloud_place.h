#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/node/models.h"
#include "agent/node/node_parts.h"
#include "agent/session/device_session.h"
#include "common/owner/owner.h"
#include "spillway/view.h"

namespace spillway::agent {

// The cloud as a place, as far as this device knows it: whether it is there and takes anything,
// what it runs, and how good the way there is. Loop only.
class CloudPlace {
 public:
  CloudPlace(const NodeOptions& options, const NodeParts& parts, owner::Owner& owner,
             Models& models, const std::unique_ptr<DeviceSession>& session);

  // The cloud as placement is to see it; nowhere while there is no session.
  placement::Place place() const;
  PlaceView view() const;
  bool exists() const { return session_ != nullptr; }
  bool online() const { return book_.online(); }
  // Whether this device's tasks can go there and come back: it is there, and does not bar it.
  bool reachable() const { return online() && !bars(); }
  // Whether it runs a kind of that name, as it said last.
  bool runs(const KindRef& kind) const;
  owner::OfferBook& book() { return book_; }
  const owner::OfferBook& book() const { return book_; }
  std::optional<double> loss() const { return probe_loss_; }  // share of echoes that were lost
  std::uint64_t done() const { return done_; }                // accepted results, since start
  // How long the oldest OFFER without an application ack has been on its way.
  Duration oldest_offer() const;
  // Notes whether it is there and takes nothing.
  void look_for_credits(const placement::Place& place);

  // The broker.
  void on_up();
  void on_link_down(const Error& reason);
  // The cloud came, went, or is there still. True: in another session than before.
  bool on_presence(const wire::Presence& presence);
  // P13: what nobody acknowledged runs here instead, unless it must not.
  void take_back_offers();
  void forget_leases();  // the cloud's state is not the one that took them
  void on(const wire::Accept& item);
  void on(const wire::Nack& item);
  void on(const wire::Beat& item) { owner_.offers().on(book_, item); }
  void on(const wire::ResultItem& item) { owner_.offers().on(book_, item); }
  void on(const wire::Credits& item);
  void on(const wire::Echo& item);
  void on(const wire::StandingNotice& notice);
  // The task's result was accepted.
  void came(const owner::OwnedTask& task, const wire::ResultItem& item);
  // The lower of what this device may send and what the cloud grants it.
  void set_rate();

  // Whether the cloud is not to be asked yet, for an operator has barred this device.
  bool bars() const { return owner_.now() < refuses_until_; }
  NodeTime asked_again() const { return bars() ? refuses_until_ : kNever; }
  NodeTime next_probe() const { return next_probe_; }
  void probe();
  double seconds_there(const owner::OwnedTask& task) const;

 private:
  void say_largest();
  void note_barred(const std::string& why, Duration ask_again);
  void let_in();
  void forget_bar();
  void note_probe(bool lost);
  void learn_transfer(std::size_t bytes, NodeTime offered);

  const NodeOptions& options_;
  const NodeParts& parts_;
  owner::Owner& owner_;
  Models& models_;
  const std::unique_ptr<DeviceSession>& session_;  // null: there is no cloud
  owner::OfferBook& book_;
  wire::Presence presence_;
  std::vector<KindRef> kinds_;       // sorted
  NodeTime since_{};                 // when the cloud came, or went
  NodeTime starved_since_ = kNever;  // reachable, but without credits
  std::string refuses_;              // why it takes nothing of this device; empty: it does
  NodeTime refuses_until_{};         // then the cloud is asked again
  std::string said_refusal_;         // the last one that was reported, and is not over
  std::string link_problem_;         // why there is no connection, as last said
  std::size_t said_largest_ = SIZE_MAX;
  NodeTime next_probe_ = kNever;
  std::uint64_t probe_token_ = 0;
  NodeTime probe_sent_{};
  std::optional<double> probe_loss_;
  std::uint64_t done_ = 0;
};

}  // namespace spillway::agent
