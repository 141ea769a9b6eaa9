// The one place that knows toml++. Compiled in, not linked: a shared library for one file read at
// start costs more than it saves.
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>

#include "common/config/value.h"

namespace spillway::config {
namespace {

Value convert(const toml::node& node);

Value::Scalar scalar_of(const toml::node& node) {
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* integer = node.as_integer()) return integer->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* text = node.as_string()) return text->get();
  return std::monostate();
}

Value convert_list(const toml::array& array) {
  Value value{Value::Shape::list};
  for (const toml::node& item : array) value.items.push_back(convert(item));
  return value;
}

Value convert_table(const toml::table& table) {
  Value value{Value::Shape::table};
  for (const auto& [key, node] : table) {
    value.items.push_back(convert(node));
    value.items.back().key = std::string(key.str());
    // An array of tables has no line of its own; its first table's will do.
    unsigned key_line = key.source().begin.line;
    if (key_line != 0) value.items.back().line = key_line;
  }
  return value;
}

Value convert(const toml::node& node) {
  Value value;
  if (const toml::table* table = node.as_table()) {
    value = convert_table(*table);
  } else if (const toml::array* array = node.as_array()) {
    value = convert_list(*array);
  } else {
    value.scalar = scalar_of(node);
  }
  value.line = node.source().begin.line;
  return value;
}

// What the parser quotes may come from anywhere.
std::string one_line(std::string_view text) {
  constexpr std::size_t kLongest = 300;
  std::string line(text.substr(0, kLongest));
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  return line;
}

}  // namespace

Result<Value> parse_toml(std::string_view text, const std::string& name) {
  toml::parse_result parsed = toml::parse(text);
  if (parsed) return convert(parsed.table());
  const toml::parse_error& error = parsed.error();
  return fail(Code::invalid_argument, name + ":" + std::to_string(error.source().begin.line) +
                                          ": " + one_line(error.description()));
}

}  // namespace spillway::config
