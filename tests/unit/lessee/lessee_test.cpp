#include "common/lessee/lessee.h"

#include <memory>
#include <string>
#include <vector>

#include "common/wire/codec.h"
#include "tests/support/fakes/memory_ledger.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;

namespace {

// Bodies that end when the test says, whoever told them to stop.
struct Bodies final : runner::Runner {
  struct Body {
    runner::Request request;
    std::function<void(runner::Outcome)> done;
  };
  void run(runner::Request request, std::function<void(runner::Outcome)> done) override {
    begun_bodies.push_back({std::move(request), std::move(done)});
  }
  void stop(TaskId id, Epoch) override { stopped.push_back(id); }
  unsigned width() const override { return 2; }
  unsigned blocking_width() const override { return 2; }
  std::optional<Duration> begun(TaskId, Epoch) const override { return std::nullopt; }
  bool may_have_begun(TaskId) const override { return true; }

  void end(std::size_t which, const std::string& value) {
    runner::Outcome outcome;
    outcome.id = begun_bodies[which].request.id;
    outcome.epoch = begun_bodies[which].request.epoch;
    outcome.value = to_bytes(value);
    begun_bodies[which].done(std::move(outcome));
  }

  std::vector<Body> begun_bodies;
  std::vector<TaskId> stopped;
};

}  // namespace

TEST_GROUP(Lessee) {
  static constexpr const char* kOwner = "a";

  ManualClock clock;
  test::LedgerDisk disk;
  test::MemoryLedger ledger{disk};
  Bodies bodies;
  Kind kind{.name = "echo"};
  std::vector<wire::ResultItem> results;
  std::vector<wire::Nack> nacks;
  std::vector<wire::Beat> beats;
  std::unique_ptr<lessee::Lessee> node;

  void setup() override {
    lessee::Parts parts;
    parts.clock = &clock;
    parts.ledger = &ledger;
    parts.runner = &bodies;
    parts.kind = [this](const KindRef& asked) {
      return kind.ref().satisfies(asked) ? &kind : nullptr;
    };
    parts.random = [] { return 0; };
    parts.wake = [] {};
    parts.report = parts.alarm = [](const std::string&) {};
    parts.up = [] { return true; };
    parts.send_ack = [this](const std::string&, const wire::Item& item) {
      if (const auto* nack = std::get_if<wire::Nack>(&item)) nacks.push_back(*nack);
      if (const auto* beat = std::get_if<wire::Beat>(&item)) beats.push_back(*beat);
      return true;
    };
    parts.send_result = [this](const std::string&, const wire::Item& item) {
      results.push_back(std::get<wire::ResultItem>(item));
      return true;
    };
    lessee::Options options;
    options.tombstones = 0;
    const ledger::LedgerRecovered recovered = disk.recover();
    node = std::make_unique<lessee::Lessee>(options, parts, recovered);
    node->start(recovered, [] {});
    node->on_heard(kOwner);
    settle();
  }
  void settle() {
    do node->cycle();
    while (ledger.step());
  }
  void offer(std::uint64_t seq, Epoch epoch) { offer(seq, epoch, spec()); }
  TaskSpec spec() const {
    TaskSpec spec;
    spec.kind.name = kind.name;
    return spec;
  }
  void offer(std::uint64_t seq, Epoch epoch, const TaskSpec& spec, Duration lease = 30s) {
    wire::Offer offer;
    offer.id = {Origin{1}, seq};
    offer.epoch = epoch;
    offer.lease = lease;
    offer.spec = wire::encode(spec);
    node->on(kOwner, offer);
    settle();
  }
  void cancel(std::uint64_t seq, Epoch epoch) {
    node->on(kOwner, wire::Cancel{{Origin{1}, seq}, epoch});
    settle();
  }
};

TEST(Lessee, a_version_that_is_not_here_is_refused_and_the_one_that_is_runs) {
  TaskSpec exact = spec();
  exact.kind.version = kind.version + 1;
  offer(1, Epoch{1}, exact);
  LONGS_EQUAL(1, nacks.size());
  CHECK_TRUE(nacks[0].reason == lifecycle::NackReason::unknown_kind);
  exact.kind.version = kind.version;
  offer(2, Epoch{1}, exact);
  LONGS_EQUAL(1, bodies.begun_bodies.size());
}

TEST(Lessee, an_input_that_is_elsewhere_is_refused_and_not_taken_for_an_empty_one) {
  TaskSpec elsewhere = spec();
  elsewhere.input.blob = BlobRef{{}, 1000};
  offer(1, Epoch{1}, elsewhere);
  elsewhere.input.blob.reset();
  elsewhere.input.result = TaskId{Origin{1}, 7};
  offer(2, Epoch{1}, elsewhere);
  LONGS_EQUAL(2, nacks.size());
  for (const wire::Nack& nack : nacks) {
    CHECK_TRUE(nack.reason == lifecycle::NackReason::malformed);
  }
  LONGS_EQUAL(0, bodies.begun_bodies.size());
}

TEST(Lessee, a_body_that_ran_on_is_not_taken_for_the_next_run_of_the_same_attempt) {
  offer(1, Epoch{1});
  cancel(1, Epoch{1});
  LONGS_EQUAL(1, bodies.stopped.size());
  // The task's tombstone is forgotten by now, so a late copy is new work.
  offer(1, Epoch{1});
  LONGS_EQUAL(2, bodies.begun_bodies.size());
  bodies.end(0, "first");
  settle();
  LONGS_EQUAL(0, results.size());
  LONGS_EQUAL(1, node->running());
  bodies.end(1, "second");
  settle();
  LONGS_EQUAL(1, results.size());
  CHECK(results[0].value.bytes == to_bytes("second"));
  LONGS_EQUAL(0, node->running());
}

TEST(Lessee, a_lease_is_kept_by_beats_at_a_third_of_what_the_offer_says_new_or_of_a_later_epoch) {
  offer(1, Epoch{1}, spec(), 6s);
  clock.advance(2s);
  settle();
  LONGS_EQUAL(1, beats.size());
  offer(1, Epoch{2}, spec(), 3s);
  clock.advance(1s);
  settle();
  LONGS_EQUAL(2, beats.size());
  CHECK_TRUE(beats[1].epoch == Epoch{2});
}
