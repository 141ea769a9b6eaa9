#pragma once

namespace spillway {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace spillway
