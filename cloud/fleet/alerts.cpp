#include "cloud/fleet/alerts.h"

#include <algorithm>
#include <cmath>

namespace spillway::cloud {
namespace {

using namespace std::chrono_literals;

bool holds(const AlertRule& rule, double value) {
  switch (rule.compare) {
    case AlertRule::Compare::above: return value > rule.value;
    case AlertRule::Compare::below: return value < rule.value;
    case AlertRule::Compare::is: return value == rule.value;
  }
  return false;
}

using Watched = AlertEngine::Watched;

std::optional<Watched> watched_by(const AlertRule& rule) {
  if (rule.scope == AlertRule::Scope::fleet) {
    auto series = fleet_series_of(rule.subject);
    return series ? std::optional(Watched{Watched::What::series, std::size_t(*series)})
                  : std::nullopt;
  }
  if (rule.subject == "health") return Watched{};
  if (auto reason = reason_of(rule.subject)) {
    return Watched{Watched::What::reason, std::size_t(*reason)};
  }
  auto metric = wire::metric_of(rule.subject);
  return metric ? std::optional(Watched{Watched::What::metric, std::size_t(*metric)})
                : std::nullopt;
}

AlertRule reason_rule(Reason reason, const char* title, Severity severity, Duration lasting) {
  AlertRule rule;
  rule.id = rule.subject = std::string(to_string(reason));
  rule.title = title;
  rule.severity = severity;
  rule.compare = AlertRule::Compare::is;
  rule.value = 1;
  rule.lasting = lasting;
  return rule;
}

bool good_id(const std::string& id) {
  if (id.empty() || id.size() > 63) return false;
  return id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == id.npos;
}

}  // namespace

std::vector<AlertRule> default_rules() {
  AlertRule gone;
  gone.id = "disconnected";
  gone.title = "Device is disconnected";
  gone.subject = "health";
  gone.compare = AlertRule::Compare::is;
  gone.value = double(Health::disconnected);
  gone.lasting = 5min;
  return {
      gone,
      reason_rule(Reason::cloned, "Two devices use one identity", Severity::critical, 0s),
      reason_rule(Reason::data_lost, "Device has lost data", Severity::critical, 0s),
      reason_rule(Reason::disk_low, "Disk is nearly full", Severity::warning, 1min),
      reason_rule(Reason::hot, "Device is hot", Severity::warning, 2min),
      reason_rule(Reason::battery_low, "Battery is low", Severity::warning, 1min),
      reason_rule(Reason::tasks_failing, "Tasks are failing", Severity::warning, 1min),
      reason_rule(Reason::backlog_growing, "Backlog is growing", Severity::warning, 5min),
      reason_rule(Reason::clock_wrong, "Clock is wrong", Severity::info, 5min),
      reason_rule(Reason::certificate_expiring, "Certificate expires soon", Severity::warning, 0s)};
}

Status check_rule(const AlertRule& rule) {
  auto wrong = [](const std::string& what) { return fail(Code::invalid_argument, what); };
  if (!good_id(rule.id)) return wrong("id: 1 to 63 of a-z, 0-9, '_' and '-'");
  if (rule.title.size() > 200) return wrong("title: at most 200 bytes");
  if (!watched_by(rule)) {
    return wrong("subject: '" + rule.subject.substr(0, 64) +
                 "' is not a metric, a reason, or health; with scope fleet, not a fleet series");
  }
  if (!std::isfinite(rule.value)) return wrong("value: must be a number");
  if (rule.lasting < 0s || rule.lasting > 24h * 30) return wrong("lasting: 0 to 30 days");
  return {};
}

AlertEngine::Number AlertEngine::number_of(const std::string& id) const {
  for (const auto& [number, numbered] : rules_) {
    if (numbered.rule.id == id) return number;
  }
  return 0;
}

std::vector<AlertRule> AlertEngine::rules() const {
  std::vector<AlertRule> rules;
  for (const auto& [number, numbered] : rules_) rules.push_back(numbered.rule);
  std::sort(rules.begin(), rules.end(),
            [](const AlertRule& a, const AlertRule& b) { return a.id < b.id; });
  return rules;
}

const AlertRule* AlertEngine::rule(const std::string& id) const {
  Number number = number_of(id);
  return number != 0 ? &rules_.at(number).rule : nullptr;
}

AlertEngine::Changes AlertEngine::put(AlertRule rule) {
  Changes out = drop(rule.id);
  // A rule that says nothing we know never holds; check_rule refuses it where people write it.
  if (auto watched = watched_by(rule)) rules_[next_++] = {std::move(rule), *watched, {}};
  return out;
}

AlertEngine::Changes AlertEngine::drop(const std::string& id) {
  Changes out;
  Number number = number_of(id);
  if (number == 0) return out;
  auto first = instances_.lower_bound({number, 0});
  while (first != instances_.end() && first->first.first == number) {
    end(first->first, first->second, out);
    first = instances_.erase(first);
  }
  rules_.erase(number);
  return out;
}

AlertEngine::Changes AlertEngine::observe(Subject subject, const std::string& group, const Ask& ask,
                                          NodeTime now) {
  Changes out;
  for (auto& [number, numbered] : rules_) {
    const AlertRule& rule = numbered.rule;
    bool of_fleet = rule.scope == AlertRule::Scope::fleet;
    if (!rule.enabled || of_fleet != (subject == kFleet)) continue;
    if (!rule.group.empty() && rule.group != group) continue;
    std::optional<double> value = ask(numbered.watched);
    if (value) turn({number, subject}, numbered, *value, now, out);
  }
  return out;
}

void AlertEngine::turn(const Key& key, Numbered& numbered, double value, NodeTime now,
                       Changes& out) {
  bool now_holds = holds(numbered.rule, value);
  auto found = instances_.find(key);
  if (found == instances_.end()) {
    if (!now_holds) return;
    found = instances_.emplace(key, Instance{}).first;
  }
  Instance& instance = found->second;
  instance.value = value;
  if (instance.firing == now_holds) {
    // The alert fires and holds; or it was about to fire and does not hold any more.
    schedule(key, instance, kNever);
    if (!now_holds) instances_.erase(found);
    return;
  }
  if (instance.due == kNever) schedule(key, instance, now + numbered.rule.lasting);
  if (instance.due > now) return;
  flip(key, instance, out);
  if (!instance.firing) instances_.erase(key);
}

void AlertEngine::schedule(const Key& key, Instance& instance, NodeTime due) {
  if (instance.due != kNever) timers_.erase({instance.due, key});
  instance.due = due;
  if (due != kNever) timers_.insert({due, key});
}

void AlertEngine::flip(const Key& key, Instance& instance, Changes& out) {
  if (instance.firing) return end(key, instance, out);
  schedule(key, instance, kNever);
  instance.firing = true;
  Numbered& numbered = rules_.at(key.first);
  instance.alone = numbered.crowd.alone < kAlertsPerRule;
  if (instance.alone) {
    ++numbered.crowd.alone;
    out.push_back({numbered.rule.id, key.second, true, instance.value, false});
  } else {
    ++numbered.crowd.hidden;
    tell_crowd(numbered, out);
  }
}

void AlertEngine::end(const Key& key, Instance& instance, Changes& out) {
  schedule(key, instance, kNever);
  if (!std::exchange(instance.firing, false)) return;
  Numbered& numbered = rules_.at(key.first);
  if (instance.alone) {
    --numbered.crowd.alone;
    out.push_back({numbered.rule.id, key.second, false, instance.value, false});
  } else {
    --numbered.crowd.hidden;
    tell_crowd(numbered, out);
  }
}

void AlertEngine::tell_crowd(Numbered& numbered, Changes& out) {
  Crowd& crowd = numbered.crowd;
  bool is = crowd.hidden > 0;
  if (is == crowd.told) return;
  crowd.told = is;
  out.push_back({numbered.rule.id, kFleet, is, double(crowd.alone + crowd.hidden), true});
}

AlertEngine::Changes AlertEngine::forget(Subject subject) {
  Changes out;
  for (const auto& [number, numbered] : rules_) {
    auto found = instances_.find({number, subject});
    if (found == instances_.end()) continue;
    end(found->first, found->second, out);
    instances_.erase(found);
  }
  return out;
}

AlertEngine::Changes AlertEngine::on_time(NodeTime now) {
  Changes out;
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Key key = timers_.begin()->second;
    Instance& instance = instances_.at(key);
    flip(key, instance, out);
    if (!instance.firing) instances_.erase(key);
  }
  return out;
}

void AlertEngine::restore(const std::string& rule, Subject subject) {
  Number number = number_of(rule);
  if (number == 0) return;
  instances_[{number, subject}] = {true, true, kNever, 0};
  ++rules_.at(number).crowd.alone;
}

std::uint64_t AlertEngine::firing(const std::string& rule) const {
  Number number = number_of(rule);
  if (number == 0) return 0;
  const Crowd& crowd = rules_.at(number).crowd;
  return crowd.alone + crowd.hidden;
}

}  // namespace spillway::cloud
