#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/mqtt/endpoint.h"

namespace spillway::mqtt {

// Sets on every TCP socket of this process that is connected to `port`: TCP_NODELAY, without which
// a small message waits up to 40 ms for the acknowledgement of the one before it, and
// TCP_USER_TIMEOUT, so that the kernel ends a connection whose other end went silent with our bytes
// on the way, however slowly it used to take them. Paho has no option for either and does not tell
// its socket; another socket to the same port loses nothing by it. Returns how many it found.
int tune_sockets_to(std::uint16_t port, std::chrono::milliseconds user_timeout);

// Tries to open a TCP connection and closes it. Blocks, at most for the name's resolution and
// `timeout` per address. What went wrong, in words; nothing when it worked.
std::optional<std::string> why_unreachable(const Endpoint& endpoint,
                                           std::chrono::milliseconds timeout);

// Whether what listens there waits for the rest of a TLS handshake when it gets the beginning of
// one, instead of hanging up. Blocks for `patience` if it does.
bool awaits_tls(const Endpoint& endpoint, std::chrono::milliseconds patience);

}  // namespace spillway::mqtt
