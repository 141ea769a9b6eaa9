#pragma once

#include <cstdint>

#include "common/base/lineage.h"
#include "common/wire/messages.h"

// Whether a device is there, decided by session numbers alone: a will, a birth or a frame of an
// older session changes nothing, whenever it arrives. Pure.
namespace spillway::cloud {

struct PresenceState {
  std::uint64_t session = 0;  // the newest heard of; 0: never heard of
  BootId boot, boot_before;   // of its births
  bool online = false;
  bool closed = false;  // the session's end was told by will or goodbye: nothing of it can follow
  KnownLife life;       // of its store
  bool operator==(const PresenceState&) const = default;
};

enum class PresenceStep : std::uint8_t {
  stale,  // of a session that is over
  same,   // a sign of life, or an end already known
  came,   // online, of a new session or after silence
  went,
};

// A retained state: birth, goodbye or will. A session number that went back counts as newer under a
// boot id not seen lately: of a device whose store was made anew; and under the one before, when
// the device is away: of two that use one identity, the one that is left.
PresenceStep on_state(PresenceState& device, const wire::Presence& said);
// Whether a birth that on_state took goes on from the life of the device's store that is known,
// which becomes this one. Two processes that speak in turn are something else. `was` as before.
LifeChange on_life(PresenceState& device, const PresenceState& was, const wire::Presence& said);
// Any message of a session.
PresenceStep on_frame(PresenceState& device, std::uint64_t session);
// The device was silent for too long. Its session may go on.
PresenceStep on_silence(PresenceState& device);

}  // namespace spillway::cloud
