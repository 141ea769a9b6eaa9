#pragma once

#include <filesystem>
#include <string>

namespace spillway::test {

// Recorded data, which are no part of the project: a folder in the one that the environment
// variable SPILLWAY_DATA names or, without it, the variable of that name that CMake was given.
class DataFolder {
 public:
  explicit DataFolder(const std::string& name);
  const std::filesystem::path& path() const { return path_; }
  // Says that the test is skipped if not.
  bool available() const;
  // Fails the test when there is no such file.
  std::string read(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

}  // namespace spillway::test
