#include <random>

#include "common/base/grants.h"
#include "tests/unit/store/damage_rig.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;

TEST_GROUP_BASE(Damage, DamageRig){};

TEST(Damage, a_file_that_is_no_database_is_set_aside_and_a_new_one_has_a_new_origin) {
  const Bytes garbage(8192, 0x5a);
  write_file(path, garbage);
  CHECK_OK(open.open());
  is_fresh_and_keeps_the_old_file();
  CHECK_TRUE(read_file(*open.recovered.quarantined) == garbage);
  CHECK_TRUE(open.recovered.lives.all().front().origin != origin);
  LONGS_EQUAL(0, open.recovered.salvaged);
  works();
}

TEST(Damage, an_empty_file_has_lost_its_content) {
  write_file(path, {});
  CHECK_OK(open.open());
  is_fresh_and_keeps_the_old_file();
  CHECK_TRUE(open.recovered.lives.all().front().origin != origin);
  LONGS_EQUAL(1, unknown_losses(open));
  works();
}

TEST(Damage, P23_an_empty_file_gives_back_what_its_log_holds_and_counts_an_unknown_loss) {
  for (const bool gone : {false, true}) {
    const std::string young = folder.file(gone ? "gone.db" : "empty.db");
    OpenStore live{young};
    const Bytes log = killed_after_more(live, young, 1).log;
    const Origin before = live.recovered.lives.all().front().origin;
    put(young, {{}, log});
    if (gone) std::filesystem::remove(young);
    CHECK_OK(live.open());
    CHECK_TRUE(live.recovered.fresh);
    CHECK_TRUE(live.recovered.quarantined.has_value());
    CHECK_TRUE(read_file(*live.recovered.quarantined + "-wal") == log);
    CHECK_TRUE(live.recovered.lives.all().front().origin == before);
    LONGS_EQUAL(20, live.recovered.salvaged);
    for (std::uint64_t seq = 1; seq <= 20; ++seq) CHECK_OK(live.find(seq));
    LONGS_EQUAL(1, unknown_losses(live));
    LONGS_EQUAL(0, live.inspect(true)->problems.size());
  }
}

// The first page is where a power cut, or a worn flash, is likeliest to leave something else.
TEST(Damage, P23_a_file_with_a_lost_beginning_gives_back_what_its_log_holds) {
  const auto spoil = [](Bytes file, std::size_t from, std::size_t to, std::uint8_t byte) {
    std::fill(file.begin() + std::ptrdiff_t(from), file.begin() + std::ptrdiff_t(to), byte);
    return file;
  };
  for (int way = 0; way < 6; ++way) {
    const std::string hollow = folder.file("hollow-" + std::to_string(way) + ".db");
    OpenStore live{hollow};
    const auto [file, log] = killed_after_more(live, hollow, 1);
    const Bytes ways[] = {Bytes(1, 'S'),
                          spoil(file, 0, 4096, 0),
                          Bytes(512, 0),
                          Bytes(file.begin(), file.begin() + 100),
                          spoil(file, 0, 16, 0xff),
                          Bytes(file.size(), 0xa5)};
    put(hollow, {ways[way], log});
    CHECK_OK(live.open());
    CHECK_TRUE(live.recovered.quarantined.has_value());
    CHECK_TRUE(read_file(*live.recovered.quarantined) == ways[way]);
    CHECK_TRUE(read_file(*live.recovered.quarantined + "-wal") == log);
    LONGS_EQUAL(20, live.recovered.salvaged);
    LONGS_EQUAL(1, unknown_losses(live));
    LONGS_EQUAL(0, live.inspect(true)->problems.size());
  }
}

TEST(Damage, P23_a_lost_first_page_that_the_log_has_costs_nothing_of_the_others) {
  // Growing the file writes its first page, where its length stands.
  Files left = killed_after_more(open, path, 200, 3000);
  std::fill(left.file.begin(), left.file.begin() + 4096, 0);
  put(path, left);
  CHECK_OK(open.open());
  CHECK_TRUE(open.recovered.quarantined.has_value());
  LONGS_EQUAL(121 + 20, open.recovered.salvaged);
  LONGS_EQUAL(1, unknown_losses(open));
}

TEST(Damage, P23_a_log_with_a_lost_header_is_kept_and_counts_an_unknown_loss) {
  Files left = killed_after_more(open, path, 200);
  std::fill(left.log.begin(), left.log.begin() + 4096, 0x77);
  put(path, left);
  CHECK_OK(open.open());
  CHECK_TRUE(open.recovered.quarantined.has_value());
  CHECK_TRUE(read_file(*open.recovered.quarantined + "-wal") == left.log);
  LONGS_EQUAL(121, open.recovered.salvaged);
  LONGS_EQUAL(1, unknown_losses(open));
  works();
}

TEST(Damage, a_log_without_content_or_of_zeros_is_what_a_power_cut_leaves) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{32}, std::size_t{3 * 4120 + 32}}) {
    write_file(path + "-wal", Bytes(bytes, 0));
    CHECK_OK(open.open());
    CHECK_FALSE(open.recovered.quarantined.has_value());
    open.close();
  }
}

TEST(Damage, a_cut_file_is_set_aside) {
  Bytes bytes = read_file(path);
  bytes.resize(4096);
  write_file(path, bytes);
  CHECK_OK(open.open());
  is_fresh_and_keeps_the_old_file();
  works();
}

TEST(Damage, P6_a_log_cut_anywhere_still_opens_with_what_was_committed_before_the_cut) {
  const auto [file, log] = killed_after_more(open, path, 200);
  CHECK_TRUE(log.size() > 20 * 4096);
  std::uint64_t most = 0;
  for (std::size_t size = 0; size <= log.size();
       size = size == log.size() ? size + 1 : std::min(size + 2011, log.size())) {
    write_file(path, file);
    write_file(path + "-wal", Bytes(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(size)));
    CHECK_OK(open.open());
    CHECK_FALSE(open.recovered.quarantined.has_value());
    LONGS_EQUAL(0, open.inspect(true)->problems.size());
    const std::uint64_t have = open.recovered.next_seq - 1;
    CHECK_TRUE(have >= most);
    most = have;
    for (std::uint64_t seq = 200; seq <= have; ++seq) CHECK_OK(open.find(seq));
    open.close();
  }
  LONGS_EQUAL(219, most);
}

TEST(Damage, bytes_flipped_anywhere_never_crash_and_leave_a_store_that_works) {
  const Bytes sound = read_file(path);
  std::mt19937_64 random(20240611);
  int quarantined = 0;
  for (int round = 0; round < 60; ++round) {
    Bytes bytes = sound;
    for (int i = 0; i < 40; ++i) {
      // The first 100 bytes hold the marks of ownership, which have a test of their own.
      bytes[100 + random() % (bytes.size() - 100)] ^= static_cast<std::uint8_t>(1 + random() % 255);
    }
    write_file(path, bytes);
    Status first = open.open();
    CHECK_OK(first);
    bool aside = open.recovered.quarantined.has_value();
    // Touch everything; what shows damage now is dealt with at the next start.
    for (std::uint64_t seq = 1; seq <= 121; ++seq) static_cast<void>(open.find(seq).ok());
    static_cast<void>(open.ready_after({}, 1000).ok());
    static_cast<void>(open.list({}).ok());
    static_cast<void>(open.commit(batch_of(new_task(5000 + open.recovered.next_seq))).ok());
    if (!open.inspect(true) || !open.inspect(true)->problems.empty()) {
      open.close();
      std::ofstream(path + ".damaged").flush();
    }
    CHECK_OK(open.reopen());
    aside = aside || open.recovered.quarantined.has_value();
    quarantined += aside ? 1 : 0;
    works();
    open.close();
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      std::filesystem::remove(entry.path());
    }
  }
  CHECK_TRUE(quarantined > 20);
}

TEST(Damage, tasks_that_can_be_read_are_carried_over_under_their_own_numbers) {
  // The mark is what a damage found in use leaves; the file itself is sound here.
  mark_damaged(path);
  CHECK_OK(open.open());
  is_fresh_and_keeps_the_old_file();
  CHECK_TRUE(open.recovered.lives.all().front().origin == origin);
  LONGS_EQUAL(121, open.recovered.salvaged);
  CHECK_TRUE(open.recovered.next_seq >= 1'000'122);
  auto done = open.find(7);
  CHECK_TRUE(done->row.task.state == TaskState::succeeded);
  CHECK_TRUE(*done->row.result == to_bytes("result of 7"));
  LONGS_EQUAL(121, open.find_idempotent("key", at(3)).value()->seq);
  LONGS_EQUAL(1, open.find(121)->waits_for.size());
  works();
  CHECK_OK(open.reopen());
  CHECK_FALSE(open.recovered.quarantined.has_value());
}

TEST(Damage, P23_a_salvage_skips_numbers_and_not_tasks_that_were_accepted) {
  mark_damaged(path);
  CHECK_OK(open.open());
  CHECK_TRUE(open.recovered.next_seq > 1'000'000);
  UNSIGNED_LONGS_EQUAL(121, open.recovered.accepted);
  Batch batch = batch_of(new_task(open.recovered.next_seq));
  // One task was turned away, one was not done in time.
  batch.losses.push_back({DataClass::tasks, LossCause::items, at(3), 1});
  const std::uint32_t epoch = kSalvageStep;
  batch.updates.push_back(step(72, TaskState::ready, epoch, TaskState::expired, epoch));
  CHECK_OK(open.commit(std::move(batch)));
  CHECK_OK(open.reopen());
  UNSIGNED_LONGS_EQUAL(122, open.recovered.accepted);
}

TEST(Damage, P23_damage_came_after_the_device_was_last_well_and_was_found_now) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  constexpr Duration kAway = std::chrono::hours(24 * 40);
  CHECK_OK(open.open());
  Batch batch = batch_of(new_task(300));
  batch.now = at(5000);
  batch.wall = std::chrono::duration_cast<Duration>(now) - kAway;
  CHECK_OK(open.commit(std::move(batch)));
  open.close();
  mark_damaged(path);
  CHECK_OK(open.open());
  auto table =
      open.answers.ask<LossTable>([&](auto done) { open.store().losses(std::move(done)); });
  LONGS_EQUAL(1, table->rows.size());
  const LossRow& row = table->rows.front();
  CHECK_TRUE(row.first == at(5000));
  CHECK_TRUE(row.last >= at(5000) + kAway);
  CHECK_TRUE(row.last < at(5000) + kAway + std::chrono::hours(1));
}

TEST(Damage, P23_of_a_store_beside_it_is_counted_as_a_loss_that_nobody_knows_the_size_of) {
  CHECK_OK(open.open());
  CHECK_OK(open.commit(batch_of(new_task(300))));
  open.close();
  open.options.lost_beside = true;
  CHECK_OK(open.open());
  CHECK_FALSE(open.recovered.quarantined.has_value());
  const auto table =
      open.answers.ask<LossTable>([&](auto done) { open.store().losses(std::move(done)); });
  LONGS_EQUAL(1, table->rows.size());
  CHECK_TRUE(table->rows.front().at_least);
  CHECK_TRUE(table->rows.front().key.cause == LossCause::store);
}

TEST(Damage, a_file_in_use_is_not_taken_away_however_damaged) {
  CHECK_OK(open.open());
  mark_damaged(path);
  OpenStore second{path};
  CHECK_FAILS(Code::busy, second.open());
  CHECK_OK(open.commit(batch_of(new_task(300))));
  CHECK_OK(open.reopen());
  CHECK_OK(open.find(300));
}

TEST(Damage, P3_a_carried_over_task_has_an_epoch_none_was_granted_before) {
  mark_damaged(path);
  CHECK_OK(open.open());
  auto local = open.find(70);
  CHECK_TRUE(local->row.task.state == TaskState::running);
  CHECK_TRUE(local->row.task.epoch >= Epoch{1001});
  auto remote = open.find(71);
  CHECK_TRUE(remote->row.task.state == TaskState::ready);
  CHECK_TRUE(remote->row.task.epoch >= Epoch{1003});
  // Which leaves to be told how often each was granted.
  UNSIGNED_LONGS_EQUAL(1, grants_of(local->row.task.epoch));
  UNSIGNED_LONGS_EQUAL(3, grants_of(remote->row.task.epoch));
  CHECK_TRUE(remote->row.task.live.empty());
  CHECK_TRUE(open.recovered.outbox.empty());
  LONGS_EQUAL(1, open.recovered.live.size());
}

TEST(Damage, a_damaged_page_costs_the_tasks_on_it_and_no_others) {
  // Pages of the task table hold the specs; the middle one is wiped.
  const Bytes bytes = read_file(path);
  std::size_t page = 0;
  const Bytes needle(200, 90);
  const auto found = std::search(bytes.begin(), bytes.end(), needle.begin(), needle.end());
  CHECK_TRUE(found != bytes.end());
  page = static_cast<std::size_t>(found - bytes.begin()) / 4096;
  overwrite(page * 4096, Bytes(4096, 0xff));
  CHECK_OK(open.open());
  CHECK_FAILS(Code::corrupt, open.find(90));
  CHECK_FAILS(Code::corrupt, open.ready_after({}, 1000));
  // Nothing is written to a file known to be damaged.
  CHECK_FAILS(Code::corrupt, open.commit(batch_of(new_task(300))));
  CHECK_OK(open.reopen());
  is_fresh_and_keeps_the_old_file();
  CHECK_TRUE(open.recovered.lives.all().front().origin == origin);
  CHECK_TRUE(open.recovered.salvaged >= 105);
  CHECK_TRUE(open.recovered.salvaged < 121);
  CHECK_OK(open.find(1));
  CHECK_OK(open.find(121));
  CHECK_FAILS(Code::not_found, open.find(90));
  works();
}

TEST(Damage, P2_a_large_value_of_which_the_end_was_overwritten_is_never_told) {
  CHECK_OK(open.open());
  NewTask done = new_task(200, TaskState::succeeded);
  done.row.result = std::make_shared<const Bytes>(6000, 0x77);
  NewTask next = new_task(201);
  next.row.spec = std::make_shared<const Bytes>(6000, 0x78);
  CHECK_OK(open.commit(batch_of(std::move(done))));
  CHECK_OK(open.commit(batch_of(std::move(next))));
  CHECK_OK(open.commit(batch_of(new_task(202))));
  open.close();
  // SQLite does not look at what the last page of a value holds.
  const Bytes file = read_file(path);
  for (const int value : {0x77, 0x78}) {
    const auto last = std::find(file.rbegin(), file.rend(), value);
    overwrite(static_cast<std::size_t>(file.rend() - last) - 50, Bytes(50, 0xa5));
  }
  CHECK_OK(open.open());
  CHECK_FALSE(open.recovered.fresh);
  auto found = open.find(200);
  CHECK_FALSE(found.ok());
  CHECK_TRUE(found.error().code == Code::corrupt);
  open.close();
  CHECK_OK(open.open());
  is_fresh_and_keeps_the_old_file();
  UNSIGNED_LONGS_EQUAL(1, unknown_losses(open));
  CHECK_TRUE(open.find(200).error().code == Code::not_found);
  CHECK_TRUE(open.find(201).error().code == Code::not_found);
  CHECK_OK(open.find(202));
  works();
}

TEST(Damage, P5_a_task_whose_wait_was_lost_is_held_for_people_to_decide) {
  {
    auto database = Database::open(path, false);
    CHECK_OK(database);
    CHECK_OK(database->execute("DELETE FROM task WHERE seq = 80"));
  }
  mark_damaged(path);
  CHECK_OK(open.open());
  auto waiting = open.find(121);
  CHECK_TRUE(waiting->row.task.reason == WaitReason::held);
  CHECK_TRUE(waiting->row.task.wake == at(900));
  LONGS_EQUAL(0, waiting->row.task.deps);
}

TEST(Damage, a_row_no_version_ever_wrote_is_damage) {
  {
    auto database = Database::open(path, false);
    CHECK_OK(database);
    CHECK_OK(database->execute("UPDATE task SET place = 1000001 WHERE seq = 70"));
  }
  CHECK_OK(open.open());
  is_fresh_and_keeps_the_old_file();
  CHECK_FAILS(Code::not_found, open.find(70));
  works();
}

TEST(Damage, P6_a_replacement_that_was_cut_short_is_finished_at_the_next_start) {
  mark_damaged(path);
  CHECK_OK(open.open());
  const std::string old = *open.recovered.quarantined;
  open.close();
  // The three states a kill can leave the swap in.
  std::filesystem::rename(path, path + ".replacement");
  CHECK_OK(open.open());
  LONGS_EQUAL(121, open.recovered.counts.by_state[0] + open.recovered.counts.by_state[1] +
                       open.recovered.counts.by_state[3] + open.recovered.counts.by_state[4]);
  open.close();
  std::filesystem::rename(path, path + ".replacement");
  std::filesystem::copy_file(old, path);
  CHECK_OK(open.open());
  CHECK_TRUE(open.recovered.next_seq > 1'000'000);
  open.close();
  std::ofstream(path + ".new") << "half a file";
  CHECK_OK(open.open());
  CHECK_TRUE(open.recovered.next_seq > 1'000'000);
  works();
}

TEST(Damage, a_log_without_its_database_is_not_played_into_a_new_one) {
  CHECK_OK(open.open());
  CHECK_OK(open.commit(batch_of(new_task(300))));
  const Bytes log = read_file(path + "-wal");
  open.close();
  std::filesystem::remove(path);
  write_file(path + "-wal", log);
  CHECK_OK(open.open());
  CHECK_TRUE(open.recovered.lives.all().front().origin != origin);
  CHECK_FAILS(Code::not_found, open.find(300));
  works();
}

TEST(Damage, the_database_of_another_program_is_left_alone) {
  std::filesystem::remove(path);
  {
    auto other = Database::open(path, true);
    CHECK_OK(other);
    CHECK_OK(other->execute("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)"));
  }
  const Bytes before = read_file(path);
  CHECK_FAILS(Code::invalid_argument, open.open());
  CHECK_TRUE(read_file(path) == before);
}

TEST(Damage, a_task_for_a_place_whose_name_was_lost_goes_and_what_has_ended_is_for_none) {
  {
    auto database = Database::open(path, false);
    CHECK_OK(database);
    CHECK_OK(database->execute("INSERT INTO place (id, name) VALUES (3, 'pump-7')"));
    CHECK_OK(database->execute("UPDATE task SET only_at = 3 WHERE seq IN (5, 65)"));
    CHECK_OK(database->execute("UPDATE task SET only_at = 4 WHERE seq IN (7, 77, 121)"));
    CHECK_OK(database->execute("UPDATE task SET place = 4, crashed_at = 4 WHERE seq = 71"));
  }
  mark_damaged(path);
  CHECK_OK(open.open());
  is_fresh_and_keeps_the_old_file();
  LONGS_EQUAL(119, open.recovered.salvaged);
  for (const std::uint64_t seq : {77U, 121U}) CHECK_FAILS(Code::not_found, open.find(seq));
  CHECK_FALSE(open.find_idempotent("key", at(3))->has_value());
  for (const std::uint64_t seq : {5U, 65U}) CHECK_TRUE(open.find(seq)->row.only_at == PlaceId{3});
  CHECK_TRUE(open.find(7)->row.only_at == kNowhere);
  CHECK_TRUE(open.find(71)->row.task.crashed_at == kNowhere);
  CHECK_TRUE(open.find(71)->row.task.state == TaskState::ready);
  works();
}

TEST(Damage, a_key_goes_with_its_task_when_that_was_lost_before_it_ended) {
  {
    auto cut = Database::open(path, false);
    CHECK_OK(cut);
    CHECK_OK(cut->execute("UPDATE task SET spec = NULL WHERE seq = 121"));
    CHECK_OK(cut->execute("DELETE FROM bulk WHERE id = 242"));
  }
  mark_damaged(path);
  CHECK_OK(open.open());
  CHECK_FAILS(Code::not_found, open.find(121));
  CHECK_FALSE(open.find_idempotent("key", at(3))->has_value());
  NewTask again = new_task(open.recovered.next_seq);
  again.idempotency_key = "key";
  again.idempotency_until = at(1000);
  CHECK_OK(open.commit(batch_of(again)));
}
