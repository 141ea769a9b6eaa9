#include "tests/chaos/growth.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace spillway::chaos {
namespace {

constexpr double kWidth = 900, kPanel = 150, kLeft = 110, kTop = 40, kGap = 34;

std::string text(const char* format, double a, double b = 0, double c = 0, double d = 0) {
  char line[200];
  std::snprintf(line, sizeof line, format, a, b, c, d);
  return line;
}

std::string label(double x, double y, const std::string& what) {
  return text("<text x=\"%.0f\" y=\"%.0f\">", x, y) + what + "</text>\n";
}

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

Series means_of_last_waves(const Series& series) {
  Series means;
  const double wave = series.seconds.back() / kWaves;
  auto from = series.seconds.begin();
  for (int i = kWaves / 2; i < kWaves; ++i) {
    from = std::lower_bound(from, series.seconds.end(), i * wave);
    const auto to = i + 1 == kWaves ? series.seconds.end()
                                    : std::lower_bound(from, series.seconds.end(), (i + 1) * wave);
    if (from == to) continue;
    const auto first = series.values.begin() + (from - series.seconds.begin());
    const auto count = static_cast<double>(to - from);
    means.add(std::accumulate(from, to, 0.0) / count,
              std::accumulate(first, first + (to - from), 0.0) / count);
  }
  return means;
}

std::string panel(const Series& series, double top, double last) {
  const double most = *std::max_element(series.values.begin(), series.values.end());
  const double scale = most > 0 ? most : 1;
  std::string svg =
      text("<rect x=\"%.0f\" y=\"%.0f\" width=\"%.0f\" height=\"%.0f\" fill=\"none\" ", kLeft, top,
           kWidth, kPanel) +
      "stroke=\"#999\"/>\n<polyline fill=\"none\" stroke=\"#1565c0\" points=\"";
  for (std::size_t i = 0; i < series.values.size(); ++i) {
    svg += text("%.1f,%.1f ", kLeft + kWidth * series.seconds[i] / last,
                top + kPanel * (1 - series.values[i] / scale));
  }
  svg += "\"/>\n" + label(kLeft, top - 6, series.name);
  svg += label(4, top + 10, text("%.4g ", most) + series.unit) + label(4, top + kPanel, "0");
  const Trend trend = trend_of_last_half(series);
  return svg + label(kLeft + kWidth - 260, top - 6,
                     text("%+.2f %% over the last half", 100 * trend.growth));
}

}  // namespace

Trend trend_of_last_half(const Series& series) {
  if (series.values.size() < 2 * kWaves) return {};
  const Series waves = means_of_last_waves(series);
  const auto count = static_cast<double>(waves.values.size());
  const double time = sum(waves.seconds) / count, value = sum(waves.values) / count;
  double up = 0, across = 0;
  for (std::size_t i = 0; i < waves.values.size(); ++i) {
    up += (waves.seconds[i] - time) * (waves.values[i] - value);
    across += (waves.seconds[i] - time) * (waves.seconds[i] - time);
  }
  if (across <= 0 || value <= 0) return {};
  const double slope = up / across;
  return {slope, slope * series.seconds.back() / 2 / value};
}

std::string plot(const std::string& title, const std::vector<Series>& all) {
  double last = 1;
  for (const Series& series : all) {
    if (!series.seconds.empty()) last = std::max(last, series.seconds.back());
  }
  const double height = kTop + static_cast<double>(all.size()) * (kPanel + kGap) + kTop;
  std::string svg =
      text("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" ",
           kLeft + kWidth + 20, height) +
      "font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n" +
      label(kLeft, 16, title);
  double top = kTop;
  for (const Series& series : all) {
    if (!series.values.empty()) svg += panel(series, top, last);
    top += kPanel + kGap;
  }
  return svg + label(kLeft, top, text("0 to %.0f s", last)) + "</svg>\n";
}

}  // namespace spillway::chaos
