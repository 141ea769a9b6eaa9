#include <cstdlib>
#include <iostream>

#include "cloud/ctl/program.h"

int main(int argc, char** argv) {
  return spillway::ctl::run(
      {argv + 1, argv + argc},
      {std::cout, std::cerr,
       [](const char* name) { return static_cast<const char*>(std::getenv(name)); }, &std::cin});
}
