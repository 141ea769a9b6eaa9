#include "cloud/fleet/presence.h"

namespace spillway::cloud {
namespace {

// A boot not seen lately; or, of two that speak in turn, the one that is left, once the other has
// gone.
bool of_another_boot(const PresenceState& device, const wire::Presence& said) {
  return said.online && said.boot != device.boot &&
         (said.boot != device.boot_before || !device.online);
}

void begin(PresenceState& device, std::uint64_t session, BootId boot) {
  if (boot != device.boot) device.boot_before = device.boot;
  device.session = session;
  device.boot = boot;
  device.closed = false;
}

PresenceStep come(PresenceState& device, bool fresh) {
  bool was = device.online;
  device.online = true;
  return was && !fresh ? PresenceStep::same : PresenceStep::came;
}

}  // namespace

PresenceStep on_state(PresenceState& device, const wire::Presence& said) {
  const bool anew = of_another_boot(device, said);
  if (said.session < device.session && !anew) return PresenceStep::stale;
  // The end of the boot before says nothing of this one, whatever number its session had: that of
  // a store that was made anew since, or of the other one of two, may be any.
  const bool end_of_the_other =
      !said.online && said.boot != device.boot && said.boot == device.boot_before;
  if (end_of_the_other) return PresenceStep::stale;
  bool fresh = said.session != device.session || anew;
  if (said.online) {
    if (!fresh && device.closed) return PresenceStep::stale;
    begin(device, said.session, said.boot);
    return come(device, fresh);
  }
  if (fresh) begin(device, said.session, said.boot);
  bool known = device.closed;
  device.closed = true;
  device.online = false;
  return known ? PresenceStep::same : PresenceStep::went;
}

LifeChange on_life(PresenceState& device, const PresenceState& was, const wire::Presence& said) {
  const LifeChange change = compare(was.life, said.lineage);
  learn(device.life, said.lineage);
  return said.boot == was.boot_before ? LifeChange::none : change;
}

PresenceStep on_frame(PresenceState& device, std::uint64_t session) {
  bool over = session == device.session && device.closed;
  if (session < device.session || over) return PresenceStep::stale;
  bool fresh = session != device.session;
  if (fresh) begin(device, session, device.boot);
  return come(device, fresh);
}

PresenceStep on_silence(PresenceState& device) {
  if (!device.online) return PresenceStep::same;
  device.online = false;
  return PresenceStep::went;
}

}  // namespace spillway::cloud
