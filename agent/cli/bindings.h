#pragma once

#include <vector>

#include "common/mqtt/transport.h"
#include "spillway/view.h"

namespace spillway::cli {

// Connects with the device's certificate, under client ids that nobody uses, and tries what the
// broker should stop: another id than the certificate's, and speaking for another device and for
// the cloud, in topics that nobody hears. What it granted and stopped; or why it could not be
// reached. A broker that binds client ids ends the agent's own connection for it, for a moment.
Result<std::vector<BrokerTerm>> try_bindings(const mqtt::ConnectOptions& options);

}  // namespace spillway::cli
