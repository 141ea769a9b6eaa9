#include "tests/lint/rules.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "tests/lint/source_text.h"

namespace spillway::lint {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFunctionLines = 80;
constexpr std::size_t kMaxFileLines = 600;
constexpr std::size_t kMaxMethods = 60;
constexpr std::size_t kMaxMembers = 25;

const std::set<std::string> kFolders = {"common",   "agent", "cloud",   "toolchains",
                                        "firmware", "tests", "findings"};
const std::set<std::string> kRootFiles = {
    "CMakeLists.txt",  "CMakePresets.json", "README.md", "CHANGELOG.md",
    "CONTRIBUTING.md", "LICENSE",           "dev"};
// Made by tools, never committed.
const std::set<std::string> kRootLeftovers = {"build", "CMakeUserPresets.json",
                                              "compile_commands.json"};

bool is_cpp(const std::string& path) { return path.ends_with(".h") || path.ends_with(".cpp"); }

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool is_text(const std::string& text) { return text.find('\0') == std::string::npos; }

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// snake_case and CamelCase to lower-case words.
std::vector<std::string> words_of(const std::string& name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    const bool upper = std::isupper(static_cast<unsigned char>(c)) != 0;
    if (c == '_' || c == '.' || c == '-' || (upper && !words.back().empty())) words.emplace_back();
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) words.back() += lower({c});
  }
  return words;
}

// The first word in a name that says nothing; empty: none.
std::string empty_word_in(const std::string& name) {
  static const std::set<std::string> banned = {
      "util", "utils", "utility", "helper", "helpers", "manager", "managers", "misc", "wrapper"};
  for (const std::string& word : words_of(name)) {
    if (banned.contains(word)) return word;
  }
  return {};
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

bool is_listed(const std::string& text, const std::string& name) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const auto edge = [](char c) {
      return std::isspace(static_cast<unsigned char>(c)) != 0 || c == '"' || c == '(' || c == ')' ||
             c == '}';
    };
    const std::size_t end = at + name.size();
    // "${dir}/name.cpp" counts: the folder is the list's own business.
    const bool begins =
        at == 0 || edge(text[at - 1]) || (text[at - 1] == '/' && at > 1 && text[at - 2] == '}');
    if (begins && (end == text.size() || edge(text[end]))) return true;
  }
  return false;
}

}  // namespace

bool Report::clean() const {
  return std::all_of(findings.begin(), findings.end(), [](const Finding& f) { return f.warning; });
}

std::vector<SourceFile> read_tree(const fs::path& root) {
  std::vector<SourceFile> files;
  const auto add = [&](const fs::path& path) {
    std::string text = read(path);
    if (is_text(text))
      files.push_back({path.lexically_relative(root).generic_string(), std::move(text)});
  };
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && kRootFiles.contains(name)) add(entry.path());
    if (!entry.is_directory() || !(kFolders.contains(name) || name == ".ci")) continue;
    for (const auto& inner : fs::recursive_directory_iterator(entry.path())) {
      if (inner.is_regular_file()) add(inner.path());
    }
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

void check_root(const fs::path& root, Report& report) {
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.') || kRootLeftovers.contains(name)) continue;
    const bool known = entry.is_directory() ? kFolders.contains(name) : kRootFiles.contains(name);
    if (!known) report.findings.push_back({name, 0, "does not belong in the root"});
  }
}

void check_sizes(const std::vector<SourceFile>& files, Report& report) {
  std::vector<std::size_t> sizes;
  std::size_t longest = 0;
  for (const SourceFile& file : files) {
    if (!is_cpp(file.path)) continue;
    const std::size_t lines = lines_of(file.text).size();
    if (lines > kMaxFileLines) {
      report.findings.push_back(
          {file.path, 0, std::to_string(lines) + " lines: worth a split by noun", true});
    }
    for (const ClassSize& size : classes_of(file.text)) {
      // A record, which does nothing, is as long as what it tells of.
      const bool many = size.methods > 0 && size.members > kMaxMembers;
      if (size.methods <= kMaxMethods && !many) continue;
      report.findings.push_back({file.path, size.line,
                                 size.name + " has " + std::to_string(size.methods) +
                                     " methods and " + std::to_string(size.members) +
                                     " members, more than " + std::to_string(kMaxMethods) + " or " +
                                     std::to_string(kMaxMembers) + ": it is more than one thing"});
    }
    for (const Function& function : functions_of(file.text)) {
      sizes.push_back(function.lines);
      const std::string size = function.name + " has " + std::to_string(function.lines) + " lines";
      if (function.lines > longest) {
        longest = function.lines;
        report.longest = size + " (" + file.path + ":" + std::to_string(function.line) + ")";
      }
      if (function.lines > kMaxFunctionLines) {
        report.findings.push_back(
            {file.path, function.line, size + ", more than " + std::to_string(kMaxFunctionLines)});
      }
    }
  }
  report.functions = sizes.size();
  if (sizes.empty()) return;
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
  std::nth_element(sizes.begin(), middle, sizes.end());
  report.median_lines = *middle;
}

void check_words(const std::vector<SourceFile>& files, Report& report) {
  // Spelt in two so that this file keeps the rules it checks.
  static const std::regex open_end(
      "\\b(TO"
      "DO|FIX"
      "ME|XX"
      "X|HA"
      "CK|IGNORE"
      "_TEST)\\b");
  static const std::regex machine_path(
      "(^|[^A-Za-z0-9_.}-])/(home|root|wo"
      "rk|Users)/[A-Za-z0-9_.]");
  static const std::regex sleeps("\\b(sleep_for|sleep_until|usleep|nanosleep)\\b|::sleep\\(");
  for (const SourceFile& file : files) {
    const std::string name = file.path.substr(file.path.rfind('/') + 1);
    if (const std::string word = empty_word_in(name); !word.empty()) {
      report.findings.push_back({file.path, 0, "'" + word + "' in a file's name says nothing"});
    }
    const bool unit_test = file.path.starts_with("tests/unit/");
    std::size_t number = 0;
    for (const std::string& line : lines_of(file.text)) {
      ++number;
      if (std::regex_search(line, open_end))
        report.findings.push_back(
            {file.path, number, "leaves something open: do it, or say it in an issue"});
      if (std::regex_search(line, machine_path))
        report.findings.push_back({file.path, number, "names a path of one machine"});
      if (unit_test && std::regex_search(line, sleeps))
        report.findings.push_back({file.path, number, "a unit test never sleeps"});
    }
    if (!is_cpp(file.path)) continue;
    for (const TypeName& type : types_of(file.text)) {
      const std::string word = empty_word_in(type.name);
      if (!word.empty())
        report.findings.push_back(
            {file.path, type.line, "'" + word + "' in " + type.name + " says nothing"});
    }
  }
}

// What a mutex of the standard library guards, no compiler checks.
void check_locks(const std::vector<SourceFile>& files, Report& report) {
  static const std::regex naked(
      "\\bstd::((recursive_|shared_)?(timed_)?mutex|lock_guard|unique_lock|shared_lock|scoped_lock|"
      "condition_variable(_any)?)\\b");
  for (const SourceFile& file : files) {
    const bool product = file.path.starts_with("common/") || file.path.starts_with("agent/") ||
                         file.path.starts_with("cloud/");
    if (!product || !is_cpp(file.path) || file.path.starts_with("common/threads/")) continue;
    if (!std::regex_search(file.text, naked)) continue;  // most, in comments neither
    std::size_t number = 0;
    for (const std::string& line : lines_of(code_of(file.text))) {
      ++number;
      std::smatch found;
      if (!std::regex_search(line, found, naked)) continue;
      report.findings.push_back({file.path, number,
                                 found.str() + " guards what no compiler knows of: "
                                               "common/threads/mutex.h has one that Clang checks"});
    }
  }
}

// A source file that no CMakeLists.txt above it names is never built, and a test in it never runs.
void check_listed(const std::vector<SourceFile>& files, Report& report) {
  for (const SourceFile& file : files) {
    if (!file.path.ends_with(".cpp") && !file.path.ends_with(".c")) continue;
    bool listed = false;
    for (const SourceFile& list : files) {
      if (!list.path.ends_with("CMakeLists.txt") && !list.path.ends_with(".cmake")) continue;
      const std::string folder = parent_of(list.path);
      if (!folder.empty() && !file.path.starts_with(folder + "/")) continue;
      const std::string relative = folder.empty() ? file.path : file.path.substr(folder.size() + 1);
      listed = listed || is_listed(list.text, relative);
    }
    if (!listed)
      report.findings.push_back({file.path, 0, "is in no CMakeLists.txt: it is never built"});
  }
}

Report check_tree(const fs::path& root) {
  Report report;
  const std::vector<SourceFile> files = read_tree(root);
  report.files = files.size();
  check_root(root, report);
  check_includes(files, report);
  check_sizes(files, report);
  check_words(files, report);
  check_locks(files, report);
  check_doubled(files, report);
  check_listed(files, report);
  check_links(files, report);
  check_used(files, report);
  return report;
}

}  // namespace spillway::lint
