#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

// The rules of the tree (CONTRIBUTING.md) that need no compiler.
namespace spillway::lint {

struct Finding {
  std::string file;  // relative to the root; empty: the tree as a whole
  std::size_t line = 0;
  std::string message;
  bool warning = false;  // for a conversation, not a failure
};

struct Report {
  std::vector<Finding> findings;
  std::size_t files = 0;
  std::size_t functions = 0;
  std::size_t median_lines = 0;
  std::string longest;
  bool clean() const;  // warnings aside
};

struct SourceFile {
  std::string path;  // relative to the root, with '/'
  std::string text;
};

// Everything under the folders at the top, and the files of the root.
std::vector<SourceFile> read_tree(const std::filesystem::path& root);

// One rule each, over all files.
void check_root(const std::filesystem::path& root, Report&);
void check_includes(const std::vector<SourceFile>&, Report&);
void check_sizes(const std::vector<SourceFile>&, Report&);
void check_words(const std::vector<SourceFile>&, Report&);
void check_locks(const std::vector<SourceFile>&, Report&);
void check_doubled(const std::vector<SourceFile>&, Report&);
void check_listed(const std::vector<SourceFile>&, Report&);
void check_links(const std::vector<SourceFile>&, Report&);
void check_used(const std::vector<SourceFile>&, Report&);

Report check_tree(const std::filesystem::path& root);

}  // namespace spillway::lint
