#pragma once

#include "cloud/api/call.h"
#include "cloud/fleet/views.h"

namespace spillway::cloud::api {

// `from`, `to` and `step` of a series; by default the last hour in the finest step that makes at
// most 720 points.
SeriesQuery read_series(QueryReader& query, Duration now);
std::int64_t step_of(Resolution resolution);  // seconds

}  // namespace spillway::cloud::api
