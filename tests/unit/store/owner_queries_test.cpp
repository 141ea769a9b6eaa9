#include "tests/unit/store/open_store.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;

TEST_GROUP(OwnerQueries) {
  TempFolder folder;
  OpenStore open{folder.file("owner.db")};
  void setup() override { CHECK_OK(open.open()); }

  void add(std::uint64_t seq, Band band, NodeTime deadline) {
    NewTask task = new_task(seq);
    task.row.band = band;
    task.row.task.deadline = deadline;
    CHECK_OK(open.commit(batch_of(task)));
  }
  void finish(std::uint64_t seq, NodeTime keep_until) {
    TaskUpdate update = step(seq, TaskState::ready, 0, TaskState::succeeded, 1);
    update.result = encoded("result");
    update.keep_until = keep_until;
    CHECK_OK(open.commit(batch_of(update)));
  }
  template <class Rows>
  static std::string numbers(const Rows& rows) {
    std::string text;
    for (const TaskRow& row : rows) text += std::to_string(row.seq) + " ";
    return text;
  }
};

TEST(OwnerQueries, ready_tasks_come_by_band_then_deadline_then_number) {
  add(1, Band::background, kNever);
  add(2, Band::normal, kNever);
  add(3, Band::normal, at(20));
  add(4, Band::normal, at(10));
  add(5, Band::urgent, kNever);
  add(6, Band::normal, at(10));
  add(7, Band::urgent, kNever);
  STRCMP_EQUAL("5 7 4 6 3 2 1 ", numbers(*open.ready_after({}, 100)).c_str());
  STRCMP_EQUAL("5 7 ", numbers(*open.ready_after({}, 2)).c_str());
  STRCMP_EQUAL("6 3 2 ", numbers(*open.ready_after(ReadyKey{Band::normal, at(10), 4}, 3)).c_str());
  STRCMP_EQUAL("1 ", numbers(*open.ready_after(ReadyKey{Band::normal, kNever, 2}, 3)).c_str());
  STRCMP_EQUAL("", numbers(*open.ready_after(ReadyKey{Band::background, kNever, 1}, 3)).c_str());
}

TEST(OwnerQueries, only_ready_tasks_are_ready) {
  for (int state = 0; state < 8; ++state) {
    NewTask task = new_task(static_cast<std::uint64_t>(state) + 1, static_cast<TaskState>(state));
    CHECK_OK(open.commit(batch_of(task)));
  }
  STRCMP_EQUAL("2 ", numbers(*open.ready_after({}, 100)).c_str());
}

TEST(OwnerQueries, ready_tasks_stop_at_the_budget_of_bytes_but_one_always_comes) {
  for (std::uint64_t seq = 1; seq <= 4; ++seq) {
    NewTask task = new_task(seq);
    task.row.spec = std::make_shared<const Bytes>(seq == 1 ? 5000 : 400, std::uint8_t{1});
    CHECK_OK(open.commit(batch_of(task)));
  }
  auto first = open.ready_after({}, 100, 1000);
  STRCMP_EQUAL("1 ", numbers(*first).c_str());
  LONGS_EQUAL(5000, (*first)[0].spec->size());
  STRCMP_EQUAL("2 3 ",
               numbers(*open.ready_after(ReadyKey{Band::normal, kNever, 1}, 100, 1000)).c_str());
}

TEST(OwnerQueries, due_are_waiting_tasks_to_wake_and_live_tasks_that_ran_out_of_time) {
  const auto add_times = [this](std::uint64_t seq, TaskState state, NodeTime wake,
                                NodeTime deadline, NodeTime start_by) {
    NewTask task = new_task(seq, state);
    task.row.task.wake = wake;
    task.row.task.deadline = deadline;
    task.row.task.start_by = start_by;
    CHECK_OK(open.commit(batch_of(task)));
  };
  add_times(1, TaskState::waiting, at(30), kNever, kNever);
  add_times(2, TaskState::waiting, at(50), at(20), kNever);
  add_times(3, TaskState::ready, kNever, at(60), at(10));
  add_times(4, TaskState::ready, at(5), at(70), kNever);  // a ready task does not wake
  add_times(5, TaskState::running, at(1), at(1), at(1));  // the node watches what is live
  add_times(6, TaskState::succeeded, at(1), at(1), at(1));
  add_times(7, TaskState::waiting, kNever, kNever, kNever);
  auto due = open.due(at(30));
  CHECK_OK(due);
  STRCMP_EQUAL("3 2 1 ", numbers(due->rows).c_str());
  CHECK_TRUE(due->next == at(70));
  CHECK_TRUE(due->rows[0].spec != nullptr);
  due = open.due(at(30), 2);
  STRCMP_EQUAL("3 2 ", numbers(due->rows).c_str());
  CHECK_TRUE(due->next == at(30));
  CHECK_TRUE(open.due(at(100))->next == kNever);
}

TEST(OwnerQueries, a_task_that_moved_on_is_no_longer_due) {
  NewTask task = new_task(1, TaskState::waiting);
  task.row.task.wake = at(10);
  CHECK_OK(open.commit(batch_of(task)));
  CHECK_OK(open.commit(batch_of(step(1, TaskState::waiting, 0, TaskState::ready, 0))));
  CHECK_TRUE(open.due(at(100))->rows.empty());
}

TEST(OwnerQueries, lists_newest_first_in_pages) {
  for (std::uint64_t seq = 1; seq <= 5; ++seq) add(seq, Band::normal, kNever);
  ListFilter filter;
  filter.limit = 2;
  auto page = open.list(filter);
  LONGS_EQUAL(2, page->size());
  LONGS_EQUAL(5, page->at(0).row.seq);
  CHECK_TRUE(page->at(0).row.spec == nullptr);
  filter.before = page->back().row.seq;
  page = open.list(filter);
  LONGS_EQUAL(3, page->at(0).row.seq);
  LONGS_EQUAL(2, page->at(1).row.seq);
  filter.before = 1;
  CHECK_TRUE(open.list(filter)->empty());
}

TEST(OwnerQueries, lists_by_state_kind_and_tenant_however_far_down_they_are) {
  Batch batch;
  for (std::uint64_t seq = 1; seq <= 20'000; ++seq) {
    NewTask task = new_task(seq);
    if (seq == 3) task.kind = "spin";
    if (seq == 4) task.tenant = "acme";
    batch.inserts.push_back(std::move(task));
  }
  CHECK_OK(open.commit(std::move(batch)));
  finish(2, at(9));
  ListFilter filter;
  filter.kind = "spin";
  LONGS_EQUAL(3, open.list(filter)->at(0).row.seq);
  STRCMP_EQUAL("spin", open.list(filter)->at(0).kind.c_str());
  filter = {};
  filter.tenant = "acme";
  LONGS_EQUAL(4, open.list(filter)->at(0).row.seq);
  filter = {};
  filter.state = TaskState::succeeded;
  auto done = open.list(filter);
  LONGS_EQUAL(1, done->size());
  LONGS_EQUAL(2, done->at(0).row.seq);
  filter.kind = "nothing";
  CHECK_TRUE(open.list(filter)->empty());
}

TEST(OwnerQueries, a_list_under_way_when_the_store_closes_is_answered) {
  Batch batch;
  for (std::uint64_t seq = 1; seq <= 10'000; ++seq) batch.inserts.push_back(new_task(seq));
  CHECK_OK(open.commit(std::move(batch)));
  ListFilter filter;
  filter.kind = "nothing";
  std::optional<Result<std::vector<ListedTask>>> answer;
  open.store().list(filter, [&answer](auto result) { answer.emplace(std::move(result)); });
  open.close();
  while (!answer) open.answers.run_one();
  CHECK_FAILS(Code::cancelled, *answer);
}

TEST(OwnerQueries, dependents_are_those_still_alive_until_their_wait_is_over) {
  add(1, Band::normal, kNever);
  for (std::uint64_t seq : {2u, 3u, 4u}) {
    NewTask task = new_task(seq, TaskState::waiting);
    task.row.task.reason = WaitReason::deps;
    task.row.task.deps = 1;
    task.after = {1, 1};
    CHECK_OK(open.commit(batch_of(task)));
  }
  CHECK_OK(open.commit(batch_of(step(3, TaskState::waiting, 0, TaskState::cancelled, 0))));
  STRCMP_EQUAL("2 4 ", numbers(*open.dependents(1)).c_str());
  LONGS_EQUAL(1, open.find(2)->waits_for.size());
  LONGS_EQUAL(1, open.find(2)->waits_for[0]);
  finish(1, at(9));
  Batch ended;
  ended.deps_done = {1};
  CHECK_OK(open.commit(ended));
  CHECK_TRUE(open.dependents(1)->empty());
  CHECK_TRUE(open.find(2)->waits_for.empty());
}

TEST(OwnerQueries, P5_no_task_can_come_to_wait_for_one_that_ended_or_never_was) {
  add(1, Band::normal, kNever);
  finish(1, at(9));
  NewTask late = new_task(2, TaskState::waiting);
  late.after = {1};
  CHECK_FAILS(Code::conflict, open.commit(batch_of(late)));
  late.after = {77};
  CHECK_FAILS(Code::conflict, open.commit(batch_of(late)));
  CHECK_FAILS(Code::not_found, open.find(2));
}

TEST(OwnerQueries, an_idempotency_key_names_its_task_until_its_window_ends) {
  NewTask task = new_task(1);
  task.idempotency_key = "order-17";
  task.idempotency_until = at(100);
  CHECK_OK(open.commit(batch_of(task)));
  LONGS_EQUAL(1, open.find_idempotent("order-17", at(99))->value().seq);
  CHECK_FALSE(open.find_idempotent("order-17", at(100))->has_value());
  CHECK_FALSE(open.find_idempotent("order-1", at(2))->has_value());

  task.row.seq = 2;
  Batch too_soon = batch_of(task);
  too_soon.now = at(99);
  CHECK_FAILS(Code::conflict, open.commit(too_soon));
  CHECK_OK(open.reopen());
  LONGS_EQUAL(1, open.find_idempotent("order-17", at(99))->value().seq);
  task.idempotency_until = at(200);
  Batch in_time = batch_of(task);
  in_time.now = at(100);
  CHECK_OK(open.commit(in_time));
  LONGS_EQUAL(2, open.find_idempotent("order-17", at(150))->value().seq);
}

TEST(OwnerQueries, a_key_outlives_its_purged_task_and_goes_when_its_window_ends) {
  NewTask task = new_task(1);
  task.idempotency_key = "k";
  task.idempotency_until = at(100);
  task.wish = {1, 2, 3};
  CHECK_OK(open.commit(batch_of(task)));
  finish(1, at(10));
  LONGS_EQUAL(1, open.purge(at(10), 10)->removed);
  LONGS_EQUAL(1, open.find_idempotent("k", at(50))->value().seq);
  CHECK(task.wish == open.find_idempotent("k", at(50))->value().wish);
  CHECK_OK(open.purge(at(100), 10));
  CHECK_FALSE(open.find_idempotent("k", at(50))->has_value());
}

TEST(OwnerQueries, purge_removes_finished_tasks_in_slices_and_says_when_to_come_again) {
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    NewTask task = new_task(seq);
    task.row.spec = std::make_shared<const Bytes>(2000, std::uint8_t{1});
    CHECK_OK(open.commit(batch_of(task)));
    Batch events;
    events.events.push_back(EventRow{seq, at(2), EventKind::granted, Epoch{1}, {}, {}, {}});
    CHECK_OK(open.commit(events));
    if (seq < 5) finish(seq, at(static_cast<std::int64_t>(seq) * 10));
  }
  auto purged = open.purge(at(30), 2);
  LONGS_EQUAL(2, purged->removed);
  CHECK_TRUE(purged->next == at(30));
  purged = open.purge(at(30), 2);
  LONGS_EQUAL(1, purged->removed);
  CHECK_TRUE(purged->next == at(40));
  CHECK_FAILS(Code::not_found, open.find(3));
  CHECK_OK(open.find(4));
  LONGS_EQUAL(1, open.find(4)->events.size());
  CHECK_OK(open.purge(at(40), 2));
  CHECK_TRUE(open.purge(at(1'000'000), 2)->next == kNever);
  CHECK_OK(open.find(5));
  auto report = open.inspect(true);
  LONGS_EQUAL(0, report->problems.size());
  LONGS_EQUAL(0, report->counts.by_state[4]);
  CHECK_OK(open.reopen());
  LONGS_EQUAL(6, open.recovered.next_seq);
}

TEST(OwnerQueries, P3_the_number_of_a_purged_task_is_not_given_again) {
  add(1, Band::normal, kNever);
  finish(1, at(2));
  CHECK_OK(open.purge(at(2), 1));
  CHECK_OK(open.reopen());
  LONGS_EQUAL(2, open.recovered.next_seq);
}

TEST(OwnerQueries, P20_the_file_shrinks_again_after_a_backlog_is_purged) {
  Batch batch;
  for (std::uint64_t seq = 1; seq <= 4000; ++seq) {
    NewTask task = new_task(seq, TaskState::succeeded);
    task.row.spec = std::make_shared<const Bytes>(1500, std::uint8_t{1});
    task.row.keep_until = at(5);
    batch.inserts.push_back(std::move(task));
  }
  CHECK_OK(open.commit(std::move(batch)));
  CHECK_OK(open.reopen());
  const auto full = std::filesystem::file_size(folder.file("owner.db"));
  while (open.purge(at(5), 100)->removed != 0) {
  }
  for (int i = 0; i < 20; ++i) CHECK_OK(open.purge(at(5), 100));
  CHECK_OK(open.reopen());
  CHECK_TRUE(std::filesystem::file_size(folder.file("owner.db")) < full / 4);
  LONGS_EQUAL(0, open.inspect(true)->problems.size());
}

TEST(OwnerQueries, P20_a_task_keeps_its_last_events_only) {
  open.close();
  open.options.tables.events_per_task = 10;
  CHECK_OK(open.reopen());
  add(1, Band::normal, kNever);
  add(2, Band::normal, kNever);
  Batch other;
  other.events.push_back(EventRow{2, at(1), EventKind::held, {}, {}, {}, {}});
  CHECK_OK(open.commit(other));
  for (int i = 0; i < 35; ++i) {
    Batch batch;
    EventRow event{1,
                   at(i),
                   EventKind::attempt_failed,
                   Epoch{static_cast<std::uint32_t>(i)},
                   kCloud,
                   FailureClass::lost,
                   to_bytes("silence")};
    batch.events.push_back(event);
    CHECK_OK(open.commit(batch));
  }
  auto events = open.find(1)->events;
  LONGS_EQUAL(10, events.size());
  LONGS_EQUAL(25, events.front().epoch.value);
  LONGS_EQUAL(34, events.back().epoch.value);
  CHECK_TRUE(events.back().place == kCloud);
  CHECK_TRUE(events.back().failure == FailureClass::lost);
  CHECK_TRUE(events.back().detail == to_bytes("silence"));
  LONGS_EQUAL(1, open.find(2)->events.size());
}

TEST(OwnerQueries, every_kind_of_event_has_a_name) {
  for (int kind = 0; kind <= static_cast<int>(EventKind::recovered); ++kind) {
    CHECK_FALSE(to_string(static_cast<EventKind>(kind)).empty());
  }
}
