#pragma once

#include <vector>

#include "common/config/file.h"
#include "spillway/command.h"

// Where kinds come from besides the built-in ones.
namespace spillway::config {

std::vector<Command> read_commands(File& file);  // [[command]]
void check_plugins(Section section, const Plugins& plugins);

}  // namespace spillway::config
