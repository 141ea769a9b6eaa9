#include "tests/unit/cloud_node/dispatched_rig.h"

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;

TEST_GROUP_BASE(Dispatched, DispatchedRig){};

TEST(Dispatched, is_answered_and_offered_only_after_the_commit) {
  introduce();
  bool answered = false;
  dispatch().submit({world.spec(), Names({"pump-7"}), ""}, [&](const auto&) { answered = true; });
  world.cloud.turn();
  world.broker.run();
  CHECK_FALSE(answered);
  CHECK(world.device.take<wire::Offer>().empty());
  world.settle();
  CHECK(answered);
  const wire::Offer offered = offer();
  CHECK(offered.id == id(1));
  CHECK(wire::decode_spec(offered.spec)->labels.empty());
}

TEST(Dispatched, P1_a_result_of_a_task_that_was_forgotten_is_not_taken_for_that_of_another_one) {
  introduce();
  const OwnerDisk copy = world.cloud.dispatched;
  CHECK(submit("forgotten").ok());
  const wire::ResultItem old = success(1, 1, "of the forgotten one");
  world.cloud.crash();
  world.cloud.dispatched = copy;
  world.boot();
  introduce(4);
  world.device.take<wire::Offer>();
  CHECK(submit("another").ok());
  CHECK(id(1) != old.id);
  CHECK(offer().id == id(1));
  say_result(old);
  CHECK(verdict() == wire::ResultVerdict::stale);
  say_result(success(1, 1, "its own"));
  CHECK(verdict() == wire::ResultVerdict::accepted);
  STRCMP_EQUAL("its own", std::string(as_text(result(1).value.bytes)).c_str());
}

TEST(Dispatched, who_asks_for_a_task_that_is_not_here_hears_what_damage_has_cost) {
  const auto missing = [this] {
    const TaskId there = world.cloud.dispatched.id_of(77);
    auto found = ask<cloud::DispatchedTaskDetail>([&](auto done) { dispatch().find(there, done); });
    auto gone = ask<void>([&](auto done) { dispatch().cancel(there, done); });
    STRCMP_EQUAL(found.error().message.c_str(), gone.error().message.c_str());
    return found.error().message;
  };
  CHECK(missing().find("damaged") == std::string::npos);
  world.cloud.crash();
  world.cloud.dispatched.damaged = 1;
  world.boot();
  STRCMP_CONTAINS("; this store's file was damaged once, and at least 1 task was lost with it",
                  missing().c_str());
}

TEST(Dispatched, waits_for_a_device_that_is_away_and_expires_with_its_deadline) {
  cloud::Submission submission{world.spec(), Names({"pump-7"}), ""};
  submission.spec.deadline = 60s;
  leave();
  CHECK(submit(submission).ok());
  world.advance(30s);
  CHECK(state(1) == TaskState::ready);
  introduce();
  const wire::Offer first = offer();
  CHECK(first.remaining <= 30s);
  leave();
  CHECK(state(1) == TaskState::ready);
  world.advance(31s);
  CHECK(state(1) == TaskState::expired);
}

TEST(Dispatched, P5_what_a_start_could_not_read_is_read_again) {
  CHECK(submit().ok());
  world.cloud.crash();
  world.cloud.boot();
  world.cloud.store().fail_every(1, fail(Code::io, "input/output error"));
  world.settle();
  CHECK_EQUAL(0, dispatch().unfinished());
  world.cloud.store().fail_every(0, {});
  world.advance(2s);
  CHECK_EQUAL(1, dispatch().unfinished());
}

TEST(Dispatched, P1_a_result_is_kept_once_and_every_repeat_is_acknowledged) {
  introduce();
  CHECK(submit().ok());
  offer();
  world.say(wire::Accept{id(1), Epoch{1}});
  CHECK(state(1) == TaskState::leased);
  say_result(success(1, 1, "first"));
  CHECK(verdict() == wire::ResultVerdict::accepted);
  say_result(success(1, 1, "second"));
  CHECK(verdict() == wire::ResultVerdict::duplicate);
  STRCMP_EQUAL("first", std::string(as_text(result(1).value.bytes)).c_str());
  CHECK_EQUAL(0, dispatch().unfinished());
  CHECK(world.cloud.dispatched.outbox.empty());
}

TEST(Dispatched, P1_an_end_is_shown_when_it_is_durable_and_its_result_with_it) {
  introduce();
  CHECK(submit().ok());
  offer();
  world.cloud.store().fail_commits(fail(Code::io, "no space left on device"));
  say_result(success(1, 1));
  const auto look = [&](auto done) { dispatch().find(id(1), done); };
  auto found = ask<cloud::DispatchedTaskDetail>(look);
  CHECK(found->task.state == TaskState::leased);
  CHECK_FALSE(found->result.has_value());
  world.cloud.store().fail_commits({});
  world.advance(2s);
  found = ask<cloud::DispatchedTaskDetail>(look);
  CHECK(found->task.state == TaskState::succeeded);
  CHECK(found->result.has_value());
}

TEST(Dispatched, another_device_can_neither_take_nor_answer_it) {
  introduce();
  CHECK(submit().ok());
  offer();
  introduce(world.other, "pump-8", 4);
  const std::string ack = world.up("pump-8", wire::Channel::ack);
  world.other.send(ack, {wire::Accept{id(1), Epoch{1}}});
  world.other.send(ack, {wire::Beat{id(1), Epoch{1}, lifecycle::LeaseState::running, 1}});
  world.other.send(world.up("pump-8", wire::Channel::result), {success(1, 1, "forged")});
  world.settle();
  CHECK(state(1) == TaskState::leased);
  CHECK_FALSE(world.other.take<wire::BeatAck>().front().keep);
  // It would say so for ever.
  CHECK(world.other.take<wire::ResultAck>().at(0).verdict == wire::ResultVerdict::stale);
  CHECK(world.cloud.dispatched.at(1).row.task.live[0].offer_pending);
  say_result(success(1, 1, "true"));
  STRCMP_EQUAL("true", std::string(as_text(result(1).value.bytes)).c_str());
}

TEST(Dispatched, goes_out_within_the_credits_that_the_device_granted) {
  introduce(1);
  CHECK(submit("a").ok());
  CHECK(submit("b").ok());
  CHECK(offer().id == id(1));
  world.say(wire::Accept{id(1), Epoch{1}});
  CHECK(world.device.take<wire::Offer>().empty());
  say_result(success(1, 1));
  CHECK(offer().id == id(2));
}

TEST(Dispatched, a_kind_that_the_device_does_not_take_waits_until_it_does) {
  cloud::Submission submission{world.spec(), Names({"pump-7"}), ""};
  submission.spec.kind.name = "secret";
  introduce();
  CHECK(submit(submission).ok());
  CHECK(world.device.take<wire::Offer>().empty());
  CHECK(state(1) == TaskState::waiting);
  auto found = ask<cloud::DispatchedTaskDetail>([&](auto done) { dispatch().find(id(1), done); });
  STRCMP_CONTAINS("does not take secret", found->waits_because.c_str());
  wire::Presence presence;
  presence.online = true;
  presence.session = 1;
  presence.kinds = {{"secret", 1, true}};
  world.device.publish(world.up("pump-7", wire::Channel::state), wire::encode(presence), true);
  world.settle();
  CHECK(offer().id == id(1));
}

TEST(Dispatched, a_version_that_the_device_does_not_have_waits_until_it_does) {
  cloud::Submission submission{world.spec(), Names({"pump-7"}), ""};
  submission.spec.kind.version = 2;
  introduce();
  CHECK(submit(submission).ok());
  CHECK(state(1) == TaskState::waiting);
  auto found = ask<cloud::DispatchedTaskDetail>([&](auto done) { dispatch().find(id(1), done); });
  STRCMP_CONTAINS("does not take echo@2", found->waits_because.c_str());
  wire::Presence presence;
  presence.online = true;
  presence.session = 1;
  presence.kinds = {{"echo", 2, true, {}}};
  world.device.publish(world.up("pump-7", wire::Channel::state), wire::encode(presence), true);
  world.settle();
  CHECK(offer().id == id(1));
}

TEST(Dispatched, an_offer_is_said_again_until_it_is_answered) {
  introduce();
  CHECK(submit().ok());
  offer();
  world.advance(6s);
  CHECK(offer().epoch == Epoch{1});
  world.say(wire::Accept{id(1), Epoch{1}});
  world.advance(6s);
  CHECK(world.device.take<wire::Offer>().empty());
}

TEST(Dispatched, P3_silence_past_the_lease_grants_it_again_under_a_higher_epoch) {
  introduce();
  CHECK(submit().ok());
  offer();
  world.say(wire::Accept{id(1), Epoch{1}});
  world.advance(40s);
  CHECK(world.device.take<wire::Offer>().back().epoch == Epoch{2});
  // A success of the one that was given up still counts, and the other was stopped for it.
  say_result(success(1, 1));
  CHECK(state(1) == TaskState::succeeded);
  CHECK_EQUAL(2, result(1).attempts.size());
  CHECK(result(1).attempts[0].failure == FailureClass::none);
  CHECK(result(1).attempts[1].failure == FailureClass::interrupted);
}

TEST(Dispatched, what_is_known_of_its_attempts_is_told_also_after_a_restart) {
  introduce();
  CHECK(submit().ok());
  offer();
  const auto attempts = [&] {
    return ask<cloud::DispatchedTaskDetail>([&](auto done) { dispatch().find(id(1), done); })
        ->attempts;
  };
  CHECK_EQUAL(1, attempts().size());
  CHECK_FALSE(attempts()[0].ended.has_value());
  world.advance(40s);
  wire::ResultItem item = success(1, 2);
  item.report.ran = 2s;
  item.report.since_accept = 3s;
  world.advance(10s);
  say_result(item);
  for (const bool later : {false, true}) {
    if (later) world.restart();
    const std::vector<cloud::DispatchedAttempt> told = attempts();
    CHECK_EQUAL(2, told.size());
    STRCMP_EQUAL("lost", told[0].problem.c_str());
    CHECK_FALSE(told[0].began.has_value());
    CHECK(told[0].ended.has_value());
    STRCMP_EQUAL("", told[1].problem.c_str());
    CHECK(told[1].epoch == Epoch{2});
    CHECK(*told[1].run_ended - *told[1].began == 2s);
    CHECK(told[1].queued <= told[1].offered && told[1].offered <= *told[1].began);
    CHECK(*told[1].sent <= *told[1].ended);
  }
}

TEST(Dispatched, a_beat_tells_that_it_runs_and_renews_the_lease) {
  introduce();
  CHECK(submit().ok());
  offer();
  world.say(wire::Accept{id(1), Epoch{1}});
  for (int i = 0; i < 6; ++i) {
    world.say(wire::Beat{id(1), Epoch{1}, lifecycle::LeaseState::running, 1});
    CHECK(world.device.take<wire::BeatAck>().front().keep);
    world.advance(10s);
  }
  CHECK(state(1) == TaskState::running);
  CHECK(world.device.take<wire::Offer>().empty());
}

TEST(Dispatched, cancel_stops_the_attempt_and_a_second_one_changes_nothing) {
  introduce();
  CHECK(submit().ok());
  offer();
  world.say(wire::Accept{id(1), Epoch{1}});
  CHECK(cancelled(1) == Code::internal);
  CHECK(state(1) == TaskState::cancelled);
  CHECK(world.device.take<wire::Cancel>().front().id == id(1));
  CHECK(cancelled(1) == Code::internal);
  say_result(success(1, 1));
  CHECK(state(1) == TaskState::cancelled);
  CHECK(cancelled(9) == Code::not_found);
}

TEST(Dispatched, what_was_cancelled_or_expired_was_stopped_and_shows_no_result) {
  introduce();
  cloud::Submission timed{world.spec("x"), Names({"pump-7"}), ""};
  timed.spec.deadline = 5s;
  for (const std::uint64_t seq : {1, 2}) {
    CHECK((seq == 1 ? submit() : submit(timed)).ok());
    offer();
    world.say(wire::Accept{id(seq), Epoch{1}});
    world.advance(5s);
    if (seq == 1) CHECK(cancelled(seq) == Code::internal);
    CHECK(state(seq) == (seq == 1 ? TaskState::cancelled : TaskState::expired));
    CHECK(result(seq).attempts.at(0).failure == FailureClass::interrupted);
    CHECK(result(seq).attempts.at(0).times.accepted > NodeTime{});
    auto found =
        ask<cloud::DispatchedTaskDetail>([&](auto done) { dispatch().find(id(seq), done); });
    CHECK(found.ok());
    CHECK_FALSE(found->result.has_value());
  }
}

TEST(Dispatched, P2_retry_revives_what_failed_and_never_what_succeeded) {
  introduce();
  CHECK(submit().ok());
  offer();
  wire::ResultItem failure;
  failure.id = id(1);
  failure.epoch = Epoch{1};
  failure.failure = FailureClass::error;
  failure.code = Code::invalid_argument;
  failure.message = "no such column";
  say_result(failure);
  CHECK(state(1) == TaskState::failed);
  STRCMP_EQUAL("no such column", result(1).error->message.c_str());
  const auto again = [&] { return ask<void>([&](auto done) { dispatch().retry(id(1), done); }); };
  CHECK(again().ok());
  CHECK(offer().epoch == Epoch{2});
  say_result(success(1, 2));
  CHECK(again().error().code == Code::conflict);
}

TEST(Dispatched, a_retry_whose_task_is_purged_meanwhile_is_told_so_and_costs_nothing_else) {
  introduce();
  CHECK(submit().ok());
  CHECK(cancelled(1) == Code::internal);
  std::optional<Result<void>> answer;
  dispatch().retry(id(1), [&](Result<void> given) { answer = std::move(given); });
  CHECK(world.cloud.store().step());
  CHECK(world.cloud.store().step());
  world.cloud.dispatched.tasks.erase(1);
  world.cloud.dispatched.purged.insert(1);
  world.settle();
  CHECK(answer && !*answer && answer->error().code == Code::not_found);
  world.device.forget();
  CHECK(submit().ok());
  CHECK(offer().id == id(2));
}

TEST(Dispatched, as_many_labels_as_are_taken_reach_the_device_and_outlive_a_restart) {
  cloud::Submission submission{world.spec(), Names({"pump-7"}), "nightly", "pump-7"};
  const auto label = [&](std::size_t n) { submission.spec.labels["l" + std::to_string(n)] = "v"; };
  constexpr std::size_t kMost = 32;
  for (std::size_t i = 0; i < kMost; ++i) label(i);
  CHECK(submit(submission).ok());
  world.restart();
  introduce();
  CHECK(wire::decode_spec(offer().spec).ok());
  label(kMost);
  submission.key.clear();
  CHECK(submit(submission).error().code == Code::invalid_argument);
}

TEST(Dispatched, P6_after_a_kill_everything_goes_on_where_it_was) {
  introduce(1);
  CHECK(submit("a").ok());
  CHECK(submit("b").ok());
  offer();
  world.say(wire::Accept{id(1), Epoch{1}});
  world.advance(owner::OwnerJournal::kMayWait);
  world.restart();
  introduce(1);
  say_result(success(1, 1));
  CHECK(verdict() == wire::ResultVerdict::accepted);
  CHECK(offer().id == id(2));
  say_result(success(2, 1));
  CHECK(state(2) == TaskState::succeeded);
}

TEST(Dispatched, what_cannot_be_meant_is_refused_with_a_reason) {
  const auto refusal = [&](auto change) {
    cloud::Submission submission{world.spec(), Names({"pump-7"}), ""};
    change(submission);
    auto made = submit(submission);
    return made ? Code::internal : made.error().code;
  };
  CHECK(refusal([](auto& s) { s.devices->clear(); }) == Code::not_found);
  CHECK(refusal([](auto& s) { s.spec.kind.name = ""; }) == Code::invalid_argument);
  CHECK(refusal([](auto& s) { s.spec.data = DataScope::edge_only; }) == Code::invalid_argument);
  for (const char* place : {"local", "cloud"}) {
    CHECK(refusal([place](auto& s) { s.devices = Names({place}); }) == Code::invalid_argument);
  }
  CHECK(refusal([](auto& s) { s.spec.after = {{Origin{1}, 1}}; }) == Code::unsupported);
  CHECK(refusal([](auto& s) { s.spec.input.bytes = Bytes(kInlineLimit + 1); }) != Code::internal);
  CHECK(world.cloud.dispatched.tasks.empty());
}

TEST(Dispatched, a_store_that_cannot_be_written_takes_nothing_and_goes_on_when_it_can) {
  introduce();
  CHECK(submit().ok());
  world.cloud.store().fail_commits(fail(Code::io, "disk full"));
  say_result(success(1, 1));
  CHECK(world.device.take<wire::ResultAck>().empty());
  CHECK(submit().error().code == Code::busy);
  world.cloud.store().fail_commits(std::nullopt);
  world.advance(2s);
  CHECK(verdict() == wire::ResultVerdict::accepted);
  CHECK(state(1) == TaskState::succeeded);
}

TEST(Dispatched, what_the_broker_cannot_carry_is_refused_and_fails_if_it_was_taken_before) {
  cloud::Submission submission{world.spec(std::string(30'000, 'x')), Names({"pump-7"}), ""};
  leave();
  CHECK(submit(submission).ok());  // before anything was known of the broker
  mqtt::Granted granted;
  granted.maximum_packet = 20'000;
  world.cloud.transport().grant(granted);
  world.broker.cut("cloud");
  world.advance(1s);
  introduce();
  world.advance(1s);
  CHECK(world.device.take<wire::Offer>().empty());
  CHECK(state(1) == TaskState::failed);
  const auto refused = submit(submission);
  CHECK_FALSE(refused.ok());
  CHECK(refused.error().code == Code::unsupported);
  STRCMP_CONTAINS("raise its maximum packet size", refused.error().message.c_str());
  CHECK(submit("small").ok());
}

TEST(Dispatched, args_that_a_kind_of_every_node_does_not_declare_are_refused_at_once) {
  cloud::Submission submission{world.spec(), Names({"pump-7"}), ""};
  submission.spec.kind.name = "echo.exact.everywhere";
  submission.spec.args = {{"a", "b"}};
  const Result<Submitted> refused = submit(submission);
  CHECK(refused.error().code == Code::invalid_argument);
  STRCMP_EQUAL("echo.exact.everywhere: unknown arg 'a'; it takes none",
               refused.error().message.c_str());
  // The devices' own kinds of these names may take others.
  for (const char* kind : {"echo.exact", "known.to.devices.only"}) {
    submission.spec.kind.name = kind;
    CHECK_TEXT(submit(submission).ok(), kind);
  }
  // And so may a version that is not this cloud's.
  submission.spec.kind = {"echo.exact.everywhere", 7, {}};
  CHECK(submit(submission).ok());
}
