#include "tests/support/emulator.h"

#include <elf.h>
#include <sys/prctl.h>

#include <array>
#include <cstring>
#include <fstream>
#include <sstream>

namespace spillway::test {
namespace {

#if defined(__aarch64__)
constexpr unsigned kMachine = EM_AARCH64;
#elif defined(__arm__)
constexpr unsigned kMachine = EM_ARM;
#else
constexpr unsigned kMachine = EM_X86_64;
#endif

bool is_of_this_build(const std::string& program) {
  std::array<char, 20> header{};
  std::ifstream file(program, std::ios::binary);
  if (!file.read(header.data(), header.size()) || std::memcmp(header.data(), ELFMAG, SELFMAG) != 0)
    return false;
  constexpr std::size_t kMachineAt = offsetof(Elf32_Ehdr, e_machine);
  static_assert(kMachineAt == offsetof(Elf64_Ehdr, e_machine));
  return static_cast<unsigned char>(header[kMachineAt]) == kMachine;
}

}  // namespace

std::vector<std::string> emulator_for(const std::string& program) {
  std::vector<std::string> words;
  std::istringstream text(SPILLWAY_EMULATOR);
  for (std::string word; text >> word;) words.push_back(word);
  return words.empty() || !is_of_this_build(program) ? std::vector<std::string>{} : words;
}

bool emulator_leaves_orphans() {
  if (std::strlen(SPILLWAY_EMULATOR) == 0) return false;
  int inherits = 0;
  ::prctl(PR_GET_CHILD_SUBREAPER, &inherits);
  return ::prctl(PR_SET_CHILD_SUBREAPER, inherits) != 0;
}

}  // namespace spillway::test
