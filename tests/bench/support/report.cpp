#include "tests/bench/support/report.h"

#include <sys/utsname.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace spillway::bench {
namespace {

std::string format(const char* shape, double number) {
  char text[64];
  std::snprintf(text, sizeof text, shape, number);
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

std::string number(std::optional<double> value) {
  return value && std::isfinite(*value) ? format("%.6g", *value) : "null";
}

// Three figures are what such measurements are worth.
std::string short_number(std::optional<double> value) {
  if (!value) return "";
  return std::abs(*value) >= 1000 ? format("%.0f", *value) : format("%.3g", *value);
}

std::string json_row(const Row& row) {
  const std::optional<bool> met = row.met();
  return "{\"name\":" + quoted(row.name) + ",\"value\":" + number(row.value) +
         ",\"unit\":" + quoted(row.unit) + ",\"reference\":" + number(row.reference) +
         ",\"ratio\":" + number(row.ratio()) +
         ",\"goal\":" + (row.goal ? quoted(row.goal->text()) : "null") +
         ",\"met\":" + (met ? (*met ? "true" : "false") : "null") + "}";
}

std::string verdict(const Row& row) {
  const std::optional<bool> met = row.met();
  if (!met) return "";
  return *met ? "met" : "missed";
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return right ? space + text : text + space;
}

std::string load() {
  double averages[1] = {};
  return getloadavg(averages, 1) == 1 ? format("%.2f", averages[0]) : "unknown";
}

void describe_machine(Report& report, const Options& options) {
  utsname system{};
  uname(&system);
  report.condition("machine", std::to_string(std::thread::hardware_concurrency()) + " CPUs, " +
                                  system.machine + ", Linux " + system.release);
  report.condition("load before", load());
#ifdef NDEBUG
  report.condition("build", "release");
#else
  report.condition("build", "with assertions: not what is to be measured");
#endif
  if (options.quick) report.condition("quick", "a smoke run: its figures say nothing");
}

}  // namespace

bool Goal::met_by(double ratio) const {
  switch (sense) {
    case Sense::at_least: return ratio >= bound;
    case Sense::at_most: return ratio <= bound;
    case Sense::within: return std::abs(ratio - 1) <= bound;
  }
  return false;
}

std::string Goal::text() const {
  switch (sense) {
    case Sense::at_least: return ">= " + format("%g", bound);
    case Sense::at_most: return "<= " + format("%g", bound);
    case Sense::within: return "1 +- " + format("%g", bound);
  }
  return "";
}

std::optional<double> Row::ratio() const {
  if (!reference || *reference == 0) return std::nullopt;
  return value / *reference;
}

std::optional<bool> Row::met() const {
  const std::optional<double> is = ratio();
  if (!goal || !is) return std::nullopt;
  return goal->met_by(*is);
}

std::string Report::json() const {
  std::string text = "{\"bench\":" + quoted(bench_) + ",\"conditions\":{";
  for (const auto& [name, value] : conditions_) {
    if (text.back() != '{') text += ',';
    text += quoted(name) + ":" + quoted(value);
  }
  text += "},\"rows\":[";
  for (const Row& row : rows_) {
    if (text.back() != '[') text += ',';
    text += json_row(row);
  }
  return text + "]}\n";
}

std::string Report::table() const {
  std::string text = bench_ + "\n";
  for (const auto& [name, value] : conditions_) {
    text.append("  ").append(name).append(": ").append(value).append("\n");
  }
  std::vector<std::vector<std::string>> lines{
      {"", "value", "unit", "reference", "ratio", "goal", ""}};
  for (const Row& row : rows_) {
    lines.push_back({row.name, short_number(row.value), row.unit, short_number(row.reference),
                     short_number(row.ratio()), row.goal ? row.goal->text() : "", verdict(row)});
  }
  std::vector<std::size_t> widths(lines.front().size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : lines) {
    std::string row = " ";
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool figure = i == 1 || i == 3 || i == 4;
      row += " " + padded(line[i], widths[i], figure);
    }
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

int run(int argc, char** argv, const std::string& bench,
        const std::function<Status(const Options&, Report&)>& measure) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--json") {
      options.json = true;
    } else if (argument == "--quick") {
      options.quick = true;
    } else {
      std::fprintf(stderr, "usage: bench_%s [--json] [--quick]\n", bench.c_str());
      return argument == "--help" ? 0 : 2;
    }
  }
  Report report(bench);
  describe_machine(report, options);
  const Status measured = measure(options, report);
  // What was measured before the bench failed is shown.
  std::fputs((options.json ? report.json() : report.table()).c_str(), stdout);
  if (measured) return 0;
  std::fprintf(stderr, "bench_%s: %s\n", bench.c_str(), measured.error().message.c_str());
  return 1;
}

}  // namespace spillway::bench
