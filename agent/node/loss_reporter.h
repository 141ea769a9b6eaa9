#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "common/store/owner_store.h"
#include "common/wire/messages.h"

namespace spillway::agent {

// Tells the cloud what was lost, one report at a time, again until it says that it has it. Counts
// are those since the store was made, so that a report that arrives twice or late changes nothing.
// Pure: it is told the time and what the store has. One thread.
class LossReporter {
 public:
  // When to look into the store's ledger and report: kNever while there is no link.
  NodeTime due() const { return due_; }
  void on_link_up(NodeTime now);
  void on_link_down();
  // Something was written; what gave way for it may have to be told.
  void on_written(NodeTime now);
  // One report did not hold all that was lost: the next is due at once.
  void look_now(NodeTime now) { due_ = up_ ? now : kNever; }
  // The ledger was asked for.
  void on_look(NodeTime now);
  // The report to send, if there is something to tell; `wall_of` gives 0 while the wall clock is
  // not known.
  std::optional<wire::LossReport> report(const store::LossTable& table, Origin origin, NodeTime now,
                                         const std::function<Duration(NodeTime)>& wall_of);
  // What the cloud has by now, to be remembered; nothing when it speaks of another report.
  std::vector<LossRow> on_ack(const wire::LossAck& ack, NodeTime now);

 private:
  bool up_ = false;
  NodeTime due_ = kNever;
  NodeTime looked_{};
  std::uint64_t number_ = 0;     // of the last report
  std::vector<LossRow> flying_;  // what it told
  bool waiting_ = false;         // for its ack
  bool told_ = false;            // produced_ has been told since the link came up
  std::array<std::uint64_t, kDataClasses> produced_{};  // as last told
  NodeTime told_at_{};
};

}  // namespace spillway::agent
