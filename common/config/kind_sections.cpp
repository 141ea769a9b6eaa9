#include "common/config/kind_sections.h"

#include <algorithm>
#include <set>

#include "common/config/keys.h"
#include "spillway/task.h"

namespace spillway::config {
namespace {

bool is_kind_name(const std::string& name) {
  TaskSpec spec;
  spec.kind.name = name;
  return validate(spec).ok();
}

Command read_command(Section& section) {
  Command command;
  Reader<Command> keys(section, command);
  Command::list(keys);
  if (!is_kind_name(command.name)) {
    section.refuse("name", "must be a kind's name: 1 to 64 of a-z, 0-9, '_' and '.'");
  }
  if (command.argv.empty() || command.argv.front().front() != '/') {
    section.refuse("argv", "must be a list that begins with the program's absolute path");
  }
  return command;
}

}  // namespace

std::vector<Command> read_commands(File& file) {
  std::vector<Command> commands;
  std::set<std::string> names;
  for (Section& section : file.sections("command")) {
    commands.push_back(read_command(section));
    if (!names.insert(commands.back().name).second) {
      section.refuse("name", "'" + commands.back().name + "' is taken by another command");
    }
  }
  return commands;
}

void check_plugins(Section section, const Plugins& plugins) {
  if (std::any_of(plugins.files.begin(), plugins.files.end(),
                  [](const std::string& each) { return each.front() != '/'; })) {
    section.refuse("files", "must be absolute paths, beginning with /");
  }
}

}  // namespace spillway::config
