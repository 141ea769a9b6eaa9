#include "agent/cli/bindings.h"

#include <memory>
#include <optional>
#include <thread>

#include "common/crypto/random.h"
#include "common/mqtt/grants.h"
#include "common/mqtt/paho_transport.h"
#include "common/process/loop.h"
#include "common/wire/topics.h"

namespace spillway::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kWindow = 128;  // as when it is not configured

// One connection, and what became of it.
class Visitor {
 public:
  Visitor(process::Loop& loop, mqtt::ConnectOptions options, const std::string& id)
      : loop_(loop), options_(std::move(options)), transport_(loop) {
    options_.client_id = id;
    mqtt::TransportEvents events;
    events.connected = [this] { up = true; };
    events.disconnected = [this](mqtt::Loss loss) { lost = std::move(loss); };
    events.message = [](const std::string&, const Bytes&) {};
    events.published = [] {};
    events.probed = [this] { alive = true; };
    events.trespassed = [this](bool refused) { stopped = refused; };
    transport_.listen(std::move(events));
    transport_.connect(options_);
    wait([this] { return up || lost; });
  }

  // Whether the connection is still there.
  bool lives() {
    if (!lost && transport_.probe()) wait([this] { return alive || lost; });
    return alive && !lost;
  }
  // An answer, or the end of the connection for having tried.
  mqtt::Binding speaks(wire::Direction direction, wire::Channel channel) {
    stopped.reset();
    std::string topic = wire::to_string({std::string(wire::kNobody), direction, channel});
    if (!options_.topic_prefix.empty()) topic.insert(0, options_.topic_prefix + "/");
    if (!lost && transport_.trespass(topic)) wait([this] { return stopped || lost; });
    if (!stopped) return mqtt::Binding::unknown;
    return *stopped ? mqtt::Binding::held : mqtt::Binding::open;
  }
  std::vector<BrokerTerm> granted() const {
    return mqtt::describe(transport_.granted(), options_, kWindow);
  }

  bool up = false, alive = false;
  std::optional<mqtt::Loss> lost;
  std::optional<bool> stopped;

 private:
  template <class Done>
  void wait(Done done) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!done() && std::chrono::steady_clock::now() < end) {
      loop_.run_ready();
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }

  process::Loop& loop_;
  mqtt::ConnectOptions options_;
  mqtt::PahoTransport transport_;
};

std::string id_of_nobody() {
  return "spillway-doctor-" + std::to_string(crypto::random_u64() % 1'000'000);
}

const BrokerTerm kFreeId{
    "it takes a client under any id",
    "unless it keeps the ids of different names apart, as ejabberd does, one device can end "
    "another's connection: bind them, in mosquitto by use_username_as_clientid true"};

// `first` is up under an id that is not its own.
BrokerTerm judge_ids(process::Loop& loop, const mqtt::ConnectOptions& options, Visitor& first,
                     std::unique_ptr<Visitor>& second) {
  second = std::make_unique<Visitor>(loop, options, id_of_nobody());
  if (!second->up) return {"whether it binds client ids is not known: it took one client only", ""};
  if (first.lives()) return kFreeId;
  return {"it gives a client the id of its certificate, whatever id it asks for", ""};
}

BrokerTerm judge(mqtt::Binding binding, const std::string& whom) {
  if (binding == mqtt::Binding::held)
    return {"it refused to let this device speak for " + whom, ""};
  if (binding == mqtt::Binding::unknown) {
    return {"whether it lets this device speak for " + whom + " is not known",
            "it did not answer, or ended the connection: look at its access list"};
  }
  return {"it lets this device speak for " + whom, mqtt::describe(binding).hurts};
}

}  // namespace

Result<std::vector<BrokerTerm>> try_bindings(const mqtt::ConnectOptions& options) {
  process::Loop loop;
  Visitor first(loop, options, id_of_nobody());
  std::unique_ptr<Visitor> second;
  BrokerTerm ids;
  if (first.up) {
    ids = judge_ids(loop, options, first, second);
  } else {
    second = std::make_unique<Visitor>(loop, options, options.client_id);
    ids = {"it takes no client under another id than its own", ""};
  }
  Visitor& visitor = second->up ? *second : first;
  if (!visitor.up) {
    if (visitor.lost) return Error(*visitor.lost);
    return fail(Code::timeout, "the broker at " + options.uri + " did not answer in time");
  }
  std::vector<BrokerTerm> terms = visitor.granted();
  terms.push_back(std::move(ids));
  terms.push_back(judge(visitor.speaks(wire::Direction::up, wire::Channel::evt), "another device"));
  terms.push_back(judge(visitor.speaks(wire::Direction::down, wire::Channel::cfg), "the cloud"));
  return terms;
}

}  // namespace spillway::cli
