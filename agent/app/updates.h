#pragma once

#include <optional>
#include <string>

#include "common/wire/messages.h"
#include "spillway/kind.h"

// What spillway-ota, whose files are in `directory`, is to the agent. Any thread.
namespace spillway::agent {

bool has_updater(const std::string& directory);
// Where its update stands; idle when that cannot be told.
wire::UpdateReport update_of(const std::string& directory);
// The kind by which it is asked for an update; nothing without an inbox.
std::optional<Kind> update_kind_of(const std::string& directory);

}  // namespace spillway::agent
