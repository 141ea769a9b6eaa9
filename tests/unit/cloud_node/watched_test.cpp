#include <algorithm>

#include "cloud/fleet/fleet.h"
#include "cloud/fleet/fleet_store.h"
#include "cloud/session/message_rates.h"
#include "common/wire/telemetry.h"
#include "tests/unit/cloud_node/watched_rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using lifecycle::LeaseState;

// What a node tells of devices and tasks to those who watch.
TEST_GROUP_BASE(WatchedCloud, WatchedRig){};

TEST(WatchedCloud, devices_appear_and_go_with_what_they_say) {
  CHECK(fleet.device("pump-7")->row.health == cloud::Health::operational);
  world.birth(1, false);
  CHECK(fleet.device("pump-7")->row.health == cloud::Health::disconnected);
  world.birth(2);
  world.birth(1, false);
  CHECK(fleet.device("pump-7")->row.health == cloud::Health::operational);
}

TEST(WatchedCloud, a_device_that_was_put_back_or_is_used_twice_is_told_so_and_said) {
  std::uint64_t births = 10;
  const auto say = [&](std::uint64_t boot, std::uint64_t number, std::vector<Origin> lives) {
    wire::Presence presence;
    presence.online = true;
    presence.session = ++births;
    presence.boot = BootId{boot};
    presence.lineage = {Origin{1}, number, std::move(lives)};
    world.device.publish(world.up("pump-7", wire::Channel::state), wire::encode(presence), true);
    world.settle();
  };
  const auto reported = [this](const std::string& text) {
    std::size_t count = 0;
    for (const std::string& line : world.cloud.reports) count += line.find(text) != line.npos;
    return count;
  };
  say(10, 5, {{50}, {40}});
  say(11, 6, {{60}, {50}});
  CHECK(world.device.take<wire::LifeNotice>().empty());
  say(12, 6, {{61}, {50}});
  auto notices = world.device.take<wire::LifeNotice>();
  CHECK_EQUAL(1, notices.size());
  CHECK(notices.front() == (wire::LifeNotice{Origin{61}, wire::LifeRemark::restored}));
  CHECK_EQUAL(1, reported("restored from an earlier copy"));
  say(11, 6, {{60}, {50}});
  say(12, 6, {{61}, {50}});
  notices = world.device.take<wire::LifeNotice>();
  CHECK(!notices.empty());
  CHECK(notices.back() == (wire::LifeNotice{Origin{61}, wire::LifeRemark::cloned}));
  CHECK(fleet.device("pump-7")->row.reasons.has(cloud::Reason::cloned));
  CHECK_EQUAL(1, reported("restored from an earlier copy"));
}

TEST(WatchedCloud, copies_of_one_image_are_named_as_such_and_not_as_stores_made_anew) {
  std::uint64_t births = 10;
  const auto say = [&](std::uint64_t copy) {
    wire::Presence presence;
    presence.online = true;
    presence.session = ++births;
    presence.boot = BootId{copy};
    presence.lineage = {Origin{copy}, 1, {Origin{40 + copy}}};
    world.device.publish(world.up("pump-7", wire::Channel::state), wire::encode(presence), true);
    world.settle();
    world.advance(1s);
  };
  for (std::uint64_t i = 0; i < 5; ++i) say(1 + i);
  (void)world.device.take<wire::LifeNotice>();
  const std::size_t said = world.cloud.reports.size();
  for (std::uint64_t i = 0; i < 20; ++i) say(1 + i % 5);
  const auto notices = world.device.take<wire::LifeNotice>();
  CHECK_EQUAL(19, notices.size());
  for (const wire::LifeNotice& notice : notices) CHECK(notice.remark == wire::LifeRemark::cloned);
  CHECK_EQUAL(said, world.cloud.reports.size());
  const cloud::Reasons reasons = fleet.device("pump-7")->row.reasons;
  CHECK(reasons.has(cloud::Reason::cloned));
  CHECK_FALSE(reasons.has(cloud::Reason::restored));
}

TEST(WatchedCloud, a_copy_whose_state_is_wiped_is_told_so_beside_that_there_are_copies) {
  std::uint64_t births = 10;
  const auto say = [&](std::uint64_t boot, std::uint64_t store) {
    wire::Presence presence;
    presence.online = true;
    presence.session = ++births;
    presence.boot = BootId{boot};
    presence.lineage = {Origin{store}, 1, {Origin{40 + boot}}};
    world.device.publish(world.up("pump-7", wire::Channel::state), wire::encode(presence), true);
    world.settle();
    world.advance(1s);
    return world.device.take<wire::LifeNotice>();
  };
  for (const std::uint64_t boot : {1U, 2U, 1U}) (void)say(boot, 1);
  CHECK(say(2, 1).back() == (wire::LifeNotice{Origin{42}, wire::LifeRemark::cloned}));
  births = 0;
  const auto notices = say(3, 2);
  // In this order, so that it knows that what is said of its store is no other one's.
  CHECK_EQUAL(2, notices.size());
  CHECK(notices.front() == (wire::LifeNotice{Origin{43}, wire::LifeRemark::cloned}));
  CHECK(notices.back() == (wire::LifeNotice{Origin{43}, wire::LifeRemark::another}));
  STRCMP_CONTAINS("made anew", world.cloud.reports.back().c_str());
  // The copies go on taking the connection from each other.
  (void)say(1, 1);
  for (const std::uint64_t boot : {3U, 1U, 3U}) {
    const auto more = say(boot, boot == 3 ? 2 : 1);
    CHECK_EQUAL(1, more.size());
    CHECK(!more.empty() && more.back().remark == wire::LifeRemark::cloned);
  }
  const cloud::Reasons reasons = fleet.device("pump-7")->row.reasons;
  CHECK(reasons.has(cloud::Reason::cloned));
  CHECK(reasons.has(cloud::Reason::restored));
}

TEST(WatchedCloud, that_it_was_put_back_itself_it_hears_from_devices_and_says_once) {
  const Origin life = world.cloud.node().dispatch()->lineage().lives.front();
  const auto said = [this] {
    std::size_t count = 0;
    for (const std::string& line : world.cloud.alarms) {
      count += line.find("this cloud's state was restored") != line.npos;
    }
    return count;
  };
  world.say(wire::LifeNotice{Origin{0x77}, wire::LifeRemark::restored});
  CHECK_EQUAL(0, said());
  CHECK_FALSE(fleet.summary().cloud_restored.has_value());
  world.say(wire::LifeNotice{life, wire::LifeRemark::restored});
  const cloud::Wall then = world.clock.wall_time();
  world.advance(1min);
  world.say(wire::LifeNotice{life, wire::LifeRemark::restored});
  CHECK_EQUAL(1, said());
  CHECK(world.cloud.node().own_life().since() == then);
  CHECK(fleet.summary().cloud_restored == then);
}

TEST(WatchedCloud, that_it_was_made_anew_or_is_used_twice_it_hears_from_devices_and_says) {
  const Origin life = world.cloud.node().dispatch()->lineage().lives.front();
  const cloud::OwnLife& own = world.cloud.node().own_life();
  world.say(wire::LifeNotice{life, wire::LifeRemark::another});
  STRCMP_CONTAINS("this cloud's state was made anew: pump-7 remembers", own.problem().c_str());
  // A state that was made anew is no copy; whom it bars is known from elsewhere, if at all.
  CHECK(own.problem().find("copy") == std::string::npos);
  STRCMP_CONTAINS("quarantined or revoked before are let in again", own.problem().c_str());
  CHECK_EQUAL(1, world.cloud.alarms.size());
  for (int i = 0; i < 3; ++i) world.say(wire::LifeNotice{life, wire::LifeRemark::cloned});
  STRCMP_CONTAINS("another cloud speaks as this one: pump-7 hears both", own.problem().c_str());
  CHECK_EQUAL(2, world.cloud.alarms.size());
  // The two clouds go on.
  world.advance(11min);
  world.say(wire::LifeNotice{life, wire::LifeRemark::cloned});
  CHECK_EQUAL(3, world.cloud.alarms.size());
}

TEST(WatchedCloud, each_birth_of_a_device_that_is_used_twice_is_told_so_whichever_it_is_of) {
  const auto say = [&](std::uint64_t boot, std::uint64_t session) {
    wire::Presence presence;
    presence.online = true;
    presence.session = session;
    presence.boot = BootId{boot};
    presence.lineage = {Origin{1}, 1, {Origin{40 + boot}}};
    world.device.publish(world.up("pump-7", wire::Channel::state), wire::encode(presence), true);
    world.settle();
    return world.device.take<wire::LifeNotice>();
  };
  for (std::uint64_t birth = 0; birth < 4; ++birth) (void)say(1 + birth % 2, 11 + birth);
  CHECK(fleet.device("pump-7")->row.reasons.has(cloud::Reason::cloned));
  // Births of the same process, one after another, which do not show it.
  for (std::uint64_t session = 20; session < 24; ++session) {
    const auto notices = say(2, session);
    CHECK_EQUAL(1, notices.size());
    CHECK(notices.front().remark == wire::LifeRemark::cloned);
  }
  world.advance(11min);
  CHECK(say(2, 24).empty());
}

TEST(WatchedCloud, once_it_hears_that_it_was_put_back_it_says_once_that_bars_may_be_gone) {
  const auto said = [this] {
    return std::count_if(
        world.cloud.alarms.begin(), world.cloud.alarms.end(),
        [](const std::string& line) { return line.find("are let in again") != line.npos; });
  };
  const Origin life = world.cloud.node().dispatch()->lineage().lives.front();
  CHECK_EQUAL(0, said());
  for (int i = 0; i < 2; ++i) {
    world.say(wire::LifeNotice{life, wire::LifeRemark::restored});
    world.advance(1min);
  }
  CHECK_EQUAL(1, said());
}

TEST(WatchedCloud, measurements_arrive_and_hostile_ones_do_not) {
  wire::Telemetry frame;
  frame.session = 1;
  frame.seq = 1;
  frame.metrics.set(wire::Metric::cpu_permille, 420);
  world.device.publish(CloudWorld::up("pump-7", wire::Channel::tel), wire::encode(frame));
  world.device.publish(CloudWorld::up("pump-7", wire::Channel::tel), to_bytes("STnonsense"));
  world.settle();
  CHECK_EQUAL(420, fleet.device("pump-7")->row.metrics.get(wire::Metric::cpu_permille));
}

TEST(WatchedCloud, a_device_that_floods_is_dropped_from_there_on_and_shown_so) {
  wire::Telemetry frame;
  frame.session = 1;
  for (int i = 1; i <= 600; ++i) {
    frame.seq = std::uint64_t(i);
    frame.metrics.set(wire::Metric::cpu_permille, i);
    world.device.publish(CloudWorld::up("pump-7", wire::Channel::tel), wire::encode(frame));
  }
  world.settle();
  const cloud::DeviceRow row = fleet.device("pump-7")->row;
  CHECK_EQUAL(500, row.metrics.get(wire::Metric::cpu_permille));
  CHECK(row.reasons.has(cloud::Reason::flooding));
  CHECK_EQUAL(100, world.cloud.node().counters().flooded);
}

// Limits that take long to reach are lowered here; what they are is tested where they are.
TEST_GROUP_BASE(FloodedCloud, WatchedRig) {
  using Rates = cloud::MessageRates;
  Rates::Limits limits = Rates::limits(10'000);
  std::uint64_t births = 1, before = 0;

  void setup() override {
    for (auto& one : limits.messages) one.burst = std::min(one.burst, 300.0);
    for (auto& one : limits.items) one.burst = std::min(one.burst, 250.0);
    world.cloud.limits = limits;
    WatchedRig::setup();
  }
  static Bytes message(const wire::Item& item, std::size_t times = 1) {
    return wire::encode(wire::Message{1, 1, {}, "", std::vector<wire::Item>(times, item)}).copy();
  }
  // What was shown before is over, and what was used up is there again.
  void begin(const char* name) {
    world.advance(10min);
    wire::Presence birth;
    birth.online = true;
    birth.session = ++births;
    fleet.on_presence("pump-7", birth);
    (void)fleet.cycle();
    CHECK_FALSE_TEXT(shown(), name);
    before = world.cloud.node().counters().flooded;
  }
  void flood(wire::Channel channel, const Bytes& bytes, int times) {
    for (int i = 0; i < times; ++i) {
      world.device.publish(CloudWorld::up("pump-7", channel), bytes);
      if (i % 64 == 0) world.settle();
    }
    world.settle();
  }
  bool shown() { return fleet.device("pump-7")->row.reasons.has(cloud::Reason::flooding); }
  long flooded() { return long(world.cloud.node().counters().flooded - before); }
};

TEST(FloodedCloud, every_class_of_messages_has_its_limit_beyond_which_it_is_counted_and_shown) {
  using wire::Channel;
  wire::Presence birth;
  birth.online = true;
  birth.session = 1;
  wire::Telemetry sample;
  sample.session = 1;
  const struct {
    const char* name;
    Channel channel;
    Bytes bytes;
    double most;
  } classes[] = {
      {"birth", Channel::state, wire::encode(birth), limits.of(Channel::state).burst},
      {"telemetry", Channel::tel, wire::encode(sample), limits.of(Channel::tel).burst},
      {"nonsense", Channel::task, to_bytes("nonsense"), limits.of(Channel::task).burst},
  };
  for (const auto& each : classes) {
    begin(each.name);
    flood(each.channel, each.bytes, int(each.most) + 7);
    LONGS_EQUAL_TEXT(7, flooded(), each.name);
    CHECK_TEXT(shown(), each.name);
  }
}

TEST(FloodedCloud, every_class_of_items_has_its_limit_in_any_channel_and_any_number_a_message) {
  using wire::Channel;
  const struct {
    const char* name;
    Channel channel;
    wire::Item item;
  } classes[] = {
      {"offer", Channel::task, CloudWorld::offer(1)},
      {"heartbeat's ack", Channel::ack, wire::BeatAck{CloudWorld::id(1), Epoch{1}}},
      {"result's ack", Channel::ack, wire::ResultAck{CloudWorld::id(1), Epoch{1}}},
      {"result", Channel::result, wire::ResultItem{CloudWorld::id(1), Epoch{1}}},
      {"credits", Channel::ack, wire::Credits{}},
      {"loss report", Channel::evt, wire::LossReport{Origin{7}, 1}},
      {"story", Channel::evt, wire::TaskStory{CloudWorld::id(1)}},
      {"update", Channel::ota, wire::UpdateReport{}},
      {"logs", Channel::rsp, wire::CommandReply{1}},
      {"what only the cloud sends", Channel::ack, wire::StandingNotice{}},
  };
  for (const auto& each : classes) {
    const int most = int(limits.of(Rates::class_of(each.item)).burst);
    for (const Channel channel : {each.channel, Channel::task}) {
      begin(each.name);
      flood(channel, message(each.item), most + 7);
      LONGS_EQUAL_TEXT(7, flooded(), each.name);
      CHECK_TEXT(shown(), each.name);
      begin(each.name);
      flood(channel, message(each.item, 64), most / 64 + 7);
      LONGS_EQUAL_TEXT(7, flooded(), each.name);
      CHECK_TEXT(shown(), each.name);
    }
  }
}

TEST(FloodedCloud, what_follows_the_last_item_that_a_device_may_send_is_not_looked_at) {
  const int most = int(limits.of(Rates::ItemClass::update).burst);
  wire::UpdateReport report;
  report.phase = UpdatePhase::downloading;
  std::uint64_t number = 0;
  while (number < 640) {
    std::vector<wire::Item> items;
    while (items.size() < wire::kMaxItems) {
      report.received = ++number;
      items.emplace_back(report);
    }
    world.device.send(CloudWorld::up("pump-7", wire::Channel::task), std::move(items));
  }
  world.settle();
  UNSIGNED_LONGS_EQUAL(most, fleet.device("pump-7")->update->received);
  CHECK_EQUAL(10 - most / 64, flooded());
  CHECK(shown());
  // Items of another class may go on, and are heard.
  world.say_offer(CloudWorld::offer(1));
  CHECK_EQUAL(1U, world.device.take<wire::Accept>().size());
}

TEST(WatchedCloud, an_update_is_shown_with_its_phase_and_noted_once_a_phase) {
  CHECK_FALSE(fleet.device("pump-7")->update.has_value());
  world.say(wire::UpdateReport{UpdatePhase::downloading, "B", "https://host/next", "", 10});
  world.say(wire::UpdateReport{UpdatePhase::downloading, "B", "https://host/next", "", 20});
  auto update = fleet.device("pump-7")->update;
  CHECK(update && update->phase == UpdatePhase::downloading);
  UNSIGNED_LONGS_EQUAL(20, update->received);
  world.say(wire::UpdateReport{UpdatePhase::failed, "B", "https://host/next", "no room"});
  std::vector<std::string> notes;
  fleet.events({.device = "pump-7"}, [&](Result<std::vector<cloud::FleetEvent>> events) {
    for (const cloud::FleetEvent& event : *events) {
      if (event.kind == cloud::FleetEventKind::update) notes.push_back(event.detail);
    }
  });
  CHECK_EQUAL(2U, notes.size());
  STRCMP_EQUAL("update: failed, no room", notes[0].c_str());
}

TEST(WatchedCloud, a_task_is_shown_through_its_life) {
  world.say_offer(CloudWorld::offer(1));
  auto shown = fleet.task(CloudWorld::id(1));
  CHECK(shown.has_value());
  CHECK(shown->state == LeaseState::running);
  STRCMP_EQUAL("echo", shown->kind.c_str());
  STRCMP_EQUAL("pump-7", shown->device.c_str());
  CHECK(shown->started.has_value());
  world.succeed(1);
  shown = fleet.task(CloudWorld::id(1));
  CHECK(shown->state == LeaseState::done);
  CHECK(shown->ended.has_value());
  world.say(wire::ResultAck{CloudWorld::id(1), Epoch{1}, wire::ResultVerdict::accepted});
  shown = fleet.task(CloudWorld::id(1));
  CHECK(shown->state == LeaseState::answered);
  STRCMP_EQUAL("echo", shown->kind.c_str());
  CHECK_EQUAL(1U, fleet.kinds().at(0).done);
}

TEST(WatchedCloud, what_its_owner_stopped_is_among_what_failed_with_the_time_that_it_ran) {
  wire::Offer timed = CloudWorld::offer(2);
  timed.remaining = 3s;
  for (const bool by_deadline : {false, true}) {
    const std::uint64_t seq = by_deadline ? 2 : 1;
    world.say_offer(by_deadline ? timed : CloudWorld::offer(seq));
    world.advance(3s);
    if (!by_deadline) world.say(wire::Cancel{CloudWorld::id(seq), Epoch{1}}, wire::Channel::task);
    world.clock.advance(7s);
    world.cloud.runner().fail(seq, fail(Code::cancelled, "stopped"));
    world.settle();
    const auto shown = fleet.task(CloudWorld::id(seq));
    CHECK(shown->state == LeaseState::answered);
    CHECK(shown->failure == FailureClass::interrupted);
    CHECK(shown->ran > 2900ms && shown->ran < 3100ms);
    CHECK(*shown->ended - *shown->started == shown->ran);
  }
  cloud::TaskQuery failed;
  failed.failed = true;
  CHECK_EQUAL(2U, fleet.tasks(failed).tasks.size());
  // An attempt that was stopped says nothing of its kind.
  CHECK_EQUAL(2U, fleet.kinds().at(0).accepted);
  CHECK_EQUAL(0U, fleet.kinds().at(0).done);
  CHECK_EQUAL(0U, fleet.kinds().at(0).failed);
  world.restart();
  CHECK(fleet.task(CloudWorld::id(1))->failure == FailureClass::interrupted);
  CHECK(fleet.task(CloudWorld::id(1))->ran > 2900ms);
}

// A fleet's view after a start that has nothing but the disk.
TEST(WatchedCloud, what_ended_before_a_restart_is_shown_as_it_went_and_counts_for_the_start_then) {
  TaskSpec spec = CloudWorld::spec();
  spec.band = Band::high;
  for (const std::uint64_t seq : {1, 2}) {
    world.say_offer(CloudWorld::offer(seq, 1, spec));
    world.advance(3s);
    world.succeed(seq);
  }
  world.advance(2s);
  world.say(wire::ResultAck{CloudWorld::id(1), Epoch{1}, wire::ResultVerdict::accepted});
  CHECK(world.state(1) == LeaseState::answered);
  CHECK(world.state(2) == LeaseState::done);
  cloud::Fleet later{{}, world.clock, nullptr};
  later.start({});
  world.cloud.fleet = &later;
  world.restart();
  for (const std::uint64_t seq : {1, 2}) {
    const auto was = fleet.task(CloudWorld::id(seq)), now = later.task(CloudWorld::id(seq));
    STRCMP_EQUAL("echo", now->kind.c_str());
    CHECK(now->band == Band::high);
    CHECK(now->state == was->state);
    CHECK(now->accepted == was->accepted);
    CHECK(now->started && now->started == was->started);
    CHECK(now->ended && now->ended == was->ended);
    CHECK(now->ran == was->ran && now->cpu == was->cpu);
  }
  CHECK_EQUAL(1U, later.kinds().at(0).accepted);  // the one that is not answered yet
  world.cloud.crash();
}

TEST(WatchedCloud, of_what_an_earlier_version_answered_no_time_is_made_up) {
  world.say_offer(CloudWorld::offer(1));
  world.say_offer(CloudWorld::offer(2));
  world.succeed(1);
  world.succeed(2);
  world.say(wire::ResultAck{CloudWorld::id(1), Epoch{1}, wire::ResultVerdict::accepted});
  for (const std::uint64_t seq : {1, 2}) world.cloud.disk.rows.at(CloudWorld::id(seq)).past = {};
  cloud::Fleet later{{}, world.clock, nullptr};
  later.start({});
  world.cloud.fleet = &later;
  world.restart();
  world.say(wire::ResultAck{CloudWorld::id(2), Epoch{1}, wire::ResultVerdict::accepted});
  for (const std::uint64_t seq : {1, 2}) {
    const auto shown = later.task(CloudWorld::id(seq));
    CHECK(shown->state == LeaseState::answered);
    CHECK_FALSE(shown->started.has_value());
    CHECK_FALSE(shown->ended.has_value());
    STRCMP_EQUAL(seq == 1 ? "" : "echo", shown->kind.c_str());
  }
  world.cloud.crash();
}

TEST(WatchedCloud, what_was_offered_anew_has_not_started_before_it_does) {
  world.say_offer(CloudWorld::offer(1));
  world.advance(5s);
  world.say(wire::Cancel{CloudWorld::id(1), Epoch{1}}, wire::Channel::task);
  world.cloud.runner().fail(1, fail(Code::cancelled, "stopped"));
  world.say_offer(CloudWorld::offer(2));
  world.say_offer(CloudWorld::offer(1, 2));
  CHECK(fleet.task(CloudWorld::id(1))->state == LeaseState::accepted);
  CHECK_FALSE(fleet.task(CloudWorld::id(1))->started.has_value());
}
