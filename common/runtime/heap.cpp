#include "common/runtime/heap.h"

#include <cstdlib>  // says whether this is glibc

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace spillway::runtime {

#ifdef __GLIBC__
void keep_heap_small() {
  constexpr int kLarge = 128 * 1024;  // as glibc begins
  ::mallopt(M_MMAP_THRESHOLD, kLarge);
  ::mallopt(M_TRIM_THRESHOLD, kLarge);
  ::mallopt(M_ARENA_MAX, 2);  // the loop's and one for what runs beside it
}
void trim_heap() { ::malloc_trim(0); }
#else
void keep_heap_small() {}
void trim_heap() {}
#endif

}  // namespace spillway::runtime
