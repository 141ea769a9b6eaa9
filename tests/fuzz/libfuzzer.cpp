#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/fuzz/targets.h"

// libFuzzer's side: SPILLWAY_FUZZ_TARGET names the target to run.
namespace {

const spillway::fuzz::Target* chosen() {
  const char* name = std::getenv("SPILLWAY_FUZZ_TARGET");
  for (const spillway::fuzz::Target& target : spillway::fuzz::targets()) {
    if (name && std::strcmp(name, target.name) == 0) return &target;
  }
  for (const spillway::fuzz::Target& target : spillway::fuzz::targets()) std::puts(target.name);
  std::exit(2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const spillway::fuzz::Target* const target = chosen();
  target->run({data, size});
  return 0;
}
