#include <barrier>
#include <thread>

#include "tests/unit/store/open_store.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;

TEST_GROUP(OwnerStore) {
  TempFolder folder;
  OpenStore open{folder.file("owner.db")};
  void setup() override { CHECK_OK(open.open()); }
};

TEST(OwnerStore, a_new_store_is_empty_and_has_an_origin) {
  CHECK_TRUE(open.recovered.fresh);
  CHECK_TRUE(open.recovered.lives.all().front().origin.value != 0);
  LONGS_EQUAL(1, open.recovered.next_seq);
  CHECK_TRUE(open.recovered.live.empty());
  CHECK_FALSE(open.recovered.quarantined.has_value());
}

TEST(OwnerStore, a_committed_task_is_found_with_everything_it_came_with) {
  NewTask task = new_task(1, TaskState::waiting);
  lifecycle::OwnerTask& state = task.row.task;
  state.reason = WaitReason::backoff;
  state.epoch = Epoch{7};
  state.live.push_back({Epoch{7}, kCloud, BootId{0xfedcba9876543210}, false, true, at(31), at(32)});
  state.attempts = 2;
  state.crashes = 1;
  state.crashed_at = kCloud;
  state.losses = 9;
  state.last_failure = FailureClass::crash;
  state.deps = 3;
  state.wake = at(5);
  state.deadline = at(60);
  state.start_by = at(30);
  state.settled = Epoch{2};
  task.row.band = Band::high;
  task.tenant = "acme";
  CHECK_OK(open.commit(batch_of(task)));
  auto found = open.find(1);
  CHECK_OK(found);
  CHECK_TRUE(found->row.task == task.row.task);
  CHECK_TRUE(found->row.band == Band::high);
  CHECK_TRUE(found->row.created == at(1));
  CHECK_TRUE(found->row.keep_until == kNever);
  CHECK_TRUE(*found->row.spec == *task.row.spec);
  CHECK_TRUE(found->row.result == nullptr);
  STRCMP_EQUAL("echo", found->kind.c_str());
  STRCMP_EQUAL("acme", found->tenant.c_str());
}

TEST(OwnerStore, what_is_known_of_a_result_so_far_comes_with_its_task) {
  CHECK_OK(open.commit(batch_of(new_task(1))));
  CHECK_OK(open.commit(batch_of(new_task(2))));
  const auto so_far = std::make_shared<const Bytes>(to_bytes("tried once"));
  TaskUpdate tried = step(1, TaskState::ready, 0, TaskState::ready, 1);
  tried.result = so_far;
  CHECK_OK(open.commit(batch_of(tried)));
  // A step that knows no more leaves it.
  CHECK_OK(open.commit(batch_of(step(1, TaskState::ready, 1, TaskState::ready, 2))));
  auto ready = open.ready_after({}, 10);
  CHECK_OK(ready);
  CHECK_TRUE(*ready->at(0).result == *so_far);
  CHECK_TRUE(ready->at(1).result == nullptr);
  CHECK_OK(open.commit(batch_of(step(1, TaskState::ready, 2, TaskState::running, 3))));
  CHECK_OK(open.reopen());
  CHECK_TRUE(*open.recovered.live.at(0).result == *so_far);
}

TEST(OwnerStore, P6_what_was_committed_is_there_after_closing_and_opening_again) {
  const Origin origin = open.recovered.lives.all().front().origin;
  CHECK_OK(open.commit(batch_of(new_task(1))));
  CHECK_OK(open.commit(batch_of(new_task(2))));
  CHECK_OK(open.commit(batch_of(step(2, TaskState::ready, 0, TaskState::running, 1))));
  Batch batch;
  batch.now = at(50);
  batch.wall = std::chrono::hours(3);
  batch.session = 4;
  batch.outbox_put = {{2, Epoch{1}}, {2, Epoch{2}}};
  CHECK_OK(open.commit(batch));
  CHECK_OK(open.reopen());
  CHECK_FALSE(open.recovered.fresh);
  CHECK_TRUE(open.recovered.lives.all().front().origin == origin);
  LONGS_EQUAL(3, open.recovered.next_seq);
  LONGS_EQUAL(4, open.recovered.session);
  CHECK_TRUE(open.recovered.last_seen == at(50));
  CHECK_TRUE(open.recovered.wall_at_last_seen == std::chrono::hours(3));
  LONGS_EQUAL(1, open.recovered.live.size());
  LONGS_EQUAL(2, open.recovered.live[0].seq);
  CHECK_TRUE(open.recovered.live[0].spec != nullptr);
  LONGS_EQUAL(2, open.recovered.outbox.size());
  LONGS_EQUAL(1, open.recovered.counts.by_state[1]);
  LONGS_EQUAL(1, open.recovered.counts.by_state[3]);
}

TEST(OwnerStore, last_seen_never_goes_back_and_a_known_wall_time_is_kept) {
  Batch batch = batch_of(new_task(1));
  batch.now = at(100);
  batch.wall = std::chrono::hours(5);
  CHECK_OK(open.commit(batch));
  batch = batch_of(new_task(2));
  batch.now = at(40);
  CHECK_OK(open.commit(batch));
  CHECK_OK(open.reopen());
  CHECK_TRUE(open.recovered.last_seen == at(100));
  CHECK_TRUE(open.recovered.wall_at_last_seen == std::chrono::hours(5));
}

TEST(OwnerStore, P10_an_outbox_row_is_there_until_it_is_dropped) {
  Batch batch;
  batch.outbox_put = {{1, Epoch{1}}, {1, Epoch{1}}, {2, Epoch{1}}};
  CHECK_OK(open.commit(batch));
  Batch drop;
  drop.outbox_drop = {{1, Epoch{1}}, {2, Epoch{2}}};
  CHECK_OK(open.commit(drop));
  CHECK_OK(open.commit(drop));
  CHECK_OK(open.reopen());
  LONGS_EQUAL(1, open.recovered.outbox.size());
  CHECK_TRUE(open.recovered.outbox[0] == (OutboxRow{2, Epoch{1}}));
}

TEST(OwnerStore, P4_an_update_from_another_state_or_epoch_changes_nothing_and_costs_no_other) {
  CHECK_OK(open.commit(batch_of(new_task(1))));
  std::uint64_t next = 2;
  for (const auto& [stale, why] :
       {std::pair(step(1, TaskState::running, 0, TaskState::succeeded, 0), Code::conflict),
        std::pair(step(1, TaskState::ready, 3, TaskState::running, 4), Code::conflict),
        std::pair(step(77, TaskState::ready, 0, TaskState::running, 1), Code::not_found)}) {
    Batch batch = batch_of(stale);
    batch.inserts.push_back(new_task(next));
    batch.events.push_back({stale.seq, at(2), EventKind::granted, Epoch{1}, {}, {}, {}});
    batch.outbox_put = {{stale.seq, Epoch{1}}, {next, Epoch{1}}};
    Result<Refused> refused = open.write(batch);
    CHECK_OK(refused);
    LONGS_EQUAL(1, refused->size());
    LONGS_EQUAL(stale.seq, refused->front().seq);
    CHECK_TRUE(refused->front().error.code == why);
    CHECK_OK(open.find(next++));
  }
  CHECK_TRUE(open.find(1)->row.task == new_task(1).row.task);
  CHECK_TRUE(open.find(1)->events.empty());
  CHECK_OK(open.reopen());
  LONGS_EQUAL(next, open.recovered.next_seq);
  LONGS_EQUAL(3, open.recovered.outbox.size());
  LONGS_EQUAL(0, open.inspect(true)->problems.size());
}

TEST(OwnerStore, a_task_that_is_refused_leaves_nothing_and_refuses_who_comes_after_it) {
  Batch batch = batch_of(new_task(1, TaskState::waiting));
  batch.inserts.front().after = {2, 99};
  batch.inserts.insert(batch.inserts.begin(), new_task(2));
  batch.inserts.push_back(new_task(3, TaskState::waiting));
  batch.inserts.back().after = {1};
  Result<Refused> refused = open.write(batch);
  CHECK_OK(refused);
  LONGS_EQUAL(2, refused->size());
  CHECK_FAILS(Code::not_found, open.find(1));
  CHECK_FAILS(Code::not_found, open.find(3));
  CHECK_TRUE(open.dependents(2)->empty());
  LONGS_EQUAL(1, open.inspect(true)->counts.by_state[1]);
  LONGS_EQUAL(0, open.inspect(true)->problems.size());
}

TEST(OwnerStore, a_task_number_is_taken_once) {
  CHECK_OK(open.commit(batch_of(new_task(1))));
  CHECK_FAILS(Code::conflict, open.commit(batch_of(new_task(1))));
  LONGS_EQUAL(1, open.inspect(false)->counts.by_state[1]);
}

TEST(OwnerStore, refuses_numbers_it_cannot_hold_and_tasks_without_a_spec) {
  CHECK_FAILS(Code::invalid_argument, open.commit(batch_of(new_task(0))));
  CHECK_FAILS(Code::invalid_argument, open.commit(batch_of(new_task(1ULL << 43))));
  NewTask bare = new_task(1);
  bare.row.spec = nullptr;
  CHECK_FAILS(Code::invalid_argument, open.commit(batch_of(bare)));
  CHECK_OK(open.commit(batch_of(new_task((1ULL << 43) - 1))));
}

TEST(OwnerStore, specs_and_results_come_back_whatever_their_size) {
  std::uint64_t seq = 1;
  for (std::size_t size : {std::size_t{0}, std::size_t{1}, kInlineBytes, kInlineBytes + 1,
                           kInlineLimit, std::size_t{1'000'000}}) {
    NewTask task = new_task(seq);
    task.row.spec = std::make_shared<const Bytes>(size, std::uint8_t{0xab});
    CHECK_OK(open.commit(batch_of(task)));
    TaskUpdate done = step(seq, TaskState::ready, 0, TaskState::succeeded, 1);
    done.result = std::make_shared<const Bytes>(size, std::uint8_t{0xcd});
    CHECK_OK(open.commit(batch_of(done)));
    CHECK_OK(open.reopen());
    auto found = open.find(seq);
    CHECK_OK(found);
    CHECK_TRUE(*found->row.spec == *task.row.spec);
    CHECK_TRUE(*found->row.result == *done.result);
    ++seq;
  }
}

namespace {

// Large enough to lie apart.
EncodedBytes large(char of) { return encoded(std::string(2000, of)); }

NewTask large_task(std::uint64_t seq) {
  NewTask task = new_task(seq);
  task.row.spec = large('s');
  return task;
}

TaskUpdate success(std::uint64_t seq, EncodedBytes result) {
  TaskUpdate done = step(seq, TaskState::ready, 0, TaskState::succeeded, 1);
  done.result = std::move(result);
  done.spec = encoded("left");
  done.keep_until = at(1000);
  return done;
}

// How many specs and results lie apart.
std::int64_t rows_apart(OpenStore& open, const std::string& path) {
  open.close();
  auto database = Database::open(path, false);
  CHECK_OK(database);
  return *database->integer("SELECT count(*) FROM bulk");
}

}  // namespace

TEST(OwnerStore, of_a_large_spec_only_what_is_left_comes_back_after_a_success) {
  CHECK_OK(open.commit(batch_of(large_task(1))));
  CHECK_TRUE(*open.find(1)->row.spec == *large('s'));
  CHECK_OK(open.commit(batch_of(success(1, encoded("result")))));
  CHECK_TRUE(*open.find(1)->row.spec == to_bytes("left"));
  CHECK_OK(open.reopen());
  CHECK_TRUE(*open.find(1)->row.spec == to_bytes("left"));
  CHECK_TRUE(*open.find(1)->row.result == to_bytes("result"));
}

TEST(OwnerStore, large_specs_of_what_succeeded_go_some_at_a_time_and_the_last_ones_stay) {
  open.options.tables.spare_specs = 4;
  CHECK_OK(open.reopen());
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    CHECK_OK(open.commit(batch_of(large_task(seq))));
    CHECK_OK(open.commit(batch_of(success(seq, encoded("result")))));
  }
  CHECK_OK(open.commit(batch_of(new_task(21))));
  LONGS_EQUAL(4, rows_apart(open, folder.file("owner.db")));
}

TEST(OwnerStore, a_large_result_takes_the_place_of_its_large_spec) {
  CHECK_OK(open.commit(batch_of(large_task(1))));
  CHECK_OK(open.commit(batch_of(success(1, large('r')))));
  CHECK_TRUE(*open.find(1)->row.spec == to_bytes("left"));
  CHECK_TRUE(*open.find(1)->row.result == *large('r'));
  LONGS_EQUAL(1, rows_apart(open, folder.file("owner.db")));
}

TEST(OwnerStore, rows_are_packed) {
  NewTask task = new_task(1);
  task.row.spec = encoded(std::string(900, '\0'));
  Batch batch = batch_of(task);
  batch.events.push_back({1, at(1), EventKind::granted, Epoch{1}, {}, {}, Bytes(900)});
  CHECK_OK(open.commit(batch));
  TaskUpdate done = step(1, TaskState::ready, 0, TaskState::succeeded, 1);
  done.result = encoded(std::string(900, '\0'));
  CHECK_OK(open.commit(batch_of(done)));
  CHECK_TRUE(open.find(1)->events.front().detail == Bytes(900));
  open.close();
  auto database = Database::open(folder.file("owner.db"), false);
  CHECK_OK(database);
  CHECK_TRUE(*database->integer("SELECT length(spec) + length(result) FROM task") < 20);
  CHECK_TRUE(*database->integer("SELECT length(detail) FROM event") < 10);
}

TEST(OwnerStore, what_is_left_of_a_large_spec_may_be_large) {
  CHECK_OK(open.commit(batch_of(large_task(1))));
  TaskUpdate done = success(1, encoded("result"));
  done.spec = large('l');
  CHECK_OK(open.commit(batch_of(done)));
  CHECK_TRUE(*open.find(1)->row.spec == *large('l'));
}

TEST(OwnerStore, P6_a_spec_stays_when_the_success_did_not_reach_the_disk) {
  open.options.tables.spare_specs = 0;
  open.options.tables.budget.disk = 8 << 20;
  CHECK_OK(open.reopen());
  CHECK_OK(open.commit(batch_of(large_task(1))));
  CHECK_OK(open.commit(batch_of(new_task(3))));
  Batch failing = batch_of(success(1, encoded("result")));
  failing.updates.push_back(step(3, TaskState::ready, 0, TaskState::failed, 1));
  failing.updates.back().result = std::make_shared<const Bytes>(16 << 20, std::uint8_t{1});
  CHECK_FALSE(open.write(failing).ok());
  CHECK_OK(open.commit(batch_of(new_task(2))));
  CHECK_TRUE(*open.find(1)->row.spec == *large('s'));
}

TEST(OwnerStore, P2_a_retried_task_has_no_result_any_more) {
  for (std::size_t size : {10u, 5000u}) {
    const std::uint64_t seq = size;
    CHECK_OK(open.commit(batch_of(new_task(seq))));
    TaskUpdate failed = step(seq, TaskState::ready, 0, TaskState::failed, 1);
    failed.result = std::make_shared<const Bytes>(size, std::uint8_t{1});
    failed.keep_until = at(100);
    CHECK_OK(open.commit(batch_of(failed)));
    CHECK_TRUE(open.find(seq)->row.keep_until == at(100));
    CHECK_OK(open.commit(batch_of(step(seq, TaskState::failed, 1, TaskState::ready, 1))));
    CHECK_TRUE(open.find(seq)->row.result == nullptr);
    CHECK_TRUE(open.find(seq)->row.keep_until == kNever);
    LONGS_EQUAL(0, open.purge(at(1000), 10)->removed);
  }
}

TEST(OwnerStore, a_failing_batch_does_not_take_its_neighbours_with_it) {
  std::vector<Result<Refused>> answers;
  for (std::uint64_t seq : {1u, 2u, 1u, 3u}) {
    open.store().commit(batch_of(new_task(seq)), [&answers](Result<Refused> refused) {
      answers.push_back(std::move(refused));
    });
  }
  while (answers.size() < 4) open.answers.run_one();
  for (std::size_t i = 0; i < 4; ++i) LONGS_EQUAL(i == 2 ? 1 : 0, answers[i]->size());
  LONGS_EQUAL(3, open.inspect(true)->counts.by_state[1]);
  LONGS_EQUAL(0, open.inspect(true)->problems.size());
}

TEST(OwnerStore, closing_commits_and_answers_what_is_queued) {
  int answered = 0;
  for (std::uint64_t seq = 1; seq <= 200; ++seq) {
    open.store().commit(batch_of(new_task(seq)), [&answered](const Result<Refused>& status) {
      CHECK_OK(status);
      ++answered;
    });
  }
  CHECK_OK(open.reopen());
  LONGS_EQUAL(200, open.recovered.counts.by_state[1]);
  while (answered < 200) open.answers.run_one();
}

TEST(OwnerStore, a_second_process_is_told_that_the_file_is_in_use) {
  OpenStore second{folder.file("owner.db")};
  CHECK_FAILS(Code::busy, second.open());
}

TEST(OwnerStore, P9_of_two_that_make_the_same_file_at_once_one_has_it_and_the_other_is_told) {
  for (int round = 0; round < 20; ++round) {
    const std::string path = folder.file("made-" + std::to_string(round) + ".db");
    OpenStore first{path}, second{path};
    std::barrier ready(2);
    Status other;
    std::jthread rival([&] {
      ready.arrive_and_wait();
      other = second.open();
    });
    ready.arrive_and_wait();
    const Status one = first.open();
    rival.join();
    CHECK_TRUE(one.ok() != other.ok());
    const Status& loser = one.ok() ? other : one;
    CHECK_FAILS(Code::busy, loser);
    CHECK_OK((one.ok() ? first : second).commit(batch_of(new_task(1))));
  }
}
