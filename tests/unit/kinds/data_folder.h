#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// Last: it redefines new.
#include <CppUTest/TestHarness.h>

namespace spillway::test {

// Real data, which lie outside the project: a folder in the one that SPILLWAY_DATA names, or in the
// one beside the project.
class DataFolder {
 public:
  explicit DataFolder(const std::string& name) {
    const char* given = std::getenv("SPILLWAY_DATA");
    path_ = std::filesystem::path(given ? given : SPILLWAY_DATA_BESIDE) / name;
  }
  const std::filesystem::path& path() const { return path_; }
  // Says that the test is skipped if not.
  bool available() const {
    if (std::filesystem::is_directory(path_)) return true;
    const std::string name = path_.filename();
    UT_PRINT(("skipped: there are no " + name + "; set SPILLWAY_DATA to a folder with " + name +
              "/*.csv")
                 .c_str());
    return false;
  }
  std::string read(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    CHECK_TEXT(file.good(), name.c_str());
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::filesystem::path path_;
};

}  // namespace spillway::test
