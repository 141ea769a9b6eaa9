#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "agent/cli/program.h"

int main(int argc, char** argv) {
  std::ios::sync_with_stdio(false);
  const char* no_colour = std::getenv("NO_COLOR");
  spillway::cli::Console console{std::cin, std::cout, std::cerr, ::isatty(STDOUT_FILENO) == 1,
                                 ::isatty(STDERR_FILENO) == 1};
  console.colour = console.out_is_terminal && !(no_colour && *no_colour);
  return spillway::cli::run({argv + 1, argv + argc}, console);
}
