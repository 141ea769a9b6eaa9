#pragma once

#include <string>
#include <vector>

namespace spillway::test {

// What must stand before a program to run it here: the emulator, in a cross build and for a program
// of that build; nothing for the machine's own, such as the broker.
std::vector<std::string> emulator_for(const std::string& program);

// Whether these tests run under an emulator of single programs that cannot do what every kernel
// does since Linux 3.4: let a process inherit its children's orphans (PR_SET_CHILD_SUBREAPER, which
// qemu-user refuses). There, no program can be looked after.
bool emulator_leaves_orphans();

}  // namespace spillway::test
