#include <algorithm>
#include <fstream>

#include "tests/unit/store/open_store.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;

namespace {

constexpr std::uint64_t kPage = 4096;

// What this process has read by system calls since it began; the store maps no file into memory.
std::uint64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::uint64_t bytes = 0;
  io >> name >> bytes;  // rchar
  return bytes;
}

}  // namespace

TEST_GROUP(Million) {
  TempFolder folder{std::filesystem::temp_directory_path()};  // too large for memory

  void make(const std::string& path, std::uint64_t rows) {
    OpenStore open{path};
    CHECK_OK(open.open());
    NewTask last = new_task(rows);
    CHECK_OK(open.commit(batch_of(last)));
    open.close();
    auto database = Database::open(path, false);
    CHECK_OK(database);
    // All copies of the one row that the store itself wrote.
    const std::string others = *database->text(
        "SELECT group_concat(name, ', ') FROM pragma_table_info('task') "
        "WHERE name NOT IN ('seq', 'band')");
    const std::string fill =
        "PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; BEGIN;"
        "CREATE TEMP TABLE pattern AS SELECT * FROM task;"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(rows - 1) + ") INSERT INTO task (seq, band, " + others +
        ") SELECT i, i % 4, " + others + " FROM n CROSS JOIN pattern;" +
        "UPDATE node SET count1 = " + std::to_string(rows) + "; COMMIT";
    CHECK_OK(database->execute(fill.c_str()));
  }

  // Bytes read to open it and to have its first 64 ready tasks.
  std::uint64_t start_reads(const std::string& path) {
    const std::uint64_t before = bytes_read();
    OpenStore open{path};
    CHECK_OK(open.open());
    LONGS_EQUAL(std::min<std::uint64_t>(64, open.recovered.next_seq - 1),
                open.ready_after({}, 64)->size());
    return bytes_read() - before;
  }
};

TEST(Million,
     P22_a_store_of_a_million_tasks_is_opened_and_begun_by_reading_as_little_as_one_of_ten) {
  const std::string small = folder.file("small.db");
  const std::string large = folder.file("large.db");
  make(small, 10);
  make(large, 1'000'000);
  const std::uint64_t ten = start_reads(small);
  const std::uint64_t million = start_reads(large);
  const std::string shown =
      "ten rows: " + std::to_string(ten) + " bytes read, a million: " + std::to_string(million);
  UT_PRINT(shown.c_str());
  // The 54 tasks more may lie in a page each, below two more levels of two trees.
  CHECK_TRUE_TEXT(million < ten + 64 * kPage, shown.c_str());
}

TEST(Million, P22_a_million_tasks_are_worked_off_from_the_front_by_reading_those_alone) {
  constexpr std::uint64_t kRounds = 50;
  const std::string path = folder.file("large.db");
  make(path, 1'000'000);
  OpenStore open{path};
  CHECK_OK(open.open());
  std::optional<ReadyKey> after = ReadyKey{Band::high, kNever, 700'000};
  const std::uint64_t before = bytes_read();
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    auto rows = open.ready_after(after, 64);
    LONGS_EQUAL(64, rows->size());
    Batch batch;
    for (const TaskRow& row : *rows) {
      batch.updates.push_back(step(row.seq, TaskState::ready, 0, TaskState::succeeded, 1));
    }
    CHECK_OK(open.commit(std::move(batch)));
    after = ReadyKey{rows->back().band, rows->back().task.deadline, rows->back().seq};
  }
  const std::string shown = std::to_string((bytes_read() - before) / kRounds) + " bytes a round";
  UT_PRINT(shown.c_str());
  // A plan that sorts or scans the backlog reads a hundred megabytes each round.
  CHECK_TRUE_TEXT(bytes_read() - before < kRounds * 128 * kPage, shown.c_str());
  LONGS_EQUAL(3200, open.inspect(false)->counts.by_state[4]);
}
