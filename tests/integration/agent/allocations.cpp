#include "tests/integration/agent/allocations.h"

#include <algorithm>
#include <array>
#include <atomic>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SPILLWAY_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SPILLWAY_SANITIZED 1
#endif
#endif

#if defined(SPILLWAY_SANITIZED)
#include <sanitizer/allocator_interface.h>
#else
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* __libc_realloc(void* old, std::size_t size);
#endif

namespace spillway::test {
namespace {

std::atomic<std::size_t> from{SIZE_MAX};
std::atomic<std::size_t> count{0};
std::array<std::atomic<std::size_t>, Allocations::kMost> seen{};
thread_local bool exempt = false;

void note(std::size_t size) {
  if (size < from.load(std::memory_order_relaxed) || exempt) return;
  const std::size_t at = count.fetch_add(1);
  if (at < seen.size()) seen[at] = size;
}

#if defined(SPILLWAY_SANITIZED)
void on_malloc(const volatile void* /*at*/, std::size_t size) { note(size); }
void on_free(const volatile void* /*at*/) {}
const int kHooked = __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
#endif

}  // namespace

Allocations::Allocations(std::size_t least) {
  exempt = true;
  count = 0;
  from = least;
}

Allocations::~Allocations() {
  from = SIZE_MAX;
  exempt = false;
}

std::vector<std::size_t> Allocations::sizes() const {
  return {seen.begin(), seen.begin() + std::ptrdiff_t(std::min(count.load(), seen.size()))};
}

}  // namespace spillway::test

// Before glibc's own: what libraries call ends here, too.
#if !defined(SPILLWAY_SANITIZED)
extern "C" void* malloc(std::size_t size) {
  spillway::test::note(size);
  return __libc_malloc(size);
}
extern "C" void* realloc(void* old, std::size_t size) {
  spillway::test::note(size);
  return __libc_realloc(old, size);
}
#endif
