#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "tests/fuzz/targets.h"
#include "tests/support/emulator.h"

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

using namespace spillway;
namespace fs = std::filesystem;

namespace {

Bytes contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool starts_programs(const fuzz::Target& target) { return std::string(target.name) == "program"; }

// Whatever a fuzzer found stays here, so that it is tried in every build. A failure ends the
// program, and the file's name was printed before.
void replay(const fuzz::Target& target) {
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(SPILLWAY_FUZZ_CORPUS) / target.name)) {
    UT_PRINT(entry.path().filename().c_str());
    const Bytes bytes = contents(entry.path());
    target.run(bytes);
    for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 64) {
      target.run(ByteView(bytes).first(size));
    }
    ++files;
  }
  CHECK_TEXT(files > 0, target.name);
}

}  // namespace

TEST_GROUP(Corpus){};

TEST(Corpus, every_input_goes_through_its_decoder_and_so_do_its_beginnings) {
  for (const fuzz::Target& target : fuzz::targets()) {
    if (!starts_programs(target)) replay(target);
  }
}

TEST(Corpus, every_input_goes_through_a_program_and_so_do_its_beginnings) {
  if (test::emulator_leaves_orphans()) {
    UT_PRINT("skipped: this emulator does not let a process inherit orphans");
    return;
  }
  std::size_t programs = 0;
  for (const fuzz::Target& target : fuzz::targets()) {
    if (!starts_programs(target)) continue;
    replay(target);
    ++programs;
  }
  CHECK(programs > 0);
}

TEST(Corpus, is_small_and_every_folder_has_its_target) {
  std::set<std::string> names;
  for (const fuzz::Target& target : fuzz::targets()) names.insert(target.name);
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(SPILLWAY_FUZZ_CORPUS)) {
    if (entry.is_directory()) {
      CHECK_TEXT(names.contains(entry.path().filename()), entry.path().c_str());
    } else {
      bytes += entry.file_size();
    }
  }
  CHECK(bytes < 300'000);
}
