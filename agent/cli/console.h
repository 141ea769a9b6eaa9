#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <string_view>

namespace spillway::cli {

// Where a command reads and writes. Data goes to `out`, everything said to people to `err`.
struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  bool colour = false;  // a terminal, and NO_COLOR is not set
};

enum class Colour { red, green, yellow, blue, dim, bold };

// The text in a colour, or as it is when the console has none.
std::string paint(const Console& console, Colour colour, std::string_view text);

// One line about what went wrong, on `err`.
void complain(const Console& console, std::string_view message);

}  // namespace spillway::cli
