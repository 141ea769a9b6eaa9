#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "spillway/status.h"

namespace spillway::config {

// One value of a configuration file, and where it stands.
struct Value {
  enum class Shape : std::uint8_t { scalar, list, table };
  // monostate: a date or time, which nothing here takes.
  using Scalar = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

  Shape shape = Shape::scalar;
  Scalar scalar;
  std::vector<Value> items;  // of a list or a table, each once
  std::string key;           // inside a table
  unsigned line = 0;

  const Value* find(std::string_view name) const;
};

// The whole file as a table; errors begin with `name:line: `.
Result<Value> parse_toml(std::string_view text, const std::string& name);

}  // namespace spillway::config
