#include "agent/cli/console.h"

#include "agent/cli/text.h"

namespace spillway::cli {

std::string paint(const Console& console, Colour colour, std::string_view text) {
  if (!console.colour) return std::string(text);
  constexpr std::string_view kCodes[] = {"31", "32", "33", "34", "2", "1"};
  std::string painted = "\x1b[";
  painted += kCodes[static_cast<std::size_t>(colour)];
  painted += 'm';
  painted += text;
  return painted + "\x1b[0m";
}

void complain(const Console& console, std::string_view message) {
  console.err << "spillway: " << printable(message) << '\n';
}

}  // namespace spillway::cli
