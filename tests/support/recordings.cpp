#include "tests/support/recordings.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <random>
#include <utility>

#include "common/kinds/numeric.h"

namespace spillway::support {
namespace {

constexpr std::size_t kChannels = 5;
constexpr std::array<const char*, kChannels> kNames = {"vibration", "current", "pressure",
                                                       "temperature", "flow"};

struct Channel {
  double level;
  double trend;  // over the whole recording
  double swing;
  std::size_t period;  // rows
  double noise;
};
constexpr std::array<Channel, kChannels> kPump = {{{0.21, 0.001, 0.006, 11, 0.004},
                                                   {1.45, 0.02, 0.15, 53, 0.08},
                                                   {0.35, 0.01, 0.06, 29, 0.05},
                                                   {71.5, 0.1, 0.25, 311, 0.08},
                                                   {32.0, -0.05, 0.4, 97, 0.15}}};

// How much of each channel's own scale an anomaly adds at its height.
constexpr std::array<std::array<double, kChannels>, 3> kAnomalies = {
    {{0, 3, 9, 0, -6}, {12, 4, 0, 2, 0}, {2, -5, 0, 9, -8}}};

// The standard fixes the engine's numbers but no distribution's: these are made by hand, so that
// every library gives the same bytes.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : engine_(seed) {}
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % n); }
  // Mean 0, deviation 1: a sum of twelve uniforms is close enough to normal.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }

 private:
  std::mt19937_64 engine_;
};

struct Episode {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// One episode in each fifth of the last three fifths.
std::array<Episode, kAnomalies.size()> place_episodes(std::size_t rows, Noise& noise) {
  std::array<Episode, kAnomalies.size()> episodes;
  std::size_t fifth = rows / 5;
  std::size_t length = rows / 12;
  for (std::size_t i = 0; i < episodes.size(); ++i) {
    std::size_t slack = fifth > length ? fifth - length : 0;
    episodes[i].begin = (2 + i) * fifth + noise.below(slack + 1);
    episodes[i].end = episodes[i].begin + length;
  }
  return episodes;
}

void append_number(std::string& text, double value) {
  char digits[64];
  auto [end, error] =
      std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, 5);
  text.append(digits, end);
}

void append_time(std::string& text, std::size_t second) {
  using namespace std::chrono;
  sys_seconds time = sys_days(year{2024} / 3 / 1) + seconds(second);
  auto day = floor<days>(time);
  year_month_day date(day);
  hh_mm_ss clock(time - day);
  char stamp[64];
  std::snprintf(stamp, sizeof stamp, "%04d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  text += stamp;
}

// The share of an anomaly's height at a row: it rises over the first quarter of the episode.
double height(const Episode& episode, std::size_t row) {
  if (row < episode.begin || row >= episode.end) return 0;
  double part = static_cast<double>(row - episode.begin + 1) /
                static_cast<double>(episode.end - episode.begin);
  return part < 0.25 ? 4 * part : 1;
}

// Appends the channels and labels of one row.
class Writer {
 public:
  Writer(std::uint64_t seed, std::size_t rows, Dialect dialect)
      : noise_(seed),
        rows_(rows),
        delimiter_(dialect == Dialect::comma ? ',' : ';'),
        episodes_(place_episodes(rows, noise_)),
        phase_(noise_.below(1000)) {}

  std::string write() {
    text_ = "datetime";
    for (const char* name : kNames) append_field(name);
    append_field("anomaly");
    append_field("changepoint\n");
    for (std::size_t row = 0; row < rows_; ++row) append_row(row);
    return std::move(text_);
  }

 private:
  void append_row(std::size_t row) {
    append_time(text_, row);
    for (std::size_t c = 0; c < kChannels; ++c) {
      text_ += delimiter_;
      append_number(text_, value(row, c));
    }
    bool anomaly = false, change = false;
    for (const Episode& episode : episodes_) {
      anomaly = anomaly || (row >= episode.begin && row < episode.end);
      change = change || row == episode.begin || row == episode.end;
    }
    append_field(anomaly ? "1" : "0");
    append_field(change ? "1\n" : "0\n");
  }

  double value(std::size_t row, std::size_t c) {
    const Channel& channel = kPump[c];
    double part = static_cast<double>(row) / static_cast<double>(rows_);
    double sine = kinds::turn(row + phase_ * (c + 1), channel.period).sine;
    double sum = channel.level + channel.trend * part + channel.swing * sine;
    for (std::size_t e = 0; e < episodes_.size(); ++e) {
      sum += height(episodes_[e], row) * kAnomalies[e][c] * channel.noise;
    }
    return sum + channel.noise * noise_.normal();
  }

  void append_field(const char* field) {
    text_ += delimiter_;
    text_ += field;
  }

  Noise noise_;
  std::size_t rows_;
  char delimiter_;
  std::array<Episode, kAnomalies.size()> episodes_;
  std::size_t phase_;
  std::string text_;
};

}  // namespace

std::string generate_recording(std::uint64_t seed, std::size_t rows, Dialect dialect) {
  return Writer(seed, rows, dialect).write();
}

}  // namespace spillway::support
