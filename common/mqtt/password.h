#pragma once

#include <string>

#include "spillway/status.h"

namespace spillway::mqtt {

// The first line of a file. Refused when everybody may read it; that others may write it, a device
// that has to be reached lives with, and the log says it. Blocks on the disk.
Result<std::string> read_password(const std::string& file);

// For who asks whether a configuration is right: the password can be read, and neither that file
// nor the private key, as far as it is there, is open to others. Empty names are not looked at.
Status check_secrets(const std::string& password_file, const std::string& key_file);

}  // namespace spillway::mqtt
