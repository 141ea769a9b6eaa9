#include "common/mqtt/transport.h"

namespace spillway::mqtt {

ConnectOptions connect_options(const BrokerOptions& broker) {
  ConnectOptions options;
  options.uri = broker.uri;
  if (!broker.ca.empty()) options.tls = Tls{broker.ca, broker.cert, broker.key};
  options.user = broker.username;
  options.password_file = broker.password_file;
  options.alpn = broker.alpn;
  options.client_id = broker.client_id;
  options.topic_prefix = broker.topic_prefix;
  options.keep_alive = std::chrono::duration_cast<std::chrono::seconds>(broker.keep_alive);
  return options;
}

}  // namespace spillway::mqtt
