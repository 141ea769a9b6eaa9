#include <random>
#include <string>

#include "tests/support/recordings.h"
#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

namespace {

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : engine_(seed) {}

  std::string mutate(std::string text) {
    for (std::size_t n = 1 + below(2); n > 0; --n) change(text);
    return text;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_() % (n + 1)); }

  void change(std::string& text) {
    static const std::string kTokens[] = {"nan",  "1e999", "-0", "1e-320", "\"",
                                          "\"\"", ";",     ",",  "\n",     "\r\n",
                                          "",     "1e100", "é",  "\xff",   std::string(2, '\0')};
    std::size_t at = below(text.size());
    std::size_t length = below(std::min<std::size_t>(40, text.size() - at));
    switch (below(6)) {
      case 0: text.resize(at); break;
      case 1: text.erase(at, length); break;
      case 2: text.insert(at, kTokens[below(std::size(kTokens) - 1)]); break;
      case 3: text.replace(at, length, kTokens[below(std::size(kTokens) - 1)]); break;
      case 4: text.insert(at, text.substr(below(at), length)); break;
      case 5: text.insert(at, std::string(below(2000), static_cast<char>(below(255)))); break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(below(255));
    }
  }

  std::mt19937_64 engine_;
};

}  // namespace

TEST_GROUP(MutatedCsv){};

// Run under ASan and UBSan this is a fuzz test without a fuzzer.
TEST(MutatedCsv, gives_a_value_or_one_clear_line_and_never_crashes) {
  std::string seeds[] = {support::generate_recording(3, 40, support::Dialect::comma),
                         support::generate_recording(4, 40, support::Dialect::semicolon),
                         "a\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n"};
  Labels lenient = {{"train", "1"}, {"scores", "all"}};
  Mutator mutator(20240301);
  std::size_t values = 0, refusals = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string csv = mutator.mutate(seeds[i % 3]);
    for (const auto& [kind, args] :
         {std::pair(stats_window_kind(), Labels()), std::pair(signal_spectrum_kind(), Labels()),
          std::pair(anomaly_score_kind(), lenient)}) {
      std::string text = run_text(kind, csv, args);
      bool refused = text.starts_with("invalid_argument: ") && text.size() < 300 &&
                     text.find_first_of("\n\r\t") == std::string::npos;
      CHECK_TEXT(refused || is_json(text), text.c_str());
      (refused ? refusals : values) += 1;
    }
  }
  // Both outcomes must be well represented, or the mutations are too tame or too wild.
  CHECK(values > 500);
  CHECK(refusals > 500);
}
