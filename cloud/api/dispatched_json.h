#pragma once

#include "cloud/api/views_json.h"
#include "cloud/dispatch/views.h"

// What was submitted to devices, in the words of openapi.json. Any thread.
namespace spillway::cloud::api {

json::value json_of(const DispatchedTaskView& task);
json::value json_of(const DispatchedTaskDetail& task);
json::value json_of(const GroupView& group);

}  // namespace spillway::cloud::api
