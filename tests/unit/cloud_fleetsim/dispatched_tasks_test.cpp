#include "cloud/fleetsim/dispatched_tasks.h"

#include <vector>

#include "common/wire/codec.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;
using fleetsim::DispatchedOptions;
using fleetsim::DispatchedTasks;

TEST_GROUP(DispatchedTasks) {
  NodeTime now{1s};
  DispatchedTasks tasks{7, DispatchedOptions{0.2, 0, 2, 4, 3}};
  std::vector<wire::Item> said;
  DispatchedTasks::Send send = [this](wire::Item item) { said.push_back(std::move(item)); };

  static TaskId id(std::uint64_t seq) { return {Origin{9}, seq}; }
  static wire::Offer offer(std::uint64_t seq, std::uint32_t epoch = 1,
                           const std::string& kind = "echo") {
    TaskSpec spec;
    spec.kind.name = kind;
    spec.input.bytes = to_bytes("x");
    return {id(seq), Epoch{epoch}, Duration::max(), 30s, Epoch{}, wire::encode(spec)};
  }
  template <class T>
  std::vector<T> took() {
    std::vector<T> found;
    for (const wire::Item& item : said) {
      if (auto* one = std::get_if<T>(&item)) found.push_back(*one);
    }
    said.clear();
    return found;
  }
  void advance(Duration by) {
    for (const NodeTime until = now + by; now < until;) {
      now += 50ms;
      tasks.advance(now, send);
    }
  }
};

TEST(DispatchedTasks, an_offer_is_accepted_run_and_answered_until_it_is_acknowledged) {
  tasks.on(offer(1), now, send);
  CHECK(took<wire::Accept>().front().id == id(1));
  advance(5s);
  auto results = took<wire::ResultItem>();
  CHECK_EQUAL(1, results.size());
  CHECK(results[0].failure == FailureClass::none);
  STRCMP_EQUAL("x", std::string(as_text(results[0].value.bytes)).c_str());
  advance(5s);
  results = took<wire::ResultItem>();
  CHECK_EQUAL(1, results.size());
  tasks.on(wire::ResultAck{id(1), Epoch{1}, wire::ResultVerdict::accepted}, now, send);
  CHECK_FALSE(tasks.busy());
  advance(20s);
  CHECK(said.empty());
}

TEST(DispatchedTasks, a_repeated_offer_does_not_run_twice_and_a_higher_epoch_is_adopted) {
  tasks.on(offer(1), now, send);
  advance(3s);
  said.clear();
  tasks.on(offer(1), now, send);
  tasks.on(offer(1, 2), now, send);
  auto results = took<wire::ResultItem>();
  CHECK_EQUAL(2, results.size());
  CHECK(results[1].epoch == Epoch{2});
  LONGS_EQUAL(1, tasks.done());
}

TEST(DispatchedTasks, what_it_cannot_run_or_hold_is_refused_with_the_reason) {
  tasks.on(offer(1, 1, "stats.window"), now, send);
  CHECK(took<wire::Nack>().front().reason == lifecycle::NackReason::unknown_kind);
  for (std::uint64_t seq = 2; seq < 7; ++seq) tasks.on(offer(seq), now, send);
  auto nacks = took<wire::Nack>();
  CHECK_EQUAL(1, nacks.size());
  CHECK(nacks[0].reason == lifecycle::NackReason::busy);
  wire::Offer broken = offer(9);
  broken.spec = to_bytes("nonsense");
  tasks.on(broken, now, send);
  CHECK(took<wire::Nack>().front().reason == lifecycle::NackReason::malformed);
}

TEST(DispatchedTasks, it_beats_while_it_holds_and_stops_when_told) {
  DispatchedTasks slow(7, {3600, 0, 1, 4, 3});
  slow.on(offer(1), now, send);
  slow.advance(now, send);
  auto beats = took<wire::Beat>();
  CHECK_EQUAL(1, beats.size());
  CHECK(beats[0].state == lifecycle::LeaseState::running);
  slow.on(wire::BeatAck{id(1), Epoch{1}, true, beats[0].round}, now, send);
  CHECK(slow.busy());
  slow.on(wire::Cancel{id(1), Epoch{1}}, now, send);
  CHECK_FALSE(slow.busy());
}

TEST(DispatchedTasks, a_restart_reports_what_ran_as_a_crash_and_runs_what_had_not_begun) {
  DispatchedTasks one(7, {3600, 0, 1, 4, 3});
  one.on(offer(1), now, send);
  one.on(offer(2), now, send);
  one.advance(now, send);
  said.clear();
  one.restarted(now);
  one.connected(now, send);
  auto results = took<wire::ResultItem>();
  CHECK_EQUAL(1, results.size());
  CHECK(results[0].failure == FailureClass::crash);
  CHECK(results[0].id == id(1));
  one.advance(now, send);
  CHECK(took<wire::Beat>().back().state == lifecycle::LeaseState::running);
}

TEST(DispatchedTasks, answered_ones_are_remembered_only_so_long) {
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    tasks.on(offer(seq), now, send);
    advance(3s);
    tasks.on(wire::ResultAck{id(seq), Epoch{1}, wire::ResultVerdict::accepted}, now, send);
  }
  said.clear();
  tasks.on(offer(1), now, send);
  const auto accepts = took<wire::Accept>();
  CHECK_EQUAL(1, accepts.size());  // forgotten: it would run again
  LONGS_EQUAL(20, tasks.done());
}

TEST(DispatchedTasks, P11_what_must_stay_with_its_owner_is_not_taken) {
  TaskSpec spec;
  spec.kind.name = "echo";
  spec.data = DataScope::edge_only;
  wire::Offer secret = offer(1);
  secret.spec = wire::encode(spec);
  tasks.on(secret, now, send);
  CHECK(took<wire::Nack>().front().reason == lifecycle::NackReason::malformed);
  CHECK_FALSE(tasks.busy());
}
