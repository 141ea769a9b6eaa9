#pragma once

#include "cloud/dispatch/views.h"
#include "cloud/http/views_json.h"

// What was submitted to devices, in the words of openapi.json. Any thread.
namespace spillway::cloud::http {

json::value json_of(const SentTaskView& task);
json::value json_of(const SentTaskDetail& task);
json::value json_of(const GroupView& group);

}  // namespace spillway::cloud::http
