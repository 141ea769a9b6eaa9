#pragma once

#include <cstdint>
#include <string>

#include "common/store/owner_store.h"
#include "spillway/task.h"

namespace spillway::owner {

// The row of a task that is accepted now; `deps`: how many unfinished ones it waits for.
store::NewTask new_task(const TaskSpec& spec, sqlite::EncodedBytes encoded, std::uint32_t deps,
                        NodeTime now);
// The task is named by the key as long as its spec says.
void name_by(store::NewTask& row, const TaskSpec& spec, std::string key, const Digest& stands_for);

// What the views of both directions have of a task: its row, and where it is by now.
template <class View>
void tell(View& view, const store::TaskRow& row, const lifecycle::OwnerTask& task) {
  view.band = row.band;
  view.state = task.state;
  view.reason = task.reason;
  view.epoch = task.epoch;
  view.attempts = task.attempts;
  view.crashes = task.crashes;
}

}  // namespace spillway::owner
