#include <string>
#include <vector>

#include "common/crypto/sha256.h"
#include "tests/support/pool_context.h"
#include "tests/support/recordings.h"
#include "tests/unit/kinds/kind_run.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::kinds;

namespace {

struct Case {
  Kind kind;
  Labels args;
  const char* digest;  // of the value for the recording below
};

std::vector<Case> cases() {
  return {
      {echo_kind(), {}, "b6cb0bc7b42b7c04"},
      {hash_sha256_kind(), {}, "f52d13c6169f4ce1"},
      {spin_kind(), {{"iterations", "1000"}, {"chunks", "13"}}, "95c72593916cd2a9"},
      {stats_window_kind(), {}, "7b99ff3e9d620ddc"},
      {stats_window_kind(), {{"window", "37"}, {"step", "5"}}, "5fe2ce2eb0977022"},
      {signal_spectrum_kind(), {{"column", "current"}}, "8bbb7217f771a471"},
      {signal_spectrum_kind(),
       {{"window", "100"}, {"step", "7"}, {"peaks", "9"}},
       "6be7faa14859619f"},
      {anomaly_score_kind(), {{"scores", "all"}}, "fb7eb639f746eaf0"},
      {anomaly_score_kind(), {{"refits", "4"}, {"train", "0.7"}}, "77f026064b28a052"},
  };
}

std::string short_digest(std::string_view text) {
  return to_hex(crypto::sha256(as_bytes(text))).substr(0, 16);
}

}  // namespace

TEST_GROUP(Determinism) {
  std::string recording = support::generate_recording(1, 3000, support::Dialect::semicolon);
};

TEST(Determinism, recordings_have_the_same_bytes_on_every_cpu) {
  STRCMP_EQUAL("b6cb0bc7b42b7c04", short_digest(recording).c_str());
}

TEST(Determinism, values_have_the_same_bytes_on_every_cpu) {
  for (const Case& one : cases()) {
    STRCMP_EQUAL_TEXT(one.digest, short_digest(run_text(one.kind, recording, one.args)).c_str(),
                      one.kind.name.c_str());
  }
}

TEST(Determinism, values_do_not_depend_on_the_number_of_threads) {
  for (const Case& one : cases()) {
    ThreadedContext context(as_bytes(recording), one.args);
    Result<Bytes> value = run_kind(one.kind, context);
    CHECK_TEXT(value.ok(), one.kind.name.c_str());
    CHECK_TEXT(as_text(*value) == run_text(one.kind, recording, one.args), one.kind.name.c_str());
  }
}

// On the pool that runs kinds, at an input large enough to be read and computed in parts.
TEST(Determinism, values_have_the_same_bytes_whatever_the_width_of_the_pool) {
  const std::string large = support::generate_recording(2, 12'000, support::Dialect::comma);
  CHECK(large.size() > 512 * 1024);
  for (const Kind& kind : {stats_window_kind(), signal_spectrum_kind(), anomaly_score_kind()}) {
    const std::string alone = run_text(kind, large);
    for (unsigned workers : {1U, 2U, 5U}) {
      executor::Executor pool({.workers = workers});
      const Labels none;
      support::PoolContext context(pool, as_bytes(large), none);
      Result<Bytes> value = run_kind(kind, context);
      CHECK_TEXT(value.ok() && as_text(*value) == alone, kind.name.c_str());
    }
  }
}

TEST(Determinism, values_of_analyses_are_json) {
  for (const Case& one : cases()) {
    if (one.kind.name == "echo") continue;
    CHECK_TEXT(is_json(run_text(one.kind, recording, one.args)), one.kind.name.c_str());
  }
}

TEST(Determinism, both_dialects_give_the_same_value) {
  std::string commas = support::generate_recording(1, 3000, support::Dialect::comma);
  CHECK(commas != recording);
  for (const Kind& kind : {stats_window_kind(), signal_spectrum_kind(), anomaly_score_kind()}) {
    CHECK_TEXT(run_text(kind, commas) == run_text(kind, recording), kind.name.c_str());
  }
}

TEST(Determinism, analyses_stop_when_asked) {
  std::stop_source source;
  source.request_stop();
  for (const Case& one : cases()) {
    InlineContext context(as_bytes(recording), one.args, source.get_token());
    Result<Bytes> value = run_kind(one.kind, context);
    bool stopped = !value.ok() && value.error().code == Code::cancelled;
    CHECK_TEXT(stopped || one.kind.name == "echo", one.kind.name.c_str());
  }
}
