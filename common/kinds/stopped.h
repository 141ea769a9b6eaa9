#pragma once

#include "spillway/status.h"

namespace spillway::kinds {

inline Error stopped() { return fail(Code::cancelled, "stopped before the end"); }

}  // namespace spillway::kinds
