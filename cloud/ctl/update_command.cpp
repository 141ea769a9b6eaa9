#include <boost/json.hpp>

#include "cloud/ctl/selector.h"

namespace spillway::ctl {

// An update is a task of the kind device.update: kept until the device is there, and audited.
int device_update(Api& api, const Console& console, const Words& words) {
  Words task = words;
  task.id = "device.update";
  task.args = {"url=" + words.url, "sha256=" + words.sha256};
  // Devices without an updater do not have the kind.
  if (task.ids.empty()) task.kind = task.id;
  return task_submit(api, console, task);
}

}  // namespace spillway::ctl
