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

// The one name of which `given` is more than the first letters.
std::string completed(std::string_view given, const std::vector<std::string>& names) {
  constexpr std::size_t kEnough = 5;  // with an option's dashes
  std::string only;
  for (const std::string& name : names) {
    if (given.size() < kEnough || !name.starts_with(given) || name == only) continue;
    if (!only.empty()) return {};
    only = name;
  }
  return only;
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
  return best.empty() ? completed(given, names) : best;
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

std::string wrong_line(std::string_view command, const std::vector<std::string>& unexpected,
                       const std::vector<std::string>& options, std::string_view what) {
  const std::string see = "see: " + std::string(command) + " --help";
  const auto option = std::find_if(unexpected.begin(), unexpected.end(),
                                   [](const std::string& word) { return word.starts_with('-'); });
  if (option != unexpected.end()) {
    const std::string name = option->substr(0, option->find('='));
    const std::string meant = nearest(name, options);
    return "there is no option '" + name + "'; " +
           (meant.empty() ? "" : "did you mean '" + meant + "'? ") + see;
  }
  if (!unexpected.empty()) return "'" + unexpected.front() + "' is one word too many; " + see;
  return std::string(what) + "; " + see;
}

}  // namespace spillway::config
