#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <unsupported/Eigen/FFT>
#include <vector>

#include "common/kinds/args.h"
#include "common/kinds/builtin.h"
#include "common/kinds/format.h"
#include "common/kinds/numeric.h"
#include "common/kinds/stopped.h"
#include "common/kinds/table.h"

// signal.spectrum: the strongest periodic components of one column, by Welch's method (1967):
// overlapping windows, each without its mean and under a Hann taper, their power spectra averaged.
//
// Value: {"column", "rows", "window", "step", "windows", "rate", "resolution", "power", "peaks":
// [{"frequency", "period", "amplitude", "share"}]}. Frequencies are in the unit of `rate`, periods
// in its inverse, `resolution` is the width of a bin; `power` is the mean power of what varies;
// peaks are local maxima below half the rate, the strongest first, `share` being the part of the
// power in the peak's three bins. Frequency and amplitude are interpolated between bins (Grandke
// 1983), which is exact for a lone sinusoid.

namespace spillway::kinds {
namespace {

constexpr std::size_t kWindowsPerBlock = 64;
constexpr std::size_t kLeastRows = 8;
constexpr std::uint64_t kMostWindow = 65'536;

using Complex = std::complex<double>;
// Named directly rather than through Eigen::FFT, whose plans take their sines from the C library:
// these may differ in the last bit between CPUs.
using Plan = Eigen::internal::kiss_cpx_fft<double>;

struct Options {
  TableOptions table;
  std::optional<std::uint64_t> window;
  std::optional<std::uint64_t> step;
  std::uint64_t peaks = 5;
  double rate = 1;
};

Result<Options> read_options(const Labels& args, std::vector<KindArg>* declared = nullptr) {
  ArgReader reader(args, declared);
  Options options;
  options.table = read_table_options(reader);
  if (std::string column = reader.text("column"); !column.empty()) {
    options.table.columns.push_back(std::move(column));
  }
  options.window = reader.optional_count("window", kLeastRows, kMostWindow);
  options.step = reader.optional_count("step", 1, kMostWindow);
  options.peaks = reader.count("peaks", 5, 1, 1000);
  options.rate = reader.number("rate", 1, 1e-9, 1e12);
  if (Status status = reader.finish(); !status) return status.error();
  return options;
}

struct Layout {
  std::size_t window = 0;
  std::size_t step = 0;
  std::size_t windows = 0;
};

std::size_t default_window(std::size_t rows) {
  std::size_t window = 256;
  while (window > rows) window /= 2;
  return window;
}

Result<Layout> lay_out(const Options& options, std::size_t rows) {
  if (rows < kLeastRows) {
    return fail(Code::invalid_argument,
                "a spectrum needs at least 8 rows; there are " + std::to_string(rows));
  }
  Layout layout;
  layout.window = static_cast<std::size_t>(options.window.value_or(default_window(rows)));
  layout.step = static_cast<std::size_t>(options.step.value_or(layout.window / 2));
  if (layout.window > rows) {
    return fail(Code::invalid_argument, "arg window: " + std::to_string(layout.window) +
                                            " is more than the " + std::to_string(rows) + " rows");
  }
  if (layout.step * 16 < layout.window || layout.step > layout.window) {
    return fail(Code::invalid_argument,
                "arg step: must be from a sixteenth of the window to the window, " +
                    std::to_string(layout.window) + " rows");
  }
  layout.windows = 1 + (rows - layout.window) / layout.step;
  return layout;
}

// The parts of a transform that all windows share. Immutable after construction.
struct Tables {
  explicit Tables(std::size_t n) : taper(n), twiddles(n) {
    for (std::size_t i = 0; i < n; ++i) {
      Turn t = turn(i, n);
      taper[i] = 0.5 - 0.5 * t.cosine;
      twiddles[i] = {t.cosine, -t.sine};
    }
  }
  std::vector<double> taper;  // Hann, periodic
  std::vector<Complex> twiddles;
};

Plan make_plan(const Tables& tables) {
  Plan plan;
  plan.m_inverse = false;
  plan.m_twiddles = tables.twiddles;
  plan.factorize(static_cast<int>(tables.twiddles.size()));
  return plan;
}

// Adds the squared magnitudes of one window's transform to `power`.
void add_window(std::span<const double> window, const Tables& tables, Plan& plan,
                std::vector<double>& power) {
  std::vector<Complex> signal(window.size());
  std::vector<Complex> spectrum(window.size());
  double mean = mean_of(window);
  for (std::size_t i = 0; i < window.size(); ++i) signal[i] = (window[i] - mean) * tables.taper[i];
  plan.work(0, spectrum.data(), signal.data(), 1, 1);
  for (std::size_t i = 0; i < power.size(); ++i) {
    power[i] += spectrum[i].real() * spectrum[i].real() + spectrum[i].imag() * spectrum[i].imag();
  }
}

// Averages over windows. Blocks of windows are summed each by one thread and then in order, so that
// the sum does not depend on who summed what.
std::vector<double> average_power(KindContext& context, std::span<const double> values,
                                  const Layout& layout) {
  const Tables tables(layout.window);
  std::size_t bins = layout.window / 2 + 1;
  std::size_t blocks = (layout.windows + kWindowsPerBlock - 1) / kWindowsPerBlock;
  std::vector<std::vector<double>> partial(blocks);
  std::stop_token stop = context.stop();
  context.parallel_for(blocks, [&](std::size_t begin, std::size_t end) {
    Plan plan = make_plan(tables);
    for (std::size_t block = begin; block < end; ++block) {
      partial[block].resize(bins);
      std::size_t last = std::min(layout.windows, (block + 1) * kWindowsPerBlock);
      for (std::size_t w = block * kWindowsPerBlock; w < last && !stop.stop_requested(); ++w) {
        add_window(values.subspan(w * layout.step, layout.window), tables, plan, partial[block]);
      }
    }
  });
  std::vector<double> power(bins);
  for (const std::vector<double>& part : partial) {
    for (std::size_t i = 0; i < part.size(); ++i) power[i] += part[i];
  }
  for (double& p : power) p /= static_cast<double>(layout.windows);
  return power;
}

struct Peak {
  double bin = 0;  // between two bins
  double amplitude = 0;
  double share = 0;
  double power = 0;
};

// The peak around the local maximum at bin k. With a Hann taper and alpha the ratio of the larger
// neighbour's magnitude to the peak's, the line lies (2 alpha - 1) / (alpha + 1) bins towards that
// neighbour.
Peak interpolate(const std::vector<double>& power, std::size_t k, double taper_sum) {
  bool up = power[k + 1] > power[k - 1];
  double alpha = std::sqrt(std::max(power[k + 1], power[k - 1]) / power[k]);
  double offset = std::clamp((2 * alpha - 1) / (alpha + 1), 0.0, 0.5);
  Peak peak;
  peak.bin = static_cast<double>(k) + (up ? offset : -offset);
  peak.power = power[k - 1] + power[k] + power[k + 1];
  double x = std::numbers::pi * offset;
  double loss = x == 0 ? 1 : sine_of(x) / (x * (1 - offset * offset));
  peak.amplitude = 2 * std::sqrt(power[k]) / (taper_sum * loss);
  return peak;
}

std::vector<Peak> find_peaks(const std::vector<double>& power, std::size_t window,
                             std::size_t most) {
  double total = 0;
  for (std::size_t i = 1; i < power.size(); ++i) total += power[i];
  std::vector<Peak> peaks;
  for (std::size_t k = 1; k + 1 < power.size(); ++k) {
    if (!(power[k] > power[k - 1] && power[k] >= power[k + 1])) continue;
    peaks.push_back(interpolate(power, k, static_cast<double>(window) / 2));
    peaks.back().share = peaks.back().power / total;
  }
  std::stable_sort(peaks.begin(), peaks.end(),
                   [](const Peak& a, const Peak& b) { return a.power > b.power; });
  peaks.resize(std::min(peaks.size(), most));
  return peaks;
}

// Mean power of the signal without its mean; the Hann taper keeps 3/8 of it, and a one-sided
// spectrum shows half.
double mean_power(const std::vector<double>& power, std::size_t window) {
  double sum = 0;
  for (std::size_t i = 1; i < power.size(); ++i) {
    bool nyquist = 2 * i == window;
    sum += nyquist ? power[i] : 2 * power[i];
  }
  auto n = static_cast<double>(window);
  return sum / (n * n * 0.375);
}

std::string write_value(const Column& column, std::size_t rows, const Layout& layout, double rate,
                        const std::vector<double>& power, std::size_t most_peaks) {
  double resolution = rate / static_cast<double>(layout.window);
  JsonWriter json;
  json.begin_object().name("column").text(column.name).name("rows").count(rows);
  json.name("window").count(layout.window).name("step").count(layout.step);
  json.name("windows").count(layout.windows).name("rate").number(rate);
  json.name("resolution").number(resolution);
  json.name("power").number(mean_power(power, layout.window)).name("peaks").begin_array();
  for (const Peak& peak : find_peaks(power, layout.window, most_peaks)) {
    double frequency = peak.bin * resolution;
    json.begin_object().name("frequency").number(frequency).name("period").number(1 / frequency);
    json.name("amplitude").number(peak.amplitude).name("share").number(peak.share).end_object();
  }
  json.end_array().end_object();
  return json.done();
}

Result<Bytes> run(KindContext& context) {
  Result<Options> options = read_options(context.args());
  if (!options) return options.error();
  Result<Table> table = read_table(context, options->table);
  if (!table) return table.error();
  Result<Layout> layout = lay_out(*options, table->rows);
  if (!layout) return layout.error();
  const Column& column = table->features.front();
  std::vector<double> power = average_power(context, column.values, *layout);
  if (context.stop().stop_requested()) return stopped();
  return to_bytes(write_value(column, table->rows, *layout, options->rate, power,
                              static_cast<std::size_t>(options->peaks)));
}

// Reading costs a unit a byte; transforms come on top as often as windows overlap.
double work(std::size_t input_bytes, const Labels& args) {
  Result<Options> options = read_options(args);
  double window = options ? static_cast<double>(options->window.value_or(256)) : 256;
  double step = options && options->step ? static_cast<double>(*options->step) : window / 2;
  return 1 + static_cast<double>(input_bytes) * (1 + window / step);
}

}  // namespace

Kind signal_spectrum_kind() {
  Kind kind;
  kind.name = "signal.spectrum";
  kind.run = run;
  kind.work = work;
  (void)read_options({}, &kind.args.emplace());
  kind.help =
      "strongest frequencies of a CSV column; args: column (the first), window (256 rows), step "
      "(half of window), peaks (5), rate of rows (1 per second), and how the CSV is read: "
      "missing (error, skip or hold), nodata, delimiter, decimal, skip, header, time, dates; wrong "
      "times are errors unless the column is named and time is not";
  return kind;
}

}  // namespace spillway::kinds
