#pragma once

#include <string>

#include "cloud/dispatch/views.h"
#include "cloud/fleet/task_path.h"
#include "spillway/view.h"

// The path and the reasons of a task that was submitted to a device, in the words that those of
// other tasks have. Its owner is the cloud, so all that is known of it is here. Pure.
namespace spillway::cloud::api {

TaskPath path_of(const DispatchedTaskDetail& task, const std::string& host);
// The device is the only place; nothing was weighed, so that there are no figures.
Explanation explanation_of(const DispatchedTaskDetail& task);

}  // namespace spillway::cloud::api
