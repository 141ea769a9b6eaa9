#include "common/mqtt/paho_client.h"

#include <algorithm>

#include "common/mqtt/sockets.h"

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
constexpr int kConnectTimeout = 60;  // seconds
// Suites below TLS 1.3 that are legal to name and impossible to agree on: they need a pre-shared
// key and none is set. Paho cannot ask for TLS 1.3, and nothing else is left to negotiate.
constexpr const char* kOnlyTls13 = "PSK-AES256-GCM-SHA384";

// The properties of one packet. Paho copies what it is given.
class Properties {
 public:
  ~Properties() { MQTTProperties_free(&list_); }
  void add(MQTTPropertyCodes code, std::size_t number) {
    MQTTProperty property{};
    property.identifier = code;
    property.value.integer4 = static_cast<unsigned int>(number);
    if (MQTTProperty_getType(code) == MQTTPROPERTY_TYPE_TWO_BYTE_INTEGER) {
      property.value.integer2 = static_cast<unsigned short>(number);
    }
    MQTTProperties_add(&list_, &property);
  }
  void add(MQTTPropertyCodes code, std::string_view text, std::string_view second = {}) {
    MQTTProperty property{};
    property.identifier = code;
    property.value.data = {static_cast<int>(text.size()), const_cast<char*>(text.data())};
    property.value.value = {static_cast<int>(second.size()), const_cast<char*>(second.data())};
    MQTTProperties_add(&list_, &property);
  }
  MQTTProperties* list() { return &list_; }

 private:
  MQTTProperties list_ = MQTTProperties_initializer;
};

std::size_t number_in(const MQTTProperties& properties, MQTTPropertyCodes code,
                      std::size_t otherwise) {
  auto* list = const_cast<MQTTProperties*>(&properties);
  if (!MQTTProperties_hasProperty(list, code)) return otherwise;
  return static_cast<std::size_t>(MQTTProperties_getNumericValue(list, code));
}

std::string reason_in(const MQTTProperties& properties) {
  auto* list = const_cast<MQTTProperties*>(&properties);
  const MQTTProperty* reason = MQTTProperties_getProperty(list, MQTTPROPERTY_CODE_REASON_STRING);
  if (!reason || reason->value.data.len <= 0) return {};
  return {reason->value.data.data, static_cast<std::size_t>(reason->value.data.len)};
}

// Paho stops its threads with its last client and needs a second for it, and another to start them
// again. One client that never connects keeps them.
void keep_paho_running() {
  [[maybe_unused]] static const bool once = [] {
    MQTTAsync_init_options init = MQTTAsync_init_options_initializer;
    init.do_openssl_init = 0;  // OpenSSL does it itself, and others in the process use it too
    MQTTAsync_global_init(&init);
    MQTTAsync idle = nullptr;
    return MQTTAsync_create(&idle, "tcp://localhost:1", "idle", MQTTCLIENT_PERSISTENCE_NONE,
                            nullptr) == MQTTASYNC_SUCCESS;
  }();
}

Error library_error(const char* what, int code) {
  const char* text = MQTTAsync_strerror(code);
  return fail(Code::internal, std::string(what) + ": " + (text ? text : std::to_string(code)));
}

}  // namespace

// Paho's C signatures. `context` is the PahoClient, which outlives its handle.
struct PahoClient::Callbacks {
  static PahoClient& self(void* context) { return *static_cast<PahoClient*>(context); }

  static void connected(void* context, MQTTAsync_successData5* data) {
    self(context).on_connected(data);
  }
  static void connect_failed(void* context, MQTTAsync_failureData5* data) {
    Failure failure;
    if (data) {
      failure.reason_code = data->reasonCode > 0 ? data->reasonCode : std::max(data->code, 0);
      failure.reason_string = reason_in(data->properties);
      if (data->message) failure.library_message = data->message;
    }
    self(context).on_failed(std::move(failure));
  }
  static void lost(void* context, char* cause) {
    Failure failure;
    failure.was_up = true;
    if (cause) failure.library_message = cause;
    self(context).on_failed(std::move(failure));
  }
  // The broker's farewell; `lost` follows.
  static void farewell(void* context, MQTTProperties* properties, MQTTReasonCodes code) {
    PahoClient& client = self(context);
    std::lock_guard lock(client.mutex_);
    client.last_.reason_code = code;
    if (properties) client.last_.reason_string = reason_in(*properties);
  }
  static int tls_error(const char* text, std::size_t length, void* context) {
    PahoClient& client = self(context);
    std::lock_guard lock(client.mutex_);
    if (client.last_.tls_message.size() < 1024) client.last_.tls_message.append(text, length);
    return 1;
  }
  static int arrived(void* context, char* topic, int topic_length, MQTTAsync_message* message) {
    self(context).on_message(topic, topic_length, *message);
    MQTTAsync_freeMessage(&message);
    MQTTAsync_free(topic);
    return 1;
  }
  static void sent(void* context, MQTTAsync_successData5*) {
    self(context).on_answered(0, nullptr);
  }
  static void acknowledged(void* context, MQTTAsync_successData5*) {
    self(context).on_answered(1, nullptr);
  }
  static void not_sent(void* context, MQTTAsync_failureData5*) {
    self(context).on_answered(0, nullptr);
  }
  static void not_acknowledged(void* context, MQTTAsync_failureData5* data) {
    self(context).on_answered(1, data);
  }
  static void subscribed(void* context, MQTTAsync_successData5* data) {
    for (int i = 0; data->alt.sub.reasonCodeCount > 1 && i < data->alt.sub.reasonCodeCount; ++i) {
      const int code = data->alt.sub.reasonCodes[i];
      if (code >= MQTTREASONCODE_UNSPECIFIED_ERROR) {
        self(context).report(Report::Kind::refused, explain_refusal("a subscription", code));
      }
    }
  }
  static void not_subscribed(void* context, MQTTAsync_failureData5* data) {
    // Without a reason it was cut off, which is reported as such.
    if (data && data->reasonCode > 0) {
      self(context).report(Report::Kind::refused,
                           explain_refusal("a subscription", data->reasonCode));
    }
  }
};

PahoClient::PahoClient(std::uint64_t number, Endpoint endpoint, ConnectOptions options,
                       std::shared_ptr<Mailbox> mailbox)
    : number_(number),
      endpoint_(std::move(endpoint)),
      options_(std::move(options)),
      mailbox_(std::move(mailbox)) {
  last_.endpoint = endpoint_;
  last_.tls = options_.tls;
}

PahoClient::~PahoClient() {
  // Says DISCONNECT if it is connected, frees what is queued, and takes the lock that callbacks
  // run under.
  if (handle_) MQTTAsync_destroy(&handle_);
}

Status PahoClient::open() {
  if (abandoned_) return {};
  if (options_.tls) {
    if (Status usable = check(*options_.tls); !usable) return usable;
  }
  if (Status created = create(); !created) return created;
  return connect();
}

Status PahoClient::create() {
  keep_paho_running();
  const std::string uri = (endpoint_.tls ? "ssl://" : "tcp://") + to_string(endpoint_);
  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer5;
  create.maxBufferedMessages = kPahoBuffer;
  int code = MQTTAsync_createWithOptions(&handle_, uri.c_str(), options_.client_id.c_str(),
                                         MQTTCLIENT_PERSISTENCE_NONE, nullptr, &create);
  if (code == MQTTASYNC_SUCCESS) {
    code = MQTTAsync_setCallbacks(handle_, this, &Callbacks::lost, &Callbacks::arrived, nullptr);
  }
  if (code == MQTTASYNC_SUCCESS) {
    code = MQTTAsync_setDisconnected(handle_, this, &Callbacks::farewell);
  }
  if (code != MQTTASYNC_SUCCESS) return library_error("cannot prepare a connection", code);
  return {};
}

Status PahoClient::connect() {
  MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer5;
  Properties properties;
  properties.add(MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL,
                 static_cast<std::size_t>(options_.session_expiry.count()));
  properties.add(MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, kReceiveMaximum);
  properties.add(MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, kMaxPayload + kPacketHeadroom);
  connect.connectProperties = properties.list();
  connect.keepAliveInterval = static_cast<int>(options_.keep_alive.count());
  connect.cleanstart = options_.clean_start ? 1 : 0;
  connect.connectTimeout = kConnectTimeout;
  connect.context = this;
  connect.onSuccess5 = &Callbacks::connected;
  connect.onFailure5 = &Callbacks::connect_failed;

  MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
  if (options_.tls) {
    const Tls& tls = *options_.tls;
    ssl.trustStore = tls.ca_file.c_str();
    if (!tls.cert_file.empty()) {
      ssl.keyStore = tls.cert_file.c_str();
      ssl.privateKey = tls.key_file.c_str();
    }
    ssl.enabledCipherSuites = kOnlyTls13;
    ssl.enableServerCertAuth = 1;
    ssl.verify = 1;  // the host name
    ssl.disableDefaultTrustStore = 1;
    ssl.ssl_error_cb = &Callbacks::tls_error;
    ssl.ssl_error_context = this;
    connect.ssl = &ssl;
  }
  MQTTAsync_willOptions will = MQTTAsync_willOptions_initializer;
  Properties will_properties;
  if (options_.will) {
    will.topicName = options_.will->topic.c_str();
    will.payload.data = options_.will->payload.data();
    will.payload.len = static_cast<int>(options_.will->payload.size());
    will.qos = 1;
    will.retained = 1;
    connect.will = &will;
    will_properties.add(MQTTPROPERTY_CODE_WILL_DELAY_INTERVAL,
                        static_cast<std::size_t>(options_.will->delay.count()));
    connect.willProperties = will_properties.list();
  }
  const int code = MQTTAsync_connect(handle_, &connect);
  if (code != MQTTASYNC_SUCCESS) return library_error("cannot start to connect", code);
  return {};
}

void PahoClient::on_connected(const MQTTAsync_successData5* data) {
  tune_sockets_to(endpoint_.port, options_.keep_alive);
  constexpr std::size_t kNoLimit = 65'535;
  const std::size_t broker_takes =
      data ? number_in(data->properties, MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, kNoLimit) : kNoLimit;
  // Strictly below: Paho stalls at the limit itself.
  max_in_flight_ = std::clamp<std::size_t>(broker_takes - 1, 1, kMaxInFlight);
  max_packet_ = data ? number_in(data->properties, MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, SIZE_MAX)
                     : SIZE_MAX;
  {
    std::lock_guard lock(mutex_);
    up_ = true;
    last_.tls_message.clear();
  }
  report(Report::Kind::connected);
}

void PahoClient::on_message(const char* topic, int topic_length, const MQTTAsync_message& message) {
  const auto* bytes = static_cast<const std::uint8_t*>(message.payload);
  const auto size = static_cast<std::size_t>(std::max(message.payloadlen, 0));
  mailbox_->put({.kind = Report::Kind::message,
                 .connection = number_,
                 .topic = topic_length > 0
                              ? std::string(topic, static_cast<std::size_t>(topic_length))
                              : std::string(topic),
                 .payload = Bytes(bytes, bytes + size)});
}

void PahoClient::on_answered(int qos, const MQTTAsync_failureData5* refused) {
  {
    std::lock_guard lock(mutex_);
    if (unanswered_ > 0) --unanswered_;
    if (qos > 0 && unacknowledged_ > 0) --unacknowledged_;
    answered_.notify_all();
  }
  // A failure without a reason from the broker is the connection's end, reported as such.
  if (refused && refused->reasonCode <= 0) return;
  if (qos > 0) report(Report::Kind::published);
  if (refused) {
    report(Report::Kind::refused, explain_refusal("a message", refused->reasonCode));
  }
}

void PahoClient::on_failed(Failure failure) {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(over_, true)) return;
    up_ = false;
    unanswered_ = unacknowledged_ = 0;
    answered_.notify_all();
    failure.endpoint = endpoint_;
    failure.tls = options_.tls;
    failure.tls_message = last_.tls_message;
    if (last_.reason_code != 0) {
      failure.reason_code = last_.reason_code;
      failure.reason_string = last_.reason_string;
    }
  }
  mailbox_->put(
      {.kind = Report::Kind::failed, .connection = number_, .failure = std::move(failure)});
}

void PahoClient::report(Report::Kind kind, Error error) {
  mailbox_->put({.kind = kind, .connection = number_, .error = std::move(error)});
}

Status PahoClient::subscribe(const std::vector<std::string>& filters) {
  if (filters.empty()) return {};
  std::vector<char*> topics;
  for (const std::string& filter : filters) topics.push_back(const_cast<char*>(filter.c_str()));
  std::vector<int> qos(filters.size(), 1);
  MQTTSubscribe_options one = MQTTSubscribe_options_initializer;
  one.noLocal = 1;
  std::vector<MQTTSubscribe_options> each(filters.size(), one);
  MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
  response.subscribeOptions = one;
  response.subscribeOptionsCount = static_cast<int>(each.size());
  response.subscribeOptionsList = each.data();
  response.context = this;
  response.onSuccess5 = &Callbacks::subscribed;
  response.onFailure5 = &Callbacks::not_subscribed;
  const int code = MQTTAsync_subscribeMany(handle_, static_cast<int>(topics.size()), topics.data(),
                                           qos.data(), &response);
  if (code != MQTTASYNC_SUCCESS) return library_error("cannot subscribe", code);
  return {};
}

Status PahoClient::publish(const Publication& publication) {
  const std::size_t size = publication.payload.size();
  if (size > kMaxPayload || size + publication.topic.size() + kPacketHeadroom / 16 > max_packet_) {
    return fail(Code::invalid_argument, "a message of " + std::to_string(size) +
                                            " bytes is larger than the broker or the limit of " +
                                            std::to_string(kMaxPayload) + " allows");
  }
  const bool acknowledged = publication.qos > 0;
  {
    std::lock_guard lock(mutex_);
    if (!up_) return fail(Code::unavailable, "not connected");
    if (acknowledged && unacknowledged_ >= max_in_flight_) {
      return fail(Code::busy, "too many messages wait for the broker's acknowledgement");
    }
    ++unanswered_;
    unacknowledged_ += acknowledged ? 1 : 0;
  }
  Properties properties;
  if (publication.expiry.count() > 0) {
    properties.add(MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL,
                   static_cast<std::size_t>(publication.expiry.count()));
  }
  if (!publication.content_type.empty()) {
    properties.add(MQTTPROPERTY_CODE_CONTENT_TYPE, publication.content_type);
  }
  if (!publication.traceparent.empty()) {
    properties.add(MQTTPROPERTY_CODE_USER_PROPERTY, "traceparent", publication.traceparent);
  }
  MQTTAsync_message message = MQTTAsync_message_initializer;
  message.payload = const_cast<std::uint8_t*>(publication.payload.data());
  message.payloadlen = static_cast<int>(size);
  message.qos = acknowledged ? 1 : 0;
  message.retained = publication.retained ? 1 : 0;
  message.properties = *properties.list();
  MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
  response.context = this;
  response.onSuccess5 = acknowledged ? &Callbacks::acknowledged : &Callbacks::sent;
  response.onFailure5 = acknowledged ? &Callbacks::not_acknowledged : &Callbacks::not_sent;
  const int code = MQTTAsync_sendMessage(handle_, publication.topic.c_str(), &message, &response);
  if (code == MQTTASYNC_SUCCESS) return {};
  std::lock_guard lock(mutex_);
  if (unanswered_ > 0) --unanswered_;
  if (acknowledged && unacknowledged_ > 0) --unacknowledged_;
  if (code == MQTTASYNC_DISCONNECTED) return fail(Code::unavailable, "not connected");
  return library_error("cannot publish", code);
}

void PahoClient::flush(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  answered_.wait_for(lock, patience, [this] { return unanswered_ == 0; });
}

}  // namespace spillway::mqtt
