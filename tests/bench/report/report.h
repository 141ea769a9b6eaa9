#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spillway/status.h"

namespace spillway::bench {

struct Options {
  bool json = false;
  bool quick = false;  // a smoke run of seconds: its figures say nothing
};

// What a ratio has to be.
struct Goal {
  enum class Sense { at_least, at_most, within } sense = Sense::at_least;
  double bound = 1;

  static Goal at_least(double ratio) { return {Sense::at_least, ratio}; }
  static Goal at_most(double ratio) { return {Sense::at_most, ratio}; }
  // A ratio that far from 1, at most.
  static Goal within(double distance) { return {Sense::within, distance}; }

  bool met_by(double ratio) const;
  std::string text() const;
  // What text() gave; nothing for other words.
  static std::optional<Goal> parse(std::string_view text);
};

// What an earlier build did, measured in turns with this one.
struct Before {
  double value = 0;                        // median of its runs
  double least_ratio = 0, most_ratio = 0;  // of each run to the earlier build's beside it
};

// A value and the limit it is held against, both measured in this run unless the name says
// otherwise. Without a reference it is there to look at, without a goal nothing is asked of it.
struct Row {
  std::string name;
  double value = 0;
  std::string unit;
  std::optional<double> reference = std::nullopt;
  std::optional<Goal> goal = std::nullopt;
  std::optional<Before> before = std::nullopt;

  std::optional<double> ratio() const;
  std::optional<double> to_before() const;
  // The only place where this is decided.
  std::optional<bool> met() const;
};

// What one bench found. One thread.
class Report {
 public:
  explicit Report(std::string bench) : bench_(std::move(bench)) {}

  void add(Row row) { rows_.push_back(std::move(row)); }
  // What a reader needs to judge the figures: sizes, durations, what was left out.
  void condition(std::string name, std::string value) {
    conditions_.emplace_back(std::move(name), std::move(value));
  }

  const std::string& bench() const { return bench_; }
  const std::vector<Row>& rows() const { return rows_; }
  const std::vector<std::pair<std::string, std::string>>& conditions() const { return conditions_; }

  std::string json() const;  // one object on one line
  std::string table() const;
  // What json() wrote, without `before`; verdicts are made anew. Code::corrupt.
  static Result<Report> parse(std::string_view json);

 private:
  std::string bench_;
  std::vector<std::pair<std::string, std::string>> conditions_;
  std::vector<Row> rows_;
};

// A whole bench program: reads --json and --quick, notes the machine and its load, measures, and
// prints to stdout. The exit code says whether it could be measured, not whether goals were met.
int run(int argc, char** argv, const std::string& bench,
        const std::function<Status(const Options&, Report&)>& measure);

}  // namespace spillway::bench
