#include "agent/telemetry/proc_texts.h"

#include <charconv>

namespace spillway::agent {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

std::string_view next_line(std::string_view& rest) {
  std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

std::string_view next_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
  std::size_t end = std::min(rest.find_first_of(kBlanks), rest.size());
  std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end);
  return word;
}

template <class T>
std::optional<T> number(std::string_view word, int base = 10) {
  T value{};
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<CpuTimes> parse_cpu_line(std::string_view line) {
  constexpr int kIdle = 3, kWaiting = 4, kGuest = 8;  // guests are counted in user time as well
  CpuTimes times;
  int column = 0;
  for (std::string_view word = next_word(line); !word.empty() && column < kGuest; ++column) {
    auto ticks = number<std::uint64_t>(word);
    if (!ticks) return std::nullopt;
    times.total += *ticks;
    if (column != kIdle && column != kWaiting) times.busy += *ticks;
    word = next_word(line);
  }
  return column > kIdle ? std::optional(times) : std::nullopt;
}

}  // namespace

std::vector<CpuTimes> parse_cpu_times(std::string_view stat) {
  std::vector<CpuTimes> all;
  while (!stat.empty()) {
    std::string_view line = next_line(stat);
    if (!next_word(line).starts_with("cpu")) break;
    auto times = parse_cpu_line(line);
    if (!times) break;
    all.push_back(*times);
  }
  return all;
}

std::optional<double> busy_share(const CpuTimes& before, const CpuTimes& now) {
  if (now.total <= before.total || now.busy < before.busy) return std::nullopt;
  return double(now.busy - before.busy) / double(now.total - before.total);
}

std::optional<std::uint64_t> parse_field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    std::string_view line = next_line(text);
    std::size_t colon = line.find(':');
    if (colon == line.npos || line.substr(0, colon) != name) continue;
    line.remove_prefix(colon + 1);
    auto value = number<std::uint64_t>(next_word(line));
    bool kilo = next_word(line) == "kB";
    if (!value || *value > (~0ULL >> 11)) return std::nullopt;
    return kilo ? *value * 1024 : *value;
  }
  return std::nullopt;
}

std::optional<std::string> default_interface(std::string_view route) {
  std::optional<std::string> best;
  std::uint64_t lowest = ~0ULL;
  (void)next_line(route);  // headings
  while (!route.empty()) {
    std::string_view line = next_line(route);
    std::string_view name = next_word(line);
    bool everywhere = next_word(line) == "00000000";
    for (int skipped = 0; skipped < 4; ++skipped) (void)next_word(line);
    auto metric = number<std::uint64_t>(next_word(line));
    bool whole = next_word(line) == "00000000";
    if (!everywhere || !whole || !metric || *metric >= lowest) continue;
    lowest = *metric;
    best = std::string(name);
  }
  return best;
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  return number<std::int64_t>(next_word(text));
}

}  // namespace spillway::agent
