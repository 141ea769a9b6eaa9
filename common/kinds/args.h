#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spillway/status.h"
#include "spillway/task.h"

namespace spillway::kinds {

// Reads a kind's args one by one and remembers the first thing that is wrong with them, so that a
// kind asks for all it knows and then checks once. `args` must outlive it. One thread.
class ArgReader {
 public:
  explicit ArgReader(const Labels& args) : args_(args) {}

  // A whole number in [least, most].
  std::uint64_t count(std::string_view name, std::uint64_t fallback, std::uint64_t least,
                      std::uint64_t most);
  std::optional<std::uint64_t> optional_count(std::string_view name, std::uint64_t least,
                                              std::uint64_t most);
  // A finite number in [least, most].
  double number(std::string_view name, double fallback, double least, double most);
  // Such numbers, separated by commas; at most 16.
  std::vector<double> numbers(std::string_view name, std::vector<double> fallback, double least,
                              double most);
  std::string text(std::string_view name);
  // One of the given words; the first is the default.
  std::string_view choice(std::string_view name, const std::vector<std::string_view>& words);
  // Texts separated by commas; one that holds a comma stands in quotes.
  std::vector<std::string> texts(std::string_view name);

  // The first bad value or, when all values were good, the first arg nobody asked for.
  Status finish() const;

 private:
  const std::string* take(std::string_view name);
  void refuse(std::string_view name, const std::string& value, const std::string& wanted);

  const Labels& args_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

}  // namespace spillway::kinds
