#pragma once

#include <string>

namespace spillway::test {

// A fresh directory that is removed, with all in it, at the end. One owner, any thread.
class TempDir {
 public:
  explicit TempDir(const std::string& name = "spillway");
  ~TempDir();
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  // Leaves it behind, for someone to look at.
  void keep() { keep_ = true; }

 private:
  std::string path_;
  bool keep_ = false;
};

std::string read_text(const std::string& path);  // empty when there is no such file
void write_text(const std::string& path, const std::string& text);

}  // namespace spillway::test
