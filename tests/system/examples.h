#pragma once

#include <string>
#include <vector>

namespace spillway::test {

// A command line that a program's --help shows.
struct Example {
  std::string shown_by;  // "spwctl device list"
  std::string line;      // for a shell, what is said beside it left out
};

// What a program and all its commands show, each once, in the order of their help.
struct Shown {
  std::vector<Example> examples;
  std::vector<std::string> without;  // commands that do something and show none
};
Shown shown_by(const std::string& program);

// The examples in one help text. A line of two blanks is an example below "Examples:", and
// everywhere when it begins with one of `programs`; one that ends in '\' goes on in the next;
// deeper ones are prose.
std::vector<std::string> examples_in(const std::string& help,
                                     const std::vector<std::string>& programs);

}  // namespace spillway::test
