#include "common/config/kind_sections.h"

#include <algorithm>
#include <set>

#include "spillway/task.h"

namespace spillway::config {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMaxArguments = 64;
constexpr std::size_t kMaxArgument = 4095;
constexpr std::size_t kMaxPlugins = 64;

bool is_kind_name(const std::string& name) {
  TaskSpec spec;
  spec.kind.name = name;
  return validate(spec).ok();
}

CommandSection read_command(Section& section) {
  CommandSection command;
  command.name = section.text("name");
  command.argv = section.list("argv", kMaxArguments, kMaxArgument);
  command.timeout = section.duration("timeout", command.timeout, 1ms, 24h * 7);
  command.memory = section.bytes("memory", command.memory, 1ULL << 20, 1ULL << 40);
  command.cpu = std::chrono::seconds(
      section.integer<std::int64_t>("cpu_seconds", command.cpu.count(), 1, 7 * 24 * 3600));
  if (!is_kind_name(command.name)) {
    section.refuse("name", "must be a kind's name: 1 to 64 of a-z, 0-9, '_' and '.'");
  }
  if (command.argv.empty() || command.argv.front().front() != '/') {
    section.refuse("argv", "must be a list that begins with the program's absolute path");
  }
  return command;
}

}  // namespace

std::vector<CommandSection> read_command_sections(File& file) {
  std::vector<CommandSection> commands;
  std::set<std::string> names;
  for (Section& section : file.sections("command")) {
    commands.push_back(read_command(section));
    if (!names.insert(commands.back().name).second) {
      section.refuse("name", "'" + commands.back().name + "' is taken by another command");
    }
  }
  return commands;
}

PluginsSection read_plugins_section(File& file) {
  Section section = file.section("plugins");
  PluginsSection plugins{section.list("files", kMaxPlugins, kMaxArgument)};
  if (std::any_of(plugins.files.begin(), plugins.files.end(),
                  [](const std::string& each) { return each.front() != '/'; })) {
    section.refuse("files", "must be absolute paths, beginning with /");
  }
  return plugins;
}

}  // namespace spillway::config
