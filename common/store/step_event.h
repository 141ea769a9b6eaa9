#pragma once

#include "common/lifecycle/owner.h"
#include "common/store/owner_store.h"

namespace spillway::store {

// What a step means in a task's history.
EventKind event_of(const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step);
// False for steps that a task's row says already, or that nobody asks about.
bool worth_an_event(const lifecycle::OwnerTask& was, const lifecycle::OwnerStep& step,
                    EventKind kind);

}  // namespace spillway::store
