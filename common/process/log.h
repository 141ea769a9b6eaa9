#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <deque>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "common/threads/mutex.h"
#include "spillway/time.h"

namespace spillway::process {

// Numbered as syslog's priorities.
enum class Level : std::uint8_t { error = 3, warning = 4, info = 6, debug = 7 };

// One key=value of a record. Keys are ours and plain; values may come from anywhere.
struct Field {
  Field(std::string_view name, std::string_view text) : key(name), value(text) {}
  Field(std::string_view name, const char* text) : key(name), value(text) {}
  Field(std::string_view name, bool flag) : key(name), value(flag ? "true" : "false") {}
  template <std::integral T>
  Field(std::string_view name, T number) : key(name), value(std::to_string(number)) {}
  Field(std::string_view name, double number) : key(name), value(std::to_string(number)) {}

  std::string_view key;
  std::string value;
};
using Fields = std::initializer_list<Field>;

// Where records go. `journal` puts systemd's "<6>" before a line instead of the wall time.
struct LogTarget {
  int descriptor = 2;
  bool journal = false;

  // Standard error; `journal` when JOURNAL_STREAM names exactly that file.
  static LogTarget standard_error();
};

// One line per record: `LEVEL message key=value…`. Bytes that are not printable ASCII are written
// as \xNN and long values cut, so no input can forge a line or steer a terminal. A line that
// cannot be written is lost. Any thread.
class Logger {
 public:
  explicit Logger(LogTarget target = LogTarget::standard_error()) : target_(target) {}

  void set_level(Level least) { level_ = least; }
  bool enabled(Level level) const { return level <= level_; }

  void log(Level level, std::string_view message, Fields fields = {});

  // For what an outsider can provoke at will: a cause's first record is written, later ones are
  // counted and, at most once a minute, written as one with repeated=N. `cause` is ours, never
  // input; beyond kMaxCauses all further causes are counted as one.
  void log_once(Duration now, Level level, std::string_view cause, std::string_view message,
                Fields fields = {});
  void log_once(Level level, std::string_view cause, std::string_view message, Fields fields = {});

  // Keeps so many bytes of the newest lines, for whoever asks; 0, as it begins: none.
  void keep(std::size_t bytes);
  // The newest, oldest first, at most so many lines; each with its time.
  std::string recent(std::size_t lines) const;

  // Writes what was counted and not yet written; at the end of a run.
  void flush_repeats();

  static constexpr std::size_t kMaxCauses = 256;
  static constexpr std::size_t kMaxValue = 512;
  static constexpr std::chrono::minutes kRepeatPeriod{1};

 private:
  struct Cause {
    Level level;
    Duration written;
    std::uint64_t repeated = 0;
    std::string line;
  };
  void write(Level level, std::string line);
  void remember(const std::string& text);

  LogTarget target_;
  std::atomic<Level> level_{Level::info};
  threads::Mutex mutex_;
  std::map<std::string, Cause, std::less<>> causes_ GUARDED_BY(mutex_);
  mutable threads::Mutex kept_mutex_ ACQUIRED_AFTER(mutex_);
  std::deque<std::string> kept_ GUARDED_BY(kept_mutex_);
  std::size_t kept_bytes_ GUARDED_BY(kept_mutex_) = 0;
  std::size_t keep_ GUARDED_BY(kept_mutex_) = 0;
};

// The process's logger.
Logger& logger();

inline void log(Level level, std::string_view message, Fields fields = {}) {
  logger().log(level, message, fields);
}
inline void log_once(Level level, std::string_view cause, std::string_view message,
                     Fields fields = {}) {
  logger().log_once(level, cause, message, fields);
}

}  // namespace spillway::process
