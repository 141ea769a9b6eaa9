#include "common/config/nearest.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace spillway::config {
namespace {

std::size_t edits(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      std::size_t replaced = diagonal + (from[i] != to[j]);
      diagonal = std::exchange(row[j + 1], std::min({row[j] + 1, row[j + 1] + 1, replaced}));
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view given, const std::vector<std::string>& names) {
  constexpr std::size_t kLongest = 64;  // of a name worth comparing
  if (given.size() > kLongest) return {};
  std::string best;
  std::size_t fewest = std::max<std::size_t>(2, given.size() / 3) + 1;
  for (const std::string& name : names) {
    std::size_t count = edits(given, name);
    if (count >= fewest) continue;
    best = name;
    fewest = count;
  }
  return best;
}

std::string no_such_word(std::string_view program, const std::vector<std::string>& given,
                         const std::vector<std::string>& commands) {
  const std::string see = "see: " + std::string(program) + " --help";
  if (given.empty()) return "a command is missing; " + see;
  const std::string& word = given.front();
  if (word.starts_with('-')) return "there is no option '" + word + "' before a command; " + see;
  const std::string meant = nearest(word, commands);
  return "there is no command '" + word + "'; " +
         (meant.empty() ? "" : "did you mean '" + meant + "'? ") + see;
}

}  // namespace spillway::config
