#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cloud/fleet/views.h"

// Which alerts fire and end, from rules as data. Pure: told of values and of time. A rule that
// holds for a great part of a fleet makes at most kAlertsPerRule alerts and one more, of the fleet,
// that counts the rest.
namespace spillway::cloud {

inline constexpr std::size_t kAlertsPerRule = 100;
inline constexpr std::size_t kMaxRules = 200;

// The rules that a new fleet begins with.
std::vector<AlertRule> default_rules();
// Whether a rule makes sense; invalid_argument says what does not.
Status check_rule(const AlertRule& rule);

class AlertEngine {
 public:
  // Who a value is of: a device's number, or kFleet.
  using Subject = std::uint32_t;
  static constexpr Subject kFleet = 0;

  struct Change {
    std::string rule;
    Subject subject = kFleet;
    bool fired = false;  // else: resolved
    double value = 0;
    bool crowd =
        false;  // of the fleet, for more devices than have alerts of their own; value: how many
  };
  using Changes = std::vector<Change>;
  // What a rule looks at.
  struct Watched {
    enum class What : std::uint8_t { health, reason, metric, series } what = What::health;
    std::size_t index = 0;  // of the Reason, Metric or FleetSeries
  };
  // A value; nothing: not known, which changes nothing.
  using Ask = std::function<std::optional<double>(const Watched& watched)>;

  std::vector<AlertRule> rules() const;  // by id
  const AlertRule* rule(const std::string& id) const;
  // A rule that changed or went ends its alerts.
  Changes put(AlertRule rule);
  Changes drop(const std::string& id);

  // A subject's values were measured, or it went, or time has passed: what fires and what ends by
  // that.
  Changes observe(Subject subject, const std::string& group, const Ask& ask, NodeTime now);
  Changes forget(Subject subject);
  Changes on_time(NodeTime now);
  NodeTime next_time() const { return timers_.empty() ? kNever : timers_.begin()->first; }
  // Carries on with what fired before a restart.
  void restore(const std::string& rule, Subject subject);
  std::uint64_t firing(const std::string& rule) const;

 private:
  struct Instance {
    bool firing = false;
    bool alone = false;     // has an alert of its own
    NodeTime due = kNever;  // when it fires, or resolves, unless its value turns
    double value = 0;
  };
  struct Crowd {
    std::uint64_t alone = 0, hidden = 0;
    bool told = false;
  };
  struct Numbered {
    AlertRule rule;
    Watched watched;
    Crowd crowd;
  };
  using Number = std::uint32_t;
  using Key = std::pair<Number, Subject>;
  Number number_of(const std::string& id) const;  // 0: none
  void turn(const Key& key, Numbered& numbered, double value, NodeTime now, Changes& out);
  void schedule(const Key& key, Instance& instance, NodeTime due);
  void flip(const Key& key, Instance& instance, Changes& out);
  void end(const Key& key, Instance& instance, Changes& out);
  static void tell_crowd(Numbered& numbered, Changes& out);

  std::map<Number, Numbered> rules_;
  Number next_ = 1;
  std::map<Key, Instance> instances_;  // pending and firing
  std::set<std::pair<NodeTime, Key>> timers_;
};

}  // namespace spillway::cloud
