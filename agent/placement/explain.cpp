#include <array>
#include <cmath>
#include <cstdio>

#include "agent/placement/assess.h"

// Decisions in the words of the person who asks `spillway why`.
namespace spillway::placement {
namespace {

// Two or three significant digits with the unit a person would choose.
std::string in_words(double seconds) {
  std::array<char, 32> text{};
  const auto print = [&](const char* format, double value) {
    std::snprintf(text.data(), text.size(), format, value);
    return std::string(text.data());
  };
  if (seconds < 0.00995) return print("%.2g ms", std::fmax(seconds, 0) * 1e3);
  if (seconds < 0.0995) return print("%.0f ms", seconds * 1e3);
  if (seconds < 0.995) return print("%.2g s", seconds);
  if (seconds < 99.5) return print("%.1f s", seconds);
  if (seconds < 2 * 3600) return print("%.0f min", seconds / 60);
  return print("%.0f h", seconds / 3600);
}

Duration as_duration(double seconds) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(std::fmin(std::fmax(seconds, 0), 1e9)));
}

std::string plural(std::uint64_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

std::string busy_workers(const Place& local, double wait) {
  return plural(local.workers, "local worker") + (local.workers == 1 ? " is" : " are") +
         " busy for " + in_words(wait);
}

std::string name_of(const Place& place) { return place.id == kHere ? "this device" : "the cloud"; }

std::string because(const Place& place) {
  return place.unreachable_because.empty() ? "" : " (" + place.unreachable_because + ")";
}

std::string missing_tag(const TaskSpec& spec, const Place& place) {
  for (const std::string& tag : spec.needs.tags) {
    bool carried = false;
    for (const std::string& have : place.tags) carried = carried || have == tag;
    if (!carried) return tag;
  }
  return {};
}

std::string mib(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

spillway::Candidate view_of(const char* place, const Side& side, std::string reason) {
  const Cost& cost = side.cost;
  return {place,
          side.open(),
          std::move(reason),
          as_duration(cost.wait.median),
          as_duration(cost.transfer.median),
          as_duration(cost.run.median),
          as_duration(cost.high()),
          cost.score};
}

std::string would_take(const Side& side) {
  return "would finish it in " + in_words(side.cost.median());
}

}  // namespace

std::string bar_text(Bar bar, const TaskSpec& spec, const Place& place) {
  const std::string name = name_of(place);
  switch (bar) {
    case Bar::none: return name + " can run it";
    case Bar::unconfigured: return "there is no other place";
    case Bar::kind: return name + " does not run the kind " + to_string(spec.kind);
    case Bar::cores:
      return name + " has " + plural(place.workers, "worker") + ", it needs " +
             std::to_string(spec.needs.cpu);
    case Bar::memory:
      return name + " has " + mib(place.memory) + " of memory, it needs " + mib(spec.needs.memory);
    case Bar::tag: return name + " lacks the tag " + missing_tag(spec, place);
    case Bar::size:
      return "the broker carries tasks of at most " + plural(place.largest, "byte") +
             ", it may have " + std::to_string(bytes_of(spec)) + " (raise its maximum packet size)";
    case Bar::edge_only: return "its data must not leave this device (data = edge_only)";
    case Bar::prefer_local: return "it asked to run on this device (prefer = local)";
    case Bar::unreachable: return name + " is not available" + because(place);
    case Bar::prefer_cloud: return "it asked to run in the cloud (prefer = cloud)";
    case Bar::waits_for_link:
      return spec.on_disconnect == OnDisconnect::wait
                 ? "it asked to wait while the cloud is away (on_disconnect = wait)"
                 : "it asked to fail while the cloud is away (on_disconnect = fail)";
    case Bar::misses_deadline: return name + " would miss its deadline";
  }
  return {};
}

std::string why_local(const Story& s) {
  const Side& here = s.assessment.local;
  const Side& there = s.assessment.cloud;
  const double wait = here.cost.wait.median;
  const std::string free = wait > 0 ? "will be free in " + in_words(wait) : "is free";
  if (!there.open()) return bar_text(there.bar, *s.task.spec, s.cloud);
  if (s.task.spec->prefer == Prefer::cloud) {
    return "the cloud has had no room for " +
           in_words(std::chrono::duration<double>(s.cloud.starved).count()) +
           ", so a local worker takes it although it asked for the cloud";
  }
  if (s.assessment.pays()) return "a local worker " + free + " and the cloud has no room now";
  if (s.assessment.gain() > 0 && s.task.losses > 0) {
    return "the cloud lost or refused it " + plural(s.task.losses, "time") + " in a row";
  }
  if (s.assessment.gain() > 0) {
    return "a local worker " + free + ", and the cloud would gain only " +
           in_words(s.assessment.gain()) + ", less than the " + in_words(s.assessment.margin) +
           " that make a transfer worth it";
  }
  return "a local worker " + free + " and finishes it in " + in_words(here.cost.median()) +
         "; the cloud would need " + in_words(there.cost.median());
}

std::string why_cloud(const Story& s) {
  const Side& here = s.assessment.local;
  const std::string there = in_words(s.assessment.cloud.cost.median());
  if (here.bar == Bar::misses_deadline) {
    return "only the cloud meets its deadline: " + there + " there, " +
           in_words(here.cost.median()) + " here";
  }
  if (!here.open()) return bar_text(here.bar, *s.task.spec, s.local);
  if (here.cost.wait.median > 0) {
    return busy_workers(s.local, here.cost.wait.median) + "; the cloud finishes it in " + there;
  }
  return "the cloud finishes it in " + there + ", this device in " + in_words(here.cost.median());
}

std::string why_experiment(double age) {
  return "the cloud was not measured for " + in_words(age) +
         " and may be faster now: this one task finds out";
}

std::string why_withdrawn(const Story& s) {
  return "the cloud has not taken it for " +
         in_words(std::chrono::duration<double>(s.cloud.unacknowledged).count()) +
         "; this device finishes it in " + in_words(s.assessment.local.cost.median());
}

std::string why_waiting(const Story& s) {
  const Side& here = s.assessment.local;
  const Side& there = s.assessment.cloud;
  const std::string here_bar = bar_text(here.bar, *s.task.spec, s.local);
  const std::string there_bar = bar_text(there.bar, *s.task.spec, s.cloud);
  if (!here.open() && !there.open()) {
    return "waits for the cloud: " + here_bar + ", and " + there_bar;
  }
  if (!here.open()) return "waits for room in the cloud: " + here_bar;
  const double wait = here.cost.wait.median;
  const std::string busy =
      wait > 0 ? busy_workers(s.local, wait) : std::string("a local worker is about to take it");
  if (!there.open()) return busy + ", and " + there_bar;
  if (s.assessment.pays()) {
    return busy + "; the cloud would finish it in " + in_words(there.cost.median()) +
           (s.cloud.idle > 0 ? ", next in line for the uplink" : " but has no room now");
  }
  return busy + "; the cloud would need " + in_words(there.cost.median());
}

Explanation explanation(const Story& s, std::string_view chosen, std::string dominant,
                        NodeTime now) {
  const auto reason = [&](std::string_view place, const Side& side, const Place& at) {
    if (place == chosen) return dominant;
    return side.open() ? would_take(side) : bar_text(side.bar, *s.task.spec, at);
  };
  Explanation e;
  e.at = now;
  e.chosen = chosen;
  e.candidates = {
      view_of(kHereName, s.assessment.local, reason(kHereName, s.assessment.local, s.local)),
      view_of(kCloudName, s.assessment.cloud, reason(kCloudName, s.assessment.cloud, s.cloud)),
  };
  e.dominant = std::move(dominant);
  return e;
}

}  // namespace spillway::placement
