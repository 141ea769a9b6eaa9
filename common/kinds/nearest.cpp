#include "common/kinds/nearest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace spillway::kinds {
namespace {

constexpr std::size_t kLongestCompared = 128;
constexpr std::size_t kMostListed = 20;

// Levenshtein's distance, one row at a time.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, diagonal + 1, replaced});
    }
  }
  return row.back();
}

std::string listed(std::span<const std::string_view> known) {
  std::string text;
  for (std::string_view name : known.first(std::min(known.size(), kMostListed))) {
    text += (text.empty() ? "; known: " : ", ") + std::string(name);
  }
  return known.size() > kMostListed ? text + ", …" : text;
}

}  // namespace

std::string did_you_mean(std::string_view given, std::span<const std::string_view> known) {
  given = given.substr(0, kLongestCompared);
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, given.size() / 3) + 1;
  for (std::string_view name : known) {
    std::size_t d = distance(given, name);
    if (d < best_distance) {
      best = name;
      best_distance = d;
    }
  }
  return best.empty() ? listed(known) : "; did you mean '" + std::string(best) + "'?";
}

}  // namespace spillway::kinds
