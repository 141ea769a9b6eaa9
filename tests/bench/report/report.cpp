#include "tests/bench/report/report.h"

#include <sys/utsname.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace spillway::bench {
namespace {

namespace json = boost::json;

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

std::string word(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains({name.data(), name.size()});
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

std::optional<double> figure(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains({name.data(), name.size()});
  boost::system::error_code error;
  const double value = found != nullptr ? found->to_number<double>(error) : 0;
  if (found == nullptr || error) return std::nullopt;
  return value;
}

std::string json_before(const Row& row) {
  if (!row.before) return "";
  return ",\"against\":{\"value\":" + number(row.before->value) +
         ",\"ratio\":" + number(row.to_before()) +
         ",\"least_ratio\":" + number(row.before->least_ratio) +
         ",\"most_ratio\":" + number(row.before->most_ratio) + "}";
}

std::string json_row(const Row& row) {
  const std::optional<bool> met = row.met();
  return "{\"name\":" + quoted(row.name) + ",\"value\":" + number(row.value) +
         ",\"unit\":" + quoted(row.unit) + ",\"reference\":" + number(row.reference) +
         ",\"ratio\":" + number(row.ratio()) +
         ",\"goal\":" + (row.goal ? quoted(row.goal->text()) : "null") +
         ",\"met\":" + (met ? (*met ? "true" : "false") : "null") + json_before(row) + "}";
}

std::string verdict(const Row& row) {
  const std::optional<bool> met = row.met();
  if (!met) return "";
  return *met ? "met" : "missed";
}

std::string spread(const Row& row) {
  if (!row.before) return "";
  return short_number(row.before->least_ratio) + " to " + short_number(row.before->most_ratio);
}

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return right ? space + text : text + space;
}

std::string sign(Goal::Sense sense) {
  switch (sense) {
    case Goal::Sense::at_least: return ">= ";
    case Goal::Sense::at_most: return "<= ";
    case Goal::Sense::within: return "1 +- ";
  }
  return "";
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

std::string Goal::text() const { return sign(sense) + format("%g", bound); }

std::optional<Goal> Goal::parse(std::string_view text) {
  for (const Sense sense : {Sense::at_least, Sense::at_most, Sense::within}) {
    const std::string begin = sign(sense);
    if (text.substr(0, begin.size()) != begin) continue;
    return Goal{sense, std::strtod(std::string(text.substr(begin.size())).c_str(), nullptr)};
  }
  return std::nullopt;
}

std::optional<double> Row::ratio() const {
  if (!reference || *reference == 0) return std::nullopt;
  return value / *reference;
}

std::optional<double> Row::to_before() const {
  if (!before || before->value == 0) return std::nullopt;
  return value / before->value;
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
  const bool beside = std::any_of(rows_.begin(), rows_.end(),
                                  [](const Row& row) { return row.before.has_value(); });
  if (beside) lines.front().insert(lines.front().end(), {"before", "now/before", "of runs"});
  for (const Row& row : rows_) {
    lines.push_back({row.name, short_number(row.value), row.unit, short_number(row.reference),
                     short_number(row.ratio()), row.goal ? row.goal->text() : "", verdict(row)});
    if (beside) {
      lines.back().insert(lines.back().end(), {row.before ? short_number(row.before->value) : "",
                                               short_number(row.to_before()), spread(row)});
    }
  }
  std::vector<std::size_t> widths(lines.front().size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  for (const auto& line : lines) {
    std::string row = " ";
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool figure = i == 1 || i == 3 || i == 4 || i == 7 || i == 8;
      row += " " + padded(line[i], widths[i], figure);
    }
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

Result<Report> Report::parse(std::string_view text) {
  boost::system::error_code error;
  const json::value parsed = json::parse({text.data(), text.size()}, error);
  if (error) return fail(Code::corrupt, "not a bench's report: " + error.message());
  const json::object* object = parsed.if_object();
  const json::value* rows = object != nullptr ? object->if_contains("rows") : nullptr;
  if (rows == nullptr || !rows->is_array() || !object->contains("bench")) {
    return fail(Code::corrupt, "not a bench's report: no rows in it");
  }
  Report report(word(*object, "bench"));
  if (const json::value* conditions = object->if_contains("conditions");
      conditions != nullptr && conditions->is_object()) {
    for (const auto& condition : conditions->get_object()) {
      report.condition(std::string(condition.key()),
                       word(conditions->get_object(), condition.key()));
    }
  }
  for (const json::value& each : rows->get_array()) {
    const json::object* row = each.if_object();
    if (row == nullptr) return fail(Code::corrupt, "not a bench's report: a row is no object");
    const auto value = figure(*row, "value");
    if (!value) continue;  // JSON has no word for a figure that is none
    report.add({word(*row, "name"), *value, word(*row, "unit"), figure(*row, "reference"),
                Goal::parse(word(*row, "goal"))});
  }
  return report;
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
