#include "common/runner/pool_runner.h"

#include <atomic>
#include <map>
#include <optional>
#include <thread>

#include "common/crypto/sha256.h"
#include "common/process/system_clock.h"
#include "tests/support/temp_dir.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;

namespace {

// What the kinds under test do, from the workers' side.
struct Bodies {
  std::atomic<int> begun{0};
  std::atomic<bool> released{false};
};

Kind kind_of(const std::string& name, std::function<Result<Bytes>(KindContext&)> run) {
  Kind kind;
  kind.name = name;
  kind.run = std::move(run);
  return kind;
}

}  // namespace

TEST_GROUP(PoolRunner) {
  test::TempDir dir;
  Bodies bodies;
  Kind echo = kind_of("echo", [](KindContext& context) -> Result<Bytes> {
    return Bytes(context.input().begin(), context.input().end());
  });
  Kind broken = kind_of("broken", [](KindContext&) -> Result<Bytes> {
    return fail(Code::invalid_argument, "column 7 is missing");
  });
  Kind patient = kind_of("patient", [this](KindContext& context) -> Result<Bytes> {
    bodies.begun += 1;
    while (!bodies.released && !context.stop().stop_requested()) std::this_thread::yield();
    if (context.stop().stop_requested()) return fail(Code::cancelled, "told to stop");
    return Bytes{};
  });
  process::Loop loop;
  process::BootClock clock;
  std::map<std::uint64_t, runner::Outcome> outcomes;
  std::shared_ptr<runner::RunRegister> marks = open_marks();
  std::optional<executor::Executor> executor;
  std::optional<runner::PoolRunner> runner;

  void setup() override {
    executor.emplace(executor::Options{.workers = 1});
    runner.emplace(*executor, loop, clock, marks);
  }
  void teardown() override {
    bodies.released = true;
    executor->shutdown(executor::Shutdown::cancel);
  }
  std::shared_ptr<runner::RunRegister> open_marks() const {
    return *runner::RunRegister::open(dir.path() + "/running", "one");
  }
  static TaskId id(std::uint64_t seq) { return {Origin{0x5111}, seq}; }
  void run(std::uint64_t seq, const Kind& kind, const std::string& input = "x") {
    TaskSpec spec;
    spec.kind.name = kind.name;
    spec.input.bytes = to_bytes(input);
    runner->run({id(seq), Epoch{1}, &kind, std::move(spec)},
                [this](runner::Outcome outcome) { outcomes[outcome.id.seq] = std::move(outcome); });
  }
  void wait_for(std::size_t count) {
    while (outcomes.size() < count) loop.run_ready();
  }
  void wait_until_begun(int count) const {
    while (bodies.begun < count) std::this_thread::yield();
  }
};

TEST(PoolRunner, brings_a_value_and_its_digest_back_to_the_loop) {
  run(1, echo, "hello");
  wait_for(1);
  CHECK(outcomes[1].failure == FailureClass::none);
  CHECK(outcomes[1].value == to_bytes("hello"));
  CHECK(outcomes[1].digest == crypto::sha256(to_bytes("hello")));
  CHECK(outcomes[1].run_ended >= outcomes[1].run_started);
  CHECK(outcomes[1].run_started >= outcomes[1].submitted);
}

TEST(PoolRunner, brings_an_error_back_in_the_kind_s_own_words) {
  run(1, broken);
  wait_for(1);
  CHECK(outcomes[1].failure == FailureClass::error);
  STRCMP_EQUAL("column 7 is missing", outcomes[1].error->message.c_str());
}

TEST(PoolRunner, as_many_of_what_blocks_run_at_once_as_it_says) {
  executor->shutdown(executor::Shutdown::cancel);
  executor.emplace(executor::Options{.workers = 1, .blocking_limit = 3});
  runner.emplace(*executor, loop, clock, marks);
  patient.traits.blocking = true;
  const unsigned width = runner->blocking_width();
  CHECK_EQUAL(3, width);
  for (std::uint64_t seq = 1; seq <= width + 1; ++seq) run(seq, patient);
  wait_until_begun(3);
  CHECK_EQUAL(3, bodies.begun);
  CHECK_FALSE(runner->begun(id(4), Epoch{1}).has_value());
}

TEST(PoolRunner, what_is_told_to_stop_ends_as_interrupted) {
  run(1, patient);
  wait_until_begun(1);
  runner->stop(id(1), Epoch{2});
  runner->stop(id(2), Epoch{1});
  CHECK(outcomes.empty());
  runner->stop(id(1), Epoch{1});
  wait_for(1);
  CHECK(outcomes[1].failure == FailureClass::interrupted);
}

TEST(PoolRunner, says_since_when_a_body_runs_and_nothing_of_one_that_waits_or_was_told_of) {
  const Duration before = clock.boot_time();
  run(1, patient);
  run(2, echo);
  wait_until_begun(1);
  const std::optional<Duration> begun = runner->begun(id(1), Epoch{1});
  CHECK(begun && *begun >= before && *begun <= clock.boot_time());
  CHECK_FALSE(runner->begun(id(1), Epoch{2}).has_value());
  CHECK_FALSE(runner->begun(id(2), Epoch{1}).has_value());
  bodies.released = true;
  wait_for(2);
  CHECK_FALSE(runner->begun(id(1), Epoch{1}).has_value());
}

TEST(PoolRunner, P15_a_shutdown_ends_what_never_ran_as_interrupted) {
  run(1, patient);
  wait_until_begun(1);
  run(2, echo);
  runner->stop(id(1), Epoch{1});
  executor->shutdown(executor::Shutdown::cancel);
  wait_for(2);
  CHECK(outcomes[1].failure == FailureClass::interrupted);
}

TEST(PoolRunner, all_are_told_to_stop_those_to_come_too) {
  run(1, patient);
  wait_until_begun(1);
  run(2, echo);
  runner->stop_all();
  run(3, patient);
  wait_for(3);
  for (const std::uint64_t seq : {1, 2, 3}) {
    CHECK(outcomes[seq].failure == FailureClass::interrupted);
  }
}

TEST(PoolRunner, what_is_abandoned_ends_as_interrupted_and_once_though_its_body_goes_on) {
  Kind deaf = kind_of("deaf", [this](KindContext&) -> Result<Bytes> {
    bodies.begun += 1;
    while (!bodies.released) std::this_thread::yield();
    return to_bytes("late");
  });
  run(1, deaf);
  wait_until_begun(1);
  run(2, echo);
  CHECK(runner->abandon());
  CHECK(outcomes[1].failure == FailureClass::interrupted);
  CHECK(outcomes[2].failure == FailureClass::interrupted);
  outcomes.clear();
  bodies.released = true;
  executor->shutdown(executor::Shutdown::cancel);
  loop.run_ready();
  CHECK(outcomes.empty());
  CHECK_FALSE(runner->abandon());
}

TEST(PoolRunner, a_body_is_marked_from_its_beginning_until_its_outcome_is_let_go) {
  run(1, patient);
  run(2, echo);
  wait_until_begun(1);
  CHECK(open_marks()->may_have_begun(id(1)));
}

TEST(PoolRunner, an_outcome_that_was_let_go_leaves_no_mark) {
  run(1, echo);
  wait_for(1);
  outcomes.clear();
  CHECK_FALSE(open_marks()->may_have_begun(id(1)));
}

TEST(PoolRunner, what_waits_for_a_core_has_not_begun) {
  run(1, patient);
  wait_until_begun(1);
  run(2, echo);
  CHECK_FALSE(open_marks()->may_have_begun(id(2)));
}

TEST(PoolRunner, without_marks_everything_may_have_begun) {
  runner.emplace(*executor, loop, clock, nullptr);
  CHECK(runner->may_have_begun(id(1)));
}
