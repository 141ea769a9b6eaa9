#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cloud/fleet/alerts.h"
#include "cloud/fleet/views.h"

namespace spillway::cloud {

// The alerts that fired, the newest kMost of them and kEach of one device, and what people said
// about them. The loop's.
class AlertBook {
 public:
  static constexpr std::size_t kMost = 10'000;
  static constexpr std::size_t kEach = 500;
  static constexpr std::size_t kMaxSilences = 1000;
  struct Entry {
    AlertEngine::Subject subject = AlertEngine::kFleet;
    bool crowd = false;
    std::string group;
    Alert alert;
  };

  // What the engine decided; answers the entry that changed.
  Entry& fire(const AlertRule& rule, const AlertEngine::Change& change, std::string device,
              std::string group, Wall wall);
  Entry* resolve(const AlertEngine::Change& change, Wall wall);
  void restore(Entry entry);
  Entry* find(std::uint64_t id);

  std::vector<Alert> list(const AlertFilter& filter, Wall wall) const;
  Alert shown(const Entry& entry, Wall wall) const;  // with its silence
  std::uint64_t firing(Wall wall) const;             // not silenced
  const std::deque<Entry>& entries() const { return entries_; }

  Status add_silence(Silence& silence, Wall wall);  // numbers it
  bool drop_silence(std::uint64_t id);
  void restore_silence(Silence silence) { silences_[silence.id] = std::move(silence); }
  std::vector<Silence> silences() const;
  std::vector<std::uint64_t> expire_silences(Wall wall);

  std::uint64_t next_alert = 1, next_silence = 1;

 private:
  void make_room(AlertEngine::Subject subject);
  std::optional<Wall> silenced(const Entry& entry, Wall wall) const;
  std::deque<Entry> entries_;  // by id, oldest first
  std::map<std::uint64_t, Silence> silences_;
};

}  // namespace spillway::cloud
