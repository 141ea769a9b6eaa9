#pragma once

#include <cstdint>
#include <string>

namespace spillway::ota {

// Bytes that may still be written to the file system of `directory`; 0 when it cannot be told.
std::uint64_t free_bytes(const std::string& directory);

}  // namespace spillway::ota
