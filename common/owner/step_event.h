#pragma once

#include "common/lifecycle/owner.h"
#include "common/store/owner_store.h"

namespace spillway::owner {

// What a step means in a task's history.
store::EventKind event_of(const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step);
// False for steps that a task's row says already, or that nobody asks about.
bool worth_an_event(const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step,
                    store::EventKind kind);

}  // namespace spillway::owner
