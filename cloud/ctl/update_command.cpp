#include <boost/json.hpp>

#include "cloud/ctl/selector.h"
#include "common/base/bundle.h"

namespace spillway::ctl {

// An update is a task of the kind device.update: kept until the device is there, and audited.
int device_update(Api& api, const Console& console, const Words& words) {
  if (Status right = check_remote_bundle(words.url, words.sha256); !right) {
    return complain(console, right.error());
  }
  if (!names_devices(console, words)) return 2;
  Words task = words;
  task.id = kUpdateKind;
  task.args = {"url=" + words.url, "sha256=" + words.sha256};
  // Devices without an updater do not have the kind.
  if (task.ids.empty()) task.kind = task.id;
  return task_submit(api, console, task);
}

}  // namespace spillway::ctl
