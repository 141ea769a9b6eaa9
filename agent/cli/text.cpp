#include "agent/cli/text.h"

#include <time.h>

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

namespace spillway::cli {
namespace {

struct Unit {
  std::string_view name;
  double size;
};

constexpr Unit kTimes[] = {{"ms", 1},  {"s", 1e3},   {"min", 6e4},
                           {"m", 6e4}, {"h", 3.6e6}, {"d", 8.64e7}};
constexpr Unit kSizes[] = {
    {"", 1},          {"B", 1},           {"K", 1024.0},       {"KiB", 1024.0},
    {"M", 1048576.0}, {"MiB", 1048576.0}, {"G", 1073741824.0}, {"GiB", 1073741824.0}};
constexpr Duration kFarthest = std::chrono::hours(24LL * 366 * 5000);
constexpr double kLongest = 366.0 * 8.64e7;

// Takes "1.5h" off the front of `text`; nullopt: it does not begin with a number and a known unit.
template <std::size_t N>
std::optional<double> take_quantity(std::string_view& text, const Unit (&units)[N]) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  std::size_t length = 0;
  while (length < text.size() && std::isalpha(static_cast<unsigned char>(text[length]))) ++length;
  for (const Unit& unit : units) {
    if (unit.name != text.substr(0, length)) continue;
    text.remove_prefix(length);
    return number * unit.size;
  }
  return std::nullopt;
}

Error not_a(std::string_view what, std::string_view text, std::string_view examples) {
  return fail(Code::invalid_argument, "'" + printable(text.substr(0, 64)) + "' is not a " +
                                          std::string(what) + "; write " + std::string(examples));
}

template <class... Args>
std::string format(const char* pattern, Args... args) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, args...);
  return text;
}

std::string short_duration(double micros) {
  if (micros < 1e3) return format("%.0fus", micros);
  if (micros < 9.995e3) return format("%.2fms", micros / 1e3);
  if (micros < 99.95e3) return format("%.1fms", micros / 1e3);
  if (micros < 999.5e3) return format("%.0fms", micros / 1e3);
  if (micros < 9.995e6) return format("%.2fs", micros / 1e6);
  return format("%.1fs", micros / 1e6);
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  constexpr std::string_view kExamples = "250ms, 30s, 1h30m or 7d";
  double total = 0;
  std::string_view rest = text;
  do {
    const std::optional<double> part = take_quantity(rest, kTimes);
    if (!part) return not_a("length of time", text, kExamples);
    total += *part;
  } while (!rest.empty());
  if (total > kLongest) return not_a("length of time up to 366 days", text, kExamples);
  return std::chrono::milliseconds(std::llround(total));
}

Result<std::uint64_t> parse_size(std::string_view text) {
  std::string_view rest = text;
  const std::optional<double> bytes = take_quantity(rest, kSizes);
  if (!bytes || !rest.empty() || *bytes > 9e15) return not_a("size", text, "65536, 64K, 16M or 2G");
  return static_cast<std::uint64_t>(std::llround(*bytes));
}

std::string duration_text(Duration duration) {
  if (duration == Duration::min()) return "long ago";
  if (duration < Duration::zero()) return "-" + duration_text(-duration);
  if (duration < std::chrono::milliseconds(59'950)) {
    return short_duration(static_cast<double>(duration.count()));
  }
  const long long seconds =
      duration.count() / 1'000'000 + (duration.count() % 1'000'000 >= 500'000);
  if (seconds < 3600) return format("%lldm%02llds", seconds / 60, seconds % 60);
  if (seconds < 86400) return format("%lldh%02lldm", seconds / 3600, seconds / 60 % 60);
  return format("%lldd%lldh", seconds / 86400, seconds / 3600 % 24);
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + "B";
  constexpr const char* kNames[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t name = 0;
  for (; value >= 1023.95 && name < 5; ++name) value /= 1024;
  return format(value < 99.95 ? "%.1f%s" : "%.0f%s", value, kNames[name]);
}

std::string time_text(Duration since_1970, int digits) {
  if (since_1970 > kFarthest || since_1970 < -kFarthest) return "unknown";
  const auto whole = std::chrono::floor<std::chrono::seconds>(since_1970);
  const auto seconds = static_cast<time_t>(whole.count());
  tm parts{};
  char text[48];
  if (!gmtime_r(&seconds, &parts) ||
      strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
    return "unknown";
  }
  std::string result = text;
  if (digits > 0) {
    result += format(".%06lld", static_cast<long long>((since_1970 - whole).count()))
                  .substr(0, static_cast<std::size_t>(digits) + 1);
  }
  return result + "Z";
}

}  // namespace spillway::cli
