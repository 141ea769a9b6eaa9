#include <algorithm>

#include "tests/unit/cloud_node/cloud_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using lifecycle::LeaseState;

// Who may take how much of a cloud with two cores.
TEST_GROUP(CloudShares) {
  CloudWorld world{2};
  void setup() override { world.boot(); }
  void teardown() override { CHECK_EQUAL(0, world.cloud.disk.broken.size()); }

  void boot_again() {
    world.cloud.crash();
    world.boot();
  }
  void offer(std::uint64_t first, std::uint64_t last, const TaskSpec& spec = CloudWorld::spec()) {
    for (std::uint64_t seq = first; seq <= last; ++seq) world.say_offer(world.offer(seq, 1, spec));
  }
  void offer_of_other(std::uint64_t first, std::uint64_t last,
                      const TaskSpec& spec = CloudWorld::spec()) {
    if (!world.other.up()) {
      world.other.connect();
      world.settle();
      world.birth_of("pump-8");
    }
    for (std::uint64_t seq = first; seq <= last; ++seq) {
      world.other.send(world.up("pump-8", wire::Channel::task), {world.offer(seq, 1, spec)});
      world.settle();
    }
  }
  const TaskSpec large = CloudWorld::spec(std::string(50'000, 'x'));
  static TaskSpec slow() {
    TaskSpec spec = CloudWorld::spec();
    spec.kind.name = "slow";
    return spec;
  }
  // Most of what may be held with two large tasks of one device.
  void fill() {
    world.cloud.options.budget.memory = 120'000;
    boot_again();
    world.device.forget();
    for (const std::uint64_t seq : {1, 2}) world.say_offer(world.offer(seq, 1, large));
    CHECK_EQUAL(2, world.device.take<wire::Accept>().size());
  }
  std::size_t running(const std::string& device) {
    std::size_t count = 0;
    for (const auto& [id, row] : world.cloud.disk.rows) {
      count += row.device == device && row.task.state == LeaseState::running ? 1U : 0U;
    }
    return count;
  }
  void acknowledge(std::uint64_t seq) {
    world.say(wire::ResultAck{world.id(seq), Epoch{1}, wire::ResultVerdict::accepted});
  }
  wire::ResultItem result() {
    auto results = world.device.take<wire::ResultItem>();
    CHECK_EQUAL(1, results.size());
    return results.empty() ? wire::ResultItem{} : results.front();
  }
};

TEST(CloudShares, a_device_alone_has_all_cores) {
  offer(1, 10);
  CHECK_EQUAL(2, running("pump-7"));
}

TEST(CloudShares, while_another_device_waits_one_has_all_cores_but_one) {
  offer(1, 10);
  offer_of_other(101, 103);
  for (const std::uint64_t seq : {1, 2, 3}) {
    world.clock.advance(1s);
    if (world.runs(seq)) world.succeed(seq);
    CHECK_EQUAL(1, running("pump-7"));
    CHECK_EQUAL(1, running("pump-8"));
  }
}

TEST(CloudShares, what_blocks_is_claimed_when_there_is_a_thread_for_it) {
  world.cloud.threads = 4;
  boot_again();
  offer(1, 10, slow());
  CHECK_EQUAL(4, running("pump-7"));
  world.succeed(1);
  CHECK_EQUAL(4, running("pump-7"));
}

TEST(CloudShares, where_there_is_anybody_else_the_last_thread_is_kept_for_who_comes) {
  world.cloud.threads = 4;
  boot_again();
  offer_of_other(101, 101);
  offer(1, 10, slow());
  CHECK_EQUAL(3, running("pump-7"));
  offer_of_other(102, 102, slow());
  CHECK(world.runs(102));
}

TEST(CloudShares, of_the_threads_each_who_waits_has_a_part) {
  world.cloud.threads = 4;
  boot_again();
  offer_of_other(101, 101);
  offer(1, 10, slow());
  offer_of_other(102, 111, slow());
  CHECK_EQUAL(3, running("pump-7"));
  CHECK_EQUAL(2, running("pump-8"));  // one of them of its cores
  for (const std::uint64_t seq : {1, 2, 3}) {
    world.clock.advance(1s);
    if (world.runs(seq)) world.succeed(seq);
  }
  CHECK_EQUAL(2, running("pump-7"));
  CHECK_EQUAL(3, running("pump-8"));
}

TEST(CloudShares, a_single_thread_goes_from_one_to_the_other) {
  world.cloud.threads = 1;
  boot_again();
  offer_of_other(101, 101);
  offer(1, 2, slow());
  offer_of_other(102, 103, slow());
  for (const std::uint64_t seq : {1, 102, 2, 103}) {
    world.clock.advance(1s);
    CHECK(world.runs(seq));
    world.succeed(seq);
  }
}

TEST(CloudShares, an_owner_has_no_more_than_its_share_of_the_places_however_many_are_free) {
  world.cloud.options.max_queue = 8;
  boot_again();
  offer_of_other(101, 101);
  world.advance(10s);
  world.device.forget();
  offer(1, 9);
  CHECK_EQUAL(4, world.device.take<wire::Accept>().size());
  offer_of_other(102, 102);
  CHECK_EQUAL(2, world.other.take<wire::Accept>().size());
}

TEST(CloudShares, results_that_an_owner_does_not_take_count_in_its_share) {
  world.cloud.options.max_queue = 3;
  boot_again();
  for (std::uint64_t seq = 1; seq <= 6; ++seq) {
    offer(seq, seq);
    world.succeed(seq);
  }
  world.device.forget();
  world.say_offer(world.offer(7));
  STRCMP_EQUAL("busy", world.nacked().c_str());
  acknowledge(1);
  world.say_offer(world.offer(7, 2));
  CHECK_EQUAL(1, world.device.take<wire::Accept>().size());
}

TEST(CloudShares, what_an_owner_does_not_take_for_a_week_is_given_up_and_counted_as_lost) {
  for (const std::uint64_t seq : {1, 2}) {
    offer(seq, seq);
    world.succeed(seq);
  }
  acknowledge(2);
  world.birth(1, false);
  boot_again();
  const auto days = [this](int count) {
    world.clock.advance(24h * count);
    world.settle();
  };
  days(6);
  CHECK(world.state(1) == LeaseState::done);
  days(2);
  CHECK(world.state(1) == LeaseState::answered);
  CHECK_EQUAL(1, world.cloud.node().counters().given_up);
  const auto& lost = world.cloud.disk.lost.at("pump-7");
  CHECK_EQUAL(1, lost.size());
  CHECK(lost[0].key.data == DataClass::results);
  CHECK_EQUAL(1, lost[0].count);
  const auto said = [](const std::string& line) {
    return line.starts_with("pump-7: results missing 1, ");
  };
  CHECK(std::any_of(world.cloud.reports.begin(), world.cloud.reports.end(), said));
}

TEST(CloudShares, an_owner_with_nothing_here_may_bring_one_task_however_many_share) {
  world.cloud.options.budget.memory = 120'000;
  boot_again();
  for (int i = 0; i < 10; ++i) world.birth_of("idle-" + std::to_string(i));
  world.device.forget();
  world.say_offer(world.offer(1, 1, large));
  CHECK_EQUAL(1, world.device.take<wire::Accept>().size());
  world.say_offer(world.offer(2, 1, large));
  STRCMP_EQUAL("busy", world.nacked().c_str());
}

TEST(CloudShares, what_is_held_is_bounded_by_its_bytes_also_after_a_restart) {
  fill();
  world.say_offer(world.offer(3, 1, large));
  STRCMP_EQUAL("busy", world.nacked().c_str());
  boot_again();
  world.device.forget();
  world.say_offer(world.offer(3, 2, large));
  STRCMP_EQUAL("busy", world.nacked().c_str());
}

TEST(CloudShares, what_all_together_hold_is_bounded_whoever_brings_it) {
  fill();
  offer_of_other(101, 101);
  world.other.forget();
  world.other.send(world.up("pump-8", wire::Channel::task), {world.offer(102, 1, large)});
  world.settle();
  const auto refused = world.other.take<wire::Nack>();
  CHECK_EQUAL(1, refused.size());
  CHECK(refused.front().reason == lifecycle::NackReason::busy);
}

TEST(CloudShares, a_shortage_refuses_offers_as_busy_and_is_said_once) {
  world.cloud.shortage = "the ledger has reached 10 MiB";
  world.advance(11s);
  offer(1, 1);
  STRCMP_EQUAL("busy", world.nacked().c_str());
  offer(2, 2);
  world.cloud.shortage.reset();
  world.device.forget();
  world.advance(11s);
  world.say_offer(world.offer(1, 2));
  CHECK_EQUAL(1, world.device.take<wire::Accept>().size());
  const auto& all = world.cloud.reports;
  const std::string words = "offers are refused as busy: the ledger has reached 10 MiB";
  CHECK_EQUAL(1, std::count(all.begin(), all.end(), words));
}

TEST(CloudShares, a_run_longer_than_is_allowed_is_ended_and_says_why) {
  world.cloud.options.max_run = 10s;
  boot_again();
  offer(1, 1);
  world.device.forget();
  world.advance(10s);
  const wire::ResultItem ended = result();
  CHECK(ended.failure == FailureClass::timeout);
  CHECK(ended.message.find("max_run") != std::string::npos);
  CHECK(world.cloud.runner().running().begin()->second.told_to_stop);
}

TEST(CloudShares, kinds_that_devices_may_not_offload_are_not_run) {
  world.cloud.options.kinds = {"slow"};
  boot_again();
  world.device.forget();
  offer(1, 1);
  STRCMP_EQUAL("unknown_kind", world.nacked().c_str());
}

TEST(CloudShares, an_operator_ends_what_runs_and_what_waits_and_the_owner_is_told) {
  offer(1, 3);
  world.device.forget();
  for (const std::uint64_t seq : {1, 3}) {
    CHECK(world.cloud.node().cancel(world.id(seq)));
    world.settle();
    const wire::ResultItem ended = result();
    CHECK(ended.id == world.id(seq));
    CHECK(ended.failure == FailureClass::error);
    CHECK(ended.code == Code::cancelled);
    CHECK(world.state(seq) == LeaseState::done);
  }
  CHECK(world.cloud.runner().running().begin()->second.told_to_stop);
  CHECK_FALSE(world.cloud.node().cancel(world.id(1)));
  CHECK_FALSE(world.cloud.node().cancel(world.id(99)));
}
