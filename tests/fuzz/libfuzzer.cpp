#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "tests/fuzz/seeds.h"
#include "tests/fuzz/targets.h"

// libFuzzer's side: SPILLWAY_FUZZ_TARGET names the target to run, SPILLWAY_FUZZ_SEEDS a folder of
// its corpus that gets the target's seeds before it is read.
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

extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments);
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* folder = std::getenv("SPILLWAY_FUZZ_SEEDS");
  if (!folder) return 0;
  int number = 0;
  for (const spillway::Bytes& seed : spillway::fuzz::seeds(chosen()->name)) {
    std::ofstream file(std::string(folder) + "/seed-" + std::to_string(++number), std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.data()),
               static_cast<std::streamsize>(seed.size()));
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const spillway::fuzz::Target* const target = chosen();
  target->run({data, size});
  return 0;
}
