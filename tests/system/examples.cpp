#include "tests/system/examples.h"

#include <algorithm>
#include <sstream>

#include "tests/system/rig.h"

namespace spillway::test {
namespace {

const std::vector<std::string>& programs() {
  static const std::vector<std::string> kPrograms = {
      "spillway ", "spillway-agent",    "spillway-ota",  "spillway-cloud",
      "spwctl ",   "spillway-fleetsim", "spillway-demo", "./dev "};
  return kPrograms;
}

// Without what is said beside it, two blanks to the right or more.
std::string command_of(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return "";
  const std::string rest = text.substr(begin);
  return rest.substr(0, rest.find("  "));
}

std::vector<std::string> commands_in(const std::string& help) {
  std::vector<std::string> names;
  std::istringstream lines(help);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Subcommands:")) {
      inside = true;
    } else if (inside && line.starts_with("  ") && line.size() > 2 && line[2] != ' ') {
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
    } else if (line.empty()) {
      inside = false;
    }
  }
  return names;
}

void gather(const std::vector<std::string>& command, Shown& shown) {
  std::string name;
  for (const std::string& word : command) name += (name.empty() ? "" : " ") + word;
  std::vector<std::string> argv = command;
  argv[0] = binary(argv[0]);
  argv.emplace_back("--help");
  const std::string help = run_program(argv).out;
  const std::vector<std::string> found = examples_in(help, programs());
  for (const std::string& line : found) {
    const bool known = std::any_of(shown.examples.begin(), shown.examples.end(),
                                   [&](const Example& each) { return each.line == line; });
    if (!known) shown.examples.push_back({name, line});
  }
  const std::vector<std::string> commands = commands_in(help);
  if (found.empty() && commands.empty()) shown.without.push_back(name);
  for (const std::string& each : commands) {
    std::vector<std::string> below = command;
    below.push_back(each);
    gather(below, shown);
  }
}

}  // namespace

std::vector<std::string> examples_in(const std::string& help,
                                     const std::vector<std::string>& programs) {
  std::vector<std::string> examples;
  std::istringstream lines(help);
  bool inside = false, goes_on = false;
  for (std::string line; std::getline(lines, line);) {
    const bool indented = line.starts_with("  ") && line.size() > 2 && line[2] != ' ';
    const std::string text = command_of(line);
    const bool named = indented && std::any_of(programs.begin(), programs.end(),
                                               [&](auto& name) { return text.starts_with(name); });
    if (goes_on) {
      examples.back().replace(examples.back().rfind('\\'), 1, text);
    } else if (line.starts_with("Examples:")) {
      inside = true;
    } else if ((inside && indented) || named) {
      examples.push_back(text);
    } else if (!line.starts_with("  ")) {
      inside = false;
    }
    goes_on = !examples.empty() && examples.back().ends_with('\\');
  }
  return examples;
}

Shown shown_by(const std::string& program) {
  Shown shown;
  gather({program}, shown);
  return shown;
}

}  // namespace spillway::test
