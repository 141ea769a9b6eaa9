#include "tests/unit/kinds/kind_run.h"

#include <algorithm>
#include <charconv>

namespace spillway::kinds {
namespace {

class JsonReader {
 public:
  explicit JsonReader(std::string_view text) : rest_(text) {}
  bool whole() { return value() && rest_.empty(); }

 private:
  bool take(std::string_view token) {
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  bool value() {
    if (rest_.starts_with('"')) return string();
    if (take("[")) return take("]") || (items([this] { return value(); }) && take("]"));
    if (take("{")) return take("}") || (items([this] { return member(); }) && take("}"));
    return take("null") || number();
  }
  bool member() { return string() && take(":") && value(); }
  template <class Item>
  bool items(Item item) {
    do {
      if (!item()) return false;
    } while (take(","));
    return true;
  }
  bool string() {
    if (!take("\"")) return false;
    while (!rest_.empty() && rest_[0] != '"') {
      if (static_cast<unsigned char>(rest_[0]) < 0x20) return false;
      if (take("\\u")) {
        if (rest_.substr(0, 4).find_first_not_of("0123456789abcdef") < 4) return false;
        rest_.remove_prefix(4);
      } else {
        rest_.remove_prefix(rest_[0] == '\\' ? 2 : 1);
      }
    }
    return take("\"");
  }
  bool number() {
    double ignored = 0;
    if (rest_.empty() || rest_[0] == 'n' || rest_[0] == 'i' || rest_.starts_with("-i"))
      return false;
    auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), ignored);
    if (error != std::errc{}) return false;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return true;
  }
  std::string_view rest_;
};

std::string_view after(std::string_view text, std::string_view name, std::size_t nth) {
  std::string key = "\"" + std::string(name) + "\":";
  for (std::size_t i = 0; i <= nth; ++i) {
    std::size_t at = text.find(key);
    if (at == std::string_view::npos) return {};
    text.remove_prefix(at + key.size());
  }
  return text;
}

std::optional<double> leading_number(std::string_view text) {
  double value = 0;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc{} ? std::optional(value) : std::nullopt;
}

}  // namespace

bool is_json(std::string_view text) { return JsonReader(text).whole(); }

std::optional<double> json_number(std::string_view text, std::string_view name, std::size_t nth) {
  return leading_number(after(text, name, nth));
}

std::vector<double> json_numbers(std::string_view text, std::string_view name, std::size_t nth) {
  std::vector<double> numbers;
  std::string_view rest = after(text, name, nth);
  while (!rest.empty() && rest[0] != ']') {
    rest.remove_prefix(1);
    if (auto number = leading_number(rest)) numbers.push_back(*number);
    rest.remove_prefix(std::min(rest.find_first_of(",]"), rest.size()));
  }
  return numbers;
}

}  // namespace spillway::kinds
