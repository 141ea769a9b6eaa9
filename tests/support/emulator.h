#pragma once

#include <string>
#include <vector>

namespace spillway::test {

// What must stand before a program to run it here: the emulator, in a cross build and for a program
// of that build; nothing for the machine's own, such as the broker.
std::vector<std::string> emulator_for(const std::string& program);

}  // namespace spillway::test
