#pragma once

#include <cstdint>
#include <optional>

#include "cloud/fleet/views.h"

// What is wrong with a device, from what it reports and how it went. Pure. Each reason begins at
// one threshold and ends at a milder one, so that a value at the edge does not flap.
namespace spillway::cloud {

struct Threshold {
  double begins = 0, ends = 0;
};

struct HealthPolicy {
  Threshold hot{80, 75};                        // °C; throttling counts as hot, too
  Threshold battery{0.15, 0.20};                // share, while discharging
  Threshold loss{0.10, 0.05};                   // share
  Threshold rtt{2.0, 1.5};                      // seconds
  Threshold clock{60, 30};                      // seconds off
  Threshold certificate{14, 15};                // days left
  Threshold disk{0.05, 0.08};                   // share free
  Threshold failing{0.20, 0.10};                // share of the tasks that ended lately
  double failures = 5;                          // at least so many of them
  double backlog = 50;                          // tasks; fewer are no backlog
  unsigned growing_minutes = 3;                 // in a row
  Duration lost_shown = std::chrono::hours(1);  // after the last loss
  Duration restored_shown = std::chrono::hours(1);
  Duration cloned_shown = std::chrono::minutes(10);   // after the last sign of it
  Duration flooding_shown = std::chrono::minutes(5);  // after the last message too many
};

// What judging a device needs from before.
struct HealthMemory {
  Reasons reasons;  // the degraded ones, as last judged
  std::uint8_t growing = 0;
  float backlog = -1;            // of the last minute; < 0: none yet
  float failed = 0, ended = 0;   // tasks lately, fading over some minutes
  Wall lost_at{};                // last rise of the loss counter; 0: never
  Wall restored_at{};            // its store was put back, or made anew; 0: never
  bool restored_surely = false;  // that was no other device's store, though there is another one
  Wall cloned_at{};              // two processes last spoke in turn; 0: never
  Wall flooded_at{};             // last message that was not looked at; 0: never
};

struct HealthFacts {
  bool seen = false, online = false, quarantined = false, revoked = false;
  std::optional<Reason> ended;  // while offline
  const wire::Metrics* metrics = nullptr;
  Duration clock_off{};  // the device's clock against ours, without sign
  Wall wall{};
};

struct Verdict {
  Health health = Health::never_seen;
  Reasons reasons;
  bool operator==(const Verdict&) const = default;
};

// Copies of a device count apart, and report in turn: of them the highest count is the device's, or
// each turn would be a loss.
void hold_losses(const HealthMemory& memory, const wire::Metrics& was, wire::Metrics& is,
                 const HealthPolicy& policy, Wall wall);
// A frame came: `was` is what was known before it.
void note_frame(HealthMemory& memory, const wire::Metrics& was, const wire::Metrics& is, Wall wall);
// The device's store goes on from elsewhere: it was put back, or made anew.
void note_restored(HealthMemory& memory, const HealthPolicy& policy, Wall wall);
// Several processes speak as the device. What was made of their stores before that was known is
// withdrawn.
void note_cloned(HealthMemory& memory, Wall wall);
// A minute closed with so many tasks not done.
void note_minute(HealthMemory& memory, double backlog, const HealthPolicy& policy);
Verdict judge(HealthMemory& memory, const HealthFacts& facts, const HealthPolicy& policy);

// Reasons that end by themselves, for they tell of what happened lately.
inline constexpr Reason kPassing[] = {Reason::data_lost, Reason::restored, Reason::cloned,
                                      Reason::flooding};

// What a counter rose by; it starts again at 0 with the device.
std::int64_t rise(wire::Metric counter, const wire::Metrics& was, const wire::Metrics& is);

}  // namespace spillway::cloud
