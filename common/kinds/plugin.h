#pragma once

#include <string>
#include <vector>

#include "common/kinds/registry.h"
#include "spillway/status.h"

namespace spillway::kinds {

// Loads the shared library and gives the kinds it offers by spillway/kind_abi.h. The library's own
// code runs already now. Its file must be trusted (see trusted_file.h) and is opened once, so that
// what was checked is what is loaded. The library stays loaded until the process ends, and so may
// its kinds. What it answers is checked; a library of another ABI is `unsupported`. For the thread
// that starts the program.
Result<std::vector<Kind>> load_plugin(const std::string& path);

// Adds the kinds of a plugin. On an error some may have been added.
Status add_plugin(KindRegistry& registry, const std::string& path);

}  // namespace spillway::kinds
