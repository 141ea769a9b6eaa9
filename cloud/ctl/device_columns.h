#pragma once

#include <string>
#include <vector>

#include "cloud/ctl/output.h"

// What a list of devices shows: words of operators, and each metric of the fleet's table.
namespace spillway::ctl {

std::vector<Column> device_columns();
// For the help of --sort.
std::string device_sort_words();

}  // namespace spillway::ctl
