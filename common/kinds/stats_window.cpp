#include <algorithm>
#include <vector>

#include "common/kinds/args.h"
#include "common/kinds/builtin.h"
#include "common/kinds/format.h"
#include "common/kinds/numeric.h"
#include "common/kinds/stopped.h"
#include "common/kinds/table.h"

// stats.window: moments and quantiles of each column over windows of rows.
//
// Value: {"rows", "window", "step", "windows", "columns": [{"name", "mean": […], "deviation": […],
// "min": […], "max": […], "q0.05": […], …}]}, each list with one number a window. Window w covers
// `window` rows from row w * step; the last one ends at the last row and may be shorter.

namespace spillway::kinds {
namespace {

struct Options {
  std::uint64_t window = 120;
  std::uint64_t step = 120;
  std::vector<double> quantiles;
  TableOptions table;
};

Result<Options> read_options(const Labels& args, std::vector<KindArg>* declared = nullptr) {
  ArgReader reader(args, declared);
  Options options;
  // The longest window still sorts within the 10 ms between looks at the stop token.
  options.window = reader.count("window", 120, 1, 100'000);
  options.step = reader.count("step", options.window, 1, 100'000);
  options.quantiles = reader.numbers("quantiles", {0.05, 0.5, 0.95}, 0, 1);
  options.table = read_table_options(reader);
  options.table.columns = reader.texts("columns");
  if (Status status = reader.finish(); !status) return status.error();
  return options;
}

std::size_t window_count(std::size_t rows, const Options& options) {
  if (rows <= options.window) return 1;
  std::uint64_t to_cover = 1 + (rows - options.window + options.step - 1) / options.step;
  std::uint64_t starts = (rows + options.step - 1) / options.step;  // fewer when steps leave gaps
  return static_cast<std::size_t>(std::min(to_cover, starts));
}

// The statistics of one column: series[s][w] is statistic s of window w.
using Series = std::vector<std::vector<double>>;

void summarize(std::span<const double> window, const Options& options, std::size_t at,
               Series& series) {
  std::vector<double> sorted(window.begin(), window.end());
  std::sort(sorted.begin(), sorted.end());
  double mean = mean_of(window);
  series[0][at] = mean;
  series[1][at] = deviation_of(window, mean);
  series[2][at] = sorted.front();
  series[3][at] = sorted.back();
  for (std::size_t i = 0; i < options.quantiles.size(); ++i) {
    series[4 + i][at] = quantile_of(sorted, options.quantiles[i]);
  }
}

std::vector<Series> summarize_all(KindContext& context, const Table& table,
                                  const Options& options) {
  std::size_t windows = window_count(table.rows, options);
  std::size_t statistics = 4 + options.quantiles.size();
  std::vector<Series> all(table.features.size(), Series(statistics, std::vector<double>(windows)));
  std::stop_token stop = context.stop();
  context.parallel_for(all.size() * windows, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && !stop.stop_requested(); ++i) {
      auto start = static_cast<std::size_t>((i % windows) * options.step);
      auto length =
          static_cast<std::size_t>(std::min<std::uint64_t>(options.window, table.rows - start));
      auto values = std::span(table.features[i / windows].values).subspan(start, length);
      summarize(values, options, i % windows, all[i / windows]);
    }
  });
  return all;
}

void write_column(JsonWriter& json, const std::string& name, const Series& series,
                  const Options& options) {
  json.begin_object().name("name").text(name);
  json.name("mean").numbers(series[0]).name("deviation").numbers(series[1]);
  json.name("min").numbers(series[2]).name("max").numbers(series[3]);
  for (std::size_t i = 0; i < options.quantiles.size(); ++i) {
    json.name("q" + format_number(options.quantiles[i])).numbers(series[4 + i]);
  }
  json.end_object();
}

Result<Bytes> run(KindContext& context) {
  Result<Options> options = read_options(context.args());
  if (!options) return options.error();
  Result<Table> table = read_table(context, options->table);
  if (!table) return table.error();
  std::vector<Series> all = summarize_all(context, *table, *options);
  if (context.stop().stop_requested()) return stopped();
  JsonWriter json;
  json.begin_object().name("rows").count(table->rows).name("window").count(options->window);
  json.name("step").count(options->step);
  json.name("windows").count(window_count(table->rows, *options)).name("columns").begin_array();
  for (std::size_t i = 0; i < all.size(); ++i) {
    write_column(json, table->features[i].name, all[i], *options);
  }
  json.end_array().end_object();
  return to_bytes(json.done());
}

// Reading costs a unit a byte; each window is then sorted as often as windows overlap.
double work(std::size_t input_bytes, const Labels& args) {
  Options options = read_options(args).ok() ? *read_options(args) : Options{};
  double overlap = static_cast<double>(options.window) / static_cast<double>(options.step);
  return 1 + static_cast<double>(input_bytes) * (1 + overlap);
}

}  // namespace

Kind stats_window_kind() {
  Kind kind;
  kind.name = "stats.window";
  kind.run = run;
  kind.work = work;
  (void)read_options({}, &kind.args.emplace());
  kind.help =
      "mean, deviation, min, max and quantiles of each CSV column over windows of rows; args: "
      "window (120 rows), step (= window), quantiles (0.05,0.5,0.95), columns (all), and how "
      "the CSV is read: missing (error, skip or hold), nodata, delimiter, decimal, skip, header, "
      "time, dates; wrong times are errors unless columns are named and time is not";
  return kind;
}

}  // namespace spillway::kinds
