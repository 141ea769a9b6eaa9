#pragma once

#include <functional>
#include <istream>
#include <ostream>
#include <string>
#include <vector>

namespace spillway::ctl {

struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  std::function<const char*(const char*)> environment;
  std::istream* in = nullptr;  // nothing to read
};

// Runs spwctl's command line and answers its exit code.
int run(std::vector<std::string> arguments, const Surroundings& around);

}  // namespace spillway::ctl
