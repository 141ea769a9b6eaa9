#include "common/runtime/memory.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>  // says whether this is glibc
#include <string_view>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace spillway::runtime {
namespace {

// The segments that are never written, and so are as in their file. What the kernel maps by itself
// has no file.
int unmap_code(dl_phdr_info* object, std::size_t, void*) {
  if (std::string_view(object->dlpi_name).starts_with("linux-")) return 0;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) & ~(page - 1);
    const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
  return 0;
}

}  // namespace

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
  ::dl_iterate_phdr(unmap_code, nullptr);
}

void keep_trimming(Loop& loop, Timer& timer) {
  timer = loop.after(std::chrono::minutes(1), [&loop, &timer] {
    trim_memory();
    keep_trimming(loop, timer);
  });
}

}  // namespace spillway::runtime
