#pragma once

#include <string>
#include <vector>

#include "common/kinds/registry.h"

namespace spillway::kinds {

// For who asks whether a configuration is right: each of the names that `key` lists is a known kind
// or one of the others; else what is wrong, with the names that come near.
Status check_named(const KindRegistry& known, const std::vector<std::string>& others,
                   const std::vector<std::string>& names, const std::string& key);

}  // namespace spillway::kinds
