#pragma once

namespace spillway::kinds {

// Where the kernel tells who the children of this process are.
struct ChildLists {
  const char* children = "/proc/thread-self/children";  // only with CONFIG_PROC_CHILDREN
  const char* processes = "/proc";                      // all there are, looked through without it
};

// Kills every child of this process, which has one thread; false: it has none, or they cannot be
// seen. Async-signal-safe. A child that comes meanwhile may be missed, as may some of very many:
// call again until there are none.
bool kill_children(const ChildLists& lists = {});

}  // namespace spillway::kinds
