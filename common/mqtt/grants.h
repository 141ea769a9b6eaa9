#pragma once

#include <vector>

#include "common/mqtt/transport.h"
#include "spillway/view.h"

namespace spillway::mqtt {

// What a connection's broker granted, for people: first what is as it should be, then, each with
// what it costs, what is not. `window`: messages that are to be under way at once.
std::vector<BrokerTerm> describe(const Granted& granted, const ConnectOptions& asked,
                                 std::size_t window);

// Whether the broker let this client speak for another, when it tried to.
enum class Binding : std::uint8_t { unknown, held, open };
BrokerTerm describe(Binding binding);

}  // namespace spillway::mqtt
