#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "common/lifecycle/owner.h"

namespace spillway::sim {

// The owner's answers to messages: the real machine, or one of the deliberately broken ones that
// prove that the checks can fail.
class Machine {
 public:
  using Task = lifecycle::OwnerTask;
  using Policy = lifecycle::OwnerPolicy;
  using Step = lifecycle::OwnerStep;
  using Now = lifecycle::Now;

  virtual ~Machine() = default;
  Step accept(const Task& t, const Policy& p, Epoch e, Now n) const {
    return lifecycle::on_accept(t, p, seen(t, e), n);
  }
  Step started(const Task& t, const Policy& p, Epoch e, Now n) const {
    return lifecycle::on_started(t, p, seen(t, e), n);
  }
  Step beat(const Task& t, const Policy& p, Epoch e, Now n) const {
    return lifecycle::on_beat(t, p, seen(t, e), n);
  }
  Step nack(const Task& t, const Policy& p, Epoch e, Duration retry_after, Now n) const {
    return lifecycle::on_nack(t, p, seen(t, e), {retry_after, {}}, n);
  }
  Step success(const Task& t, const Policy& p, Epoch e, Now n) const {
    return lifecycle::on_success(t, p, seen(t, e), n);
  }
  Step failure(const Task& t, const Policy& p, Epoch e, FailureClass f, Now n) const {
    return lifecycle::on_failure(t, p, seen(t, e), f, n);
  }

 private:
  // The epoch the machine takes a message to carry.
  virtual Epoch seen(const Task&, Epoch epoch) const { return epoch; }
};

enum class Variant : std::uint8_t {
  good,
  fence_by_id,  // any message with the task's id counts: epochs are ignored
  trust_state,  // while leased or running, whatever arrives is of the live attempt
  ack_early,    // the real machine in nodes that answer before they commit
};
std::string_view to_string(Variant variant);
std::optional<Variant> parse_variant(std::string_view text);

std::unique_ptr<Machine> make_machine(Variant variant);

}  // namespace spillway::sim
