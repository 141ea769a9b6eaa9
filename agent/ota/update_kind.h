#pragma once

#include <string>

#include "spillway/kind.h"

namespace spillway::ota {

// The kind device.update, by which operators ask for an update: leaves its `url` and `sha256` in
// the inbox of the updater's directory. Repeated while that update is under way, or in use, it
// changes nothing.
Kind update_kind(std::string directory);

}  // namespace spillway::ota
