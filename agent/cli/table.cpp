#include "agent/cli/table.h"

#include <algorithm>

#include "agent/cli/text.h"

namespace spillway::cli {
namespace {

constexpr std::string_view kGap = "  ";

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

void Table::row(std::vector<Cell> cells) {
  for (Cell& cell : cells) cell.text = printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t widest = width_of(columns_[i].name);
    for (const auto& cells : rows_) widest = std::max(widest, width_of(cells[i].text));
    widths.push_back(widest);
  }
  return widths;
}

void Table::print(const Console& console, std::string_view indent) const {
  const std::vector<std::size_t> wide = widths();
  const auto print_line = [&](const auto& text_of, const auto& painted) {
    std::string line(indent);
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string padding(wide[i] - width_of(text_of(i)), ' ');
      if (i > 0) line += kGap;
      line += columns_[i].right ? padding + painted(i) : painted(i) + padding;
    }
    console.out << trimmed(std::move(line)) << '\n';
  };
  const auto name = [&](std::size_t i) { return columns_[i].name; };
  print_line(name, [&](std::size_t i) { return paint(console, Colour::bold, name(i)); });
  for (const auto& cells : rows_) {
    print_line([&](std::size_t i) { return cells[i].text; },
               [&](std::size_t i) {
                 return cells[i].coloured ? paint(console, cells[i].colour, cells[i].text)
                                          : cells[i].text;
               });
  }
}

}  // namespace spillway::cli
