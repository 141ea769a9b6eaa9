#include "common/mqtt/grants.h"

#include <string>

namespace spillway::mqtt {
namespace {

// The largest task or result, and what is around it.
constexpr std::size_t kLargestPacket = 128 * 1024 + kAroundPayload;
// Below it an idle connection costs more than its keep alive saves.
constexpr std::chrono::seconds kShortKeepAlive{10};

std::string seconds(std::chrono::seconds time) { return std::to_string(time.count()) + " s"; }

BrokerTerm term(std::string what, bool hurts, const char* how) {
  return {std::move(what), hurts ? how : ""};
}

BrokerTerm keep_alive(const Granted& granted, const ConnectOptions& asked) {
  if (granted.keep_alive.count() == 0) return {"keep alive as long as one likes", ""};
  return term("keep alive " + seconds(granted.keep_alive),
              granted.keep_alive < std::min(asked.keep_alive, kShortKeepAlive),
              "an idle link costs traffic: raise the broker's longest keep alive");
}

BrokerTerm packet(const Granted& granted) {
  if (!granted.maximum_packet) return {"packets of any size", ""};
  return term("packets of up to " + std::to_string(*granted.maximum_packet) + " bytes",
              *granted.maximum_packet < kLargestPacket,
              "larger inputs and results cannot travel: raise the broker's maximum packet size");
}

BrokerTerm session(const Granted& granted, const ConnectOptions& asked) {
  const auto kept = granted.session_expiry.value_or(asked.session_expiry);
  return term("sessions kept for " + seconds(kept), kept < asked.session_expiry,
              "what devices say while this client is away is dropped, and sent again later");
}

}  // namespace

std::vector<BrokerTerm> describe(const Granted& granted, const ConnectOptions& asked,
                                 std::size_t window) {
  std::vector<BrokerTerm> terms{
      keep_alive(granted, asked),
      term(std::to_string(granted.receive_maximum) + " messages under way",
           granted.receive_maximum <= window,
           "fewer than broker.window: raise the broker's receive maximum, or tasks wait"),
      packet(granted),
      session(granted, asked),
      term("quality of service " + std::to_string(granted.maximum_qos), granted.maximum_qos < 1,
           "nothing is acknowledged: no task can be handed over, another broker is needed"),
      term(granted.retain ? "retained messages" : "no retained messages", !granted.retain,
           "whoever connects later does not learn who is there: allow them"),
      term(granted.wildcards ? "wildcards" : "no wildcards", !granted.wildcards,
           "the cloud cannot hear its devices: allow them"),
      {std::to_string(granted.topic_aliases) + " topic aliases", ""}};
  if (!granted.client_id.empty() && granted.client_id != asked.client_id) {
    terms.push_back({"the client id " + granted.client_id, ""});
  }
  return terms;
}

BrokerTerm describe(Binding binding) {
  switch (binding) {
    case Binding::unknown: return {"whether it binds names to clients is not known yet", ""};
    case Binding::held: return {"it refused to let this client speak for another", ""};
    case Binding::open: break;
  }
  return {
      "it lets this client speak for another",
      "any device can speak as any other: bind names to certificates, as the mosquitto.conf and "
      "the access list in /etc/spillway-cloud/broker do"};
}

}  // namespace spillway::mqtt
