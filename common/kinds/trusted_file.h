#pragma once

#include <string>

#include "spillway/status.h"

namespace spillway::kinds {

// Whether code may be run from this open file: a regular file that belongs to root or to us and
// that others cannot write. `denied` with what to do about it otherwise; `path` is for the message.
Status check_trusted(int fd, const std::string& path);

}  // namespace spillway::kinds
