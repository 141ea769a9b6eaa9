#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace spillway::ctl {

struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  std::function<const char*(const char*)> environment;
};

// Runs spwctl's command line and answers its exit code.
int run(std::vector<std::string> arguments, const Surroundings& around);

}  // namespace spillway::ctl
