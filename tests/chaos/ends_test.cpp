#include "tests/chaos/ends.h"

#include <signal.h>

#include "common/base/damage.h"

// After all others: it redefines `new`.
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::chaos;

TEST_GROUP(EndChecker) {
  End end;
  Excuses all{.disk_bad = true, .damaged = true};

  bool is_wrong(const Excuses& excuses) const { return wrong_with(end, excuses).has_value(); }
};

TEST(EndChecker, lets_a_program_end_when_it_was_asked_to_or_killed) {
  end.asked = true;
  CHECK_FALSE(is_wrong({}));
  end = {.exit = {.signal = SIGKILL}, .killed = true};
  CHECK_FALSE(is_wrong({}));
}

TEST(EndChecker, excuses_no_signal_by_a_disk_that_was_bad) {
  for (const int number : {SIGSEGV, SIGABRT, SIGBUS, SIGKILL}) {
    end.exit = {.signal = number};
    CHECK_TRUE(is_wrong(all));
  }
  // A program that crashed first, and was killed when it was gone.
  end = {.exit = {.signal = SIGSEGV}, .killed = true};
  CHECK_TRUE(is_wrong(all));
}

TEST(EndChecker, excuses_nothing_that_a_sanitizer_says_however_the_program_went_on) {
  end.asked = true;
  end.said = "{\"level\":\"info\"}\n==7==ERROR: AddressSanitizer: heap-use-after-free\n#0 0x1";
  STRCMP_EQUAL("said: ==7==ERROR: AddressSanitizer: heap-use-after-free",
               wrong_with(end, all)->c_str());
  end = {.exit = {.signal = SIGKILL}, .killed = true};
  end.said = "node.cpp:7: runtime error: signed integer overflow";
  CHECK_TRUE(is_wrong(all));
}

TEST(EndChecker, lets_a_program_end_for_a_damaged_file_only_when_there_is_one_and_it_says_so) {
  end.exit.code = kExitDamaged;
  end.said = "the store's file is damaged; ending to start with what can be read of it";
  CHECK_FALSE(is_wrong({.damaged = true}));
  CHECK_TRUE(is_wrong({.disk_bad = true}));
  end.said = "goodbye";
  CHECK_TRUE(is_wrong(all));
}

TEST(EndChecker, lets_a_start_fail_on_a_bad_disk_when_it_names_the_file) {
  end.exit.code = 1;
  end.said = "/var/lib/spillway/agent.db: cannot be opened: no space left on device";
  CHECK_FALSE(is_wrong({.disk_bad = true}));
  CHECK_TRUE(is_wrong({.damaged = true}));
  end.said = "configuration is wrong";
  CHECK_TRUE(is_wrong(all));
}

TEST(EndChecker, takes_an_end_that_nobody_asked_for_as_wrong_even_with_success) {
  STRCMP_EQUAL("ended by itself, code 0", wrong_with(end, all)->c_str());
}
