#include "tests/support/data_folder.h"

#include <cstdlib>
#include <fstream>
#include <iterator>

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

namespace spillway::test {

DataFolder::DataFolder(const std::string& name) {
  const char* given = std::getenv("SPILLWAY_DATA");
  path_ = std::filesystem::path(given ? given : SPILLWAY_DATA) / name;
}

bool DataFolder::available() const {
  if (std::filesystem::is_directory(path_)) return true;
  const std::string name = path_.filename();
  UT_PRINT(
      ("skipped: there are no " + name + "; set SPILLWAY_DATA to a folder with " + name + "/*.csv")
          .c_str());
  return false;
}

std::string DataFolder::read(const std::string& name) const {
  std::ifstream file(path_ / name, std::ios::binary);
  CHECK_TEXT(file.good(), name.c_str());
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace spillway::test
