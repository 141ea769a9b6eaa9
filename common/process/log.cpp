#include "common/process/log.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "common/base/utf8.h"
#include "common/process/system_clock.h"

namespace spillway::process {
namespace {

constexpr std::size_t kMaxMessage = 2048;

std::string_view name_of(Level level) {
  switch (level) {
    case Level::error: return "ERROR";
    case Level::warning: return "WARN";
    case Level::info: return "INFO";
    case Level::debug: return "DEBUG";
  }
  return "?";
}

// Words of people stay as they are; what steers a terminal or is no text is told as \xNN.
void append_text(std::string& line, std::string_view text, std::size_t limit, bool quoted = false) {
  for (std::string_view rest = text.substr(0, limit); !rest.empty();) {
    const std::size_t length = utf8_length(rest);
    const std::string_view one = rest.substr(0, std::max<std::size_t>(length, 1));
    if (length == 0 || steers(one)) {
      line += printable(one);
    } else {
      if (quoted && (one == "\"" || one == "\\")) line += '\\';
      line += one;
    }
    rest.remove_prefix(one.size());
  }
  if (text.size() > limit) line += "...(" + std::to_string(text.size()) + " bytes)";
}

void append_value(std::string& line, std::string_view text) {
  const bool quoted = text.empty() || text.find_first_of(" \"\\=") != std::string_view::npos;
  if (quoted) line += '"';
  append_text(line, text, Logger::kMaxValue, quoted);
  if (quoted) line += '"';
}

std::string record(Level level, std::string_view message, Fields fields) {
  std::string line(name_of(level));
  line += ' ';
  append_text(line, message, kMaxMessage);
  for (const Field& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

std::string iso_time() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char text[40];
  const std::size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03dZ ",
                static_cast<int>(now.tv_nsec / 1'000'000));
  return text;
}

}  // namespace

LogTarget LogTarget::standard_error() {
  LogTarget target;
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat file {};
  if (stream && fstat(target.descriptor, &file) == 0) {
    target.journal = stream == std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
  }
  return target;
}

void Logger::log(Level level, std::string_view message, Fields fields) {
  if (enabled(level)) write(level, record(level, message, fields));
}

void Logger::log_once(Level level, std::string_view cause, std::string_view message,
                      Fields fields) {
  log_once(BootClock().boot_time(), level, cause, message, fields);
}

void Logger::log_once(Duration now, Level level, std::string_view cause, std::string_view message,
                      Fields fields) {
  std::string line;
  {
    threads::Lock lock(mutex_);
    auto found = causes_.find(cause);
    if (found == causes_.end() && causes_.size() >= kMaxCauses)
      found = causes_.find(cause = "other");
    if (found == causes_.end()) {
      line = record(level, message, fields);
      causes_.emplace(cause, Cause{level, now, 0, {}});
    } else {
      Cause& known = found->second;
      ++known.repeated;
      known.level = level;
      known.line = record(level, message, fields);
      if (now - known.written < kRepeatPeriod) return;
      line = std::move(known.line) + " repeated=" + std::to_string(known.repeated);
      known = Cause{level, now, 0, {}};
    }
  }
  if (enabled(level)) write(level, std::move(line));
}

void Logger::flush_repeats() {
  threads::Lock lock(mutex_);
  for (auto& [cause, known] : causes_) {
    if (known.repeated == 0) continue;
    if (enabled(known.level)) {
      write(known.level, known.line + " repeated=" + std::to_string(known.repeated));
    }
    known.repeated = 0;
  }
}

void Logger::keep(std::size_t bytes) {
  threads::Lock lock(kept_mutex_);
  keep_ = bytes;
}

void Logger::remember(const std::string& text) {
  threads::Lock lock(kept_mutex_);
  if (keep_ == 0) return;
  std::string line = iso_time() + text + '\n';
  kept_bytes_ += line.size();
  kept_.push_back(std::move(line));
  for (; kept_bytes_ > keep_; kept_.pop_front()) kept_bytes_ -= kept_.front().size();
}

std::string Logger::recent(std::size_t lines) const {
  threads::Lock lock(kept_mutex_);
  std::string text;
  const std::size_t skipped = kept_.size() - std::min(lines, kept_.size());
  for (std::size_t i = skipped; i < kept_.size(); ++i) text += kept_[i];
  return text;
}

void Logger::write(Level level, std::string line) {
  remember(line);
  line = (target_.journal ? "<" + std::to_string(static_cast<int>(level)) + ">" : iso_time()) +
         std::move(line) + '\n';
  // One write per line keeps lines of several threads whole.
  [[maybe_unused]] const auto written = ::write(target_.descriptor, line.data(), line.size());
}

Logger& logger() {
  static Logger process_logger;
  return process_logger;
}

}  // namespace spillway::process
