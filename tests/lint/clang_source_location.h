#pragma once

// Clang 14 cannot read the standard library's <source_location>, which asks for a builtin that only
// later versions have. With this read first, clang-tidy sees one made of older builtins.
#if defined(__clang__) && !__has_builtin(__builtin_source_location)
#define _GLIBCXX_SRCLOC 1  // NOLINT(bugprone-reserved-identifier): the guard to take
#include <cstdint>

namespace std {
struct source_location {
  static constexpr source_location current(const char* file = __builtin_FILE(),
                                           const char* function = __builtin_FUNCTION(),
                                           std::uint_least32_t line = __builtin_LINE()) noexcept {
    source_location here;
    here.file_ = file;
    here.function_ = function;
    here.line_ = line;
    return here;
  }
  constexpr std::uint_least32_t line() const noexcept { return line_; }
  constexpr std::uint_least32_t column() const noexcept { return 0; }
  constexpr const char* file_name() const noexcept { return file_; }
  constexpr const char* function_name() const noexcept { return function_; }

 private:
  const char* file_ = "";
  const char* function_ = "";
  std::uint_least32_t line_ = 0;
};
}  // namespace std
#endif
