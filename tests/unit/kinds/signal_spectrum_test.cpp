#include <cmath>
#include <numbers>
#include <string>

#include "common/kinds/numeric.h"
#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

TEST_GROUP(SignalSpectrum) {
  Kind kind = signal_spectrum_kind();

  struct Tone {
    double frequency;  // of the rate of rows
    double amplitude;
  };
  static std::string tones(std::size_t rows, const std::vector<Tone>& all) {
    std::string csv = "x\n";
    for (std::size_t i = 0; i < rows; ++i) {
      double sum = 100;
      for (const Tone& tone : all) {
        sum += tone.amplitude *
               std::sin(2 * std::numbers::pi * tone.frequency * static_cast<double>(i) + 0.4);
      }
      csv += std::to_string(sum) + "\n";
    }
    return csv;
  }
  std::string run(std::string_view csv, const Labels& args = {}) {
    return run_text(kind, csv, args);
  }
};

TEST(SignalSpectrum, finds_a_tone_on_a_bin_exactly) {
  std::string value = run(tones(1024, {{32.0 / 256, 3}}));
  DOUBLES_EQUAL(0.125, *json_number(value, "frequency"), 1e-6);
  DOUBLES_EQUAL(8, *json_number(value, "period"), 1e-4);
  DOUBLES_EQUAL(3, *json_number(value, "amplitude"), 1e-4);
  DOUBLES_EQUAL(1, *json_number(value, "share"), 1e-6);
  DOUBLES_EQUAL(4.5, *json_number(value, "power"), 1e-3);
}

TEST(SignalSpectrum, finds_a_tone_between_bins_by_interpolation) {
  for (double bin : {20.25, 20.5, 20.75, 31.1}) {
    std::string value = run(tones(2048, {{bin / 256, 2}}));
    DOUBLES_EQUAL(bin / 256, *json_number(value, "frequency"), 2e-5);
    DOUBLES_EQUAL(2, *json_number(value, "amplitude"), 0.02);
  }
}

TEST(SignalSpectrum, puts_the_strongest_peak_first_and_stops_at_the_asked_number) {
  std::string csv = tones(2048, {{16.0 / 256, 1}, {64.0 / 256, 4}, {100.0 / 256, 2}});
  std::string value = run(csv, {{"peaks", "3"}});
  DOUBLES_EQUAL(64.0 / 256, *json_number(value, "frequency", 0), 1e-4);
  DOUBLES_EQUAL(100.0 / 256, *json_number(value, "frequency", 1), 1e-4);
  DOUBLES_EQUAL(16.0 / 256, *json_number(value, "frequency", 2), 1e-4);
  CHECK(!json_number(value, "frequency", 3).has_value());
}

TEST(SignalSpectrum, gives_frequencies_in_the_unit_of_the_rate) {
  std::string value = run(tones(1024, {{0.125, 3}}), {{"rate", "400"}});
  DOUBLES_EQUAL(50, *json_number(value, "frequency"), 1e-3);
  DOUBLES_EQUAL(0.02, *json_number(value, "period"), 1e-6);
}

TEST(SignalSpectrum, works_with_windows_of_any_length) {
  for (const char* window : {"16", "17", "97", "100", "243", "1000"}) {
    std::string value = run(tones(1024, {{0.125, 3}}), {{"window", window}});
    DOUBLES_EQUAL(0.125, *json_number(value, "frequency"), 0.02);
  }
}

TEST(SignalSpectrum, of_a_constant_has_neither_power_nor_peaks) {
  std::string value = run(tones(300, {}));
  DOUBLES_EQUAL(0, *json_number(value, "power"), 0);
  STRCMP_CONTAINS("\"peaks\":[]", value.c_str());
}

TEST(SignalSpectrum, takes_shorter_windows_for_short_recordings) {
  CHECK(json_number(run(tones(100, {{0.125, 3}})), "window") == 64);
  STRCMP_CONTAINS("at least 8 rows; there are 7", run(tones(7, {})).c_str());
}

TEST(SignalSpectrum, refuses_windows_and_steps_that_do_not_fit) {
  std::string csv = tones(100, {});
  STRCMP_CONTAINS("256 is more than the 100 rows", run(csv, {{"window", "256"}}).c_str());
  STRCMP_CONTAINS("arg step", run(csv, {{"window", "64"}, {"step", "3"}}).c_str());
  STRCMP_CONTAINS("arg step", run(csv, {{"window", "64"}, {"step", "65"}}).c_str());
  STRCMP_CONTAINS("arg rate", run(csv, {{"rate", "0"}}).c_str());
  STRCMP_CONTAINS("no measurement column", run(csv, {{"column", "y"}}).c_str());
}

TEST(SignalSpectrum, takes_sines_that_agree_with_the_c_library) {
  for (std::size_t n : {1u, 2u, 3u, 4u, 7u, 8u, 100u, 4096u}) {
    for (std::size_t i = 0; i < 2 * n; ++i) {
      double angle = 2 * std::numbers::pi * static_cast<double>(i % n) / static_cast<double>(n);
      DOUBLES_EQUAL(std::cos(angle), turn(i, n).cosine, 1e-15);
      DOUBLES_EQUAL(std::sin(angle), turn(i, n).sine, 1e-15);
    }
  }
  for (double x : {-1.5, -0.1, 0.0, 0.7, 1.57}) DOUBLES_EQUAL(std::sin(x), sine_of(x), 1e-15);
}
