#include "tests/sim/message.h"

#include <type_traits>

namespace spillway::sim {
namespace {

using lifecycle::LeaseState;

std::string name_of(const wire::Offer&) { return "OFFER"; }
std::string name_of(const wire::Accept&) { return "ACCEPT"; }
std::string name_of(const wire::Nack& item) {
  return "NACK (" + std::string(lifecycle::to_string(item.reason)) + ")";
}
std::string name_of(const wire::Beat& item) {
  return item.state == LeaseState::accepted ? "BEAT (accepted)" : "BEAT (begun)";
}
std::string name_of(const wire::BeatAck& item) {
  return item.keep ? "BEAT_ACK (keep)" : "BEAT_ACK (stop)";
}
std::string name_of(const wire::ResultItem& item) {
  if (item.failure == FailureClass::none) {
    return "RESULT (of run " + std::to_string(run_of(item.value.bytes)) + ")";
  }
  return "RESULT (" + std::string(to_string(item.failure)) + ")";
}
std::string name_of(const wire::ResultAck& item) {
  constexpr const char* kVerdicts[] = {"accepted", "duplicate", "stale"};
  return "RESULT_ACK (" + std::string(kVerdicts[static_cast<std::size_t>(item.verdict)]) + ")";
}
std::string name_of(const wire::Cancel&) { return "CANCEL"; }
std::string name_of(const wire::Credits&) { return "CREDITS"; }
template <class Item>
std::string name_of(const Item&) {
  return "something else";
}

}  // namespace

Bytes value_of(RunId run) { return to_bytes(std::to_string(run)); }

RunId run_of(ByteView value) {
  RunId run = kNoRun;
  for (const auto digit : value) run = run * 10 + static_cast<RunId>(digit) - '0';
  return run;
}

std::optional<About> about(const wire::Item& item) {
  return std::visit(
      [](const auto& one) -> std::optional<About> {
        if constexpr (requires {
                        one.id.seq;
                        one.epoch.value;
                      }) {
          return About{task_of(one.id.seq), one.epoch};
        }
        return std::nullopt;
      },
      item);
}

wire::Item under(wire::Item item, Epoch epoch) {
  std::visit(
      [epoch](auto& one) {
        if constexpr (requires { one.epoch; }) one.epoch = epoch;
      },
      item);
  return item;
}

std::string describe(const wire::Item& item) {
  std::string name = std::visit([](const auto& one) { return name_of(one); }, item);
  const std::optional<About> attempt = about(item);
  if (!attempt) return name;
  return name + " of task " + std::to_string(attempt->task) + " epoch " +
         std::to_string(attempt->epoch.value);
}

}  // namespace spillway::sim
