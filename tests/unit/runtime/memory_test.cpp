#include "common/runtime/memory.h"

#include <fstream>

#include <CppUTest/TestHarness.h>

using namespace spillway;

namespace {

// Resident pages that are as in their file.
long of_files() {
  std::ifstream statm("/proc/self/statm");
  long size = 0, resident = 0, shared = 0;
  statm >> size >> resident >> shared;
  return shared;
}

}  // namespace

TEST_GROUP(Memory){};

TEST(Memory, code_that_is_not_in_use_leaves_memory_and_runs_on) {
  const long before = of_files();
  CHECK(before > 0);
  runtime::trim_memory();
  const long after = of_files();
  CHECK(after < before);
  runtime::trim_memory();
  CHECK(of_files() > 0);
}
