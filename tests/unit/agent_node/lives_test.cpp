#include "tests/unit/agent_node/agent_world.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

// What becomes of tasks and names when an earlier copy of the store is put back, and what is said
// of it. The cloud is played by hand.
TEST_GROUP(AgentLives) {
  AgentWorld world{1, true};

  void setup() override {
    world.boot();
    world.cloud_up();
  }
  void teardown() override {
    for (const std::string& rule : world.agent.disk.broken) FAIL(rule.c_str());
  }
  std::uint64_t add_offered() {
    TaskSpec spec = echo();
    spec.kind.name = "cloud.only";
    const std::uint64_t seq = world.add(spec);
    CHECK_EQUAL(1, world.cloud.take<wire::Offer>().size());
    return seq;
  }
  void restart() {
    world.agent.crash();
    world.boot();
  }
  void put_back(const OwnerDisk& copy) {
    world.agent.crash();
    world.agent.disk = copy;
    world.boot();
  }
  wire::Presence birth(std::vector<Origin> lives, std::uint64_t number) {
    wire::Presence presence;
    presence.online = true;
    presence.session = 5 + number;
    presence.boot = BootId{lives.front().value};
    presence.kinds = {{"cloud.only", 1}, {"echo", 1}};
    presence.lineage = {Origin{0xc}, number, std::move(lives)};
    return presence;
  }
  void say(const wire::Presence& presence) {
    world.cloud.publish(std::string(wire::kCloudState), wire::encode(presence), true);
    world.say(wire::Credits{100, {}, 4, 1 << 30});
  }
  std::size_t reported(const std::string& text) const {
    std::size_t count = 0;
    for (const std::string& line : world.agent.reports) {
      count += line.find(text) != std::string::npos ? 1 : 0;
    }
    return count;
  }
  std::string problem() { return world.agent.node().view().life_problem; }
  WhyReport why(std::uint64_t seq) {
    const auto asked = world.ask(wire::WhyRequest{seq});
    world.settle();
    return *asked->got<WhyReport>();
  }
  void remark(wire::LifeRemark what) {
    world.say(wire::LifeNotice{world.agent.node().view().origin, what});
  }
};

TEST(AgentLives, a_task_keeps_its_name_over_restarts_and_each_start_names_anew) {
  const TaskId first = world.id(world.add(echo()));
  restart();
  const TaskId second = world.id(world.add(echo()));
  CHECK(world.id(first.seq) == first);
  CHECK(first.origin != second.origin);
  CHECK(world.agent.node().view().origin == second.origin);
}

TEST(AgentLives, P1_a_result_of_a_task_that_was_forgotten_is_not_taken_for_that_of_another_one) {
  const OwnerDisk copy = world.agent.disk;
  const std::uint64_t seq = add_offered();
  wire::ResultItem old = world.success(seq, 1, "of the forgotten one");
  put_back(copy);
  CHECK_EQUAL(seq, world.add(echo("another")));
  CHECK(world.id(seq) != old.id);
  world.say_result(old);
  const auto acks = world.cloud.take<wire::ResultAck>();
  CHECK_EQUAL(1, acks.size());
  CHECK(acks.front().verdict == wire::ResultVerdict::stale);
  CHECK_FALSE(is_terminal(world.state(seq)));
}

TEST(AgentLives, a_dependency_is_named_by_the_life_that_accepted_it) {
  const std::uint64_t parent = world.add(echo());
  const TaskId name = world.id(parent);
  restart();
  TaskSpec child = echo();
  child.after = {name};
  CHECK(world.add(child) != 0);
  child.after = {{world.agent.node().view().origin, parent}};
  CHECK(world.refusal(child) == Code::not_found);
}

TEST(AgentLives, P5_grants_go_on_from_the_attempt_that_the_cloud_remembers) {
  const std::uint64_t seq = add_offered();
  wire::Nack nack{world.id(seq), Epoch{1}, lifecycle::NackReason::stale, 1s, Epoch{40}};
  world.say(nack);
  world.advance(30s);
  const auto offers = world.cloud.take<wire::Offer>();
  CHECK(!offers.empty());
  CHECK_EQUAL(41, offers.front().epoch.value);
  auto why = world.ask(wire::ShowRequest{seq});
  world.settle();
  std::string events;
  for (const EventView& event : why->got<TaskView>()->events) events += event.detail + "\n";
  STRCMP_CONTAINS("before this store was put back", events.c_str());
}

TEST(AgentLives, what_the_cloud_says_of_this_life_is_said_once_and_shown) {
  STRCMP_EQUAL("", problem().c_str());
  remark(wire::LifeRemark::restored);
  remark(wire::LifeRemark::restored);
  CHECK_EQUAL(1, reported("restored from an earlier copy"));
  STRCMP_CONTAINS("restored from an earlier copy", problem().c_str());
  // A remark on an earlier life says nothing of this one.
  restart();
  world.cloud_up();
  STRCMP_EQUAL("", problem().c_str());
  world.say(wire::LifeNotice{Origin{0x77}, wire::LifeRemark::restored});
  STRCMP_EQUAL("", problem().c_str());
  remark(wire::LifeRemark::another);
  STRCMP_CONTAINS("made anew", problem().c_str());
}

TEST(AgentLives, a_second_device_with_this_identity_is_shown_until_it_is_long_quiet) {
  // What was made of the other one's store is no longer said.
  remark(wire::LifeRemark::another);
  remark(wire::LifeRemark::cloned);
  remark(wire::LifeRemark::cloned);
  CHECK_EQUAL(1, reported("another device speaks as pump-7"));
  STRCMP_CONTAINS("another device speaks as pump-7", problem().c_str());
  world.advance(11min);
  STRCMP_EQUAL("", problem().c_str());
}

TEST(AgentLives, a_wipe_is_said_also_while_a_second_device_has_this_identity) {
  remark(wire::LifeRemark::cloned);
  remark(wire::LifeRemark::another);
  CHECK_EQUAL(1, reported("another device speaks as pump-7"));
  CHECK_EQUAL(1, reported("made anew"));
  // The two go on taking the connection from each other.
  for (int i = 0; i < 3; ++i) remark(wire::LifeRemark::cloned);
  CHECK_EQUAL(1, reported("another device speaks as pump-7"));
  CHECK_EQUAL(1, reported("made anew"));
  STRCMP_CONTAINS("another device speaks as pump-7", problem().c_str());
  STRCMP_CONTAINS("made anew", problem().c_str());
  world.advance(11min);
  STRCMP_CONTAINS("this device's state was made anew", problem().c_str());
}

TEST(AgentLives, P23_a_restored_store_tells_its_counts_under_a_name_of_their_own) {
  world.advance(1min);
  const auto before = world.cloud.take<wire::LossReport>();
  CHECK(!before.empty());
  remark(wire::LifeRemark::restored);
  world.advance(1min);
  const auto after = world.cloud.take<wire::LossReport>();
  CHECK(!after.empty());
  CHECK(after.back().origin != before.back().origin);
  const Origin counted = after.back().origin;
  world.say(wire::LossAck{counted, after.back().number});
  restart();
  world.cloud_up();
  world.advance(1min);
  const auto later = world.cloud.take<wire::LossReport>();
  CHECK(!later.empty());
  CHECK(later.back().origin == counted);
}

TEST(AgentLives, a_cloud_that_was_put_back_is_told_so_and_said_once) {
  say(birth({{0xc5}, {0xc4}}, 5));
  say(birth({{0xc6}, {0xc5}}, 6));
  CHECK(world.cloud.take<wire::LifeNotice>().empty());
  restart();  // what is known of the cloud outlasts this
  world.settle();
  world.cloud.take<wire::LifeNotice>();
  say(birth({{0xd6}, {0xc5}}, 6));
  const auto notices = world.cloud.take<wire::LifeNotice>();
  CHECK_EQUAL(1, notices.size());
  CHECK(notices.front() == (wire::LifeNotice{Origin{0xd6}, wire::LifeRemark::restored}));
  CHECK_EQUAL(1, reported("the cloud's state was put back"));
  say(birth({{0xd7}, {0xd6}}, 7));
  CHECK_EQUAL(1, reported("the cloud's state was put back"));
}

TEST(AgentLives, a_cloud_that_was_put_back_is_shown_for_an_hour_and_to_who_asks_why) {
  const std::uint64_t seq = add_offered();
  STRCMP_EQUAL("", why(seq).lives.c_str());
  say(birth({{0xc6}, {0xc5}}, 6));
  say(birth({{0xd6}, {0xc5}}, 6));
  STRCMP_CONTAINS("the cloud's state was put back to an earlier copy", problem().c_str());
  STRCMP_EQUAL(problem().c_str(), why(seq).lives.c_str());
  remark(wire::LifeRemark::restored);
  STRCMP_CONTAINS("restored from an earlier copy", why(seq).lives.c_str());
  STRCMP_CONTAINS("; and the cloud's state was put back", why(seq).lives.c_str());
  world.advance(61min);
  STRCMP_CONTAINS("restored from an earlier copy", problem().c_str());
  CHECK(problem().find("the cloud's state") == std::string::npos);
}

TEST(AgentLives, a_cloud_that_was_made_anew_is_told_so_and_shown) {
  const std::uint64_t seq = add_offered();
  say(birth({{0xc5}, {0xc4}}, 5));
  wire::Presence anew = birth({{0xe1}}, 1);
  anew.session = 20;
  anew.lineage.store = Origin{0xe};
  (void)world.cloud.take<wire::LifeNotice>();
  say(anew);
  const auto notices = world.cloud.take<wire::LifeNotice>();
  CHECK_EQUAL(1, notices.size());
  CHECK(notices.front() == (wire::LifeNotice{Origin{0xe1}, wire::LifeRemark::another}));
  STRCMP_CONTAINS("the cloud has another store than before", problem().c_str());
  STRCMP_EQUAL(problem().c_str(), why(seq).lives.c_str());
}

TEST(AgentLives, what_the_cloud_had_is_offered_again_at_once_when_it_has_forgotten_it) {
  say(birth({{0xc6}, {0xc5}}, 6));
  const std::uint64_t seq = add_offered();
  world.say(wire::Accept{world.id(seq), Epoch{1}});
  TaskSpec once = echo();
  once.kind.name = "cloud.only";
  once.effects = Effects::once;
  const std::uint64_t only = world.add(once);
  world.say(wire::Accept{world.id(only), Epoch{1}});
  (void)world.cloud.take<wire::Offer>();
  say(birth({{0xd6}, {0xc5}}, 6));
  world.advance(1s);
  const auto offers = world.cloud.take<wire::Offer>();
  CHECK_EQUAL(1, offers.size());  // what runs once at most waits for the end of its lease
  CHECK(offers.front().id == world.id(seq));
  CHECK_EQUAL(2, offers.front().epoch.value);
  // An attempt of the first epoch may still have run, and its value counts.
  world.say_result(world.success(seq, 1, "of the first"));
  CHECK(world.state(seq) == TaskState::succeeded);
}

TEST(AgentLives, two_clouds_with_one_identity_are_named_and_told_and_not_taken_for_put_back) {
  wire::Presence one = birth({{0xc6}, {0xc5}}, 6), other = birth({{0xd6}, {0xc5}}, 6);
  std::uint64_t session = 20;
  std::size_t told = 0;
  for (int turn = 0; turn < 6; ++turn) {
    for (wire::Presence* cloud : {&one, &other}) {
      cloud->session = ++session;
      say(*cloud);
      world.advance(5s);
      for (const auto& notice : world.cloud.take<wire::LifeNotice>()) {
        told += notice.remark == wire::LifeRemark::cloned;
      }
    }
  }
  CHECK(told >= 8);
  CHECK_EQUAL(1, reported("two clouds speak with one identity"));
  CHECK_EQUAL(1, reported("the cloud's state was put back"));  // before it could be known
  STRCMP_CONTAINS("two clouds speak with one identity", problem().c_str());
}

TEST(AgentLives, who_asks_for_a_task_that_is_not_here_hears_what_this_state_has_forgotten) {
  const auto missing = [this](std::uint64_t seq, Origin origin) {
    auto asked = world.ask(wire::WhyRequest{seq, origin});
    world.settle();
    return asked->got<Error>()->message;
  };
  const std::string before = missing(77, Origin{0x77});
  STRCMP_CONTAINS(to_string(TaskId{Origin{0x77}, 77}).c_str(), before.c_str());
  CHECK(before.find("restored") == std::string::npos);
  remark(wire::LifeRemark::restored);
  for (const Origin origin : {Origin{0x77}, Origin{}}) {
    STRCMP_CONTAINS("; this device's state was restored from an earlier copy",
                    missing(77, origin).c_str());
  }
}

TEST(AgentLives, who_asks_for_a_task_that_is_not_here_hears_what_damage_has_cost) {
  world.agent.disk.damaged = 3;
  restart();
  auto asked = world.ask(wire::WhyRequest{77, Origin{}});
  world.settle();
  STRCMP_CONTAINS("; this store's file was damaged once, and at least 3 tasks were lost with it",
                  asked->got<Error>()->message.c_str());
}

TEST(AgentLives, a_birth_tells_the_lives_of_this_store) {
  restart();
  const Lineage told = world.agent.disk.opened->lineage();
  CHECK_EQUAL(3, told.number);
  const auto& birth = world.broker.retained().at(
      wire::to_string({"pump-7", wire::Direction::up, wire::Channel::state}));
  const auto presence = wire::decode_presence(birth.payload);
  CHECK(presence.ok());
  CHECK(presence->lineage == told);
}
