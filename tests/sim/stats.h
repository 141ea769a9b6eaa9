#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace spillway::sim {

// Situations that are worth nothing unless they really occurred; counted over all schedules.
enum class Seen : std::uint8_t {
  events,
  messages,
  lost_messages,
  duplicated_messages,
  reordered_messages,
  owner_crashes,
  lessee_crashes,
  crashes_losing_steps,  // memory was ahead of the disk
  crashes_before_commit,
  crashes_after_commit,  // committed, effects not carried out
  link_cuts,
  failed_commits,  // the disk was full, or failed
  clock_steps,
  power_cycles_with_wrong_clock,
  traced_messages,  // whose delay a link trace gave
  accepted,         // tasks
  succeeded,
  succeeded_at_lessee,
  failed,
  cancelled,
  expired,
  late_success_accepted,    // from an epoch that was not live
  late_success_of_stopped,  // of a local body that would not stop
  late_once_success_refused,
  duplicate_success,
  stale_success,
  stale_failure_ignored,
  attempts_exhausted,
  poison_by_count,
  poison_by_places,
  dependency_failed,
  disconnected_failed,
  queue_timeouts,
  local_run_timeouts,
  lessee_run_timeouts,
  leases_lost,
  nacks_taken,
  late_nacks_ignored,
  link_down_took_offer_back,
  offers_withdrawn,
  offers_resent,
  results_resent,
  beats_stopped_attempts,
  running_adopted,
  success_adopted,
  failure_adopted,
  failure_told_again,  // by a tombstone, under a higher epoch
  settled_failure_run_anew,
  offer_after_tombstone,
  lessee_leases_ended,
  interrupted,
  holds,
  retries,
  tombstones_forgotten,
  count
};
inline constexpr std::size_t kSeenCount = static_cast<std::size_t>(Seen::count);
std::string_view to_string(Seen seen);

// What was seen that is a fault, not what came of one.
inline constexpr Seen kFaults[] = {
    Seen::lost_messages,   Seen::duplicated_messages,  Seen::reordered_messages,
    Seen::owner_crashes,   Seen::lessee_crashes,       Seen::link_cuts,
    Seen::failed_commits,  Seen::clock_steps,          Seen::power_cycles_with_wrong_clock,
    Seen::traced_messages, Seen::tombstones_forgotten, Seen::interrupted};

class Stats {
 public:
  void count(Seen seen, std::uint64_t n = 1) { counts_[static_cast<std::size_t>(seen)] += n; }
  std::uint64_t of(Seen seen) const { return counts_[static_cast<std::size_t>(seen)]; }
  void add(const Stats& more);
  std::string missing() const;  // the names of what was never seen, or empty
  std::string table() const;

 private:
  std::array<std::uint64_t, kSeenCount> counts_{};
};

}  // namespace spillway::sim
