#include "common/store/lives.h"

#include <CppUTest/TestHarness.h>

#include <filesystem>

#include "tests/unit/store/open_store.h"
#include "tests/unit/store/temp_folder.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;

namespace {

// The founding origin 1, and an opening at each of `firsts`, with origins 2, 3, …
Lives opened_at(std::initializer_list<std::uint64_t> firsts) {
  Lives lives(Origin{1});
  std::uint64_t origin = 1;
  for (const std::uint64_t first : firsts) lives.begin(Origin{++origin}, first);
  return lives;
}

}  // namespace

TEST_GROUP(Lives){};

TEST(Lives, a_number_is_named_by_the_life_that_accepted_it) {
  const Lives lives = opened_at({1, 10, 20});
  CHECK(lives.id_of(1) == (TaskId{Origin{2}, 1}));
  CHECK(lives.id_of(9) == (TaskId{Origin{2}, 9}));
  CHECK(lives.id_of(10) == (TaskId{Origin{3}, 10}));
  CHECK(lives.id_of(19) == (TaskId{Origin{3}, 19}));
  CHECK(lives.id_of(20) == (TaskId{Origin{4}, 20}));
  CHECK(lives.id_of(9'999) == (TaskId{Origin{4}, 9'999}));
}

TEST(Lives, what_a_store_knew_before_it_had_lives_keeps_the_only_origin_there_was) {
  const Lives lives = opened_at({100});
  CHECK(lives.id_of(99) == (TaskId{Origin{1}, 99}));
  CHECK(lives.id_of(100) == (TaskId{Origin{2}, 100}));
}

TEST(Lives, only_the_very_name_of_a_number_means_it) {
  const Lives lives = opened_at({1, 10});
  for (const std::uint64_t seq : {1, 9, 10, 11}) {
    CHECK(lives.seq_of(lives.id_of(seq)) == seq);
  }
  CHECK(!lives.seq_of({Origin{2}, 10}));  // given by a copy that lived on in that life
  CHECK(!lives.seq_of({Origin{3}, 9}));
  CHECK(!lives.seq_of({Origin{1}, 5}));
  CHECK(!lives.seq_of({Origin{77}, 10}));
}

TEST(Lives, copies_of_one_store_never_name_two_tasks_alike) {
  const Lives before = opened_at({1, 10});
  Lives one = before, other = before;
  one.begin(Origin{100}, 15);
  other.begin(Origin{200}, 15);
  for (std::uint64_t seq = 1; seq < 15; ++seq) CHECK(one.id_of(seq) == other.id_of(seq));
  for (std::uint64_t seq = 15; seq < 30; ++seq) CHECK(one.id_of(seq) != other.id_of(seq));
  // And one that lived on in the life that was copied.
  CHECK(before.id_of(15) != one.id_of(15));
}

TEST(Lives, of_lives_that_accepted_nothing_the_last_one_names) {
  const Lives lives = opened_at({1, 10, 10, 10});
  CHECK(lives.id_of(10) == (TaskId{Origin{5}, 10}));
  CHECK(!lives.seq_of({Origin{4}, 10}));
}

TEST(Lives, the_lineage_is_the_present_life_and_those_before_it_without_a_gap) {
  const Lives lives = opened_at({1, 10, 20});
  const std::vector<Origin> expected{Origin{4}, Origin{3}, Origin{2}, Origin{1}};
  CHECK(lives.lineage().lives == expected);

  std::vector<Life> kept = lives.all();
  kept.erase(kept.begin() + 1);
  const std::vector<Origin> without{Origin{4}, Origin{3}};
  CHECK(Lives(kept, Origin{9}).lineage().lives == without);

  Lives many(Origin{1});
  for (std::uint64_t i = 2; i < 100; ++i) many.begin(Origin{i}, 1);
  LONGS_EQUAL(kMaxLineage, many.lineage().lives.size());
  CHECK(many.lineage().lives.back() == Origin{84});
}

TEST(Lives, what_a_damaged_file_says_against_its_order_is_left_out) {
  const Lives lives({{3, Origin{3}, 30, false},
                     {2, Origin{2}, 40, false},
                     {5, Origin{5}, 20, false},
                     {6, Origin{6}, 50, false}},
                    Origin{1});
  LONGS_EQUAL(2, lives.all().size());
  CHECK(lives.id_of(45) == (TaskId{Origin{3}, 45}));
  CHECK(lives.id_of(7) == (TaskId{Origin{3}, 7}));
  CHECK(lives.id_of(50) == (TaskId{Origin{6}, 50}));
}

TEST(Lives, counts_are_told_under_the_first_name_until_an_earlier_copy_was_put_back) {
  Lives lives = opened_at({1, 10});
  CHECK(lives.counts() == Origin{1});
  lives.mark_restored();
  CHECK(lives.counts() == Origin{3});
  lives.begin(Origin{50}, 20);
  CHECK(lives.counts() == Origin{3});
}

TEST_GROUP(StoredLives) {
  TempFolder folder;
  Origin last;

  // One opening by a process that accepts `tasks` more.
  void live(const std::string& path, unsigned tasks) {
    OpenStore open(path);
    CHECK_OK(open.open());
    last = open.recovered.lives.current().origin;
    for (unsigned i = 0; i < tasks; ++i) {
      CHECK_OK(open.commit(batch_of(new_task(open.recovered.next_seq + i))));
    }
  }
  std::vector<Life> kept(const std::string& path) {
    OpenStore open(path);
    CHECK_OK(open.open());
    std::vector<Life> lives = open.recovered.lives.all();
    lives.pop_back();  // the one that this look began
    return lives;
  }
};

TEST(StoredLives, each_opening_that_writes_is_a_life_of_its_own_and_rows_keep_their_names) {
  const std::string path = folder.file("agent.db");
  live(path, 2);
  const Origin first = last;
  live(path, 3);
  const Origin second = last;
  CHECK(first != second);
  OpenStore open(path);
  CHECK_OK(open.open());
  const Lives& lives = open.recovered.lives;
  CHECK(lives.id_of(2) == (TaskId{first, 2}));
  CHECK(lives.id_of(3) == (TaskId{second, 3}));
  CHECK(lives.id_of(5) == (TaskId{second, 5}));
  CHECK(lives.id_of(6).origin == lives.current().origin);
  LONGS_EQUAL(4, lives.current().number);
}

TEST(StoredLives, an_opening_that_never_wrote_leaves_nothing) {
  const std::string path = folder.file("agent.db");
  live(path, 1);
  const std::vector<Life> before = kept(path);
  for (int i = 0; i < 5; ++i) live(path, 0);
  CHECK(kept(path) == before);
}

TEST(StoredLives, a_copy_that_is_put_back_gives_no_name_that_was_given) {
  const std::string path = folder.file("agent.db"), copy = folder.file("copy.db");
  live(path, 3);
  std::filesystem::copy_file(path, copy);
  live(path, 3);
  const Origin lost = last;
  std::filesystem::copy_file(copy, path, std::filesystem::copy_options::overwrite_existing);
  live(path, 3);
  OpenStore open(path);
  CHECK_OK(open.open());
  CHECK(open.recovered.lives.id_of(4) == (TaskId{last, 4}));
  CHECK(!open.recovered.lives.seq_of({lost, 4}));
}

TEST(StoredLives, the_mark_of_a_restored_store_and_what_is_known_of_others_outlast_a_restart) {
  const std::string path = folder.file("agent.db");
  {
    OpenStore open(path);
    CHECK_OK(open.open());
    Batch batch;
    batch.restored = true;
    batch.peers = {{Origin{1}, 7, Origin{70}}};
    CHECK_OK(open.commit(std::move(batch)));
    last = open.recovered.lives.current().origin;
  }
  OpenStore open(path);
  CHECK_OK(open.open());
  CHECK(open.recovered.lives.counts() == last);
  const std::vector<KnownLife> expected{{Origin{1}, 7, Origin{70}}};
  CHECK(open.recovered.peers == expected);
}

TEST(StoredLives, of_very_many_lives_those_of_which_nothing_is_left_are_forgotten) {
  const std::string path = folder.file("agent.db");
  live(path, 1);
  const TaskId kept_row{last, 1};
  // Each accepts one task that is not kept: its number is used up all the same.
  for (unsigned i = 0; i < Lives::kMany + 40; ++i) {
    OpenStore open(path);
    CHECK_OK(open.open());
    NewTask task = new_task(open.recovered.next_seq, TaskState::succeeded);
    task.row.keep_until = at(1);
    CHECK_OK(open.commit(batch_of(std::move(task))));
    CHECK_TRUE(open.purge(at(2), 10).ok());
  }
  const std::vector<Life> lives = kept(path);
  CHECK(lives.size() <= Lives::kMany);
  OpenStore open(path);
  CHECK_OK(open.open());
  CHECK(open.recovered.lives.seq_of(kept_row) == 1U);
  LONGS_EQUAL(kMaxLineage, open.recovered.lives.lineage().lives.size());
}

TEST(StoredLives, what_is_salvaged_from_a_damaged_file_keeps_its_names) {
  const std::string path = folder.file("agent.db");
  live(path, 2);
  const TaskId name{last, 2};
  live(path, 1);
  mark_damaged(path);
  OpenStore open(path);
  CHECK_OK(open.open());
  CHECK(open.recovered.quarantined.has_value());
  CHECK(open.recovered.lives.id_of(2) == name);
}
