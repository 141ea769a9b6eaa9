#include "cloud/fleet/alert_book.h"

#include <algorithm>

namespace spillway::cloud {
namespace {

bool matches(const Silence& silence, const AlertBook::Entry& entry) {
  auto fits = [](const std::string& wanted, const std::string& is) {
    return wanted.empty() || wanted == is;
  };
  return fits(silence.rule, entry.alert.rule) && fits(silence.device, entry.alert.device) &&
         fits(silence.group, entry.group);
}

bool passes(const Alert& alert, const AlertFilter& filter) {
  if (filter.firing && *filter.firing != alert.firing) return false;
  if (filter.severity && *filter.severity != alert.severity) return false;
  if (!filter.device.empty() && filter.device != alert.device) return false;
  if (!filter.rule.empty() && filter.rule != alert.rule) return false;
  return filter.silenced || !alert.silenced_until;
}

}  // namespace

AlertBook::Entry& AlertBook::fire(const AlertRule& rule, const AlertEngine::Change& change,
                                  std::string device, std::string group, Wall wall) {
  Entry entry{change.subject, change.crowd, std::move(group), {}};
  Alert& alert = entry.alert;
  alert.id = next_alert++;
  alert.rule = rule.id;
  alert.title = rule.title;
  if (change.crowd) alert.title += " (many devices)";
  alert.severity = rule.severity;
  alert.device = std::move(device);
  alert.firing = true;
  alert.fired = wall;
  alert.value = change.value;
  make_room(entry.subject);
  entries_.push_back(std::move(entry));
  return entries_.back();
}

// A device with many pushes out what is over of its own.
void AlertBook::make_room(AlertEngine::Subject subject) {
  const auto theirs = [&](const Entry& entry) { return entry.subject == subject; };
  const auto over = [&](const Entry& entry) { return theirs(entry) && !entry.alert.firing; };
  const bool device = subject != AlertEngine::kFleet;
  if (device && std::count_if(entries_.begin(), entries_.end(), theirs) >= std::ptrdiff_t(kEach)) {
    const auto oldest = std::find_if(entries_.begin(), entries_.end(), over);
    if (oldest != entries_.end()) entries_.erase(oldest);
  }
  if (entries_.size() >= kMost) entries_.pop_front();
}

AlertBook::Entry* AlertBook::resolve(const AlertEngine::Change& change, Wall wall) {
  auto same = [&](const Entry& entry) {
    return entry.alert.firing && entry.subject == change.subject && entry.crowd == change.crowd &&
           entry.alert.rule == change.rule;
  };
  auto found = std::find_if(entries_.rbegin(), entries_.rend(), same);
  if (found == entries_.rend()) return nullptr;
  found->alert.firing = false;
  found->alert.resolved = wall;
  return &*found;
}

void AlertBook::restore(Entry entry) { entries_.push_back(std::move(entry)); }

AlertBook::Entry* AlertBook::find(std::uint64_t id) {
  auto found = std::lower_bound(
      entries_.begin(), entries_.end(), id,
      [](const Entry& entry, std::uint64_t wanted) { return entry.alert.id < wanted; });
  return found != entries_.end() && found->alert.id == id ? &*found : nullptr;
}

std::optional<Wall> AlertBook::silenced(const Entry& entry, Wall wall) const {
  std::optional<Wall> until;
  for (const auto& [id, silence] : silences_) {
    if (silence.until <= wall || !matches(silence, entry)) continue;
    until = std::max(until.value_or(silence.until), silence.until);
  }
  return until;
}

Alert AlertBook::shown(const Entry& entry, Wall wall) const {
  Alert alert = entry.alert;
  alert.silenced_until = silenced(entry, wall);
  return alert;
}

std::vector<Alert> AlertBook::list(const AlertFilter& filter, Wall wall) const {
  std::vector<Alert> alerts;
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (alerts.size() == filter.limit) break;
    if (entry->alert.id >= filter.before) continue;
    Alert alert = shown(*entry, wall);
    if (passes(alert, filter)) alerts.push_back(std::move(alert));
  }
  return alerts;
}

std::uint64_t AlertBook::firing(Wall wall) const {
  return std::uint64_t(std::count_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.alert.firing && !silenced(entry, wall);
  }));
}

Status AlertBook::add_silence(Silence& silence, Wall wall) {
  if (silence.until <= wall) return fail(Code::invalid_argument, "until: must be in the future");
  if (silences_.size() >= kMaxSilences) {
    return fail(Code::busy,
                "there are " + std::to_string(kMaxSilences) + " silences already; end some first");
  }
  silence.id = next_silence++;
  silences_[silence.id] = silence;
  return {};
}

bool AlertBook::drop_silence(std::uint64_t id) { return silences_.erase(id) > 0; }

std::vector<Silence> AlertBook::silences() const {
  std::vector<Silence> all;
  for (const auto& [id, silence] : silences_) all.push_back(silence);
  return all;
}

std::vector<std::uint64_t> AlertBook::expire_silences(Wall wall) {
  std::vector<std::uint64_t> gone;
  for (const auto& [id, silence] : silences_) {
    if (silence.until <= wall) gone.push_back(id);
  }
  for (std::uint64_t id : gone) silences_.erase(id);
  return gone;
}

}  // namespace spillway::cloud
