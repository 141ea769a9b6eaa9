#include <random>
#include <set>

#include "tests/unit/store/damage_rig.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;

TEST_GROUP_BASE(SpoiltPage, DamageRig) {
  static constexpr PlaceId kPump{3}, kFan{4};
  std::set<std::uint64_t> unfinished, finished;
  const sqlite::EncodedBytes shared = std::make_shared<const Bytes>(9000, std::uint8_t{2}),
                             ended = std::make_shared<const Bytes>(9000, std::uint8_t{3});

  // A store as the cloud has it: in its second life, tasks for devices, of whom one was at work;
  // and what an agent has besides.
  void setup() override {
    DamageRig::setup();
    CHECK_OK(open.open());
    Batch batch;
    batch.now = at(2);
    batch.places = {{kPump, "pump-7"}, {kFan, "fan-1"}};
    batch.peers = {{Origin{5}, 1, Origin{6}}};
    batch.losses = {{DataClass::tasks, LossCause::items, at(2), 2}};
    for (std::uint64_t seq = 200; seq < 260; ++seq) {
      NewTask task = new_task(seq, seq < 230 ? TaskState::ready : TaskState::failed);
      task.row.only_at = seq % 2 == 0 ? kPump : kFan;
      if (seq % 10 == 0) task.row.spec = std::make_shared<const Bytes>(6000, std::uint8_t{1});
      if (seq >= 230) task.row.result = encoded("result of " + std::to_string(seq));
      task.idempotency_key = "key of " + std::to_string(seq);
      task.idempotency_until = at(1000);
      batch.inserts.push_back(std::move(task));
      batch.events.push_back({seq, at(2), EventKind::granted, Epoch{1}, kPump, {}, {}});
    }
    // Two groups, each with a spec that its tasks share.
    for (std::uint64_t seq = 260; seq < 300; ++seq) {
      NewTask task = new_task(seq, seq < 280 ? TaskState::ready : TaskState::failed);
      task.row.together = {seq < 280 ? 260U : 280U, 20};
      task.row.spec = seq < 280 ? shared : ended;
      if (seq >= 280) task.row.result = encoded("result of " + std::to_string(seq));
      batch.inserts.push_back(std::move(task));
    }
    batch.updates.push_back(step(201, TaskState::ready, 0, TaskState::leased, 1));
    batch.updates.back().next.live.push_back({.epoch = Epoch{1}, .place = kFan});
    CHECK_OK(open.commit(std::move(batch)));
    open.close();
    for (std::uint64_t seq = 1; seq < 300; ++seq) {
      if (seq > 121 && seq < 200) continue;
      const bool ends = seq <= 60 || (seq >= 230 && seq < 260) || seq >= 280;
      (ends ? finished : unfinished).insert(seq);
    }
  }

  // Damage shows at once, or in use; then the next start deals with it.
  bool shows_damage() {
    bool whole = open.list({}).ok() && open.ready_after({}, 1000).ok();
    for (const auto* tasks : {&unfinished, &finished}) {
      for (const std::uint64_t seq : *tasks) whole = whole && open.find(seq).ok();
    }
    whole = whole && open.find_idempotent("key of 200", at(3)).ok();
    const auto looked = open.inspect(true);
    return !whole || !looked || !looked->problems.empty();
  }
  void start() {
    CHECK_OK(open.open());
    if (open.recovered.quarantined || !shows_damage()) return;
    open.close();
    mark_damaged(path);
    CHECK_OK(open.open());
    CHECK_TRUE(open.recovered.quarantined.has_value());
  }
  std::size_t carried(const std::set<std::uint64_t>& tasks) {
    std::size_t there = 0;
    for (const std::uint64_t seq : tasks) there += open.find(seq).ok() ? 1 : 0;
    return there;
  }
  std::uint64_t counted(DataClass data) {
    const auto table =
        open.answers.ask<LossTable>([&](auto done) { open.store().losses(std::move(done)); });
    std::uint64_t count = 0;
    for (const LossRow& row : table->rows) {
      if (row.key.data == data && row.key.cause == LossCause::store) count += row.count;
    }
    return count;
  }
  std::size_t page_of(const char* table) {
    auto database = Database::open(path, false);
    CHECK_OK(database);
    const std::string of = std::string(" WHERE name = '") + table + "'";
    auto root = database->integer("SELECT rootpage FROM sqlite_master" + of);
    CHECK_OK(root);
    return static_cast<std::size_t>(*root);
  }
  static Bytes noise(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    Bytes page(4096);
    for (std::uint8_t& byte : page) byte = static_cast<std::uint8_t>(random());
    return page;
  }
  void spoil(std::size_t page, const Bytes& with) { overwrite((page - 1) * 4096, with); }
};

TEST(SpoiltPage, P23_costs_no_task_that_is_not_counted_whichever_page_it_is) {
  const Bytes sound = read_file(path);
  const std::size_t pages = sound.size() / 4096;
  CHECK_TRUE(pages > 30);
  // The first page says, alone, where all others belong: without it nobody knows how much is lost.
  for (std::size_t page = 2; page <= pages; ++page) {
    for (const Bytes& with : {noise(page), Bytes(4096, 0), Bytes(4096, 0xff)}) {
      write_file(path, sound);
      spoil(page, with);
      start();
      const std::string shown = "page " + std::to_string(page) + ", " + std::to_string(with[0]);
      const std::size_t lost = unfinished.size() - carried(unfinished);
      CHECK_TRUE_TEXT(counted(DataClass::tasks) >= lost, shown.c_str());
      const std::size_t gone = finished.size() - carried(finished);
      CHECK_TRUE_TEXT(counted(DataClass::results) >= gone, shown.c_str());
      LONGS_EQUAL(0, open.inspect(true)->problems.size());
      open.close();
      for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
        std::filesystem::remove(entry.path());
      }
    }
  }
}

TEST(SpoiltPage, of_a_small_table_costs_no_task_at_all) {
  const Bytes sound = read_file(path);
  for (const char* table :
       {"place", "place_name", "life", "peer", "loss", "waits", "idempotency", "event", "outbox",
        "node", "task_ready", "task_shared", "sqlite_autoindex_spec_1"}) {
    write_file(path, sound);
    spoil(page_of(table), noise(7));
    start();
    LONGS_EQUAL_TEXT(unfinished.size(), carried(unfinished), table);
    LONGS_EQUAL_TEXT(finished.size(), carried(finished), table);
    open.close();
  }
}

TEST(SpoiltPage, of_the_places_names_leaves_them_where_they_are_once_more) {
  spoil(page_of("place"), noise(1));
  start();
  is_fresh_and_keeps_the_old_file();
  STRCMP_EQUAL("pump-7", open.recovered.places.name_of(kPump).c_str());
  STRCMP_EQUAL("fan-1", open.recovered.places.name_of(kFan).c_str());
  CHECK_TRUE(open.find(202)->row.only_at == kPump);
  works();
}

TEST(SpoiltPage, what_cannot_be_placed_any_more_is_counted_and_named) {
  CHECK_OK(open.open());
  const TaskId named = open.recovered.lives.id_of(200);
  open.close();
  const std::size_t table = page_of("place"), names = page_of("place_name");
  spoil(table, noise(1));
  spoil(names, noise(2));
  start();
  is_fresh_and_keeps_the_old_file();
  LONGS_EQUAL(30, counted(DataClass::tasks));
  LONGS_EQUAL(30, open.recovered.lost.size());
  CHECK_TRUE(open.recovered.lost.front() == named);
  LONGS_EQUAL(30, open.recovered.damaged);
  STRCMP_CONTAINS("at least 30 tasks", open.recovered.damage().c_str());
  // Tasks that have ended are for no place.
  LONGS_EQUAL(finished.size(), carried(finished));
  CHECK_OK(open.reopen());
  CHECK_TRUE(open.recovered.lost.empty());
  LONGS_EQUAL(30, open.recovered.damaged);
}

TEST(SpoiltPage, of_the_specs_costs_the_tasks_that_share_them_which_are_counted_and_named) {
  spoil(page_of("spec"), noise(1));
  start();
  is_fresh_and_keeps_the_old_file();
  LONGS_EQUAL(unfinished.size() - 20, carried(unfinished));
  LONGS_EQUAL(finished.size() - 20, carried(finished));
  LONGS_EQUAL(20, counted(DataClass::tasks));
  LONGS_EQUAL(20, counted(DataClass::results));
  LONGS_EQUAL(20, open.recovered.lost.size());
  LONGS_EQUAL(260, open.recovered.lost.front().seq);
  STRCMP_CONTAINS("at least 20 tasks", open.recovered.damage().c_str());
  works();
}

TEST(SpoiltPage, of_something_else_leaves_shared_specs_where_they_are_and_the_version_before_out) {
  spoil(page_of("event"), noise(1));
  start();
  is_fresh_and_keeps_the_old_file();
  CHECK(*open.find(260)->row.spec == *shared);
  CHECK(*open.find(299)->row.spec == *ended);
  works();
  open.close();
  auto file = Database::open(path, false);
  CHECK_OK(file);
  LONGS_EQUAL(11, version_of(*file)->since);
}

// The text of a large one is on pages of its own: it can be read, and is not what was written.
TEST(SpoiltPage, of_the_bytes_of_a_shared_spec_is_found_by_its_digest) {
  Bytes bytes = read_file(path);
  const Bytes part(4000, std::uint8_t{2});
  auto spot = std::search(bytes.begin(), bytes.end(), part.begin(), part.end());
  CHECK(spot != bytes.end());
  std::fill_n(spot, 16, std::uint8_t{9});
  write_file(path, bytes);
  start();
  is_fresh_and_keeps_the_old_file();
  LONGS_EQUAL(unfinished.size() - 20, carried(unfinished));
  LONGS_EQUAL(finished.size(), carried(finished));
  LONGS_EQUAL(20, counted(DataClass::tasks));
  CHECK_OK(open.find(299));
}
