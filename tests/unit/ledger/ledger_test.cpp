#include <fstream>
#include <memory>
#include <set>
#include <string>

#include "common/crypto/sha256.h"
#include "common/ledger/sqlite_ledger.h"
#include "tests/unit/store/answers.h"
#include "tests/unit/store/temp_folder.h"

// After all others: it redefines `new`.
#include "tests/unit/store/check_result.h"

using namespace spillway;
using namespace spillway::ledger;
using lifecycle::LeaseState;

namespace {

NodeTime at(std::int64_t seconds) { return NodeTime(std::chrono::seconds(seconds)); }

sqlite::EncodedBytes bytes(std::size_t size, std::uint8_t fill) {
  return std::make_shared<const Bytes>(size, fill);
}

TaskId id_of(std::uint64_t seq) { return TaskId{Origin{0xfeedfacecafebeef}, seq}; }

LedgerRow row_of(std::uint64_t seq, std::size_t spec_size = 300) {
  LedgerRow row;
  row.id = id_of(seq);
  row.device = "pump-7";
  row.task.epoch = Epoch{1};
  row.task.deadline = at(90);
  row.accepted = at(1);
  row.spec = bytes(spec_size, 'S');
  row.spec_digest = crypto::sha256(*row.spec);
  return row;
}

LedgerUpdate step(std::uint64_t seq, LeaseState from, LeaseState to, std::uint32_t epoch = 1) {
  LedgerUpdate update;
  update.id = id_of(seq);
  update.was_state = from;
  update.was_epoch = Epoch{epoch};
  update.next.state = to;
  update.next.epoch = Epoch{epoch};
  if (to == LeaseState::done) update.result = bytes(100, 'R');
  return update;
}

LedgerBatch batch_of(LedgerRow row) {
  LedgerBatch batch;
  batch.now = at(1);
  batch.inserts.push_back(std::move(row));
  return batch;
}

LedgerBatch batch_of(LedgerUpdate update, NodeTime now = at(2)) {
  LedgerBatch batch;
  batch.now = now;
  batch.updates.push_back(std::move(update));
  return batch;
}

}  // namespace

TEST_GROUP(Ledger) {
  TempFolder folder;
  Answers answers;
  SqliteLedger::Options options;
  std::unique_ptr<SqliteLedger> ledger;
  LedgerRecovered recovered;

  void setup() override { CHECK_OK(reopen()); }
  Status reopen() {
    ledger.reset();
    auto opened = SqliteLedger::open(folder.file("ledger.db"), answers.poster(), options);
    if (!opened) return std::move(opened).error();
    ledger = std::move(opened->ledger);
    recovered = std::move(opened->recovered);
    return {};
  }
  // A row that was refused is the first failure.
  Status commit(LedgerBatch batch) {
    auto refused =
        answers.ask<Refused>([&](auto done) { ledger->commit(std::move(batch), std::move(done)); });
    if (!refused) return refused.error();
    return refused->empty() ? Status() : refused->front().error;
  }
  std::optional<LedgerRow> find(std::uint64_t seq) {
    auto found = answers.ask<std::optional<LedgerRow>>(
        [&](auto done) { ledger->find(id_of(seq), std::move(done)); });
    CHECK_OK(found);
    return *std::move(found);
  }
  std::uint64_t prune(NodeTime before, std::size_t keep, std::size_t limit) {
    auto removed = answers.ask<std::vector<TaskId>>(
        [&](auto done) { ledger->prune(before, keep, limit, std::move(done)); });
    CHECK_OK(removed);
    return removed->size();
  }
  sqlite::StoreReport inspect() {
    auto report = answers.ask<sqlite::StoreReport>(
        [&](auto done) { ledger->inspect(true, std::move(done)); });
    CHECK_OK(report);
    return *report;
  }
  void finish(std::uint64_t seq, NodeTime when) {
    CHECK_OK(commit(batch_of(step(seq, LeaseState::accepted, LeaseState::answered), when)));
  }
};

TEST(Ledger, P2_a_spec_that_is_not_what_was_taken_is_damage) {
  LedgerRow row = row_of(1);
  row.spec_digest.fill(7);
  CHECK_OK(commit(batch_of(std::move(row))));
  auto found = answers.ask<std::optional<LedgerRow>>(
      [&](auto done) { ledger->find(id_of(1), std::move(done)); });
  CHECK_FALSE(found.ok());
  CHECK_TRUE(found.error().code == Code::corrupt);
}

TEST(Ledger, keeps_how_a_run_went_when_its_spec_and_its_result_are_gone) {
  const Past past{
      "echo", Band::high, at(3), at(5), std::chrono::seconds(2), std::chrono::seconds(1)};
  CHECK_OK(commit(batch_of(row_of(1))));
  LedgerUpdate done = step(1, LeaseState::accepted, LeaseState::done);
  done.past = past;
  CHECK_OK(commit(batch_of(done)));
  CHECK_TRUE(find(1)->past == past);
  LedgerUpdate answered = step(1, LeaseState::done, LeaseState::answered);
  answered.past = past;
  CHECK_OK(commit(batch_of(answered)));
  CHECK_OK(reopen());
  CHECK_TRUE(find(1)->past == past);
  // Another run has none yet.
  LedgerUpdate again = step(1, LeaseState::answered, LeaseState::accepted);
  again.spec = row_of(1).spec;
  CHECK_OK(commit(batch_of(again)));
  CHECK_TRUE(find(1)->past == Past{});
  // A past that is not known is not zero.
  LedgerRow other = row_of(2);
  other.task.state = LeaseState::answered;
  other.past.kind = "echo";
  CHECK_OK(commit(batch_of(other)));
  CHECK_TRUE(find(2)->past == other.past);
}

TEST(Ledger, knows_nothing_of_a_task_never_offered) { CHECK_FALSE(find(1).has_value()); }

TEST(Ledger, keeps_what_was_accepted_as_it_came) {
  LedgerRow row = row_of(1);
  row.task.boot = BootId{0xffffffffffffffff};
  row.task.effects = Effects::once;
  row.task.run_until = at(3);
  row.task.lease_until = at(4);
  CHECK_OK(commit(batch_of(row)));
  CHECK_OK(reopen());
  LONGS_EQUAL(1, recovered.held.size());
  const LedgerRow& kept = recovered.held.front();
  CHECK_TRUE(kept.id == row.id);
  CHECK_TRUE(kept.task == row.task);
  CHECK_TRUE(kept.spec_digest == row.spec_digest);
  CHECK_TRUE(kept.accepted == at(1));
  CHECK_TRUE(*kept.spec == *row.spec);
  CHECK_TRUE(kept.result == nullptr);
  STRCMP_EQUAL("pump-7", kept.device.c_str());
}

TEST(Ledger, keeps_a_result_until_it_is_answered_and_then_only_a_tombstone) {
  for (std::size_t size : {std::size_t{300}, kInlineLimit}) {
    const std::uint64_t seq = size;
    CHECK_OK(commit(batch_of(row_of(seq, size))));
    CHECK_OK(commit(batch_of(step(seq, LeaseState::accepted, LeaseState::running))));
    LedgerUpdate done = step(seq, LeaseState::running, LeaseState::done);
    done.result = bytes(size, 'R');
    CHECK_OK(commit(batch_of(done)));
    CHECK_OK(reopen());
    LONGS_EQUAL(1, recovered.held.size());
    LONGS_EQUAL(size, recovered.held.front().spec->size());
    LONGS_EQUAL(size, recovered.held.front().result->size());

    CHECK_OK(commit(batch_of(step(seq, LeaseState::done, LeaseState::answered))));
    std::optional<LedgerRow> tombstone = find(seq);
    CHECK_TRUE(tombstone->task.state == LeaseState::answered);
    CHECK_TRUE(tombstone->spec == nullptr);
    CHECK_TRUE(tombstone->result == nullptr);
    CHECK_TRUE(tombstone->spec_digest == row_of(seq, size).spec_digest);
    CHECK_OK(reopen());
    CHECK_TRUE(recovered.held.empty());
  }
}

TEST(Ledger, P4_a_step_from_another_state_or_epoch_changes_nothing_and_costs_no_other) {
  CHECK_OK(commit(batch_of(row_of(1))));
  LedgerBatch wrong_epoch = batch_of(step(1, LeaseState::accepted, LeaseState::running, 2));
  wrong_epoch.inserts.push_back(row_of(2));
  CHECK_FAILS(Code::conflict, commit(wrong_epoch));
  CHECK_FAILS(Code::conflict, commit(batch_of(step(1, LeaseState::running, LeaseState::done))));
  CHECK_FAILS(Code::not_found, commit(batch_of(step(9, LeaseState::accepted, LeaseState::done))));
  CHECK_TRUE(find(1)->task == row_of(1).task);
  CHECK_TRUE(find(2).has_value());
  LONGS_EQUAL(0, inspect().problems.size());
}

TEST(Ledger, P7_a_task_that_is_held_is_not_accepted_again) {
  CHECK_OK(commit(batch_of(row_of(1))));
  CHECK_FAILS(Code::conflict, commit(batch_of(row_of(1))));
  LONGS_EQUAL(1, inspect().counts.by_state[0]);
}

TEST(Ledger, a_new_task_takes_the_place_of_a_tombstone) {
  CHECK_OK(commit(batch_of(row_of(1))));
  finish(1, at(5));
  CHECK_OK(commit(batch_of(row_of(1))));
  CHECK_TRUE(find(1)->task.state == LeaseState::accepted);
  sqlite::StoreReport report = inspect();
  LONGS_EQUAL(1, report.counts.by_state[0]);
  LONGS_EQUAL(0, report.counts.by_state[3]);
  LONGS_EQUAL(0, report.problems.size());
}

TEST(Ledger, an_answered_task_comes_back_to_life_with_its_spec_and_not_without) {
  CHECK_OK(commit(batch_of(row_of(1, 5000))));
  finish(1, at(5));
  LedgerUpdate again = step(1, LeaseState::answered, LeaseState::accepted);
  again.next.epoch = Epoch{2};
  CHECK_FAILS(Code::invalid_argument, commit(batch_of(again)));
  again.spec = row_of(1, 5000).spec;
  CHECK_OK(commit(batch_of(again)));
  CHECK_OK(reopen());
  LONGS_EQUAL(1, recovered.held.size());
  LONGS_EQUAL(5000, recovered.held.front().spec->size());
}

TEST(Ledger, a_tombstone_gives_way_to_its_owner_only) {
  CHECK_OK(commit(batch_of(row_of(1))));
  finish(1, at(5));
  LedgerRow other = row_of(1);
  other.device = "pump-8";
  CHECK_FAILS(Code::conflict, commit(batch_of(other)));
  STRCMP_EQUAL("pump-7", find(1)->device.c_str());
  CHECK_TRUE(find(1)->task.state == LeaseState::answered);
  CHECK_OK(commit(batch_of(row_of(1))));
  LONGS_EQUAL(0, inspect().problems.size());
}

TEST(Ledger, what_its_owner_calls_a_task_is_kept_beside_its_own_name) {
  for (const std::uint64_t origin : {std::uint64_t{7}, ~std::uint64_t{0}}) {
    LedgerRow row = row_of(origin);
    row.named = Origin{origin};
    CHECK_OK(commit(batch_of(row)));
  }
  CHECK_OK(commit(batch_of(row_of(1))));
  CHECK_OK(reopen());
  LONGS_EQUAL(3, recovered.held.size());
  CHECK_TRUE(find(7)->offered() == (TaskId{Origin{7}, 7}));
  CHECK_TRUE(find(~std::uint64_t{0})->offered().origin.value == ~std::uint64_t{0});
  CHECK_TRUE(find(1)->offered() == id_of(1));
  CHECK_OK(commit(batch_of(step(7, LeaseState::accepted, LeaseState::answered))));
  CHECK_TRUE(find(7)->offered() == (TaskId{Origin{7}, 7}));
}

TEST(Ledger, a_task_accepted_and_answered_in_one_batch_is_a_tombstone) {
  LedgerRow row = row_of(1);
  row.task.state = LeaseState::answered;
  row.spec = nullptr;
  CHECK_OK(commit(batch_of(row)));
  CHECK_TRUE(find(1)->task.state == LeaseState::answered);
  row = row_of(2);
  row.spec = nullptr;
  CHECK_FAILS(Code::invalid_argument, commit(batch_of(row)));
}

TEST(Ledger, tombstones_go_by_number_and_by_age_oldest_first_in_slices) {
  for (std::uint64_t seq = 1; seq <= 10; ++seq) {
    CHECK_OK(commit(batch_of(row_of(seq))));
    if (seq < 10) finish(seq, at(static_cast<std::int64_t>(seq)));
  }
  LONGS_EQUAL(2, prune(at(0), 6, 2));
  LONGS_EQUAL(1, prune(at(0), 6, 2));
  LONGS_EQUAL(0, prune(at(0), 6, 2));
  CHECK_FALSE(find(3).has_value());
  CHECK_TRUE(find(4).has_value());
  LONGS_EQUAL(2, prune(at(6), 6, 5));
  CHECK_FALSE(find(5).has_value());
  CHECK_TRUE(find(6).has_value());
  CHECK_TRUE(find(10)->task.state == LeaseState::accepted);
  LONGS_EQUAL(0, inspect().problems.size());
}

TEST(Ledger, gives_back_the_newest_tombstones_oldest_first) {
  for (std::uint64_t seq = 1; seq <= 5; ++seq) {
    CHECK_OK(commit(batch_of(row_of(seq))));
    finish(seq, at(static_cast<std::int64_t>(10 - seq)));
  }
  options.answered = 2;
  CHECK_OK(reopen());
  LONGS_EQUAL(2, recovered.answered.size());
  CHECK_TRUE(recovered.answered[0].id == id_of(2));
  CHECK_TRUE(recovered.answered[1].id == id_of(1));
}

TEST(Ledger, remembers_time_and_session) {
  LedgerBatch batch;
  batch.now = at(77);
  batch.wall = std::chrono::hours(1);
  batch.session = 12;
  CHECK_OK(commit(batch));
  CHECK_OK(reopen());
  CHECK_TRUE(recovered.last_seen == at(77));
  CHECK_TRUE(recovered.wall_at_last_seen == std::chrono::hours(1));
  LONGS_EQUAL(12, recovered.session);
}

TEST(Ledger, a_damaged_file_is_set_aside_and_a_new_one_begun) {
  CHECK_OK(commit(batch_of(row_of(1))));
  ledger.reset();
  std::FILE* file = std::fopen(folder.file("ledger.db").c_str(), "r+b");
  CHECK_TRUE(file != nullptr);
  std::fputs("this is no database any more", file);
  std::fclose(file);
  CHECK_OK(reopen());
  CHECK_TRUE(recovered.quarantined.has_value());
  CHECK_TRUE(std::filesystem::exists(*recovered.quarantined));
  CHECK_FALSE(find(1).has_value());
  CHECK_OK(commit(batch_of(row_of(1))));
}

TEST(Ledger, P2_a_large_result_of_which_the_end_was_overwritten_is_never_told_and_costs_no_other) {
  for (const std::uint64_t seq : {1, 2}) {
    CHECK_OK(commit(batch_of(row_of(seq))));
    LedgerUpdate done = step(seq, LeaseState::accepted, LeaseState::done);
    done.result = bytes(6000, seq == 1 ? 0xe7 : 0xe8);
    CHECK_OK(commit(batch_of(done)));
  }
  ledger.reset();
  // SQLite does not look at what the last page of a value holds.
  std::fstream file(folder.file("ledger.db"), std::ios::in | std::ios::out | std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(file), {}};
  file.seekp(std::streamoff(all.rfind('\xe7')) - 50);
  file << std::string(50, '\xa5');
  file.close();
  CHECK_OK(reopen());
  CHECK_FALSE(recovered.quarantined.has_value());
  LONGS_EQUAL(2, recovered.held.size());
  CHECK_TRUE(find(1)->task.state == LeaseState::done);
  CHECK_TRUE(find(1)->result->empty());
  CHECK_TRUE(*find(2)->result == *bytes(6000, 0xe8));
}

TEST(Ledger, a_result_from_before_there_were_sums_is_read_as_it_is) {
  CHECK_OK(commit(batch_of(row_of(1))));
  LedgerUpdate done = step(1, LeaseState::accepted, LeaseState::done);
  done.result = bytes(6000, 'R');
  CHECK_OK(commit(batch_of(done)));
  ledger.reset();
  {
    auto database = sqlite::Database::open(folder.file("ledger.db"), false);
    CHECK_OK(database);
    CHECK_OK(database->execute("UPDATE bulk SET sum = NULL"));
  }
  CHECK_OK(reopen());
  CHECK_TRUE(*find(1)->result == *done.result);
}

TEST(Ledger, no_statement_scans_or_sorts) {
  ledger.reset();
  auto database = sqlite::Database::open(folder.file("ledger.db"), false);
  CHECK_OK(database);
  for (int i = 0; i < static_cast<int>(Sql::count_); ++i) {
    const std::string& sql = sql_text(static_cast<Sql>(i));
    auto plan = database->prepare("EXPLAIN QUERY PLAN " + sql);
    CHECK_OK(plan);
    sqlite::Cursor rows = plan->use();
    for (auto row = rows.step(); row && *row; row = rows.step()) {
      const std::string line(rows.text(3));
      const std::string shown = std::string(sql).append(": ").append(line);
      CHECK_TRUE_TEXT(line.find("SCAN") == std::string::npos, shown.c_str());
      CHECK_TRUE_TEXT(line.find("TEMP B-TREE") == std::string::npos, shown.c_str());
    }
  }
}
