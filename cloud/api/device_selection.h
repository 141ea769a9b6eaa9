#pragma once

#include "cloud/api/call.h"
#include "cloud/fleet/views.h"

namespace spillway::cloud::api {

// Which devices: from a query, or from the `select` of a body.
DeviceFilter read_filter(QueryReader& query);
Result<DeviceFilter> read_filter(const boost::json::object& select);
// The same conditions give the same words, in whatever order they were told.
boost::json::object json_of(DeviceFilter filter);

}  // namespace spillway::cloud::api
