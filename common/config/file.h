#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "spillway/status.h"

namespace spillway::config {

struct Value;
class Section;

// What each "section.key" that was asked for is set to, or falls back to, as text that is only good
// for comparing. Of sections that repeat: one after the other.
using Settings = std::map<std::string, std::string>;

// A configuration file being read. Asking for a section, or in it for a key, makes its name known;
// finish() refuses what is in the file and was never asked for. The first problem, by line, is
// kept, and the value asked for is then its fallback, so that a loader reads straight through and
// asks once at the end. Problems read `file:line: section.key: what is wrong and what is allowed`.
// One thread.
class File {
 public:
  struct State;

  static Result<File> parse(std::string_view text, std::string name);
  // A regular file of at most 1 MiB. not_found, denied, io or invalid_argument.
  static Result<File> read(const std::string& path);

  // `[name]`; empty when the file has none.
  Section section(std::string_view name);
  // Each `[[name]]`, in order.
  std::vector<Section> sections(std::string_view name);

  Status finish();
  // Every "section.key" that was asked for, sorted.
  std::vector<std::string> known_keys() const;
  // Those of them that a running node takes up, sorted.
  std::vector<std::string> reloaded_keys() const;
  const Settings& settings() const;

 private:
  friend class Section;
  explicit File(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

// One table of a File, which it keeps alive. Bounds are inclusive.
class Section {
 public:
  bool has(std::string_view key) const;
  std::string text(std::string_view key, const std::string& fallback = {});
  // Absolute, or empty.
  std::string path(std::string_view key, const std::string& fallback = {});
  // At most `most` texts of 1 to `longest` bytes.
  std::vector<std::string> list(std::string_view key, std::size_t most, std::size_t longest);
  bool flag(std::string_view key, bool fallback);
  double number(std::string_view key, double fallback, double least, double most);
  std::chrono::milliseconds duration(std::string_view key, std::chrono::milliseconds fallback,
                                     std::chrono::milliseconds least,
                                     std::chrono::milliseconds most);
  // A size with a unit, or a whole number of bytes.
  std::uint64_t bytes(std::string_view key, std::uint64_t fallback, std::uint64_t least,
                      std::uint64_t most);

  template <std::integral T>
  T integer(std::string_view key, T fallback, T least, T most) {
    return static_cast<T>(whole(key, static_cast<std::int64_t>(fallback),
                                static_cast<std::int64_t>(least), static_cast<std::int64_t>(most)));
  }

  template <class E>
  E choice(std::string_view key, E fallback,
           std::initializer_list<std::pair<std::string_view, E>> names) {
    const std::string* given = words(key);
    E chosen = fallback;
    std::string allowed;
    bool good = given == nullptr;
    for (const auto& [name, value] : names) {
      if (given && *given == name) chosen = value, good = true;
      allowed += (allowed.empty() ? "" : ", ") + std::string(name);
    }
    if (!good) refuse(key, "'" + *given + "' is none of " + allowed);
    note(key, std::to_string(static_cast<long long>(chosen)));
    return chosen;
  }

  // Says that a running node takes up the key.
  void reloads(std::string_view key);
  // Reports a problem with a key's value, or with its absence.
  void refuse(std::string_view key, const std::string& what);

 private:
  friend class File;
  Section(std::shared_ptr<File::State> state, std::string name, const Value* table)
      : state_(std::move(state)), name_(std::move(name)), table_(table) {}

  const Value* find(std::string_view key) const;
  template <class T>
  const T* scalar(std::string_view key, const char* expected);
  const std::string* words(std::string_view key);  // null: there are none
  void note(std::string_view key, const std::string& setting);
  std::int64_t whole(std::string_view key, std::int64_t fallback, std::int64_t least,
                     std::int64_t most);

  std::shared_ptr<File::State> state_;
  std::string name_;
  const Value* table_;  // null: not in the file
};

}  // namespace spillway::config
