#pragma once

#include <cstddef>

#include <boost/json.hpp>

namespace spillway::test {

// How many spans an export has; each must have an id of its own.
std::size_t spans_of(const boost::json::value& otlp);

}  // namespace spillway::test
