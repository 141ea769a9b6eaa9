#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/cli/console.h"

namespace spillway::cli {

struct Column {
  std::string name;
  bool right = false;  // aligned to the right
};

struct Cell {
  Cell(std::string words) : text(std::move(words)) {}
  Cell(const char* words) : text(words) {}
  Cell(std::string_view words) : text(words) {}
  Cell(std::string words, Colour hue) : text(std::move(words)), colour(hue), coloured(true) {}

  std::string text;
  Colour colour = Colour::bold;
  bool coloured = false;
};

// Rows under a header, in columns as wide as they need. Cells are made printable.
class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void row(std::vector<Cell> cells);
  void print(const Console& console, std::string_view indent = "") const;

 private:
  std::vector<std::size_t> widths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace spillway::cli
