#pragma once

#include <string>

#include "agent/node/admission.h"

namespace spillway::agent {

// What the machine has left now: the file system of `folder`, and whether tasks wait for memory.
// What cannot be found out counts as plenty.
Machine look_at_machine(const std::string& folder);

// The first line of /proc/pressure/memory: "some avg10=1.23 …", percent of the last ten seconds in
// which something waited; 0 when it cannot be read.
double memory_stall(const std::string& line);

}  // namespace spillway::agent
