#include <algorithm>
#include <cmath>
#include <vector>

#include "common/kinds/anomaly_model.h"
#include "common/kinds/args.h"
#include "common/kinds/builtin.h"
#include "common/kinds/format.h"
#include "common/kinds/numeric.h"
#include "common/kinds/stopped.h"
#include "common/kinds/table.h"

// anomaly.score: how far each row lies from what the leading rows were like (Hotelling's T^2).
//
// Method: the first `train` share of the rows gives mean and covariance of the standardized
// columns, shrunk towards the identity. A row's score is the root of the mean, over it and the
// `smooth` - 1 rows before it, of its squared Mahalanobis distance per column: 1 is ordinary. The
// threshold is the `quantile` of the scores in training; each of `refits` fits again to the rows
// of the training part within it (the concentration step of Rousseeuw and Van Driessen 1999). Rows
// after training that score above the threshold are flagged. A label column `anomaly` is only
// compared with the flags, after training, and never learned from.
//
// Value: {"rows", "train_rows", "columns": […], "threshold", "flagged", "peak": {"row", "score"},
// "anomalies": [{"from", "to", "peak", "score"}], "omitted", "labels": {"positive", "precision",
// "recall", "f1"}, "scores": […]}. Rows count from 0. Anomalies are runs of flagged rows, "to"
// included, the first `limit` of them, `omitted` the number of the rest. "labels" is there only
// with labels, "scores" (one a row) only with scores=all; a ratio without a denominator is null.

namespace spillway::kinds {
namespace {

constexpr std::size_t kRowsPerBlock = 512;
constexpr std::size_t kLeastTraining = 10;
constexpr std::size_t kMostColumns = 64;

struct Options {
  double train = 0.35;
  double quantile = 0.99;
  double shrinkage = 0.1;
  std::uint64_t smooth = 5;
  std::uint64_t refits = 0;
  std::uint64_t limit = 100;
  bool all_scores = false;
  TableOptions table;
};

Result<Options> read_options(const Labels& args, std::vector<KindArg>* declared = nullptr) {
  ArgReader reader(args, declared);
  Options options;
  options.train = reader.number("train", 0.35, 0.01, 1);
  options.quantile = reader.number("quantile", 0.99, 0.5, 1);
  options.shrinkage = reader.number("shrinkage", 0.1, 0.001, 1);
  options.smooth = reader.count("smooth", 5, 1, 1000);
  options.refits = reader.count("refits", 0, 0, 10'000);
  options.limit = reader.count("limit", 100, 0, 100'000);
  options.all_scores = reader.choice("scores", {"flagged", "all"}) == "all";
  options.table = read_table_options(reader);
  options.table.labels = true;
  options.table.columns = reader.texts("columns");
  if (Status status = reader.finish(); !status) return status.error();
  return options;
}

// Scores a table's rows and finds the threshold. One thread; parts run in parallel.
class Scoring {
 public:
  Scoring(KindContext& context, const Table& table, std::size_t training, const Options& options)
      : context_(context),
        stop_(context.stop()),
        options_(options),
        standard_(table, training),
        keep_(training, 1),
        rows_(table.rows) {}

  void run() {
    for (std::uint64_t fit = 0; fit <= options_.refits && !stop_.stop_requested(); ++fit) {
      DistanceModel model(train(), options_.shrinkage);
      score_rows(model, fit < options_.refits ? keep_.size() : rows_);
      if (stop_.stop_requested()) return;
      find_threshold();
    }
  }

  const std::vector<double>& scores() const { return scores_; }
  double threshold() const { return threshold_; }
  std::size_t training() const { return keep_.size(); }
  bool flagged(std::size_t row) const { return row >= training() && scores_[row] > threshold_; }

 private:
  // Calls body(begin, end) for blocks of rows that do not depend on the number of threads.
  template <class Body>
  void by_blocks(std::size_t rows, const Body& body) {
    std::size_t blocks = (rows + kRowsPerBlock - 1) / kRowsPerBlock;
    context_.parallel_for(blocks, [&](std::size_t first, std::size_t last) {
      for (std::size_t block = first; block < last && !stop_.stop_requested(); ++block) {
        body(block * kRowsPerBlock, std::min(rows, (block + 1) * kRowsPerBlock));
      }
    });
  }

  Moments train() {
    std::vector<Moments> parts((keep_.size() + kRowsPerBlock - 1) / kRowsPerBlock);
    by_blocks(keep_.size(), [&](std::size_t begin, std::size_t end) {
      parts[begin / kRowsPerBlock] = standard_.moments(begin, end, keep_);
    });
    Moments total = standard_.moments(0, 0, keep_);
    for (const Moments& part : parts) {
      if (part.rows > 0) total.add(part);
    }
    return total;
  }

  void score_rows(const DistanceModel& model, std::size_t rows) {
    std::vector<double> squared(rows);
    by_blocks(rows, [&](std::size_t begin, std::size_t end) {
      std::vector<double> row(standard_.features());
      for (std::size_t at = begin; at < end; ++at) {
        standard_.row(at, row);
        squared[at] = model.squared(row);
      }
    });
    scores_.assign(rows, 0);
    by_blocks(rows, [&](std::size_t begin, std::size_t end) {
      for (std::size_t at = begin; at < end; ++at) {
        auto length = static_cast<std::size_t>(std::min<std::uint64_t>(options_.smooth, at + 1));
        scores_[at] = std::sqrt(mean_of(std::span(squared).subspan(at + 1 - length, length)));
      }
    });
  }

  void find_threshold() {
    std::vector<double> sorted(scores_.begin(),
                               scores_.begin() + static_cast<std::ptrdiff_t>(keep_.size()));
    for (std::size_t at = 0; at < keep_.size(); ++at) keep_[at] = 1;
    std::sort(sorted.begin(), sorted.end());
    threshold_ = quantile_of(sorted, options_.quantile);
    for (std::size_t at = 0; at < keep_.size(); ++at) keep_[at] = scores_[at] <= threshold_;
  }

  KindContext& context_;
  std::stop_token stop_;
  const Options& options_;
  Standardizer standard_;
  std::vector<char> keep_;  // of the rows in training, which count
  std::size_t rows_;
  std::vector<double> scores_;
  double threshold_ = 0;
};

struct Run {
  std::size_t from = 0;
  std::size_t to = 0;
  std::size_t peak = 0;
};

std::vector<Run> find_runs(const Scoring& scoring) {
  std::vector<Run> runs;
  for (std::size_t at = scoring.training(); at < scoring.scores().size(); ++at) {
    if (!scoring.flagged(at)) continue;
    if (runs.empty() || runs.back().to + 1 != at) runs.push_back({at, at, at});
    Run& run = runs.back();
    run.to = at;
    if (scoring.scores()[at] > scoring.scores()[run.peak]) run.peak = at;
  }
  return runs;
}

void write_runs(JsonWriter& json, const Scoring& scoring, std::size_t limit) {
  std::vector<Run> runs = find_runs(scoring);
  std::size_t flagged = 0;
  for (const Run& run : runs) flagged += run.to - run.from + 1;
  auto highest = std::max_element(scoring.scores().begin(), scoring.scores().end());
  json.name("flagged").count(flagged).name("peak").begin_object().name("row");
  json.count(static_cast<std::size_t>(highest - scoring.scores().begin()));
  json.name("score").number(*highest).end_object().name("anomalies").begin_array();
  std::size_t shown = std::min(limit, runs.size());
  for (const Run& run : std::span(runs).first(shown)) {
    json.begin_object().name("from").count(run.from).name("to").count(run.to);
    json.name("peak").count(run.peak).name("score").number(scoring.scores()[run.peak]);
    json.end_object();
  }
  json.end_array().name("omitted").count(runs.size() - shown);
}

void write_ratio(JsonWriter& json, std::size_t part, std::size_t whole) {
  if (whole == 0) {
    json.null();
  } else {
    json.number(static_cast<double>(part) / static_cast<double>(whole));
  }
}

void write_labels(JsonWriter& json, const Scoring& scoring, const Column& labels) {
  std::size_t positive = 0, flagged = 0, both = 0;
  for (std::size_t at = scoring.training(); at < labels.values.size(); ++at) {
    bool is = labels.values[at] != 0;
    bool found = scoring.flagged(at);
    positive += is;
    flagged += found;
    both += is && found;
  }
  json.name("labels").begin_object().name("positive").count(positive).name("precision");
  write_ratio(json, both, flagged);
  json.name("recall");
  write_ratio(json, both, positive);
  json.name("f1");
  write_ratio(json, 2 * both, positive + flagged);
  json.end_object();
}

std::string write_value(const Table& table, const Scoring& scoring, const Options& options) {
  JsonWriter json;
  json.begin_object().name("rows").count(table.rows).name("train_rows").count(scoring.training());
  json.name("columns").begin_array();
  for (const Column& column : table.features) json.text(column.name);
  json.end_array().name("threshold").number(scoring.threshold());
  write_runs(json, scoring, static_cast<std::size_t>(options.limit));
  if (const Column* labels = table.label("anomaly")) write_labels(json, scoring, *labels);
  if (options.all_scores) json.name("scores").numbers(scoring.scores());
  json.end_object();
  return json.done();
}

Result<std::size_t> training_rows(const Table& table, const Options& options) {
  if (table.features.size() > kMostColumns) {
    return fail(Code::invalid_argument, "more than 64 columns; name those to use in arg columns");
  }
  auto rows = static_cast<std::size_t>(options.train * static_cast<double>(table.rows));
  if (rows >= kLeastTraining) return rows;
  return fail(Code::invalid_argument, "training needs at least 10 rows; arg train gives it " +
                                          std::to_string(rows) + " of " +
                                          std::to_string(table.rows));
}

Result<Bytes> run(KindContext& context) {
  Result<Options> options = read_options(context.args());
  if (!options) return options.error();
  Result<Table> table = read_table(context, options->table);
  if (!table) return table.error();
  Result<std::size_t> training = training_rows(*table, *options);
  if (!training) return training.error();
  Scoring scoring(context, *table, *training, *options);
  scoring.run();
  if (context.stop().stop_requested()) return stopped();
  return to_bytes(write_value(*table, scoring, *options));
}

// Reading costs a unit a byte, a pass of fitting or scoring about half of one.
double work(std::size_t input_bytes, const Labels& args) {
  Result<Options> options = read_options(args);
  double passes = options ? options->train * static_cast<double>(2 * options->refits + 1) + 1 : 2;
  return 1 + static_cast<double>(input_bytes) * (1 + passes / 2);
}

}  // namespace

Kind anomaly_score_kind() {
  Kind kind;
  kind.name = "anomaly.score";
  kind.run = run;
  kind.work = work;
  (void)read_options({}, &kind.args.emplace());
  kind.help =
      "distance of each CSV row from the leading rows, with labels precision and recall; args: "
      "train (0.35 of rows), quantile (0.99), shrinkage (0.1), smooth (5 rows), refits (0), limit "
      "(100 anomalies), scores (flagged or all), columns (all), and how the CSV is read: missing "
      "(error, skip or hold), nodata, delimiter, decimal, skip, header, time, "
      "dates; wrong times are errors unless columns are named and time is not";
  return kind;
}

}  // namespace spillway::kinds
