#pragma once

#include <cstdint>
#include <string>

#include "agent/placement/placement.h"

// Places, tasks and randomness that the tests of placement share.
namespace spillway::placement {

// splitmix64 (Steele, Lea, Flood, OOPSLA 2014): the same numbers on every machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  double uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(next() >> 11) * 0x1.0p-53;
  }
  bool chance(double p) { return uniform(0, 1) < p; }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(next() % n); }

 private:
  std::uint64_t state_;
};

inline Duration from_seconds(double s) {
  return std::chrono::round<Duration>(std::chrono::duration<double>(s));
}
inline NodeTime at(double s) { return NodeTime(from_seconds(s)); }

inline Place local_place(std::uint32_t workers = 2) {
  Place place;
  place.id = kHere;
  place.reachable = true;
  place.workers = workers;
  place.idle = workers;
  place.memory = 512ULL << 20;
  place.kinds = {{"echo", 0, {}}, {"spin", 0, {}}, {"stats.window", 0, {}}};
  return place;
}

inline Place cloud_place(std::uint32_t workers = 4) {
  Place place = local_place(workers);
  place.id = kCloud;
  place.idle = 64;
  place.memory = 8ULL << 30;
  return place;
}

inline Place cloud_away(std::string because = "the link is down since 3 s") {
  Place place = cloud_place();
  place.reachable = false;
  place.unreachable_because = std::move(because);
  return place;
}

inline TaskSpec spin() {
  TaskSpec spec;
  spec.kind.name = "spin";
  return spec;
}

inline Candidate candidate(const TaskSpec& spec, double work = 1, std::uint64_t bytes = 0) {
  Candidate c;
  c.spec = &spec;
  c.work = work;
  c.input_bytes = bytes;
  return c;
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Teaches the link until its estimate is exact; the last lesson ends at `now`.
inline void teach_link(LinkModel& link, double rtt, double bandwidth, NodeTime now) {
  for (int i = 100; i-- > 0;) {
    const NodeTime then = now - std::chrono::minutes(i);
    link.learn_round_trip(from_seconds(rtt), then);
    const double bytes = std::round(bandwidth * (1 + 3 * rtt));
    link.learn_transfer(static_cast<std::uint64_t>(bytes), from_seconds(rtt + bytes / bandwidth),
                        then);
  }
}

// Teaches that `kind` takes seconds_per_unit · work there, exactly.
inline void teach_kind(Placement& placement, const std::string& kind, PlaceId place,
                       double seconds_per_unit, NodeTime now) {
  for (int i = 0; i < 1500; ++i) {
    const double work = 1 + i % 40;
    placement.learn_run(kind, place, work, from_seconds(seconds_per_unit * work), now);
  }
}

}  // namespace spillway::placement
