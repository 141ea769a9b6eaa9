#include "common/process/memory.h"

#include <chrono>
#include <cstdlib>  // says whether this is glibc

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace spillway::process {
#ifdef __GLIBC__
void keep_heap_small() {
  constexpr int kLarge = 128 * 1024;  // as glibc begins
  ::mallopt(M_MMAP_THRESHOLD, kLarge);
  ::mallopt(M_TRIM_THRESHOLD, kLarge);
  ::mallopt(M_ARENA_MAX, 2);  // the loop's and one for what runs beside it
}
#else
void keep_heap_small() {}
#endif

void trim_memory() {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

void keep_trimming(Loop& loop, Timer& timer) {
  timer = loop.after(std::chrono::minutes(1), [&loop, &timer] {
    trim_memory();
    keep_trimming(loop, timer);
  });
}

}  // namespace spillway::process
