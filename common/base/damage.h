#pragma once

namespace spillway {

// EX_IOERR of sysexits.h: a program that ends with it found a file of its state damaged.
inline constexpr int kExitDamaged = 74;

// Ends the process at once, since whatever is still written may do more harm. A service manager
// starts it again, and what can be read is salvaged then. Any thread.
[[noreturn]] void end_to_salvage();

}  // namespace spillway
