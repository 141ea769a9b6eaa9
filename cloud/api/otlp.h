#pragma once

#include <boost/json/value.hpp>
#include <string>

#include "cloud/fleet/task_path.h"

namespace spillway::cloud::api {

// What is known of a task's time, here and on its device, as OTLP/JSON: an
// ExportTraceServiceRequest of opentelemetry-proto 1.x, as `POST /v1/traces` of a collector takes
// it. Spans that have not ended are left out: OTLP has no open ones. Ids follow from the task's, so
// that exporting twice makes no second trace.
boost::json::value otlp_of(const TaskPath& path, const std::string& version);

}  // namespace spillway::cloud::api
