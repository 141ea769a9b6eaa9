#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "common/executor/executor.h"
#include "common/kinds/builtin.h"
#include "tests/bench/report/report.h"
#include "tests/support/pool_context.h"
#include "tests/support/recordings.h"

// What a second worker brings the analyses on a large input, reading it included.
namespace spillway::bench {
namespace {

struct Timed {
  std::vector<double> ms;
  std::string value;
  double median() {
    std::sort(ms.begin(), ms.end());
    return ms[ms.size() / 2];
  }
};

// On a worker, as in agent and cloud.
Status run_once(executor::Executor& pool, const Kind& kind, const std::string& input,
                const Labels& args, Timed& timed) {
  std::atomic<bool> done{false};
  Result<Bytes> value = Bytes{};
  const auto start = std::chrono::steady_clock::now();
  Status submitted = pool.try_submit([&] {
    support::PoolContext context(pool, as_bytes(input), args);
    value = kinds::run_kind(kind, context);
    done = true;
    done.notify_one();
  });
  if (!submitted) return submitted;
  done.wait(false);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  if (!value) return value.error();
  timed.ms.push_back(took.count());
  const std::string text(as_text(*value));
  if (!timed.value.empty() && timed.value != text) {
    return fail(Code::internal, kind.name + " gave another value than before");
  }
  timed.value = text;
  return {};
}

Status measure_kind(const Kind& kind, const Labels& args, const std::string& input, int rounds,
                    Report& report) {
  executor::Executor one({.workers = 1}), two({.workers = 2});
  Timed alone, both;
  for (int i = 0; i < rounds; ++i) {
    if (Status ran = run_once(one, kind, input, args, alone); !ran) return ran;
    if (Status ran = run_once(two, kind, input, args, both); !ran) return ran;
  }
  if (alone.value != both.value) {
    return fail(Code::internal, kind.name + " gives another value on two workers");
  }
  report.add({kind.name + ", two workers against one", both.median(), "ms", alone.median()});
  return {};
}

Status measure(const Options& options, Report& report) {
  const int rounds = options.quick ? 3 : 7;
  const std::string input =
      support::generate_recording(3, options.quick ? 8'000 : 200'000, support::Dialect::comma);
  report.condition("input", std::to_string(input.size()) + " bytes of CSV");
  report.condition("rounds", std::to_string(rounds) + ", alternating, medians; values identical");
  const Kind spectrum = kinds::signal_spectrum_kind();
  if (Status done = measure_kind(spectrum, {}, input, rounds, report); !done) return done;
  const Kind window = kinds::stats_window_kind();
  if (Status done = measure_kind(window, {}, input, rounds, report); !done) return done;
  return measure_kind(kinds::anomaly_score_kind(), {}, input, rounds, report);
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  return spillway::bench::run(argc, argv, "kinds", spillway::bench::measure);
}
