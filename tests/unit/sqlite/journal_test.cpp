#include "common/sqlite/journal.h"

#include <deque>
#include <string>
#include <vector>

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;

namespace {

struct Held : sqlite::Journaled {
  explicit Held(int number) : id(number) {}
  int id;
};
struct Row {
  int id = 0;
  std::string value;
};
struct Batch {
  std::vector<Row> inserts, updates, notes;
  NodeTime now{};
  Duration wall{};
  bool empty() const { return inserts.empty() && updates.empty() && notes.empty(); }
};
struct Refusal {
  int id = 0;
  Error error;
};
struct Rows {
  using Held = ::Held;
  using Batch = ::Batch;
  using Refused = std::vector<Refusal>;
  static int key(const ::Held& held) { return held.id; }
  static int key(const Row& row) { return row.id; }
  static int key(const Refusal& refusal) { return refusal.id; }
  static void strike(::Batch& batch, int id) {
    std::erase_if(batch.notes, [id](const Row& row) { return row.id == id; });
  }
};

struct Store {
  struct Commit {
    Batch batch;
    std::function<void(Result<Rows::Refused>)> done;
  };
  std::deque<Commit> commits;
  void commit(const sqlite::SharedBatch<Batch>& batch,
              std::function<void(Result<Rows::Refused>)> done) {
    commits.push_back({*batch, std::move(done)});
  }
  Batch answer(Result<Rows::Refused> result = Rows::Refused{}) {
    Commit commit = std::move(commits.front());
    commits.pop_front();
    commit.done(std::move(result));
    return commit.batch;
  }
};

}  // namespace

TEST_GROUP(Journal) {
  Store store;
  std::vector<std::string> told;
  sqlite::Journal<Rows> journal{
      store,
      {[](const Error&) {}, nullptr, [] {}},
      {[this](int id) { told.push_back("settled " + std::to_string(id)); },
       [this](int id, const Error&) { told.push_back("refused " + std::to_string(id)); }}};
  Held pump{1}, valve{2};

  void flush() { journal.flush(NodeTime{}, {}); }
  void check_told(const std::vector<std::string>& wanted) {
    CHECK(wanted == told);
    told.clear();
  }
};

TEST(Journal, the_steps_of_a_row_melt_into_one_of_a_commit) {
  journal.insert(pump, Row{1, "new"});
  journal.inserted(pump)->value = "newer";
  journal.update(valve, Row{2, "open"});
  journal.update(valve, Row{2, "of no use"}).value = "shut";
  flush();
  const Batch batch = store.answer();
  CHECK_EQUAL(1U, batch.inserts.size());
  STRCMP_EQUAL("newer", batch.inserts[0].value.c_str());
  CHECK_EQUAL(1U, batch.updates.size());
  STRCMP_EQUAL("shut", batch.updates[0].value.c_str());
}

TEST(Journal, what_is_on_its_way_is_not_changed) {
  journal.insert(pump, Row{1, "new"});
  flush();
  POINTERS_EQUAL(nullptr, journal.inserted(pump));
  journal.update(pump, Row{1, "later"});
  CHECK_EQUAL(2U, pump.unsaved);
  STRCMP_EQUAL("new", store.answer().inserts[0].value.c_str());
  check_told({"settled 1"});
  CHECK_EQUAL(1U, pump.unsaved);
  flush();
  STRCMP_EQUAL("later", store.answer().updates[0].value.c_str());
  CHECK_EQUAL(0U, pump.unsaved);
}

TEST(Journal, a_refused_row_is_told_ahead_of_what_waits_and_nothing_speaks_of_it_any_more) {
  const auto waits_for = [this](int id) {
    journal.after(id, [this, id](const Error* refused) {
      told.push_back((refused ? "without " : "with ") + std::to_string(id));
    });
  };
  journal.update(pump, Row{1, "a"});
  journal.update(valve, Row{2, "a"});
  waits_for(1);
  flush();
  journal.update(pump, Row{1, "b"});
  journal.update(valve, Row{2, "b"});
  journal.cycle().batch().notes = {{1, "of the pump"}, {2, "of the valve"}};
  waits_for(1);
  waits_for(2);
  store.answer(Rows::Refused{{1, fail(Code::not_found, "gone")}});
  check_told({"refused 1", "without 1", "settled 2"});
  flush();
  const Batch batch = store.answer();
  CHECK_EQUAL(1U, batch.updates.size());
  CHECK_EQUAL(2, batch.updates[0].id);
  CHECK_EQUAL(1U, batch.notes.size());
  STRCMP_EQUAL("of the valve", batch.notes[0].value.c_str());
  check_told({"without 1", "with 2", "settled 2"});
}

TEST(Journal, an_update_behind_a_refused_one_finds_its_place) {
  journal.update(pump, Row{1, "a"});
  flush();
  journal.update(pump, Row{1, "b"});
  journal.update(valve, Row{2, "b"});
  store.answer(Rows::Refused{{1, fail(Code::not_found, "gone")}});
  journal.update(valve, Row{2, "of no use"}).value = "c";
  flush();
  const Batch batch = store.answer();
  CHECK_EQUAL(1U, batch.updates.size());
  STRCMP_EQUAL("c", batch.updates[0].value.c_str());
}
