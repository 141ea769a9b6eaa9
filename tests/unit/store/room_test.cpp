#include "common/store/budget.h"
#include "tests/unit/store/open_store.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;
using namespace std::chrono_literals;

namespace {

EncodedBytes bytes(std::size_t size) { return std::make_shared<const Bytes>(size, 'x'); }

}  // namespace

TEST_GROUP(Room) {
  TempFolder folder;
  OpenStore open{folder.file("owner.db")};
  BudgetLimits& budget = open.options.tables.budget;
  NodeTime now = at(100);

  void setup() override {
    budget.disk = 16 << 20;
    open.options.file.meter = std::make_shared<FileMeter>();
  }
  LossTable losses() {
    auto table = open.answers.ask<LossTable>([&](auto done) { open.store().losses(done); });
    CHECK_OK(table);
    return *table;
  }
  std::uint64_t lost(DataClass data, std::optional<LossCause> cause = std::nullopt) {
    std::uint64_t count = 0;
    for (const LossRow& row : losses().rows) {
      if (row.key.data == data && (!cause || row.key.cause == *cause)) count += row.count;
    }
    return count;
  }
  // P23, as far as the store can tell: what was made is there, or was counted away.
  void check_sums() {
    const LossTable table = losses();
    std::uint64_t sums[kDataClasses] = {};
    for (const LossRow& row : table.rows) sums[std::size_t(row.key.data)] += row.count;
    for (DataClass data : {DataClass::results, DataClass::events}) {
      const auto i = std::size_t(data);
      UNSIGNED_LONGS_EQUAL(table.produced[i], table.kept[i] + sums[i]);
    }
  }
  TaskUpdate end_of(std::uint64_t seq, std::size_t result, TaskState state = TaskState::succeeded) {
    TaskUpdate update = step(seq, TaskState::ready, 0, state, 1);
    update.result = bytes(result);
    update.next.since = now;
    update.keep_until = now + 24h;
    return update;
  }
  EventRow event_of(std::uint64_t seq) {
    return {seq, now, EventKind::granted, Epoch{1}, kHere, FailureClass::none, Bytes(100)};
  }
  Status add(std::uint64_t seq, std::size_t spec = 100) {
    Batch batch;
    batch.now = now;
    batch.inserts.push_back(new_task(seq));
    batch.inserts.back().row.spec = bytes(spec);
    return open.commit(std::move(batch));
  }
  Status finish(std::uint64_t seq, std::size_t result, TaskState state = TaskState::succeeded) {
    Batch batch;
    batch.now = now;
    batch.updates.push_back(end_of(seq, result, state));
    batch.events.push_back(event_of(seq));
    return open.commit(std::move(batch));
  }
  std::uint64_t size_of(const std::string& name) {
    std::error_code error;
    const auto size = std::filesystem::file_size(folder.file(name), error);
    return error ? 0 : size;
  }
  std::uint64_t on_disk() { return size_of("owner.db") + size_of("owner.db-wal"); }
};

TEST(Room, P20_the_files_never_pass_the_budget_by_a_byte_however_much_is_written) {
  CHECK_OK(open.open());
  std::uint64_t stored = 0, refused = 0;
  for (std::uint64_t seq = 1; seq <= 1000; ++seq) {
    Status status = add(seq, 60'000);
    if (!status) CHECK_FAILS(Code::busy, status);
    (status ? stored : refused) += 1;
    CHECK(on_disk() <= budget.disk);
    UNSIGNED_LONGS_EQUAL(on_disk(), open.store().use().files);
  }
  CHECK(stored > 150 && refused > 500);
  CHECK_OK(open.reopen());
  UNSIGNED_LONGS_EQUAL(stored, open.recovered.counts.by_state[1]);
  UNSIGNED_LONGS_EQUAL(0, open.inspect(true)->problems.size());
}

TEST(Room, P21_completions_drain_when_tasks_have_filled_their_part) {
  CHECK_OK(open.open());
  const DiskPlan plan = plan_disk(budget.disk);
  std::uint64_t last = 0;
  // As admission would: nothing is let in that does not fit into the part for tasks.
  while (open.store().use().in_use + disk_cost(4000) <= plan.tasks()) CHECK_OK(add(++last, 4000));
  for (std::uint64_t seq = 1; seq <= last; ++seq) {
    CHECK_OK(finish(seq, 60'000));
    CHECK(on_disk() <= budget.disk);
  }
  check_sums();
  const std::uint64_t dropped = lost(DataClass::results, LossCause::disk_budget);
  CHECK(dropped > last / 2 && dropped < last);
  // The oldest went, the newest are there.
  CHECK_FAILS(Code::not_found, open.find(1));
  CHECK_OK(open.find(last));
  UNSIGNED_LONGS_EQUAL(60'000, open.find(last)->row.result->size());
}

TEST(Room, P21_one_commit_that_ends_many_tasks_at_once_finds_room) {
  CHECK_OK(open.open());
  const DiskPlan plan = plan_disk(budget.disk);
  std::uint64_t last = 0;
  while (open.store().use().in_use + disk_cost(4000) <= plan.tasks()) CHECK_OK(add(++last, 4000));
  for (std::uint64_t seq = 1; seq + 8 <= last; seq += 8) {
    Batch batch;
    batch.now = now;
    for (std::uint64_t i = 0; i < 8; ++i) batch.updates.push_back(end_of(seq + i, 60'000));
    CHECK_OK(open.commit(std::move(batch)));
  }
  check_sums();
}

TEST(Room, kept_results_give_way_before_tasks_are_turned_away_and_half_of_the_room_is_theirs) {
  CHECK_OK(open.open());
  const DiskPlan plan = plan_disk(budget.disk);
  const auto fits = [&] { return open.store().use().in_use + disk_cost(40'000) <= plan.tasks(); };
  const auto gone = [&] { return lost(DataClass::results, LossCause::disk_budget); };
  const std::uint64_t holds = plan.tasks() / 40'000;
  std::uint64_t last = 0;
  while (last < 3 * holds) {
    CHECK(fits());
    CHECK_OK(add(++last, 40'000));
    CHECK_OK(finish(last, 10));
  }
  CHECK(gone() >= 2 * holds);
  check_sums();
  // What is kept goes as it must, and not all at once.
  CHECK(last - gone() > holds / 2);
  // Now unfinished tasks fill it: the few results that are left wait for whoever asks for them.
  while (fits()) CHECK_OK(add(++last, 40'000));
  CHECK_OK(finish(last, 10));
  const std::uint64_t before = gone();
  Batch turned_away;
  turned_away.now = now;
  turned_away.losses.push_back({DataClass::tasks, LossCause::disk_budget, now, 1});
  CHECK_OK(open.commit(std::move(turned_away)));
  UNSIGNED_LONGS_EQUAL(before, gone());
  CHECK_OK(open.find(last));
  CHECK_FALSE(fits());
}

TEST(Room, results_beyond_their_number_go_oldest_first_and_are_counted) {
  budget.of(DataClass::results).items = 10;
  CHECK_OK(open.open());
  for (std::uint64_t seq = 1; seq <= 30; ++seq) {
    now += 1s;
    CHECK_OK(add(seq));
    CHECK_OK(finish(seq, 10));
  }
  UNSIGNED_LONGS_EQUAL(20, lost(DataClass::results, LossCause::items));
  for (std::uint64_t seq = 1; seq <= 30; ++seq) CHECK_EQUAL(seq > 20, open.find(seq).ok());
  check_sums();
}

TEST(Room, of_the_results_the_lowest_band_goes_first_when_asked_to) {
  budget.of(DataClass::results).items = 10;
  budget.of(DataClass::results).on_full = OnFull::drop_lowest_band;
  CHECK_OK(open.open());
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    now += 1s;
    Batch batch;
    batch.now = now;
    batch.inserts.push_back(new_task(seq));
    batch.inserts.back().row.band = seq % 2 == 0 ? Band::background : Band::high;
    CHECK_OK(open.commit(std::move(batch)));
    CHECK_OK(finish(seq, 10));
  }
  // The last one, which no earlier step could drop, is of the low band.
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    CHECK_EQUAL(seq % 2 == 1 || seq == 20, open.find(seq).ok() || seq == 1);
  }
  UNSIGNED_LONGS_EQUAL(10, lost(DataClass::results, LossCause::items));
}

TEST(Room, a_result_goes_when_its_time_is_up_and_the_cause_says_whose_time_it_was) {
  budget.of(DataClass::results).age = 48h;
  CHECK_OK(open.open());
  for (std::uint64_t seq = 1; seq <= 2; ++seq) CHECK_OK(add(seq));
  CHECK_OK(finish(1, 10));
  Batch batch;
  batch.updates.push_back(end_of(2, 10));
  batch.updates.back().keep_until = now + 48h;
  CHECK_OK(open.commit(std::move(batch)));
  CHECK_OK(open.purge(now + 100h, 10));
  UNSIGNED_LONGS_EQUAL(1, lost(DataClass::results, LossCause::retention));
  UNSIGNED_LONGS_EQUAL(1, lost(DataClass::results, LossCause::age));
  check_sums();
}

TEST(Room, a_finished_task_that_others_still_wait_for_is_not_dropped) {
  budget.of(DataClass::results).items = 1;
  CHECK_OK(open.open());
  CHECK_OK(add(1));
  NewTask child = new_task(2, TaskState::waiting);
  child.after = {1};
  CHECK_OK(open.commit(batch_of(child)));
  CHECK_OK(finish(1, 10));
  CHECK_OK(add(3));
  CHECK_OK(finish(3, 10));
  CHECK_OK(open.find(1));
}

TEST(Room, events_are_capped_and_the_oldest_go_first) {
  budget.of(DataClass::events).items = 50;
  CHECK_OK(open.open());
  for (std::uint64_t seq = 1; seq <= 40; ++seq) {
    CHECK_OK(add(seq));
    Batch batch;
    batch.now = now;
    batch.events.assign(3, event_of(seq));
    CHECK_OK(open.commit(std::move(batch)));
  }
  UNSIGNED_LONGS_EQUAL(70, lost(DataClass::events, LossCause::items));
  UNSIGNED_LONGS_EQUAL(50, losses().kept[std::size_t(DataClass::events)]);
  UNSIGNED_LONGS_EQUAL(0, open.find(1)->events.size());
  UNSIGNED_LONGS_EQUAL(3, open.find(40)->events.size());
  check_sums();
}

TEST(Room, the_newest_events_are_refused_when_asked_to) {
  budget.of(DataClass::events).items = 5;
  budget.of(DataClass::events).on_full = OnFull::reject_newest;
  CHECK_OK(open.open());
  for (std::uint64_t seq = 1; seq <= 4; ++seq) {
    CHECK_OK(add(seq));
    Batch batch;
    batch.events.assign(2, event_of(seq));
    CHECK_OK(open.commit(std::move(batch)));
  }
  UNSIGNED_LONGS_EQUAL(3, lost(DataClass::events, LossCause::items));
  UNSIGNED_LONGS_EQUAL(2, open.find(1)->events.size());
  UNSIGNED_LONGS_EQUAL(0, open.find(4)->events.size());
  check_sums();
}

TEST(Room, old_events_are_swept_a_slice_at_a_time) {
  budget.of(DataClass::events).age = 1h;
  CHECK_OK(open.open());
  for (std::uint64_t seq = 1; seq <= 20; ++seq) {
    now += 10min;
    CHECK_OK(add(seq));
    Batch batch;
    batch.events.push_back(event_of(seq));
    CHECK_OK(open.commit(std::move(batch)));
  }
  std::size_t slices = 0;
  while (open.purge(now, 4)->more) ++slices;
  CHECK(slices >= 3);
  UNSIGNED_LONGS_EQUAL(14, lost(DataClass::events, LossCause::age));
  check_sums();
}

TEST(Room, P23_losses_survive_a_restart_and_what_the_cloud_knows_is_remembered) {
  CHECK_OK(open.open());
  Batch batch;
  batch.losses = {{DataClass::tasks, LossCause::disk_budget, at(10), 3},
                  {DataClass::tasks, LossCause::disk_budget, at(700), 2},
                  {DataClass::telemetry, LossCause::offline, at(20), 7}};
  batch.samples = 5;
  CHECK_OK(open.commit(batch));
  batch.losses[0].at = at(5);
  batch.losses.resize(1);
  batch.samples = 0;
  CHECK_OK(open.commit(batch));
  CHECK_OK(open.reopen());
  LossTable table = losses();
  LONGS_EQUAL(3, table.rows.size());
  CHECK((table.rows[0] ==
         LossRow{{DataClass::tasks, LossCause::disk_budget, at(0)}, at(5), at(10), 6, 0}));
  CHECK(table.rows[1].key.period == at(600) && table.rows[1].count == 2);
  UNSIGNED_LONGS_EQUAL(8, table.produced[0]);
  UNSIGNED_LONGS_EQUAL(12, table.produced[3]);
  Batch ack;
  ack.reported = {table.rows[0], table.rows[2]};
  ack.reported[1].count = 1000;  // nobody can know more than there is
  CHECK_OK(open.commit(ack));
  CHECK_OK(open.reopen());
  UNSIGNED_LONGS_EQUAL(6, losses().rows[0].reported);
  UNSIGNED_LONGS_EQUAL(0, losses().rows[1].reported);
  UNSIGNED_LONGS_EQUAL(7, losses().rows[2].reported);
}

TEST(Room, old_periods_of_losses_melt_together_and_their_sum_stays) {
  CHECK_OK(open.open());
  for (int period = 0; period < 2000; ++period) {
    Batch batch;
    batch.losses = {{DataClass::tasks, LossCause::items, at(period * 600), 1}};
    if (period % 7 == 0)
      batch.losses.push_back({DataClass::tasks, LossCause::flash, at(period * 600), 2});
    CHECK_OK(open.commit(std::move(batch)));
  }
  CHECK(losses().rows.size() <= 513);
  UNSIGNED_LONGS_EQUAL(2000, lost(DataClass::tasks, LossCause::items));
  UNSIGNED_LONGS_EQUAL(2 * 286, lost(DataClass::tasks, LossCause::flash));
  CHECK(losses().rows.front().first == at(0));
}

TEST(Room, an_expired_task_and_a_result_given_up_by_a_retry_are_counted) {
  CHECK_OK(open.open());
  CHECK_OK(add(1));
  CHECK_OK(finish(1, 10, TaskState::expired));
  UNSIGNED_LONGS_EQUAL(1, lost(DataClass::tasks, LossCause::deadline));
  CHECK_OK(open.commit(batch_of(step(1, TaskState::expired, 1, TaskState::ready, 1))));
  UNSIGNED_LONGS_EQUAL(1, lost(DataClass::results, LossCause::retention));
  check_sums();
}

TEST(Room, each_retry_gives_up_the_one_result_that_the_end_before_it_produced) {
  CHECK_OK(open.open());
  CHECK_OK(add(1));
  CHECK_OK(finish(1, 10, TaskState::failed));
  for (std::uint64_t retries = 1; retries <= 3; ++retries) {
    CHECK_OK(open.commit(batch_of(step(1, TaskState::failed, 1, TaskState::ready, 1))));
    UNSIGNED_LONGS_EQUAL(retries, lost(DataClass::results, LossCause::retention));
    UNSIGNED_LONGS_EQUAL(retries, losses().produced[std::size_t(DataClass::results)]);
    check_sums();
    CHECK_OK(open.commit(batch_of(step(1, TaskState::ready, 1, TaskState::failed, 1))));
    UNSIGNED_LONGS_EQUAL(retries + 1, losses().produced[std::size_t(DataClass::results)]);
    check_sums();
  }
}

TEST(Room, the_file_shrinks_after_a_backlog_drained_in_bounded_steps) {
  CHECK_OK(open.open());
  for (std::uint64_t seq = 1; seq <= 120; ++seq) CHECK_OK(add(seq, 60'000));
  for (std::uint64_t seq = 1; seq <= 120; ++seq) CHECK_OK(finish(seq, 10));
  const std::uint64_t before = open.store().use().in_use;
  std::size_t steps = 0;
  for (bool more = true; more; ++steps) {
    auto purged = open.purge(now + 48h, 64);
    CHECK_OK(purged);
    more = purged->more;
  }
  CHECK(steps > 4);
  open.close();
  CHECK(before > 7 << 20);
  CHECK(size_of("owner.db") < 2 << 20);
}

TEST(Room, idempotency_keys_are_capped) {
  budget.of(DataClass::tasks).items = 10;
  budget.of(DataClass::results).items = 10;
  CHECK_OK(open.open());
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    NewTask task = new_task(seq);
    task.idempotency_key = "key " + std::to_string(seq);
    task.idempotency_until = at(1000 + static_cast<std::int64_t>(seq));
    CHECK_OK(open.commit(batch_of(task)));
  }
  CHECK(!open.find_idempotent("key 1", at(2))->has_value());
  CHECK(open.find_idempotent("key 100", at(2))->has_value());
  CHECK(open.find_idempotent("key 85", at(2))->has_value());
}

TEST(Room, what_is_written_is_counted_over_restarts_and_leaks_away) {
  budget.flash_per_day = 1 << 30;
  CHECK_OK(open.open());
  for (std::uint64_t seq = 1; seq <= 20; ++seq) CHECK_OK(add(seq, 60'000));
  CHECK_OK(add(21));
  const std::uint64_t spent = open.store().use().flash_spent;
  CHECK(spent > 20 * 60'000 && spent <= open.store().use().written);
  open.options.file.meter = std::make_shared<FileMeter>();
  CHECK_OK(open.reopen());
  CHECK(open.store().use().flash_spent >= spent);
  now += 24h;
  CHECK_OK(add(22));
  CHECK(open.store().use().flash_spent < spent);
}
