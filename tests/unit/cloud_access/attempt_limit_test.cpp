#include "cloud/access/attempt_limit.h"

// last
#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud::access;
using namespace std::chrono_literals;

TEST_GROUP(AttemptLimit) { AttemptLimit limit; };

TEST(AttemptLimit, allows_a_burst_and_then_one_every_five_seconds) {
  for (int i = 0; i < 10; ++i) {
    CHECK(limit.wait("a", 0s) == 0s);
    limit.failed("a", 0s);
  }
  CHECK(limit.wait("a", 0s) == 5s);
  CHECK(limit.wait("b", 0s) == 0s);
  CHECK(limit.wait("a", 5s) == 0s);
  limit.failed("a", 5s);
  CHECK(limit.wait("a", 6s) > 3s);
  CHECK(limit.wait("a", 10min) == 0s);
}

TEST(AttemptLimit, remembers_a_bounded_number_of_addresses) {
  for (std::size_t i = 0; i < AttemptLimit::kAddresses + 20; ++i) {
    limit.failed(std::to_string(i), 0s);
  }
  // Newcomers share one allowance, and it is used up.
  CHECK(limit.wait("a newcomer", 0s) > 0s);
  limit.failed("later", 10min);
  CHECK(limit.wait("a newcomer", 10min) == 0s);
}
