#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <string>

// Where files that need not outlive the kernel go: a disk shared with others can take a second for
// each sync, and neither kill -9 nor damage is any different in memory.
inline std::filesystem::path quick_folder() {
  const char* memory = "/dev/shm";
  return ::access(memory, W_OK | X_OK) == 0 ? memory : std::filesystem::temp_directory_path();
}

// A new empty folder that goes with the object.
class TempFolder {
 public:
  explicit TempFolder(const std::filesystem::path& in = quick_folder()) {
    std::string name = (in / "spillway_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};
