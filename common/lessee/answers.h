#pragma once

#include <deque>

#include "common/base/clock.h"
#include "common/lessee/lease_table.h"
#include "common/lessee/parts.h"

namespace spillway::lessee {

// What is kept of a result until its lessor has it; in the ledger as a message of one item.
void keep_answer(HeldTask& task, Epoch epoch, wire::ResultItem item, NodeTime now);
// Reads the answer from the ledger's bytes; false: they are not what was written.
bool restore_answer(HeldTask& task);

// The results that are on disk and go to their lessors, until those acknowledge them: lessors one
// after the other, each as far as there is room. They wait in the ledger, not in a queue. Loop
// only.
class Answers {
 public:
  // All of these outlive it.
  Answers(const Parts& parts, LeaseTable& table, const NodeTimeline& timeline)
      : parts_(parts), table_(table), timeline_(timeline) {}

  // The task's result is on disk, and is due at once.
  void owe(HeldTask& task);
  // A new session of the lessor, or a new link to it: it may know nothing of what it was told.
  void on_session(Lessor& lessor);
  // Sends as far as there is room; from due() on also what may have got lost.
  void send();
  NodeTime due() const { return next_resend_; }

 private:
  void join_line(Lessor& lessor);
  bool send_to(Lessor& lessor);
  bool send(const HeldTask& task) const;

  const Parts& parts_;
  LeaseTable& table_;
  const NodeTimeline& timeline_;
  std::deque<Lessor*> line_;  // those that may have results to send
  NodeTime next_resend_{};
};

}  // namespace spillway::lessee
