#include "common/store/owner_sql.h"
#include "tests/unit/store/open_store.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;

TEST_GROUP(QueryPlan) {
  TempFolder folder;
  std::optional<Database> database;

  void setup() override {
    OpenStore made{folder.file("owner.db")};
    CHECK_OK(made.open());
    made.close();
    auto opened = Database::open(folder.file("owner.db"), false);
    CHECK_OK(opened);
    database = *std::move(opened);
  }

  std::string plan(const std::string& sql) {
    auto statement = database->prepare("EXPLAIN QUERY PLAN " + sql);
    CHECK_OK(statement);
    Cursor rows = statement->use();
    std::string text;
    for (auto row = rows.step(); row && *row; row = rows.step()) {
      text += std::string(rows.text(3)) + "\n";
    }
    return text;
  }
};

namespace {

bool is_small(Sql sql) {
  return sql == Sql::outbox || sql == Sql::losses || sql == Sql::lives || sql == Sql::peers ||
         sql == Sql::places;
}

}  // namespace

TEST(QueryPlan, P22_no_statement_sorts_or_scans_but_those_that_read_a_whole_small_table) {
  for (int i = 0; i < static_cast<int>(Sql::count_); ++i) {
    const std::string& sql = sql_text(static_cast<Sql>(i));
    const std::string found = plan(sql);
    const std::string shown = std::string(sql).append("\n").append(found);
    CHECK_TRUE_TEXT(found.find("TEMP B-TREE") == std::string::npos, shown.c_str());
    if (is_small(static_cast<Sql>(i))) continue;
    // Two read an index in its order from one end and stop at their LIMIT.
    const bool stops = static_cast<Sql>(i) == Sql::due || static_cast<Sql>(i) == Sql::next_purge;
    CHECK_TRUE_TEXT(stops || found.find("SCAN") == std::string::npos, shown.c_str());
  }
}

TEST(QueryPlan, ready_tasks_are_found_by_all_of_their_key) {
  STRCMP_CONTAINS("USING INDEX task_ready (band=? AND deadline=? AND rowid>?)",
                  plan(sql_text(Sql::ready_beside)).c_str());
  STRCMP_CONTAINS("USING INDEX task_ready ((band,deadline)>(?,?))",
                  plan(sql_text(Sql::ready_beyond)).c_str());
}

TEST(QueryPlan, each_query_over_many_rows_uses_the_index_made_for_it) {
  STRCMP_CONTAINS("USING INDEX task_due", plan(sql_text(Sql::due)).c_str());
  STRCMP_CONTAINS("USING INDEX task_live", plan(sql_text(Sql::live_tasks)).c_str());
  STRCMP_CONTAINS("USING INDEX task_keep", plan(sql_text(Sql::purgeable)).c_str());
  STRCMP_CONTAINS("INDEX task_keep", plan(sql_text(Sql::next_purge)).c_str());
}
