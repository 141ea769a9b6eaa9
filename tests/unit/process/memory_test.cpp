#include "common/process/memory.h"

#include <fstream>
#include <memory>
#include <vector>

#include <CppUTest/TestHarness.h>

using namespace spillway;

// Sanitizers have a heap of their own.
#if defined(__GLIBC__) && !defined(SPILLWAY_SANITIZED)
namespace {

constexpr std::size_t kBlock = 4096, kBlocks = 8192;  // 32 MiB, none of it large enough for mmap

// Resident pages that are no file's.
long own_pages() {
  std::ifstream statm("/proc/self/statm");
  long size = 0, resident = 0, shared = 0;
  statm >> size >> resident >> shared;
  return resident - shared;
}

}  // namespace

TEST_GROUP(Memory){};

TEST(Memory, what_a_burst_took_of_the_heap_goes_back_to_the_system) {
  std::vector<std::unique_ptr<char[]>> burst;
  for (std::size_t i = 0; i < kBlocks; ++i) burst.push_back(std::make_unique<char[]>(kBlock));
  const long full = own_pages();
  // Every second block stays until the rest is gone: freeing alone gives nothing back then.
  for (std::size_t i = 0; i < kBlocks; i += 2) burst[i].reset();
  burst.back() = std::make_unique<char[]>(kBlock);
  for (std::size_t i = 1; i + 1 < kBlocks; i += 2) burst[i].reset();
  process::trim_memory();
  CHECK(own_pages() < full - long(kBlock * kBlocks / 4096 / 2));
}
#endif
