#pragma once

#include "common/config/file.h"
#include "spillway/broker.h"

namespace spillway::config {

// Refuses what was read of [broker] and cannot work together, and drops the default files of what
// has no TLS. Without uri there is no link.
void check_broker(Section section, BrokerOptions& broker);

}  // namespace spillway::config
