#pragma once

#include <array>
#include <cstddef>

#include "common/lifecycle/lessee.h"

namespace spillway::sim {

inline constexpr std::size_t kMaxTasks = 4;

// One execution of user code, numbered over both nodes; stands for the value it returns.
using RunId = std::uint32_t;
inline constexpr RunId kNoRun = 0;

enum class NodeName : std::uint8_t { owner, lessee };
constexpr NodeName other(NodeName node) {
  return node == NodeName::owner ? NodeName::lessee : NodeName::owner;
}

enum class MessageKind : std::uint8_t {
  offer,
  accept,
  nack,
  beat,
  beat_ack,
  result,
  result_ack,
  cancel
};
const char* to_string(MessageKind kind);

// What a BEAT says of one attempt, or its BEAT_ACK.
struct BeatItem {
  std::uint8_t task = 0;
  bool flag = false;  // BEAT: started; BEAT_ACK: keep
  Epoch epoch;
};

// Any message of the protocol; a kind uses the fields it needs.
struct Message {
  MessageKind kind = MessageKind::offer;
  std::uint8_t task = 0;
  Epoch epoch;
  Epoch settled;
  Duration remaining{};
  Duration retry_after{};
  NodeTime beat_sent{};  // on the lessee's time line, echoed
  FailureClass failure = FailureClass::none;
  lifecycle::NackReason nack = lifecycle::NackReason::busy;
  lifecycle::Verdict verdict = lifecycle::Verdict::applied;
  RunId run = kNoRun;
  bool owed = false;       // RESULT: what a tombstone remembers, under an epoch it never held
  std::uint32_t sent = 0;  // number in the order of sending
  std::uint8_t items = 0;
  std::array<BeatItem, kMaxTasks> item;
};

}  // namespace spillway::sim
