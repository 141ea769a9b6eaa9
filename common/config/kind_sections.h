#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "common/config/file.h"

// Where kinds come from besides the built-in ones.
namespace spillway::config {

// [[command]]: a program that tasks may run, with the input on stdin and stdout as the value.
struct CommandSection {
  std::string name;               // of the kind
  std::vector<std::string> argv;  // argv[0] is the program's absolute path
  std::chrono::milliseconds timeout = std::chrono::minutes(1);
  std::uint64_t memory = 512ULL << 20;  // bytes
  std::chrono::seconds cpu{60};         // `cpu_seconds`
  bool operator==(const CommandSection&) const = default;
};
std::vector<CommandSection> read_command_sections(File& file);

// [plugins]: shared objects, by absolute path.
struct PluginsSection {
  std::vector<std::string> files;
  bool operator==(const PluginsSection&) const = default;
};
PluginsSection read_plugins_section(File& file);

}  // namespace spillway::config
