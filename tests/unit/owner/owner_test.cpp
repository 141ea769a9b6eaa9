#include "common/owner/owner.h"

#include <memory>
#include <string>
#include <vector>

#include "common/crypto/sha256.h"
#include "common/wire/codec.h"
#include "tests/support/fakes/memory_owner_store.h"
#include "tests/support/own_loop.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::owner;
using lifecycle::LeaseState;
using test::MemoryOwnerStore;
using test::OwnerDisk;

namespace {

// An owner whose tasks all go where the test says.
struct World final : Host {
  World() { boot(); }

  void boot() {
    owner.reset();
    store = std::make_unique<MemoryOwnerStore>(disk);
    Parts parts;
    parts.clock = &clock;
    parts.store = store.get();
    parts.random = [] { return 0; };
    parts.wake = [] {};
    parts.report = [](const std::string&) {};
    parts.alarm = [this](const std::string& message) { alarms.push_back(message); };
    parts.refused = [this](const std::string& cause, const std::string&) {
      refusals.push_back(cause);
    };
    parts.send_task = [this](const OfferBook& there, const wire::Item& item, bool) {
      if (full) return false;
      sent.emplace_back(there.place(), item);
      return true;
    };
    parts.send_ack = [this](const OfferBook& there, const wire::Item& item) {
      sent.emplace_back(there.place(), item);
      return true;
    };
    parts.tasks_left = [](const OfferBook&, bool) { return true; };
    const store::Recovered recovered = disk.recover(Origin{++origins});
    owner = std::make_unique<Owner>(Options{}, parts, *this, recovered);
    owner->start(recovered);
    come("here");
    come("elsewhere");
    settle();
  }
  OfferBook& book(const std::string& place) { return owner->book(place); }
  void come(const std::string& place, std::uint64_t session = 1) {
    wire::Presence presence;
    presence.online = true;
    presence.session = session;
    owner->offers().on_presence(book(place), presence);
  }
  void turn() {
    owner->on_timers();
    owner->send_owed();
    owner->journal().hurry();
    owner->flush({});
  }
  void settle() {
    do turn();
    while (store->step());
  }

  OwnedTask& insert(TaskSpec spec = {}) {
    spec.kind.name = "echo";
    store::NewTask row;
    row.row.created = owner->now();
    row.row.band = spec.band;
    row.row.task = lifecycle::first_state(spec, 0, owner->now());
    row.row.spec = std::make_shared<const Bytes>(wire::encode(spec));
    row.kind = spec.kind.name;
    return owner->insert(std::move(row), std::make_shared<const TaskSpec>(spec));
  }
  bool grant(OwnedTask& task, const std::string& place = "here") {
    return owner->grant(task, book(place).id());
  }
  // Leased to the place, which has acknowledged it.
  void lease(OwnedTask& task, const std::string& place) {
    CHECK(grant(task, place));
    settle();
    owner->offers().on(book(place), wire::Accept{owner->id_of(task.seq), task.state.epoch});
    settle();
    sent.clear();
  }
  OwnedTask& lease(const TaskSpec& spec = {}) {
    OwnedTask& task = insert(spec);
    lease(task, "here");
    return task;
  }
  // Leased to `here` as epoch 1, which was lost, and then to `elsewhere` as epoch 2.
  OwnedTask& lease_twice() {
    OwnedTask& task = lease();
    clock.advance(std::chrono::minutes(1));
    settle();
    CHECK(task.state.state == TaskState::ready);
    lease(task, "elsewhere");
    return task;
  }
  // As a second live attempt would be granted beside the first.
  void grant_beside(OwnedTask& task, const std::string& place) {
    lifecycle::OwnerStep step{.verdict = lifecycle::Verdict::applied, .next = task.state};
    ++step.next.epoch.value;
    step.next.live.push_back({.epoch = step.next.epoch,
                              .place = book(place).id(),
                              .offer_pending = true,
                              .lease_until = owner->now() + std::chrono::seconds(30)});
    step.act.send_offer = true;
    owner->apply(task, step);
    settle();
  }
  wire::ResultItem success(const OwnedTask& task) const {
    return success(task, task.state.epoch.value);
  }
  wire::ResultItem success(const OwnedTask& task, std::uint32_t epoch) const {
    wire::ResultItem item;
    item.id = owner->id_of(task.seq);
    item.epoch = Epoch{epoch};
    item.value.bytes = to_bytes("v");
    item.digest = crypto::sha256(item.value.bytes);
    return item;
  }
  template <class Item>
  std::vector<Item> told(const std::string& place) const {
    std::vector<Item> found;
    for (const auto& [to, item] : sent) {
      if (to == place && std::holds_alternative<Item>(item)) found.push_back(std::get<Item>(item));
    }
    return found;
  }
  wire::ResultVerdict verdict(const std::string& place = "here") const {
    const auto acks = told<wire::ResultAck>(place);
    CHECK_EQUAL(1, acks.size());
    return acks.at(0).verdict;
  }

  bool prepare(OwnedTask& task) override { return task.spec->kind.name == "echo"; }
  void changed(OwnedTask&, const lifecycle::OwnerTask&) override {}
  void told(const store::EventRow&) override {}
  bool keeps(const OwnedTask& task) const override { return !is_terminal(task.state.state); }
  void forgets(OwnedTask&) override {}
  Status has_room_for(const OwnedTask&) override { return room; }
  NodeTime ending(OwnedTask&, TaskResult&) override { return kNever; }
  void ended(OwnedTask&, TaskResult) override {}
  void came(OwnedTask&, const wire::ResultItem&) override {}
  void repeated() override {}
  void gathered() override { owner->flush({}); }
  void committed() override {}

  ManualClock clock;
  OwnerDisk disk;
  std::uint64_t origins = 0;
  bool full = false;
  Status room;
  std::vector<std::string> alarms, refusals;
  std::vector<std::pair<std::string, wire::Item>> sent;
  std::unique_ptr<MemoryOwnerStore> store;
  std::unique_ptr<Owner> owner;
};

}  // namespace

TEST_GROUP(Owner) {
  World world;
  void teardown() override {
    for (const std::string& rule : world.disk.broken) FAIL(rule.c_str());
  }
  Code answer_of(void(Owner::*verb)(std::uint64_t, const Owner::Done<void>&), std::uint64_t seq) {
    std::optional<Result<void>> answer;
    (world.owner.get()->*verb)(seq, [&](Result<void> given) { answer = std::move(given); });
    world.settle();
    CHECK(answer.has_value());
    return *answer ? Code::internal : answer->error().code;
  }
};

TEST(Owner, an_offer_goes_out_only_after_its_grant_is_on_disk) {
  OwnedTask& task = world.insert();
  CHECK(world.grant(task));
  world.turn();
  CHECK(world.told<wire::Offer>("here").empty());
  world.settle();
  CHECK_EQUAL(1, world.told<wire::Offer>("here").size());
  CHECK(world.disk.outbox.contains({task.seq, task.state.epoch}));
}

TEST(Owner, an_offer_that_finds_no_room_goes_out_when_there_is) {
  world.full = true;
  CHECK(world.grant(world.insert()));
  world.settle();
  CHECK(world.told<wire::Offer>("here").empty());
  world.full = false;
  world.turn();
  CHECK_EQUAL(1, world.told<wire::Offer>("here").size());
}

TEST(Owner, P11_what_must_stay_is_granted_to_no_other_node) {
  TaskSpec spec;
  spec.data = DataScope::edge_only;
  OwnedTask& task = world.insert(spec);
  CHECK_FALSE(world.grant(task));
  CHECK(task.state.state == TaskState::ready);
}

TEST(Owner, a_task_for_one_place_is_granted_to_no_other) {
  OwnedTask& task = world.insert();
  task.only_at = world.book("here").id();
  for (const PlaceId other : {kHere, kCloud, world.book("elsewhere").id(), PlaceId{77}}) {
    CHECK_FALSE(world.owner->grant(task, other));
  }
  CHECK(world.grant(task));
  STRCMP_EQUAL("here", task.explanation.chosen.c_str());
  STRCMP_EQUAL("here", task.history.last()->place.c_str());
}

TEST(Owner, no_place_that_has_no_name_is_granted_anything) {
  OwnedTask& task = world.insert();
  CHECK_FALSE(world.owner->grant(task, PlaceId{77}));
  CHECK(task.state.state == TaskState::ready);
}

TEST(Owner, P6_the_name_of_a_place_is_on_disk_no_later_than_a_row_that_speaks_of_it) {
  world.book("elsewhere");
  world.settle();
  CHECK(world.disk.places.find("elsewhere") == kNowhere);  // nothing speaks of it
  OwnedTask& task = world.insert();
  world.settle();
  CHECK(world.grant(task));
  world.turn();
  CHECK(world.store->execute());  // this one commit, and none after it
  CHECK(world.disk.at(task.seq).row.task.place() == world.book("here").id());
  CHECK(world.disk.places.find("here") == world.book("here").id());
}

TEST(Owner, a_place_speaks_only_of_what_it_was_offered) {
  OwnedTask& task = world.lease();
  const wire::ResultItem forged = world.success(task);
  world.owner->offers().on(world.book("elsewhere"), forged);
  world.owner->offers().on(world.book("elsewhere"),
                           wire::Beat{forged.id, forged.epoch, LeaseState::running});
  world.settle();
  CHECK(task.state.state == TaskState::leased);
  CHECK_EQUAL(2, world.refusals.size());
  STRCMP_EQUAL("wrong place", world.refusals[0].c_str());
  // It would say so for ever.
  CHECK(world.verdict("elsewhere") == wire::ResultVerdict::stale);
  CHECK_FALSE(world.told<wire::BeatAck>("elsewhere").at(0).keep);
}

TEST(Owner, P1_a_late_success_counts_from_the_place_that_its_epoch_was_granted_to) {
  OwnedTask& task = world.lease_twice();
  const std::uint64_t seq = task.seq;
  world.owner->offers().on(world.book("here"), world.success(task, 1));
  world.settle();
  CHECK(world.refusals.empty());
  CHECK(world.verdict() == wire::ResultVerdict::accepted);
  CHECK(world.disk.state(seq) == TaskState::succeeded);
  // The live one stops where it is.
  CHECK(world.told<wire::Cancel>("here").empty());
  CHECK(world.told<wire::Cancel>("elsewhere").at(0).epoch == Epoch{2});
}

TEST(Owner, P4_of_what_is_live_at_another_place_the_one_before_says_nothing) {
  OwnedTask& task = world.lease_twice();
  const TaskId id = world.owner->id_of(task.seq);
  const lifecycle::OwnerTask before = task.state;
  Offers& offers = world.owner->offers();
  wire::ResultItem failed = world.success(task, 2);
  failed.failure = FailureClass::error;
  offers.on(world.book("here"), failed);
  offers.on(world.book("here"), world.success(task, 2));
  offers.on(world.book("here"), wire::Beat{id, Epoch{2}, LeaseState::running});
  offers.on(world.book("here"), wire::Nack{.id = id, .epoch = Epoch{2}});
  offers.on(world.book("elsewhere"), world.success(task, 1));
  CHECK_EQUAL(5, world.refusals.size());
  CHECK(task.state == before);
}

TEST(Owner, P6_after_a_restart_it_still_knows_which_epoch_was_whose) {
  const std::uint64_t seq = world.lease_twice().seq;
  world.boot();
  OwnedTask& task = world.owner->at(seq);
  world.owner->offers().on(world.book("elsewhere"), world.success(task, 1));
  world.owner->offers().on(world.book("here"), world.success(task, 2));
  CHECK_EQUAL(2, world.refusals.size());
  CHECK(task.state.state == TaskState::leased);
  world.settle();
  world.sent.clear();
  world.owner->offers().on(world.book("here"), world.success(task, 1));
  world.settle();
  CHECK(world.verdict() == wire::ResultVerdict::accepted);
  // It has left memory by now.
  POINTERS_EQUAL(nullptr, world.owner->find(seq));
  wire::ResultItem late = world.success(OwnedTask{{.seq = seq}}, 2);
  world.owner->offers().on(world.book("elsewhere"), late);
  world.owner->offers().on(world.book("here"), late);
  world.settle();
  CHECK(world.verdict("elsewhere") == wire::ResultVerdict::duplicate);
  CHECK_EQUAL(3, world.refusals.size());
}

TEST(Owner, each_of_several_attempts_is_offered_and_cancelled_where_it_is) {
  OwnedTask& task = world.insert();
  CHECK(world.grant(task));
  world.settle();
  world.grant_beside(task, "elsewhere");
  for (const char* place : {"here", "elsewhere"}) {
    const std::uint32_t epoch = place == std::string("here") ? 1 : 2;
    CHECK_EQUAL(1, world.told<wire::Offer>(place).size());
    CHECK(world.told<wire::Offer>(place).at(0).epoch == Epoch{epoch});
    UNSIGNED_LONGS_EQUAL(1, world.book(place).held());
    CHECK(world.book(place).owing());
  }
  // Neither takes the other's acknowledgement for its own.
  world.owner->offers().on(world.book("elsewhere"),
                           wire::Accept{world.owner->id_of(task.seq), Epoch{2}});
  CHECK_FALSE(world.book("elsewhere").owing());
  CHECK(world.book("here").owing());
  CHECK(answer_of(&Owner::cancel, task.seq) == Code::internal);
  CHECK_EQUAL(1, world.told<wire::Cancel>("here").size());
  CHECK(world.told<wire::Cancel>("here").at(0).epoch == Epoch{1});
  CHECK_EQUAL(1, world.told<wire::Cancel>("elsewhere").size());
  CHECK(world.told<wire::Cancel>("elsewhere").at(0).epoch == Epoch{2});
  for (const char* place : {"here", "elsewhere"}) {
    UNSIGNED_LONGS_EQUAL(0, world.book(place).held());
    CHECK(world.book(place).pending().empty());
  }
}

TEST(Owner, who_accepts_what_is_no_longer_its_own_is_told_to_stop) {
  OwnedTask& task = world.lease_twice();
  world.owner->offers().on(world.book("here"),
                           wire::Accept{world.owner->id_of(task.seq), Epoch{1}});
  world.settle();
  CHECK(world.told<wire::Cancel>("here").at(0).epoch == Epoch{1});
  CHECK(world.told<wire::Cancel>("elsewhere").empty());
  CHECK(task.state.state == TaskState::leased);
}

TEST(Owner, a_beat_tells_that_it_runs_and_is_told_to_go_on_or_to_stop) {
  OwnedTask& task = world.lease();
  const TaskId id = world.owner->id_of(task.seq);
  world.owner->offers().on(world.book("here"),
                           wire::Beat{id, task.state.epoch, LeaseState::running});
  CHECK(task.state.state == TaskState::running);
  world.owner->offers().on(world.book("here"), wire::Beat{id, Epoch{0}, LeaseState::running});
  const auto acks = world.told<wire::BeatAck>("here");
  CHECK_EQUAL(2, acks.size());
  CHECK(acks.at(0).keep);
  CHECK_FALSE(acks.at(1).keep);
}

TEST(Owner, an_offer_says_the_lease_that_its_task_is_held_to_also_when_later_ones_have_another) {
  OwnedTask& task = world.insert();
  world.owner->set_lease(std::chrono::seconds(7));
  OwnedTask& later = world.insert();
  CHECK(world.grant(task) && world.grant(later));
  world.settle();
  const auto offers = world.told<wire::Offer>("here");
  CHECK_EQUAL(2, offers.size());
  CHECK(offers.at(0).lease == std::chrono::seconds(30));
  CHECK(offers.at(1).lease == std::chrono::seconds(7));
}

TEST(Owner, what_is_cancelled_while_it_runs_elsewhere_ran_until_then) {
  OwnedTask& task = world.lease();
  world.clock.advance(std::chrono::seconds(1));
  const std::uint64_t seq = task.seq;
  world.owner->offers().on(world.book("here"), wire::Beat{world.owner->id_of(seq), task.state.epoch,
                                                          LeaseState::running});
  const NodeTime began = world.owner->now();
  world.clock.advance(std::chrono::seconds(3));
  CHECK(answer_of(&Owner::cancel, seq) == Code::internal);
  const auto kept = wire::decode_result(*world.disk.at(seq).row.result);
  const AttemptTimes& times = kept->attempts.back().times;
  CHECK(times.run_started == began);
  CHECK(times.run_ended == began + std::chrono::seconds(3));
}

TEST(Owner, P1_a_result_is_accepted_once_and_acknowledged_after_its_commit) {
  OwnedTask& task = world.lease();
  const wire::ResultItem item = world.success(task);
  world.owner->offers().on(world.book("here"), item);
  world.turn();
  CHECK(world.told<wire::ResultAck>("here").empty());
  world.settle();
  CHECK(world.verdict() == wire::ResultVerdict::accepted);
  CHECK(world.disk.state(item.id.seq) == TaskState::succeeded);
  // The task has left memory: the disk knows that it has its result.
  POINTERS_EQUAL(nullptr, world.owner->find(item.id.seq));
  world.sent.clear();
  world.owner->offers().on(world.book("here"), item);
  world.settle();
  CHECK(world.verdict() == wire::ResultVerdict::duplicate);
}

TEST(Owner, a_value_that_is_not_what_its_digest_says_is_refused) {
  OwnedTask& task = world.lease();
  wire::ResultItem item = world.success(task);
  item.value.bytes = to_bytes("other");
  world.owner->offers().on(world.book("here"), item);
  world.settle();
  CHECK(task.state.state == TaskState::leased);
  STRCMP_EQUAL("wrong digest", world.refusals.at(0).c_str());
}

TEST(Owner, a_result_of_a_task_that_was_never_accepted_here_is_stale) {
  wire::ResultItem item;
  item.id = TaskId{Origin{77}, 1};
  item.epoch = Epoch{1};
  item.digest = crypto::sha256({});
  world.owner->offers().on(world.book("here"), item);
  world.settle();
  CHECK(world.verdict() == wire::ResultVerdict::stale);
}

TEST(Owner, P4_a_failure_that_somebody_there_ended_is_not_tried_again) {
  OwnedTask& task = world.lease();
  wire::ResultItem item;
  item.id = world.owner->id_of(task.seq);
  item.epoch = task.state.epoch;
  item.failure = FailureClass::error;
  item.code = Code::cancelled;
  world.owner->offers().on(world.book("here"), item);
  world.settle();
  CHECK(world.disk.state(item.id.seq) == TaskState::failed);
}

TEST(Owner, what_was_not_acknowledged_goes_back_when_the_place_goes) {
  OwnedTask& held = world.lease();
  OwnedTask& pending = world.insert();
  CHECK(world.grant(pending));
  world.settle();
  world.book("here").on_gone();
  world.owner->offers().take_back(world.book("here"), "gone");
  CHECK(pending.state.state == TaskState::ready);
  CHECK(held.state.state == TaskState::leased);
}

TEST(Owner, leases_are_lost_at_once_but_for_effects_that_happen_once_where_only_it_says_so) {
  TaskSpec once;
  once.effects = Effects::once;
  OwnedTask& pure = world.lease();
  OwnedTask& careful = world.lease(once);
  world.owner->offers().lose_leases(world.book("here"), "barred", true);
  world.settle();
  CHECK(pure.state.live.empty());
  CHECK(careful.state.state == TaskState::leased);
  CHECK(world.told<wire::Cancel>("here").empty());
  // Told to stop, it may be given to somebody else.
  world.owner->offers().lose_leases(world.book("here"), "barred", false);
  world.settle();
  CHECK(careful.state.live.empty());
  CHECK_EQUAL(1, world.told<wire::Cancel>("here").size());
}

#ifndef NDEBUG
TEST(Owner, no_other_thread_than_its_loop_adds_a_task) {
  const test::End end = test::end_of([this] {
    test::Loop loop([this] { world.owner->on_timers(); });
    world.insert();
  });
  CHECK(end.aborted);
  STRCMP_CONTAINS("owner::Owner was called", end.said.c_str());
}
#endif

TEST(Owner, people_are_answered_from_disk_where_a_task_is_not_in_memory) {
  const std::uint64_t seq = world.insert().seq;
  world.settle();
  CHECK(answer_of(&Owner::cancel, seq) == Code::internal);
  POINTERS_EQUAL(nullptr, world.owner->find(seq));
  CHECK(answer_of(&Owner::hold, seq) == Code::conflict);
  CHECK(answer_of(&Owner::hold, seq + 1) == Code::not_found);
  UNSIGNED_LONGS_EQUAL(1, world.owner->in_state(TaskState::cancelled));
}

TEST(Owner, what_has_ended_is_tried_anew_only_where_there_is_room) {
  const std::uint64_t seq = world.insert().seq;
  world.settle();
  const auto retry = [&] {
    std::optional<Result<void>> answer;
    world.owner->retry(seq, std::nullopt, [&](Result<void> given) { answer = std::move(given); });
    world.settle();
    return *answer;
  };
  world.room = fail(Code::busy, "full");
  CHECK(retry().error().code == Code::conflict);  // it has not ended
  CHECK(answer_of(&Owner::cancel, seq) == Code::internal);
  CHECK(retry().error().code == Code::busy);
  UNSIGNED_LONGS_EQUAL(1, world.owner->in_state(TaskState::cancelled));
  world.room = {};
  CHECK(retry().ok());
  UNSIGNED_LONGS_EQUAL(0, world.owner->in_state(TaskState::cancelled));
}

TEST(Owner, P9_after_a_restart_leases_go_on_and_offers_are_made_again) {
  const TaskId held = world.owner->id_of(world.lease().seq);
  OwnedTask& pending = world.insert();
  CHECK(world.grant(pending));
  world.settle();
  world.sent.clear();
  world.boot();
  UNSIGNED_LONGS_EQUAL(2, world.book("here").held());
  CHECK_EQUAL(1, world.told<wire::Offer>("here").size());
  CHECK(world.owner->find(held.seq)->state.state == TaskState::leased);
}

TEST(Owner, P11_what_must_stay_is_not_offered_though_its_row_is_leased_elsewhere) {
  OwnedTask& task = world.insert();
  CHECK(world.grant(task));
  world.settle();
  world.sent.clear();
  TaskSpec spec = *task.spec;
  spec.data = DataScope::edge_only;
  const std::uint64_t seq = task.seq;
  world.disk.tasks.at(seq).row.spec = std::make_shared<const Bytes>(wire::encode(spec));
  world.boot();
  CHECK(world.owner->find(seq)->state.state == TaskState::leased);
  CHECK(world.told<wire::Offer>("here").empty());
}

TEST(Owner, a_row_that_names_nobody_is_not_taken_into_memory_and_is_said) {
  const std::uint64_t seq = world.lease().seq;
  world.disk.tasks.at(seq).row.spec = std::make_shared<const Bytes>(to_bytes("spoiled"));
  world.boot();
  POINTERS_EQUAL(nullptr, world.owner->find(seq));
  CHECK_EQUAL(1, world.alarms.size());
}

TEST(Owner, rows_with_one_spec_have_one_in_memory_and_others_their_own) {
  for (int i = 0; i < 3; ++i) world.insert();
  world.settle();
  store::TaskRow first = world.disk.at(1).row, second = world.disk.at(2).row;
  second.spec = first.spec;
  const auto one = world.owner->read(first), other = world.owner->read(second);
  const auto third = world.owner->read(world.disk.at(3).row);
  CHECK(one && other && third);
  POINTERS_EQUAL(one->spec.get(), other->spec.get());
  CHECK(third->spec != one->spec);
  // Nobody can tell any more what it was; the next one is not taken for the same.
  second.spec = first.spec = nullptr;
  CHECK_FALSE(world.owner->read(first).has_value());
  CHECK_FALSE(world.owner->read(second).has_value());
}

TEST(Owner, a_large_input_is_kept_as_long_as_its_task_may_run_again) {
  TaskSpec spec;
  spec.labels = {{"a", "b"}};
  spec.input.bytes = Bytes(5000);
  const OwnedTask& task = world.lease(spec);
  const std::uint64_t done = task.seq, given_up = world.insert(spec).seq;
  world.owner->offers().on(world.book("here"), world.success(task));
  CHECK(answer_of(&Owner::cancel, given_up) == Code::internal);
  world.settle();
  const auto kept = [this](std::uint64_t seq) {
    const auto left = wire::decode_spec(*world.disk.at(seq).row.spec);
    return left ? *left : TaskSpec{};
  };
  CHECK_EQUAL(5000, kept(done).input.not_kept);
  CHECK(kept(done).input.bytes.empty() && kept(done).labels == spec.labels);
  CHECK_EQUAL(5000, kept(given_up).input.bytes.size());
}

TEST(Owner, what_the_disk_contradicts_is_read_anew_and_the_node_goes_on) {
  OwnedTask& task = world.insert();
  const std::uint64_t seq = task.seq;
  world.settle();
  world.disk.tasks.at(seq).row.task.epoch = Epoch{7};
  CHECK(world.grant(task));
  world.settle();
  world.disk.broken.clear();  // as intended
  CHECK_EQUAL(1, world.alarms.size());
  world.owner->with_task(
      seq, [](const Error&) { FAIL("it is not there"); },
      [](OwnedTask& now) { UNSIGNED_LONGS_EQUAL(7, now.state.epoch.value); });
  world.settle();
}
