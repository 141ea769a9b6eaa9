#include "tests/bench/support/mqtt_echo.h"

#include <mqtt/async_client.h>

#include <cstring>
#include <mutex>
#include <thread>

#include "common/mqtt/sockets.h"

namespace spillway::bench {
namespace {

namespace paho = ::mqtt;
using namespace std::chrono_literals;

paho::connect_options options_for(const test::Credentials& who) {
  auto ssl = paho::ssl_options_builder()
                 .trust_store(who.ca)
                 .key_store(who.certificate)
                 .private_key(who.key)
                 .enable_server_cert_auth(true)
                 .verify(true)
                 .finalize();
  return paho::connect_options_builder()
      .mqtt_version(MQTTVERSION_5)
      .clean_start(true)
      .max_inflight(1024)
      .ssl(std::move(ssl))
      .finalize();
}

std::string paho_uri(const std::string& uri) { return "ssl://" + uri.substr(uri.find("://") + 3); }

std::uint16_t port_of(const std::string& uri) {
  return std::uint16_t(std::stoul(uri.substr(uri.rfind(':') + 1)));
}

}  // namespace

struct MqttEcho::Clients {
  Clients(const std::string& uri, const std::string& device)
      : cloud(paho_uri(uri), "cloud", paho::create_options(MQTTVERSION_5, 10000), nullptr),
        asker(paho_uri(uri), device, paho::create_options(MQTTVERSION_5, 10000), nullptr),
        up("spw/1/00/" + device + "/up/task"),
        down("spw/1/00/" + device + "/down/result") {}

  void connect(const test::Credentials& cloud_credentials, const test::Credentials& credentials) {
    // In this order: a connect right after another one waits for a second in Paho.
    auto first = cloud.connect(options_for(cloud_credentials));
    auto second = asker.connect(options_for(credentials));
    first->wait();
    second->wait();
    cloud.set_message_callback([this](const paho::const_message_ptr& message) {
      cloud.publish(paho::make_message(down, message->get_payload(), 1, false));
    });
    asker.set_message_callback(
        [this](const paho::const_message_ptr& message) { on_echo(message->get_payload()); });
    cloud.subscribe(up, 1)->wait();
    asker.subscribe(down, 1)->wait();
  }

  void ask(std::string payload) {
    const auto sent = SteadyClock::now();
    std::memcpy(payload.data(), &sent, sizeof sent);
    asker.publish(paho::make_message(up, std::move(payload), 1, false));
  }

  void on_echo(const std::string& payload) {
    SteadyClock::time_point sent;
    std::memcpy(&sent, payload.data(), sizeof sent);
    const std::lock_guard lock(mutex);
    echoes += 1;
    round_trips.add(seconds_since(sent));
    if (asking) {
      ask(payload);
    } else {
      open -= 1;
    }
  }

  paho::async_client cloud, asker;
  const std::string up, down;
  std::mutex mutex;  // guards what follows, which Paho's threads change
  bool asking = false;
  std::size_t open = 0, echoes = 0;
  Samples round_trips;
};

MqttEcho::MqttEcho(std::unique_ptr<Clients> clients) : clients_(std::move(clients)) {}
MqttEcho::MqttEcho(MqttEcho&&) noexcept = default;

MqttEcho::~MqttEcho() {
  if (!clients_) return;
  try {
    clients_->asker.disconnect()->wait_for(2s);
    clients_->cloud.disconnect()->wait_for(2s);
  } catch (const paho::exception&) {
    // Gone is gone.
  }
}

Result<MqttEcho> MqttEcho::connect(const std::string& uri, const test::Credentials& cloud,
                                   const std::string& device,
                                   const test::Credentials& credentials) {
  try {
    auto clients = std::make_unique<Clients>(uri, device);
    clients->connect(cloud, credentials);
    mqtt::tune_sockets_to(port_of(uri), 10s);
    return MqttEcho(std::move(clients));
  } catch (const paho::exception& error) {
    return fail(Code::unavailable, "the MQTT echo cannot connect: " + error.to_string());
  }
}

Result<MqttEcho::Run> MqttEcho::run(std::size_t bytes, std::size_t window, double seconds) {
  const auto start = SteadyClock::now();
  {
    const std::lock_guard lock(clients_->mutex);
    clients_->asking = true;
    clients_->open = window;
    clients_->echoes = 0;
    clients_->round_trips = {};
  }
  try {
    for (std::size_t i = 0; i < window; ++i)
      clients_->ask(std::string(std::max(bytes, sizeof start), 'x'));
  } catch (const paho::exception& error) {
    return fail(Code::io, "the MQTT echo cannot publish: " + error.to_string());
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  Run run;
  {
    const std::lock_guard lock(clients_->mutex);
    clients_->asking = false;
    run = {double(clients_->echoes) / seconds_since(start), clients_->round_trips};
  }
  const auto patience = SteadyClock::now();
  for (bool open = true; open && seconds_since(patience) < 10; std::this_thread::sleep_for(1ms)) {
    const std::lock_guard lock(clients_->mutex);
    open = clients_->open > 0;
  }
  return run;
}

struct QuietMqttClient::Client {
  Client(const std::string& uri, const std::string& device)
      : client(paho_uri(uri), device, paho::create_options(MQTTVERSION_5, 10000), nullptr) {}
  paho::async_client client;
};

QuietMqttClient::QuietMqttClient(std::unique_ptr<Client> client) : client_(std::move(client)) {}
QuietMqttClient::QuietMqttClient(QuietMqttClient&&) noexcept = default;
QuietMqttClient::~QuietMqttClient() = default;

Result<QuietMqttClient> QuietMqttClient::connect(const std::string& uri, const std::string& device,
                                                 const test::Credentials& credentials,
                                                 std::chrono::seconds keep_alive) {
  try {
    auto client = std::make_unique<Client>(uri, device);
    paho::connect_options options = options_for(credentials);
    options.set_keep_alive_interval(keep_alive);
    client->client.connect(options)->wait();
    return QuietMqttClient(std::move(client));
  } catch (const paho::exception& error) {
    return fail(Code::unavailable, "the quiet MQTT client cannot connect: " + error.to_string());
  }
}

}  // namespace spillway::bench
