#include <algorithm>
#include <charconv>
#include <fstream>

#include "tests/support/link_proxy.h"

namespace spillway::test {
namespace {

// The numbers of a line, comma separated; false when one is not a number.
bool parse(const std::string& line, std::vector<double>& numbers) {
  numbers.clear();
  const char* at = line.data();
  const char* end = at + line.size();
  while (true) {
    double value = 0;
    const auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc()) return false;
    numbers.push_back(value);
    if (stop == end) return true;
    if (*stop != ',') return false;
    at = stop + 1;
  }
}

}  // namespace

Result<std::vector<LinkSample>> read_link_trace(const std::string& path) {
  std::ifstream file(path);
  if (!file) return fail(Code::not_found, "cannot read the link trace " + path);
  std::string line;
  std::getline(file, line);
  std::vector<LinkSample> trace;
  std::vector<double> numbers;
  for (int row = 2; std::getline(file, line); ++row) {
    if (line.empty()) continue;
    if (!parse(line, numbers) || numbers.size() < 3 ||
        std::any_of(numbers.begin(), numbers.end(),
                    [](double n) { return !(n >= 0 && n < 1e9); })) {
      return fail(Code::corrupt, path + ":" + std::to_string(row) +
                                     ": expected t_s,capacity_kbit_s,rtt_ms,loss_pct");
    }
    const auto ms = [](double value) {
      return std::chrono::milliseconds(static_cast<std::int64_t>(value));
    };
    trace.push_back({ms(numbers[0] * 1000),
                     {ms(numbers[2] / 2), static_cast<std::int64_t>(numbers[1] * 1000)}});
  }
  if (trace.empty()) return fail(Code::corrupt, "the link trace " + path + " is empty");
  return trace;
}

}  // namespace spillway::test
