#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/kinds/builtin.h"
#include "common/kinds/inline_context.h"

namespace spillway::kinds {

// Splits over real threads, unevenly, so that a result that depends on the split shows.
class ThreadedContext : public InlineContext {
 public:
  using InlineContext::InlineContext;
  void parallel_for(std::size_t n,
                    const std::function<void(std::size_t, std::size_t)>& range) override {
    std::size_t cuts[] = {0, n / 7, n / 7, n / 2, n - n / 5, n};
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i + 1 < std::size(cuts); ++i) {
      if (cuts[i] < cuts[i + 1]) threads.emplace_back([&, i] { range(cuts[i], cuts[i + 1]); });
    }
  }
};

// The value as text, or "code: message" of the error.
inline std::string run_text(const Kind& kind, std::string_view input, const Labels& args = {}) {
  InlineContext context(as_bytes(input), args);
  Result<Bytes> value = run_kind(kind, context);
  if (value) return std::string(as_text(*value));
  return std::string(to_string(value.error().code)) + ": " + value.error().message;
}

// Whether text is one JSON value and nothing else (RFC 8259), strings being checked but for UTF-8.
bool is_json(std::string_view text);

// The number after the nth "name": in a JSON text; nothing when there is none.
std::optional<double> json_number(std::string_view text, std::string_view name,
                                  std::size_t nth = 0);

// The numbers of the list after the nth "name":.
std::vector<double> json_numbers(std::string_view text, std::string_view name, std::size_t nth = 0);

}  // namespace spillway::kinds
