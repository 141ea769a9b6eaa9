#include "common/link/births.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;
using link::Births;
using Sign = Births::Sign;

TEST_GROUP(Births) {
  Births births;
  NodeTime now{1000s};
  std::uint64_t session = 0;

  // A birth as one device counts them: each has a higher session number than all before.
  Sign born(std::uint64_t boot, Duration after = 10s) {
    now += after;
    return births.note(BootId{boot}, {}, ++session, now);
  }
  // Which birth of copies in rotation shows it first, counted from 1.
  int named_after(std::uint64_t copies, Duration apart) {
    Births fresh;
    for (std::uint64_t i = 0; i < 100; ++i) {
      now += apart;
      if (fresh.note(BootId{1 + i % copies}, {}, 1 + i / copies, now) == Sign::cloned)
        return int(i + 1);
    }
    return 0;
  }
};

TEST(Births, two_to_eight_copies_are_named_when_the_second_of_them_is_back) {
  for (std::uint64_t copies = 2; copies <= 8; ++copies) {
    CHECK_EQUAL(int(copies + 2), named_after(copies, 1s));
    CHECK_EQUAL(int(copies + 2), named_after(copies, 15s));
  }
}

TEST(Births,
     each_further_birth_of_a_copy_shows_it_again_and_one_that_is_restarted_does_not_end_it) {
  for (const std::uint64_t boot : {1U, 2U, 3U}) CHECK(born(boot) == Sign::none);
  CHECK(born(1) == Sign::doubt);
  for (const std::uint64_t boot : {2U, 3U, 1U, 2U}) CHECK(born(boot) == Sign::cloned);
  CHECK(born(4) == Sign::doubt);
  CHECK(born(1) == Sign::doubt);
  CHECK(born(2) == Sign::cloned);
}

TEST(Births, a_store_that_was_never_heard_of_is_beyond_doubt_also_among_copies) {
  const auto speaks = [&](std::uint64_t boot, std::uint64_t store) {
    return births.note(BootId{boot}, Origin{store}, ++session, now += 10s);
  };
  for (const std::uint64_t copy : {1U, 2U, 1U}) (void)speaks(copy, copy);
  CHECK(speaks(2, 2) == Sign::cloned);
  CHECK(speaks(3, 3) == Sign::none);   // made anew
  CHECK(speaks(4, 3) == Sign::doubt);  // restarted
  CHECK(speaks(2, 2) == Sign::doubt);
  CHECK(speaks(4, 3) == Sign::cloned);
  CHECK(speaks(5, 0) == Sign::doubt);  // tells of no store
}

TEST(Births, copies_that_count_their_sessions_from_different_numbers_are_named_as_soon) {
  const struct {
    std::uint64_t boot, session;
  } told[] = {{1, 900}, {2, 5}, {3, 40}, {1, 901}, {2, 6}};
  for (const Duration apart : {Duration(1s), Duration(15s)}) {
    births = {};
    Sign last = Sign::none;
    for (const auto& [boot, number] : told)
      last = births.note(BootId{boot}, {}, number, now += apart);
    CHECK(last == Sign::cloned);
  }
}

// A broker that says so to whoever is thrown out is not come back to for fifteen seconds or more.
TEST(Births, two_copies_that_take_their_time_are_named_within_a_minute) {
  CHECK(births.note(BootId{2}, {}, 5, now) == Sign::none);
  CHECK(births.note(BootId{1}, {}, 900, now += 1s) == Sign::none);
  CHECK(births.note(BootId{2}, {}, 6, now += 20s) == Sign::doubt);
  CHECK(births.note(BootId{1}, {}, 901, now += 20s) == Sign::cloned);
}

TEST(Births, a_device_that_restarts_is_put_back_or_made_anew_is_never_doubted) {
  for (std::uint64_t boot = 1; boot <= 100; ++boot) {
    // Put back to an earlier copy, or made anew: the number is what it was long before.
    if (boot % 7 == 0) session = boot % 3;
    CHECK(born(boot, 100ms) == Sign::none);
    CHECK(born(boot, 100ms) == Sign::none);
  }
}

TEST(Births, one_that_was_overtaken_and_comes_late_is_no_second_device) {
  CHECK(births.note(BootId{1}, {}, 4, now) == Sign::none);
  CHECK(births.note(BootId{2}, {}, 6, now) == Sign::none);
  CHECK(births.note(BootId{1}, {}, 5, now) == Sign::doubt);
  session = 6;
  for (int i = 0; i < 20; ++i) CHECK(born(2, 1s) == Sign::doubt);
  CHECK(born(3, Births::kLately) == Sign::none);
}

TEST(Births, a_device_each_start_of_which_overtakes_the_one_before_is_not_named) {
  for (std::uint64_t boot = 1; boot <= 100; ++boot) {
    session += 2;
    CHECK(births.note(BootId{boot}, {}, session, now += 1s) != Sign::cloned);
    if (boot > 1) CHECK(births.note(BootId{boot - 1}, {}, session - 1, now) != Sign::cloned);
  }
}

TEST(Births, copies_are_forgotten_once_none_was_heard_of_for_some_time) {
  for (int i = 0; i < 10; ++i) (void)born(1 + std::uint64_t(i) % 3);
  CHECK(born(7, Births::kLately) == Sign::none);
  CHECK(born(8) == Sign::none);
}
