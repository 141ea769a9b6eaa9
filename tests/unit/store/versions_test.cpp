#include "tests/unit/store/damage_rig.h"

using namespace spillway;
using namespace spillway::sqlite;
using namespace spillway::store;

// Files of newer and older versions, whole and damaged.
TEST_GROUP_BASE(Versions, DamageRig){};

TEST(Versions, a_file_of_a_newer_version_is_left_alone) {
  {
    auto newer = Database::open(path, false);
    CHECK_OK(newer);
    CHECK_OK(newer->execute("PRAGMA user_version = 99"));
  }
  CHECK_FAILS(Code::unsupported, open.open());
}

TEST(Versions, a_file_of_a_newer_version_that_only_added_is_used_and_left_as_new_as_it_is) {
  const std::string both = std::to_string(5 * 65536 + 99);  // version 99, usable since 5
  {
    auto newer = Database::open(path, false);
    CHECK_OK(newer);
    CHECK_OK(newer->execute("ALTER TABLE task ADD COLUMN next INTEGER NOT NULL DEFAULT 7"));
    CHECK_OK(newer->execute("ALTER TABLE loss ADD COLUMN next INTEGER NOT NULL DEFAULT 7"));
    CHECK_OK(newer->execute(("PRAGMA user_version = " + both).c_str()));
  }
  CHECK_OK(open.open());
  CHECK_FALSE(open.recovered.quarantined.has_value());
  CHECK_TRUE(open.recovered.lives.all().front().origin == origin);
  CHECK_OK(open.find(70));
  works();
  LONGS_EQUAL(99, open.inspect(false)->schema);
  open.close();
  auto after = Database::open(path, false);
  CHECK_OK(after);
  CHECK_OK(after->integer("PRAGMA user_version"));
  STRCMP_EQUAL(both.c_str(), std::to_string(*after->integer("PRAGMA user_version")).c_str());
}

TEST(Versions, what_a_newer_version_that_only_added_left_damaged_is_carried_over) {
  {
    auto newer = Database::open(path, false);
    CHECK_OK(newer);
    CHECK_OK(newer->execute("ALTER TABLE task ADD COLUMN next INTEGER NOT NULL DEFAULT 7"));
    const std::string both = std::to_string(5 * 65536 + 99);
    CHECK_OK(newer->execute(("PRAGMA user_version = " + both).c_str()));
  }
  mark_damaged(path);
  CHECK_OK(open.open());
  CHECK_TRUE(open.recovered.quarantined.has_value());
  CHECK_TRUE(open.recovered.salvaged > 100);
  CHECK_OK(open.find(70));
}

TEST(Versions, what_an_older_version_left_damaged_is_carried_over) {
  {
    // A file as the versions left it that knew neither of lives nor of sums, of unknown losses, of
    // what a key stands for or of places by name.
    auto older = Database::open(path, false);
    CHECK_OK(older);
    CHECK_OK(older->execute("ALTER TABLE idempotency DROP COLUMN wish"));
    CHECK_OK(older->execute("ALTER TABLE loss DROP COLUMN least"));
    CHECK_OK(older->execute("ALTER TABLE bulk DROP COLUMN sum"));
    forget_places(*older);
    CHECK_OK(older->execute("DROP TABLE life; DROP TABLE peer; PRAGMA user_version = 5"));
  }
  mark_damaged(path);
  CHECK_OK(open.open());
  is_fresh_and_keeps_the_old_file();
  CHECK_TRUE(open.recovered.lives.all().front().origin != Origin{});
  LONGS_EQUAL(121, open.recovered.salvaged);
  auto done = open.find(7);
  CHECK_TRUE(*done->row.result == to_bytes("result of 7"));
  CHECK_FALSE(open.find_idempotent("key", at(3))->value().wish.has_value());
  LONGS_EQUAL(1, unknown_losses(open));
  works();
}

TEST(Versions, an_empty_file_of_an_older_version_gives_back_what_its_log_holds) {
  Bytes log;
  {
    auto older = Database::open(path, false);
    CHECK_OK(older);
    CHECK_OK(older->execute("PRAGMA wal_autocheckpoint = 0"));
    CHECK_OK(older->execute("ALTER TABLE idempotency DROP COLUMN wish"));
    CHECK_OK(older->execute("ALTER TABLE loss DROP COLUMN least"));
    forget_places(*older);
    CHECK_OK(older->execute("PRAGMA user_version = 327687"));  // 7, usable since 5
    // Every page goes into the log.
    CHECK_OK(older->execute("VACUUM"));
    log = read_file(path + "-wal");
  }
  CHECK_TRUE(log.size() > 20 * 4096);
  write_file(path, {});
  write_file(path + "-wal", log);
  CHECK_OK(open.open());
  is_fresh_and_keeps_the_old_file();
  LONGS_EQUAL(121, open.recovered.salvaged);
  works();
}
