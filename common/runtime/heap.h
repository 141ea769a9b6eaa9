#pragma once

// What a burst took of the heap goes back to the system.
namespace spillway::runtime {

// Before the first thread. Left alone, glibc raises its limits with every large block that is freed
// and gives each thread an arena of its own; a device keeps what it took at its busiest.
void keep_heap_small();
// Gives back what is free; about a millisecond. Any thread.
void trim_heap();

}  // namespace spillway::runtime
