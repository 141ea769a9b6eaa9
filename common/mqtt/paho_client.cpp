#include "common/mqtt/paho_client.h"

#include <algorithm>

#include "common/mqtt/password.h"
#include "common/mqtt/sockets.h"

// The door that Paho C++ keeps for its own tests, to the options its C library is given.
namespace mqtt {
class connect_options_test {
 public:
  static MQTTAsync_connectOptions& c_options(connect_options& options) { return options.opts_; }
};
}  // namespace mqtt

namespace spillway::mqtt {
namespace {

// Above any window of ours; Paho's own limits must never be the ones that bind, because it then
// sends its limit once a second.
constexpr std::size_t kMaxInFlight = 1024;
constexpr int kPahoBuffer = 4 * static_cast<int>(kMaxInFlight);
constexpr int kReceiveMaximum = 1024;
// Topic and properties around a payload.
constexpr std::size_t kPacketHeadroom = 4096;
// LinkMachine ends an attempt earlier; this bounds one whose owner is gone.
constexpr std::chrono::seconds kConnectTimeout{60};
// Suites below TLS 1.3 that are legal to name and impossible to agree on: they need a pre-shared
// key and none is set. Paho cannot ask for TLS 1.3, and nothing else is left to negotiate.
constexpr const char* kOnlyTls13 = "PSK-AES256-GCM-SHA384";
constexpr std::size_t kMaxTlsMessage = 1024;

void add(mqtt::properties& list, mqtt::property::code code, std::size_t number) {
  list.add({code, static_cast<std::int32_t>(number)});
}

// Numbers of every width; `otherwise` when the broker did not say.
std::size_t number_in(const mqtt::properties& list, MQTTPropertyCodes code, std::size_t otherwise) {
  auto* properties = const_cast<MQTTProperties*>(&list.c_struct());
  if (!MQTTProperties_hasProperty(properties, code)) return otherwise;
  return static_cast<std::size_t>(MQTTProperties_getNumericValue(properties, code));
}

std::string text_in(const mqtt::properties& list, mqtt::property::code code) {
  return list.contains(code) ? mqtt::get<std::string>(list, code) : std::string();
}

Granted granted_in(const mqtt::properties& list, std::chrono::seconds asked_keep_alive) {
  const auto number = [&](MQTTPropertyCodes code, std::size_t otherwise) {
    return static_cast<std::uint32_t>(number_in(list, code, otherwise));
  };
  const auto given = [&](mqtt::property::code code) { return list.contains(code); };
  Granted granted;
  granted.keep_alive = std::chrono::seconds(number(
      MQTTPROPERTY_CODE_SERVER_KEEP_ALIVE, static_cast<std::size_t>(asked_keep_alive.count())));
  granted.receive_maximum = number(MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, granted.receive_maximum);
  if (given(mqtt::property::MAXIMUM_PACKET_SIZE)) {
    granted.maximum_packet = number(MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, 0);
  }
  if (given(mqtt::property::SESSION_EXPIRY_INTERVAL)) {
    granted.session_expiry =
        std::chrono::seconds(number(MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, 0));
  }
  granted.maximum_qos = number(MQTTPROPERTY_CODE_MAXIMUM_QOS, granted.maximum_qos);
  granted.topic_aliases = number(MQTTPROPERTY_CODE_TOPIC_ALIAS_MAXIMUM, 0);
  granted.retain = number(MQTTPROPERTY_CODE_RETAIN_AVAILABLE, 1) != 0;
  granted.wildcards = number(MQTTPROPERTY_CODE_WILDCARD_SUBSCRIPTION_AVAILABLE, 1) != 0;
  granted.subscription_ids = number(MQTTPROPERTY_CODE_SUBSCRIPTION_IDENTIFIERS_AVAILABLE, 1) != 0;
  granted.shared = number(MQTTPROPERTY_CODE_SHARED_SUBSCRIPTION_AVAILABLE, 1) != 0;
  granted.client_id = text_in(list, mqtt::property::ASSIGNED_CLIENT_IDENTIFER);
  return granted;
}

mqtt::create_options create_options() {
  mqtt::create_options options(MQTTVERSION_5, kPahoBuffer);
  options.set_send_while_disconnected(false);
  return options;
}

// An address as Paho takes it: with the last colon before the port. Brackets around an IPv6 address
// would stay part of the name that the broker's certificate is compared with.
std::string address_of(const Endpoint& endpoint) {
  return (endpoint.tls ? "ssl://" : "tcp://") + endpoint.host + ":" + std::to_string(endpoint.port);
}

// A topic that nobody subscribes to: what is asked of a broker to hear that it lives.
constexpr const char* kNobody = "spillway/probe";

// Paho stops its threads with its last client and needs a second for it, and another to start them
// again. One client that never connects keeps them.
void keep_paho_running() {
  [[gnu::used]] static mqtt::async_client* const idle =
      new mqtt::async_client("tcp://localhost:1", "idle", create_options());
}

// With a trust store of its own Paho trusts no authority of the system's.
void trust(mqtt::ssl_options& ssl, const Tls& tls) {
  ssl.set_trust_store(tls.ca_file);
  if (!tls.cert_file.empty()) {
    ssl.set_key_store(tls.cert_file);
    ssl.set_private_key(tls.key_file);
  }
  ssl.set_enabled_cipher_suites(kOnlyTls13);
  ssl.set_enable_server_cert_auth(true);
  ssl.set_verify(true);  // the host name
}

mqtt::will_options will_options(const Will& will) {
  mqtt::properties properties;
  add(properties, mqtt::property::WILL_DELAY_INTERVAL,
      static_cast<std::size_t>(will.delay.count()));
  return {will.topic, will.payload.data(), will.payload.size(), 1, true, properties};
}

mqtt::properties connect_properties(std::chrono::seconds session_expiry) {
  mqtt::properties properties;
  add(properties, mqtt::property::SESSION_EXPIRY_INTERVAL,
      static_cast<std::size_t>(session_expiry.count()));
  add(properties, mqtt::property::RECEIVE_MAXIMUM, kReceiveMaximum);
  add(properties, mqtt::property::MAXIMUM_PACKET_SIZE, kMaxPayload + kPacketHeadroom);
  return properties;
}

mqtt::const_message_ptr message_of(const Publication& publication) {
  mqtt::properties properties;
  if (publication.expiry.count() > 0) {
    add(properties, mqtt::property::MESSAGE_EXPIRY_INTERVAL,
        static_cast<std::size_t>(publication.expiry.count()));
  }
  if (!publication.content_type.empty()) {
    properties.add({mqtt::property::CONTENT_TYPE, publication.content_type});
  }
  if (!publication.traceparent.empty()) {
    properties.add({mqtt::property::USER_PROPERTY, "traceparent", publication.traceparent});
  }
  return mqtt::message::create(publication.topic, publication.payload.data(),
                               publication.payload.size(), publication.qos > 0 ? 1 : 0,
                               publication.retained, properties);
}

// What Paho answered in words. It has them only for who waits, which a finished token lets at once.
std::string words_of(const mqtt::token& token) {
  try {
    const_cast<mqtt::token&>(token).wait();
  } catch (const mqtt::exception& error) {
    return error.get_message();
  }
  return {};
}

// Runs what may throw Paho's exception, which ends here.
template <typename Call>
Status guarded(const char* what, Call&& call) {
  try {
    call();
    return {};
  } catch (const mqtt::exception& error) {
    if (error.get_return_code() == MQTTASYNC_DISCONNECTED) {
      return fail(Code::unavailable, "not connected");
    }
    return fail(Code::internal, std::string(what) + ": " + error.what());
  }
}

}  // namespace

class PahoClient::Answer final : public mqtt::iaction_listener {
 public:
  using Call = std::function<void(const mqtt::token&)>;
  Answer(Call succeeded, Call failed)
      : succeeded_(std::move(succeeded)), failed_(std::move(failed)) {}
  void on_success(const mqtt::token& token) override { succeeded_(token); }
  void on_failure(const mqtt::token& token) override { failed_(token); }

 private:
  const Call succeeded_, failed_;
};

PahoClient::PahoClient(std::uint64_t number, Endpoint endpoint, ConnectOptions options,
                       std::shared_ptr<Mailbox> mailbox)
    : number_(number),
      endpoint_(std::move(endpoint)),
      options_(std::move(options)),
      mailbox_(std::move(mailbox)) {
  last_.endpoint = endpoint_;
  last_.tls = options_.tls;
  using Token = const mqtt::token&;
  connecting_ = std::make_unique<Answer>(
      [this](Token token) { on_connected(token); },
      [this](Token token) {
        Failure failure;
        const int reason = token.get_reason_code();
        failure.reason_code = reason > 0 ? reason : std::max(token.get_return_code(), 0);
        failure.library_message = words_of(token);
        on_failed(std::move(failure));
      });
  subscribing_ = std::make_unique<Answer>([this](Token token) { on_subscribed(token); },
                                          [this](Token token) {
                                            // Without a reason it was cut off, which is reported as
                                            // such.
                                            const int reason = token.get_reason_code();
                                            if (reason > 0) {
                                              report(Report::Kind::refused,
                                                     explain_refusal("a subscription", reason));
                                            }
                                          });
  sending_ = std::make_unique<Answer>([this](Token) { on_answered(0, {}); },
                                      [this](Token) { on_answered(0, {}); });
  delivering_ = std::make_unique<Answer>(
      [this](Token) { on_answered(1, {}); },
      [this](Token token) { on_answered(1, static_cast<int>(token.get_reason_code())); });
  probing_ = std::make_unique<Answer>(
      [this](Token) { report(Report::Kind::probed); },
      // A failure with a reason is the broker's answer, too; without, the connection ended.
      [this](Token token) {
        if (token.get_reason_code() > 0) report(Report::Kind::probed);
      });
  const auto trespassed = [this](bool stopped) {
    mailbox_->put({.kind = Report::Kind::trespassed, .connection = number_, .stopped = stopped});
  };
  trespassing_ = std::make_unique<Answer>([trespassed](Token) { trespassed(false); },
                                          [trespassed](Token token) {
                                            if (token.get_reason_code() > 0) trespassed(true);
                                          });
}

// Says DISCONNECT if it is connected, frees what is queued, and takes the lock that callbacks run
// under.
PahoClient::~PahoClient() { client_.reset(); }

Status PahoClient::open() {
  if (abandoned_) return {};
  if (options_.tls) {
    if (Status usable = check(*options_.tls); !usable) return usable;
  }
  if (!options_.password_file.empty()) {
    auto password = read_password(options_.password_file);
    if (!password) return password.error();
    password_ = *std::move(password);
  }
  if (Status created = create(); !created) return created;
  return connect();
}

Status PahoClient::create() {
  return guarded("cannot prepare a connection", [this] {
    keep_paho_running();
    client_ = std::make_unique<mqtt::async_client>(address_of(endpoint_), options_.client_id,
                                                   create_options());
    client_->set_message_callback(
        [this](const mqtt::const_message_ptr& message) { on_message(*message); });
    client_->set_connection_lost_handler([this](const std::string& cause) {
      Failure failure;
      failure.was_up = true;
      failure.library_message = cause;
      on_failed(std::move(failure));
    });
    client_->set_disconnected_handler(
        [this](const mqtt::properties& properties, mqtt::ReasonCode reason) {
          on_farewell(properties, reason);
        });
  });
}

// The broker's DISCONNECT is the connection's end: Paho tells nobody of its loss after it.
void PahoClient::on_farewell(const mqtt::properties& properties, int reason) {
  Failure failure;
  failure.was_up = failure.farewell = true;
  failure.reason_code = reason;
  failure.reason_string = text_in(properties, mqtt::property::REASON_STRING);
  failure.server = text_in(properties, mqtt::property::SERVER_REFERENCE);
  on_failed(std::move(failure));
}

// Built where it is used, never copied: a copy would point to the properties of its original, and
// would take the error handler's place that is given here.
mqtt::connect_options PahoClient::connect_options() {
  mqtt::connect_options connect;
  connect.set_mqtt_version(MQTTVERSION_5);
  connect.set_clean_start(options_.clean_start);
  connect.set_keep_alive_interval(options_.keep_alive);
  connect.set_connect_timeout(kConnectTimeout);
  connect.set_properties(connect_properties(options_.session_expiry));
  if (!options_.user.empty()) connect.set_user_name(options_.user);
  if (!password_.empty()) connect.set_password(password_);
  if (options_.tls) {
    mqtt::ssl_options ssl;
    trust(ssl, *options_.tls);
    if (!options_.alpn.empty()) ssl.set_alpn_protos({options_.alpn});
    connect.set_ssl(ssl);
    // Paho C++ 1.2's own handler is called in the copy of the options that connect() took, which is
    // gone by then: it crashed at errors of connections that were up.
    MQTTAsync_SSLOptions& raw = *mqtt::connect_options_test::c_options(connect).ssl;
    raw.ssl_error_cb = &PahoClient::on_tls_error;
    raw.ssl_error_context = this;
  }
  if (options_.will) connect.set_will(will_options(*options_.will));
  return connect;
}

Status PahoClient::connect() {
  return guarded("cannot start to connect",
                 [&] { client_->connect(connect_options(), nullptr, *connecting_); });
}

int PahoClient::on_tls_error(const char* text, std::size_t size, void* client) {
  auto& self = *static_cast<PahoClient*>(client);
  threads::Lock lock(self.mutex_);
  if (self.last_.tls_message.size() < kMaxTlsMessage) self.last_.tls_message.append(text, size);
  return 1;
}

void PahoClient::on_connected(const mqtt::token& token) {
  tune_sockets_to(endpoint_.port, options_.keep_alive);
  constexpr std::size_t kNoLimit = 65'535;
  const mqtt::properties properties = token.get_connect_response().get_properties();
  // Strictly below: Paho stalls at the limit itself.
  max_in_flight_ = std::clamp<std::size_t>(
      number_in(properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, kNoLimit) - 1, 1, kMaxInFlight);
  max_packet_ = number_in(properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, SIZE_MAX);
  granted_ = granted_in(properties, options_.keep_alive);
  {
    threads::Lock lock(mutex_);
    up_ = true;
    last_.tls_message.clear();
  }
  report(Report::Kind::connected);
}

void PahoClient::on_message(const mqtt::message& message) {
  const mqtt::binary_ref& payload = message.get_payload_ref();
  mailbox_->put({.kind = Report::Kind::message,
                 .connection = number_,
                 .topic = message.get_topic(),
                 .payload = Bytes(payload.data(), payload.data() + payload.size())});
}

void PahoClient::on_answered(int qos, std::optional<int> refused_for) {
  {
    threads::Lock lock(mutex_);
    if (unanswered_ > 0) --unanswered_;
    if (qos > 0 && unacknowledged_ > 0) --unacknowledged_;
    answered_.notify_all();
  }
  // A failure without a reason from the broker is the connection's end, reported as such.
  if (refused_for && *refused_for <= 0) return;
  if (qos > 0) report(Report::Kind::published);
  if (refused_for) report(Report::Kind::refused, explain_refusal("a message", *refused_for));
}

void PahoClient::on_subscribed(const mqtt::token& token) {
  const mqtt::subscribe_response response = token.get_subscribe_response();
  for (const int code : response.get_reason_codes()) {
    if (code >= mqtt::UNSPECIFIED_ERROR) {
      report(Report::Kind::refused, explain_refusal("a subscription", code));
    }
  }
}

void PahoClient::on_failed(Failure failure) {
  {
    threads::Lock lock(mutex_);
    if (std::exchange(over_, true)) return;
    up_ = false;
    unanswered_ = unacknowledged_ = 0;
    answered_.notify_all();
    failure.endpoint = endpoint_;
    failure.tls = options_.tls;
    failure.tls_message = last_.tls_message;
  }
  mailbox_->put(
      {.kind = Report::Kind::failed, .connection = number_, .failure = std::move(failure)});
}

void PahoClient::report(Report::Kind kind, Error error) {
  mailbox_->put({.kind = kind, .connection = number_, .error = std::move(error)});
}

// One request a filter: Paho C++ 1.2 hands its C library a dangling list of options for several.
Status PahoClient::subscribe(const std::vector<std::string>& filters) {
  const mqtt::subscribe_options options(/*noLocal=*/true);
  return guarded("cannot subscribe", [&] {
    for (const std::string& filter : filters) {
      client_->subscribe(filter, 1, nullptr, *subscribing_, options);
    }
  });
}

Status PahoClient::publish(const Publication& publication) {
  const std::size_t size = publication.payload.size();
  if (size > kMaxPayload || size + kAroundPayload > max_packet_) {
    return fail(Code::invalid_argument, "a message of " + std::to_string(size) +
                                            " bytes is larger than the broker or the limit of " +
                                            std::to_string(kMaxPayload) + " allows");
  }
  const bool acknowledged = publication.qos > 0;
  {
    threads::Lock lock(mutex_);
    if (!up_) return fail(Code::unavailable, "not connected");
    if (acknowledged && unacknowledged_ >= max_in_flight_) {
      return fail(Code::busy, "too many messages wait for the broker's acknowledgement");
    }
    ++unanswered_;
    unacknowledged_ += acknowledged ? 1 : 0;
  }
  Status sent = guarded("cannot publish", [&] {
    client_->publish(message_of(publication), nullptr, acknowledged ? *delivering_ : *sending_);
  });
  if (sent) return sent;
  threads::Lock lock(mutex_);
  if (unanswered_ > 0) --unanswered_;
  if (acknowledged && unacknowledged_ > 0) --unacknowledged_;
  return sent;
}

Status PahoClient::probe() {
  {
    threads::Lock lock(mutex_);
    if (!up_) return fail(Code::unavailable, "not connected");
  }
  return guarded("cannot ask for a sign of life",
                 [this] { client_->unsubscribe(kNobody, nullptr, *probing_); });
}

Status PahoClient::trespass(const std::string& topic) {
  {
    threads::Lock lock(mutex_);
    if (!up_) return fail(Code::unavailable, "not connected");
  }
  return guarded("cannot try the access list", [&] {
    client_->publish(message_of({.topic = topic, .payload = {}}), nullptr, *trespassing_);
  });
}

void PahoClient::flush(std::chrono::milliseconds patience) {
  threads::Lock lock(mutex_);
  answered_.wait_for(lock, patience, [this]() REQUIRES(mutex_) { return unanswered_ == 0; });
}

}  // namespace spillway::mqtt
