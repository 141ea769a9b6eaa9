#pragma once

#include <cstddef>
#include <string_view>

#include "spillway/status.h"

namespace spillway::kinds {

// Adds to what is wrong with a text, of which line `taken`, counted from 1, was taken for the
// names, that another seems to hold them: different words, with as many fields in the rows that
// follow, all of which hold values.
Error with_likely_names(Error wrong, std::string_view text, std::size_t taken);

}  // namespace spillway::kinds
