#include "tests/unit/store/open_store.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;

TEST_GROUP(StoredPlaces) {
  TempFolder folder;
  const std::string path = folder.file("owner.db");
  OpenStore open{path};

  void setup() override { CHECK_OK(open.open()); }

  // Task 1 is for pump-7, where it is leased; of three that came together.
  void lease() {
    Batch batch = batch_of(new_task(1));
    batch.places = {{PlaceId{3}, "pump-7"}};
    TaskRow& row = batch.inserts[0].row;
    row.only_at = row.task.crashed_at = PlaceId{3};
    row.task.state = TaskState::leased;
    row.task.epoch = Epoch{2};
    row.task.live.push_back({.epoch = Epoch{2}, .place = PlaceId{3}});
    row.together = {1, 3};
    batch.events = {{1, at(2), EventKind::granted, Epoch{2}, PlaceId{3}, {}, {}}};
    CHECK_OK(open.commit(batch));
  }
  // Closes the store, and changes the file as an earlier version would have left it: it knew two
  // places, a bit of a task for each that it crashed at, a device as a tenant, and no groups.
  void age(const char* sql) {
    open.close();
    auto older = Database::open(path, false);
    CHECK_OK(older);
    CHECK_OK(older->execute(sql));
    forget_places(*older);
    CHECK_OK(older->execute("PRAGMA user_version = 327689"));  // 9, usable since 5
  }
  std::vector<std::uint64_t> listed(const ListFilter& filter) {
    std::vector<std::uint64_t> found;
    const auto tasks = open.list(filter);
    CHECK_OK(tasks);
    for (const ListedTask& task : *tasks) found.push_back(task.row.seq);
    return found;
  }
};

TEST(StoredPlaces, P6_come_back_with_their_names_and_what_was_accepted_together) {
  lease();
  CHECK_OK(open.reopen());
  STRCMP_EQUAL("pump-7", open.recovered.places.name_of(PlaceId{3}).c_str());
  CHECK_TRUE(open.recovered.places.of("fan-1") == PlaceId{4});
  auto found = open.find(1);
  CHECK_OK(found);
  CHECK_TRUE(found->row.only_at == PlaceId{3});
  CHECK_TRUE(found->row.task.place() == PlaceId{3});
  CHECK_TRUE(found->row.task.crashed_at == PlaceId{3});
  CHECK_TRUE(found->row.together.first == 1 && found->row.together.size == 3);
  CHECK_TRUE(found->events.front().place == PlaceId{3});
}

TEST(StoredPlaces, a_place_keeps_the_name_that_it_was_given_first) {
  lease();
  Batch batch;
  batch.places = {{PlaceId{3}, "fan-1"}};
  CHECK_OK(open.commit(batch));
  CHECK_OK(open.reopen());
  STRCMP_EQUAL("pump-7", open.recovered.places.name_of(PlaceId{3}).c_str());
}

TEST(StoredPlaces, an_update_leaves_for_whom_a_task_is) {
  lease();
  auto found = open.find(1);
  Batch batch;
  batch.updates.push_back({1, TaskState::leased, Epoch{2}, found->row.task, nullptr, nullptr});
  batch.updates[0].next.live.clear();
  batch.updates[0].next.state = TaskState::ready;
  CHECK_OK(open.commit(batch));
  found = open.find(1);
  CHECK_TRUE(found->row.only_at == PlaceId{3} && found->row.together.size == 3);
  CHECK_TRUE(found->row.task.place() == kNowhere);
}

TEST(StoredPlaces, tasks_are_listed_by_the_place_that_they_are_for) {
  lease();
  NewTask any = new_task(2);
  any.tenant = "pump-7";
  CHECK_OK(open.commit(batch_of(any)));
  ListFilter filter;
  filter.only_at = PlaceId{3};
  CHECK_TRUE(listed(filter) == std::vector<std::uint64_t>{1});
  filter.at_tenant = "pump-7";  // as earlier versions had it
  CHECK_TRUE(listed(filter) == (std::vector<std::uint64_t>{2, 1}));
  filter.only_at = kNowhere;
  CHECK_TRUE(listed(filter) == std::vector<std::uint64_t>{2});
  CHECK_TRUE(listed({}) == (std::vector<std::uint64_t>{2, 1}));
}

TEST(StoredPlaces, an_older_stores_two_places_are_the_first_two) {
  lease();
  age("UPDATE task SET place = 2, crash_places = 4, tenant = 'pump-7'; UPDATE event SET place = 1");
  CHECK_OK(open.open());
  CHECK_FALSE(open.recovered.quarantined.has_value());
  LONGS_EQUAL(1, open.recovered.live.size());
  auto found = open.find(1);
  CHECK_OK(found);
  CHECK_TRUE(found->row.task.place() == kCloud);
  CHECK_TRUE(found->row.task.crashed_at == kCloud);
  CHECK_TRUE(found->row.only_at == kNowhere);
  LONGS_EQUAL(0, found->row.together.size);
  STRCMP_EQUAL("pump-7", found->tenant.c_str());
  CHECK_TRUE(found->events.front().place == kHere);
}

TEST(StoredPlaces, an_older_version_finds_the_places_that_it_knows_where_it_had_them) {
  NewTask task = new_task(1);
  task.row.task.live.push_back({.place = kCloud});
  task.row.task.crashed_at = kHere;
  CHECK_OK(open.commit(batch_of(task)));
  open.close();
  {
    auto older = Database::open(path, false);
    CHECK_OK(older);
    LONGS_EQUAL(2, *older->integer("SELECT place FROM task"));
    LONGS_EQUAL(2, *older->integer("SELECT crash_places FROM task"));
    LONGS_EQUAL(0, *older->integer("SELECT count(*) FROM place"));
    // Rows that an older version inserts have the defaults of columns that it does not know.
    const std::string columns =
        "state, epoch, band, deadline, reason, place, boot, offer_pending, attempts, crashes, "
        "crash_places, losses, last_failure, deps, since, settled, created, kind, tenant, spec";
    const std::string insert =
        "INSERT INTO task (seq, " + columns + ") SELECT 2, " + columns + " FROM task";
    CHECK_OK(older->execute(insert.c_str()));
  }
  CHECK_OK(open.open());
  auto found = open.find(2);
  CHECK_OK(found);
  CHECK_TRUE(found->row.task.crashed_at == kHere && found->row.only_at == kNowhere);
}
