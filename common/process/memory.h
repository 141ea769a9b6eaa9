#pragma once

#include "common/process/loop.h"

// What a burst, or the start, took of memory goes back to the system.
namespace spillway::process {

// Before the first thread. Left alone, glibc raises its limits with every large block that is freed
// and gives each thread an arena of its own; a device keeps what it took at its busiest.
void keep_heap_small();
// Gives back what is free of the heap, about a millisecond. Any thread.
void trim_memory();
// Does that once a minute, whatever is going on, as long as `timer` lives. The loop's thread.
void keep_trimming(Loop& loop, Timer& timer);

}  // namespace spillway::process
