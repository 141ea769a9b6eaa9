#include "common/owner/key_book.h"

#include <memory>
#include <string>
#include <vector>

#include "common/owner/new_task.h"
#include "tests/support/fakes/memory_owner_store.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::owner;

TEST_GROUP(KeyBook) {
  ManualClock clock;
  NodeTimeline timeline{clock, NodeTime{}};
  test::OwnerDisk disk;
  test::MemoryOwnerStore store{disk};
  KeyBook keys{store, timeline};
  std::vector<std::string> told;  // who had its turn, and what it was told

  void setup() override { (void)disk.recover(Origin{1}); }
  void take(const std::string& who, const std::string& key = "k") {
    keys.take(key, [this, who](const Result<std::optional<store::KnownKey>>& known) {
      told.push_back(who + (*known ? ":" + std::to_string((*known)->seq) : ""));
    });
  }
  void settle() {
    while (store.step()) {
    }
  }
  void check(const std::vector<std::string>& expected) {
    settle();
    CHECK(told == expected);
  }
};

TEST(KeyBook, P1_a_key_is_one_submissions_at_a_time_and_the_others_are_told_of_its_task) {
  take("a");
  take("b");
  take("c");
  check({"a"});
  keys.settle("k", store::KnownKey{7, std::nullopt});
  check({"a", "b:7", "c:7"});
}

TEST(KeyBook, the_next_one_has_its_turn_when_the_first_was_not_accepted) {
  take("a");
  take("b");
  take("c");
  settle();
  keys.settle("k", std::nullopt);
  check({"a", "b"});
  keys.settle("k", store::KnownKey{8, std::nullopt});
  check({"a", "b", "c:8"});
}

TEST(KeyBook, keys_do_not_wait_for_each_other) {
  take("a");
  take("b", "other");
  check({"a", "b"});
}

TEST(KeyBook, what_the_disk_knows_is_told_to_all) {
  disk.keys["k"] = {store::KnownKey{5, Digest{}}, kNever};
  take("a");
  take("b");
  check({"a:5", "b:5"});
  take("c");
  check({"a:5", "b:5", "c:5"});
}

TEST(KeyBook, nobody_is_told_once_it_is_gone) {
  {
    KeyBook gone(store, timeline);
    gone.take("k", [](const auto&) { FAIL("it is gone"); });
  }
  settle();
}

TEST(KeyBook, a_key_stands_for_the_spec_and_what_is_beside_it_but_not_for_who_traces_it) {
  TaskSpec spec;
  spec.kind.name = "echo";
  const Digest plain = KeyBook::wish_of(spec, as_bytes("x"));
  CHECK(plain != KeyBook::wish_of(spec, as_bytes("y")));
  spec.trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  CHECK(plain == KeyBook::wish_of(spec, as_bytes("x")));
  spec.kind.name = "sum";
  CHECK(plain != KeyBook::wish_of(spec, as_bytes("x")));
}

TEST(KeyBook, a_new_tasks_row_says_what_its_spec_does_and_keeps_its_key_as_long) {
  TaskSpec spec;
  spec.kind.name = "echo";
  spec.tenant = "t";
  spec.band = Band::high;
  const NodeTime now{std::chrono::seconds(9)};
  store::NewTask task = new_task(spec, std::make_shared<const Bytes>(3), 2, now);
  name_by(task, spec, "k", Digest{});
  STRCMP_EQUAL("echo", task.kind.c_str());
  STRCMP_EQUAL("t", task.tenant.c_str());
  CHECK(task.row.band == Band::high && task.row.created == now);
  CHECK(task.row.task.state == TaskState::waiting);
  UNSIGNED_LONGS_EQUAL(2, task.row.task.deps);
  UNSIGNED_LONGS_EQUAL(3, task.row.spec->size());
  STRCMP_EQUAL("k", task.idempotency_key.c_str());
  CHECK(task.idempotency_until == now + spec.idempotency_window);
}
