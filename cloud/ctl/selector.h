#pragma once

#include <boost/json/object.hpp>

#include "cloud/ctl/commands.h"

namespace spillway::ctl {

// Which devices the options of a filter mean, as the API takes it; empty: every one.
json::object selector(const Words& words);

// One task that was submitted to a device.
int show_dispatched(Api& api, const Console& console, const std::string& id);

}  // namespace spillway::ctl
