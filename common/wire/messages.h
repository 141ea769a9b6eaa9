#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/lineage.h"
#include "common/base/update_phase.h"
#include "common/lifecycle/lessee.h"
#include "spillway/bytes.h"
#include "spillway/ids.h"
#include "spillway/loss.h"
#include "spillway/task.h"

// What owner and lessee say to each other, and what nodes say of themselves. One Message carries 1
// to 64 items and at most 128 KiB.
namespace spillway::wire {

inline constexpr std::size_t kMaxItems = 64;
inline constexpr std::size_t kMaxMessage = 128 * 1024;  // bytes

// owner → lessee
struct Offer {
  TaskId id;
  Epoch epoch;
  Duration remaining = Duration::max();  // until the deadline; max: none
  Duration lease{};
  Epoch settled;     // failures of attempts up to here are counted by the owner; 0: none
  SharedBytes spec;  // an encoded TaskSpec, as the owner stored it
  // The spec's, for the message that carries it; not a part of the offer.
  std::string trace = {};
  bool operator==(const Offer&) const = default;
};
// What the lessee's machine is told of an offer, but for a reason to refuse it.
inline lifecycle::OfferTerms terms_of(const Offer& offer, const TaskSpec& spec) {
  return {.epoch = offer.epoch,
          .settled = offer.settled,
          .effects = spec.effects,
          .remaining = offer.remaining,
          .run_timeout = spec.run_timeout.value_or(std::chrono::milliseconds(0)),
          .lease = offer.lease,
          .refuse = {}};
}
// lessee → owner
struct Accept {
  TaskId id;
  Epoch epoch;
  bool operator==(const Accept&) const = default;
};
struct Nack {
  TaskId id;
  Epoch epoch;
  lifecycle::NackReason reason = lifecycle::NackReason::busy;
  Duration retry_after{};
  Epoch known = {};  // of `stale`: the epoch that the lessee has of it; 0: not told
  bool operator==(const Nack&) const = default;
};
// lessee → owner: one held attempt. The Beats of one message, and of messages that share `round`,
// are one heartbeat.
struct Beat {
  TaskId id;
  Epoch epoch;
  lifecycle::LeaseState state = lifecycle::LeaseState::accepted;
  std::uint64_t round = 0;  // lets the lessee find when it sent what is acknowledged
  bool operator==(const Beat&) const = default;
};
// owner → lessee
struct BeatAck {
  TaskId id;
  Epoch epoch;
  bool keep = true;  // false: stop
  std::uint64_t round = 0;
  bool operator==(const BeatAck&) const = default;
};
// lessee → owner, until ResultAck. Durations are the lessee's own; the owner places them on its
// line.
struct AttemptReport {
  Duration since_accept{};  // ACCEPT written to this message made
  Duration queued{};        // ACCEPT written to start
  Duration fetched{};       // start to input there
  Duration ran{};
  Duration cpu{};
  bool operator==(const AttemptReport&) const = default;
};
struct ResultItem {
  TaskId id;
  Epoch epoch;
  FailureClass failure = FailureClass::none;  // none: success
  Code code = Code::internal;                 // of a failure
  std::string message;                        // of a failure
  Payload value;                              // of a success
  Digest digest{};                            // SHA-256 of the value's bytes
  AttemptReport report;
  std::string trace = {};  // as an Offer's
  bool operator==(const ResultItem&) const = default;
};
// owner → lessee
enum class ResultVerdict : std::uint8_t { accepted = 0, duplicate = 1, stale = 2 };
struct ResultAck {
  TaskId id;
  Epoch epoch;
  ResultVerdict verdict = ResultVerdict::accepted;
  bool operator==(const ResultAck&) const = default;
};
struct Cancel {
  TaskId id;
  Epoch epoch;
  bool operator==(const Cancel&) const = default;
};
// A lessee's room, with its answers: how many more offers it takes, and how long they would wait.
struct Credits {
  std::uint32_t offers = 0;
  Duration queue_delay{};
  std::uint32_t workers = 0;
  std::uint64_t memory = 0;  // bytes
  std::uint64_t rate = 0;    // bytes per second that the device may send; 0: no limit
  bool operator==(const Credits&) const = default;
};
// Asks for, and is, an answer at once: measures round trip and bandwidth.
struct Echo {
  std::uint64_t token = 0;
  bool reply = false;
  Bytes padding;
  bool operator==(const Echo&) const = default;
};

// device → cloud, until LossAck: what a store of the device gave up since it was made, and what was
// produced of each class. All counts are sums that only grow, so that repeating one is harmless.
struct LossEntry {
  LossKey key;
  Duration first{}, last{};  // wall time; 0: the device's clock is not set
  std::uint64_t count = 0;   // in this period
  std::uint64_t total = 0;   // of this class and cause, in all periods
  bool at_least = false;     // nobody knows how much it was
  bool operator==(const LossEntry&) const = default;
};
inline constexpr std::size_t kMaxLossEntries = 64;
struct LossReport {
  Origin origin;
  std::uint64_t number = 0;  // repeated in the ack
  std::array<std::uint64_t, kDataClasses> produced{};
  std::vector<LossEntry> entries;  // those that changed, at most kMaxLossEntries
  bool operator==(const LossReport&) const = default;
};
// cloud → device: the report is in the ledger
struct LossAck {
  Origin origin;
  std::uint64_t number = 0;
  bool operator==(const LossAck&) const = default;
};

// device → cloud, on up/ota: where the update of its firmware stands, at each change and whenever
// the cloud comes; the latest replaces the others.
struct UpdateReport {
  UpdatePhase phase = UpdatePhase::idle;
  std::string slot;            // being written, or started; "A" or "B"
  std::string source;          // the bundle's address
  std::string detail;          // why, for people
  std::uint64_t received = 0;  // bytes of the bundle, while it is downloaded
  bool operator==(const UpdateReport&) const = default;
};

// cloud → device, on down/rpc: what an operator asks of it while it is there. Nothing is kept of
// it: what is not answered was not heard, or its answer was lost.
enum class CommandKind : std::uint8_t { drain = 0, resume = 1, logs = 2, story = 3 };
struct Command {
  std::uint64_t token = 0;  // repeated in the reply
  CommandKind what = CommandKind::drain;
  std::uint32_t lines = 0;  // of logs: the newest
  TaskId task;              // of story: which one's TaskStory is wanted, ahead of the reply
  bool operator==(const Command&) const = default;
};
// device → cloud, on up/rsp
inline constexpr std::size_t kMaxReplyText = 64 * 1024;  // bytes
struct CommandReply {
  std::uint64_t token = 0;
  std::optional<Code> failure;  // none: done
  std::string text;             // log lines, or the error's message
  bool operator==(const CommandReply&) const = default;
};

// device → cloud: what became of one of its tasks, and why it went where it did. Of a sample of
// those that ended, on up/evt, and when asked, on up/rsp. Nothing of the task itself is in it.
inline constexpr std::size_t kMaxHistory = 4 * 1024, kMaxWhy = 4 * 1024;  // bytes
struct TaskStory {
  TaskId id;
  std::string kind;
  std::string trace;  // the spec's
  TaskState state = TaskState::waiting;
  NodeTime created{};  // on the owner's time line, as all instants of its attempts
  Duration line{};     // what the owner's wall clock reads where that line is 0
  Bytes history;       // an encoded TaskResult: the attempts so far, and no value
  Bytes why;           // an encoded Explanation, of the last grant; empty: none is kept
  bool operator==(const TaskStory&) const = default;
};

// What one node makes of another's birth, told to that one, which cannot know: its store was put
// back to an earlier copy, is another one, or is used by two processes that speak in turn.
enum class LifeRemark : std::uint8_t { restored = 0, another = 1, cloned = 2 };
struct LifeNotice {
  Origin life;  // the one that it is told of
  LifeRemark remark = LifeRemark::restored;
  bool operator==(const LifeNotice&) const = default;
};

// cloud → device: what an operator decided of it, when that changes, and at each birth of one that
// is kept out. A hint: offers of such a device are refused whether it heard of it or not.
enum class Standing : std::uint8_t { welcome = 0, quarantined = 1, revoked = 2 };
struct StandingNotice {
  Standing standing = Standing::welcome;
  Duration ask_again{};  // it need not offer anything sooner
  bool operator==(const StandingNotice&) const = default;
};

using Item = std::variant<Offer, Accept, Nack, Beat, BeatAck, ResultItem, ResultAck, Cancel,
                          Credits, Echo, LossReport, LossAck, UpdateReport, Command, CommandReply,
                          TaskStory, LifeNotice, StandingNotice>;

// Order is (session, seq), never wall time.
struct Message {
  std::uint64_t session = 0;  // of the sender; grows with each of its connections
  std::uint64_t seq = 0;      // within the session, from 1
  Duration sent_wall{};       // the sender's wall clock; recorded, never compared
  std::string trace;          // W3C traceparent of the first item, may be empty
  std::vector<Item> items;
  bool operator==(const Message&) const = default;
};

struct KindInfo {
  std::string name;
  std::uint32_t version = 1;
  bool taken = false;  // of a device: the cloud may have it run there
  Digest digest{};     // of the file its code is from
  KindRef ref() const { return {name, version, digest}; }
  bool operator==(const KindInfo&) const = default;
};
// The retained `state` of a device or the cloud: birth, graceful offline, and will.
struct Presence {
  bool online = false;
  bool graceful = false;      // an announced end, not a will
  std::uint64_t session = 0;  // a will of an older session than the latest birth is ignored
  BootId boot;
  std::string version;  // of the software
  std::string machine;  // e.g. aarch64
  std::uint32_t workers = 0;
  std::uint64_t memory = 0;  // bytes
  std::vector<std::string> tags;
  std::vector<KindInfo> kinds;
  Duration reconnect_floor{};  // the cloud's: nobody reconnects sooner
  Lineage lineage;             // of the store of what it owns
  bool operator==(const Presence&) const = default;
};

}  // namespace spillway::wire
