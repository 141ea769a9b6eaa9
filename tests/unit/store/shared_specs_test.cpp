#include "common/sqlite/schema.h"
#include "common/store/budget.h"
#include "tests/unit/store/open_store.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;

namespace spillway::store {
extern const std::vector<sqlite::Migration> kMigrations;
}

// What a group came with is in the file once.
TEST_GROUP(SharedSpecs) {
  TempFolder folder;
  const std::string path = folder.file("owner.db");
  OpenStore open{path};
  const EncodedBytes large = std::make_shared<const Bytes>(64 * 1024, std::uint8_t{7});

  void setup() override { CHECK_OK(open.open()); }
  void teardown() override {
    const auto looked = open.inspect(true);
    CHECK_OK(looked);
    LONGS_EQUAL(0, looked->problems.size());
  }

  static Batch group(std::uint64_t first, std::uint32_t size, const EncodedBytes& spec) {
    Batch batch;
    batch.now = at(1);
    for (std::uint32_t i = 0; i < size; ++i) {
      batch.inserts.push_back(new_task(first + i));
      batch.inserts.back().row.together = {first, size};
      batch.inserts.back().row.spec = spec;
    }
    return batch;
  }
  // `left`: of its spec; null: all of it.
  static Batch end(std::uint64_t seq, TaskState state, const EncodedBytes& left = nullptr) {
    TaskUpdate update = step(seq, TaskState::ready, 0, state, 1);
    update.result = encoded("result");
    update.spec = left;
    update.keep_until = at(100);
    return batch_of(std::move(update));
  }
  // Nobody else may look while the store is open.
  template <class Look>
  auto in_file(Look look) {
    open.close();
    auto database = Database::open(path, false);
    CHECK_OK(database);
    auto found = look(*database);
    { const Database closed = *std::move(database); }
    CHECK_OK(open.open());
    CHECK_FALSE(open.recovered.quarantined.has_value());
    return found;
  }
  std::int64_t number(const char* sql) {
    const auto found = in_file([sql](const Database& file) { return file.integer(sql); });
    CHECK_OK(found);
    return *found;
  }
  std::int64_t specs() { return number("SELECT count(*) FROM spec"); }
  std::int64_t since() { return number("PRAGMA user_version") / 65536; }
  // As the version before does at its start.
  Status version_before() {
    return in_file([](const Database& file) {
      const auto known = kMigrations.begin() + 10;
      return check_owner(file, Schema{0x5350574f, {kMigrations.begin(), known}});
    });
  }
  EncodedBytes spec_of(std::uint64_t seq) {
    const auto found = open.find(seq);
    CHECK_OK(found);
    return found ? found->row.spec : nullptr;
  }
  bool holds_large(std::uint64_t seq) {
    const EncodedBytes spec = spec_of(seq);
    return spec && *spec == *large;
  }
};

TEST(SharedSpecs, P20_ten_thousand_devices_cost_one_spec_and_their_rows_on_disk_and_in_memory) {
  constexpr std::uint32_t kDevices = 10'000;
  const std::uint64_t before = open.store().use().in_use;
  CHECK_OK(open.commit(group(1, kDevices, large)));
  const std::uint64_t grown = open.store().use().in_use - before;
  CHECK(grown > large->size());
  CHECK(grown < disk_cost(large->size()) + kDevices * disk_cost(0));
  CHECK_OK(open.reopen());
  std::vector<TaskRow> all;
  for (std::size_t pages = 0; all.size() < kDevices; ++pages) {
    CHECK(pages < 10);  // one that is there already takes no room of a page
    std::optional<ReadyKey> last;
    if (!all.empty()) last = {all.back().band, all.back().task.deadline, all.back().seq};
    const auto page = open.ready_after(last, 1024, 2 * large->size());
    CHECK_OK(page);
    CHECK_FALSE(page->empty());
    all.insert(all.end(), page->begin(), page->end());
  }
  CHECK(*all.front().spec == *large);
  for (const TaskRow& row : all) CHECK(row.spec == all.front().spec);
  POINTERS_EQUAL(all.front().spec.get(), spec_of(kDevices).get());
}

TEST(SharedSpecs, what_is_small_or_came_alone_lies_with_its_task_as_in_the_version_before) {
  CHECK_OK(open.commit(group(1, 3, encoded(std::string(kInlineBytes, 's')))));
  CHECK_OK(open.commit(group(4, 1, large)));
  CHECK_OK(open.commit(batch_of(new_task(5))));
  LONGS_EQUAL(0, specs());
  LONGS_EQUAL(5, since());
  CHECK_OK(version_before());
  CHECK(holds_large(4));
  const auto rows = open.ready_after({}, 10);
  CHECK_OK(rows);
  LONGS_EQUAL(5, rows->size());
  // In memory a group's is one anyway.
  POINTERS_EQUAL(rows->at(0).spec.get(), rows->at(2).spec.get());
}

TEST(SharedSpecs, a_group_of_the_version_before_is_read_as_it_lies_and_is_one_in_memory) {
  for (std::uint64_t seq = 1; seq <= 2; ++seq) CHECK_OK(open.commit(group(seq, 1, large)));
  in_file([](const Database& file) {
    forget_shared(file);
    CHECK_OK(file.execute("UPDATE task SET group_first = 1, group_size = 2"));
    CHECK_OK(file.execute("PRAGMA user_version = 327690"));  // 10, usable since 5
    return 0;
  });
  const EncodedBytes first = spec_of(1);
  CHECK(*first == *large);
  POINTERS_EQUAL(first.get(), spec_of(2).get());
  CHECK_OK(open.commit(end(1, TaskState::succeeded, encoded("left"))));
  CHECK(*spec_of(1) == to_bytes("left"));
  CHECK(holds_large(2));
}

TEST(SharedSpecs, the_version_before_is_kept_out_while_a_task_shares_its_spec_and_no_longer) {
  CHECK_OK(version_before());
  CHECK_OK(open.commit(group(1, 3, large)));
  LONGS_EQUAL(11, since());
  const Status kept_out = version_before();
  CHECK_FAILS(Code::unsupported, kept_out);
  STRCMP_CONTAINS("needs a program that knows schema 11", kept_out.error().message.c_str());
  CHECK_OK(open.commit(end(1, TaskState::succeeded, encoded("left of 1"))));
  CHECK_OK(open.commit(end(2, TaskState::succeeded, std::make_shared<const Bytes>(2000))));
  CHECK_OK(open.commit(end(3, TaskState::failed)));
  // It may be tried again.
  CHECK_FAILS(Code::unsupported, version_before());
  CHECK_OK(open.commit(batch_of(step(3, TaskState::failed, 1, TaskState::ready, 1))));
  CHECK(holds_large(3));
  TaskUpdate done = step(3, TaskState::ready, 1, TaskState::succeeded, 2);
  done.result = encoded("result");
  done.spec = encoded("left of 3");
  CHECK_OK(open.commit(batch_of(std::move(done))));
  LONGS_EQUAL(0, specs());
  LONGS_EQUAL(5, since());
  CHECK_OK(version_before());
  CHECK(*spec_of(1) == to_bytes("left of 1"));
  LONGS_EQUAL(2000, spec_of(2)->size());
  CHECK(*spec_of(3) == to_bytes("left of 3"));
}

TEST(SharedSpecs, a_spec_goes_with_the_last_of_its_tasks_that_is_forgotten) {
  CHECK_OK(open.commit(group(1, 3, large)));
  for (std::uint64_t seq = 1; seq <= 3; ++seq) CHECK_OK(open.commit(end(seq, TaskState::failed)));
  CHECK_OK(open.purge(at(200), 2));
  LONGS_EQUAL(1, specs());
  CHECK(holds_large(3));
  CHECK_OK(open.purge(at(200), 2));
  LONGS_EQUAL(0, specs());
  LONGS_EQUAL(5, since());
}

TEST(SharedSpecs, a_spec_goes_with_the_last_of_its_tasks_that_gives_way_to_others) {
  open.options.tables.budget.of(DataClass::results).items = 1;
  CHECK_OK(open.reopen());
  CHECK_OK(open.commit(group(1, 2, large)));
  for (std::uint64_t seq = 1; seq <= 2; ++seq) CHECK_OK(open.commit(end(seq, TaskState::failed)));
  LONGS_EQUAL(1, specs());
  CHECK_OK(open.commit(batch_of(new_task(3))));
  CHECK_OK(open.commit(end(3, TaskState::failed)));
  LONGS_EQUAL(0, specs());
}

TEST(SharedSpecs, equal_ones_are_one_in_several_groups_and_different_ones_are_not_in_one) {
  CHECK_OK(open.commit(group(1, 2, large)));
  CHECK_OK(open.commit(group(3, 2, std::make_shared<const Bytes>(*large))));
  LONGS_EQUAL(1, specs());
  Batch mixed = group(5, 3, large);
  mixed.inserts[1].row.spec = std::make_shared<const Bytes>(5000);
  CHECK_OK(open.commit(std::move(mixed)));
  LONGS_EQUAL(2, specs());
  LONGS_EQUAL(5000, spec_of(6)->size());
  for (const std::uint64_t seq : {1, 2, 5, 7}) {
    CHECK_OK(open.commit(end(seq, TaskState::succeeded, encoded("left"))));
  }
  LONGS_EQUAL(2, specs());
  CHECK(holds_large(3) && holds_large(4));
}

TEST(SharedSpecs, what_is_refused_leaves_no_spec_behind_and_takes_none_from_others) {
  const auto keyed = [](Batch batch) {
    batch.inserts.front().idempotency_key = "key";
    batch.inserts.front().idempotency_until = at(100);
    return batch;
  };
  CHECK_OK(open.commit(keyed(batch_of(new_task(1)))));
  // One has the number of a task that is there, one its key.
  for (const std::uint64_t seq : {1, 2}) {
    Batch alone = keyed(group(seq, 2, large));
    alone.inserts.pop_back();
    CHECK_FAILS(Code::conflict, open.commit(std::move(alone)));
  }
  LONGS_EQUAL(0, specs());
  LONGS_EQUAL(5, since());
  // The first brings the spec of all.
  const auto refused = open.write(keyed(group(2, 3, large)));
  CHECK_OK(refused);
  LONGS_EQUAL(1, refused->size());
  LONGS_EQUAL(2, refused->front().seq);
  LONGS_EQUAL(1, specs());
  CHECK(holds_large(3) && holds_large(4));
}

TEST(SharedSpecs, P6_a_commit_that_failed_and_is_made_again_has_its_spec) {
  open.options.tables.budget.disk = 16 << 20;
  open.options.file.meter = std::make_shared<FileMeter>();
  CHECK_OK(open.reopen());
  Batch too_much = group(1, 2, large);
  for (std::uint64_t seq = 3; seq < 400; ++seq) {
    too_much.inserts.push_back(new_task(seq));
    too_much.inserts.back().row.spec = large;
  }
  CHECK_FAILS(Code::busy, open.write(std::move(too_much)));
  CHECK_OK(open.commit(group(1, 2, large)));
  CHECK(holds_large(1));
  LONGS_EQUAL(1, specs());
  LONGS_EQUAL(11, since());
  CHECK(holds_large(1) && holds_large(2));
}

TEST(SharedSpecs, a_look_at_the_file_says_what_is_missing_and_what_is_left_over) {
  CHECK_OK(open.commit(group(1, 2, large)));
  open.close();
  const auto change = [this](const char* sql) {
    auto file = Database::open(path, false);
    CHECK_OK(file);
    CHECK_OK(file->execute(sql));
  };
  change("UPDATE spec SET id = 9; PRAGMA user_version = 327691");  // 11, usable since 5
  CHECK_OK(open.open());
  const auto looked = open.inspect(true);
  CHECK_OK(looked);
  LONGS_EQUAL(3, looked->problems.size());
  STRCMP_EQUAL("tasks that share a spec which is not there: 2", looked->problems[0].c_str());
  STRCMP_EQUAL("specs that no task shares: 1", looked->problems[1].c_str());
  STRCMP_CONTAINS("in a file for versions that do not know of any: 1", looked->problems[2].c_str());
  open.close();
  change("UPDATE spec SET id = 1; PRAGMA user_version = 720907");  // 11, usable since 11
  CHECK_OK(open.open());
}
