#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spillway/kind.h"
#include "spillway/status.h"
#include "spillway/task.h"

namespace spillway::kinds {

// Reads a kind's args one by one and remembers the first thing that is wrong with them, so that a
// kind asks for all it knows and then checks once. What it asks for is noted in `declared`, if that
// is given: so a kind declares its args by reading none. Both must outlive it. One thread.
class ArgReader {
 public:
  explicit ArgReader(const Labels& args, std::vector<KindArg>* declared = nullptr)
      : args_(args), declared_(declared) {}

  // A whole number in [least, most].
  std::uint64_t count(std::string_view name, std::uint64_t fallback, std::uint64_t least,
                      std::uint64_t most);
  std::optional<std::uint64_t> optional_count(std::string_view name, std::uint64_t least,
                                              std::uint64_t most);
  // A finite number in [least, most].
  double number(std::string_view name, double fallback, double least, double most);
  // Finite numbers in [least, most], separated by commas; at most 16.
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

  KindArg* note(std::string_view name, KindArg::Type type, double least = 0, double most = 0,
                std::string fallback = {});

  const Labels& args_;
  std::vector<KindArg>* declared_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

}  // namespace spillway::kinds
