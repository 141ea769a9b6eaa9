#include "common/mqtt/failure.h"

#include <MQTTAsync.h>

#include <array>
#include <cstdio>
#include <ctime>

#include "common/mqtt/sockets.h"
#include "common/process/log.h"

namespace spillway::mqtt {
namespace {

using std::chrono::sys_seconds;

std::string date(sys_seconds instant) {
  const auto seconds = static_cast<std::time_t>(instant.time_since_epoch().count());
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &parts);
  return text.data();
}

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

struct Words {
  Code code;
  std::string text;
};

const Words kNoTls{Code::unavailable,
                   "what listens there does not speak TLS; use mqtt:// or the broker's TLS port"};

// A clock that is behind makes every certificate look as if it came from the future.
std::optional<Words> blame_clock(const Evidence& evidence) {
  for (const auto* certificate : {&evidence.authority, &evidence.own}) {
    if (*certificate && evidence.now < (*certificate)->not_before) {
      return Words{Code::denied, "this machine's clock says " + date(evidence.now) +
                                     ", before the certificate of '" + (*certificate)->common_name +
                                     "' begins (" + date((*certificate)->not_before) +
                                     "); set the clock"};
    }
  }
  return std::nullopt;
}

std::optional<Words> blame_own_certificate(const Failure& failure, const Evidence& evidence) {
  if (!evidence.own) {
    if (failure.tls && !failure.tls->cert_file.empty()) return std::nullopt;
    return Words{Code::denied,
                 "the broker requires a client certificate and none is configured; set the "
                 "certificate and key files"};
  }
  if (evidence.own->not_after < evidence.now) {
    return Words{Code::denied, "this client's certificate '" + evidence.own->common_name +
                                   "' expired on " + date(evidence.own->not_after) +
                                   "; renew it (" + failure.tls->cert_file + ")"};
  }
  if (evidence.own->authority_signed == false) {
    return Words{Code::denied, "the broker does not accept this client's certificate '" +
                                   evidence.own->common_name + "', which " + failure.tls->ca_file +
                                   " did not sign (" + failure.tls->cert_file + ")"};
  }
  return std::nullopt;
}

Words blame_broker_certificate(const Failure& failure, const Evidence& evidence) {
  if (evidence.authority && evidence.authority->not_after < evidence.now) {
    return {Code::denied, "the CA certificate '" + evidence.authority->common_name +
                              "' expired on " + date(evidence.authority->not_after) + " (" +
                              failure.tls->ca_file + ")"};
  }
  return {Code::denied, "the broker's certificate is not trusted: it has expired, or " +
                            failure.tls->ca_file +
                            " is not the CA that signed it; look with 'openssl s_client -connect " +
                            to_string(failure.endpoint) + " -CAfile " + failure.tls->ca_file + "'"};
}

Words blame_tls(const Failure& failure, const Evidence& evidence) {
  const std::string& text = failure.tls_message;
  if (says(text, "certificate verify failed")) {
    if (auto clock = blame_clock(evidence)) return *clock;
    return blame_broker_certificate(failure, evidence);
  }
  if (says(text, "wrong version number") || says(text, "packet length too long")) return kNoTls;
  if (says(text, "protocol version") || says(text, "unsupported protocol") ||
      says(text, "no ciphers available") || says(text, "no shared cipher") ||
      says(text, "handshake failure")) {
    return {Code::unavailable, "the broker does not speak TLS 1.3; upgrade it or its settings"};
  }
  if (auto own = blame_own_certificate(failure, evidence)) return *own;
  return {Code::unavailable, "TLS failed: " + text};
}

// A TCP connection can be made, and OpenSSL had nothing to complain about. Either Paho did not like
// the broker's name, or the broker hung up: under TLS 1.3 the client has finished its handshake
// before the broker has looked at its certificate.
Words blame_silent_tls(const Failure& failure, const Evidence& evidence) {
  if (evidence.awaits_tls == false) return kNoTls;
  if (auto own = blame_own_certificate(failure, evidence)) return *own;
  if (says(failure.library_message, "completion failure")) {
    if (auto clock = blame_clock(evidence)) return *clock;
    return {Code::denied,
            "the broker closed the connection after the handshake: it does not accept this "
            "client's certificate (another CA, or revoked), or it is shutting down; its log says "
            "which"};
  }
  return {Code::denied, "the broker's certificate is not for the host '" + failure.endpoint.host +
                            "'; use the name or address that its certificate carries (if it does, "
                            "the broker refuses this client's certificate: see its log)"};
}

std::optional<Words> blame_reason(int code) {
  switch (code) {
    case 0: return std::nullopt;
    case MQTTREASONCODE_NOT_AUTHORIZED:
    case MQTTREASONCODE_BAD_USER_NAME_OR_PASSWORD:
      return Words{Code::denied,
                   "the broker does not authorise this client; check its access list and that the "
                   "certificate's common name is the client's name"};
    case MQTTREASONCODE_CLIENT_IDENTIFIER_NOT_VALID:
      return Words{Code::denied, "the broker does not accept the client's name"};
    case MQTTREASONCODE_SESSION_TAKEN_OVER:
      return Words{Code::conflict,
                   "another client connected under the same name and took the session over; each "
                   "device needs a name and certificate of its own. It is tried again, slowly"};
    case MQTTREASONCODE_BANNED:
    case MQTTREASONCODE_ADMINISTRATIVE_ACTION:
      return Words{Code::denied,
                   "an operator of the broker closed this connection; it is tried again, slowly"};
    case MQTTREASONCODE_QUOTA_EXCEEDED:
    case MQTTREASONCODE_CONNECTION_RATE_EXCEEDED:
      return Words{
          Code::busy,
          "the broker's quota for this client is used up; it is tried again, slowly: raise "
          "the quota"};
    case MQTTREASONCODE_RECEIVE_MAXIMUM_EXCEEDED:
      return Words{Code::busy,
                   "more messages were under way than the broker takes; fewer will be, or set "
                   "broker.window lower"};
    case MQTTREASONCODE_USE_ANOTHER_SERVER:
      return Words{Code::unavailable, "the broker sends its clients to another server for now"};
    case MQTTREASONCODE_SERVER_MOVED:
      return Words{Code::unavailable, "the broker has moved; change broker.uri"};
    case MQTTREASONCODE_UNSUPPORTED_PROTOCOL_VERSION:
      return Words{Code::unavailable, "the broker does not speak MQTT 5"};
    case MQTTREASONCODE_SERVER_UNAVAILABLE:
    case MQTTREASONCODE_SERVER_BUSY:
    case MQTTREASONCODE_SERVER_SHUTTING_DOWN:
      return Words{Code::unavailable, "the broker is shutting down or has no room"};
    case MQTTREASONCODE_KEEP_ALIVE_TIMEOUT:
      return Words{Code::timeout,
                   "the broker heard nothing from us for too long; it will hear twice as often"};
    case MQTTREASONCODE_PACKET_TOO_LARGE:
      return Words{Code::invalid_argument,
                   "a message was larger than the broker allows; raise its max_packet_size"};
    default: break;
  }
  const char* name = MQTTReasonCode_toString(static_cast<MQTTReasonCodes>(code));
  return Words{Code::unavailable,
               "the broker gave the reason '" + std::string(name ? name : "unknown") + "'"};
}

constexpr const char* kUnheard =
    "; if it names the other server with its refusal, that goes unheard: set broker.uri to the one "
    "in the broker's settings";

// Paho hands on what a broker says with a DISCONNECT, and of a refusal the reason alone.
bool names_a_server_unheard(const Failure& failure) {
  const bool elsewhere = failure.reason_code == MQTTREASONCODE_USE_ANOTHER_SERVER ||
                         failure.reason_code == MQTTREASONCODE_SERVER_MOVED;
  return elsewhere && !failure.was_up && failure.server.empty();
}

Words words_for(const Failure& failure, const Evidence& evidence) {
  if (auto reason = blame_reason(failure.reason_code)) {
    if (!failure.reason_string.empty()) reason->text += " (it says: " + failure.reason_string + ")";
    if (!failure.server.empty()) reason->text += " (its other server: " + failure.server + ")";
    if (names_a_server_unheard(failure)) reason->text += kUnheard;
    return *reason;
  }
  if (evidence.unreachable) {
    return {Code::unavailable,
            *evidence.unreachable + "; is the broker running there, and broker.uri right?"};
  }
  if (failure.was_up) {
    return {Code::unavailable, failure.farewell
                                   ? "the broker ended the connection, without a reason"
                                   : "the connection was lost"};
  }
  if (!failure.tls_message.empty()) return blame_tls(failure, evidence);
  if (says(failure.library_message, "timeout")) return {Code::timeout, "no answer in time"};
  if (failure.tls) return blame_silent_tls(failure, evidence);
  return {Code::unavailable,
          "the broker closed the connection without a word; is it an MQTT 5 broker, and is this "
          "its port without TLS?"};
}

}  // namespace

Error explain(const Failure& failure, const Evidence& evidence) {
  Words words = words_for(failure, evidence);
  return fail(words.code, "broker " + to_string(failure.endpoint) + ": " + words.text);
}

Evidence gather(const Failure& failure) {
  Evidence evidence;
  evidence.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  // A connection that was up is tried again soon; what stopped it is told then.
  if (failure.was_up || failure.reason_code != 0) return evidence;
  if (failure.tls_message.empty()) {
    evidence.unreachable = why_unreachable(failure.endpoint, std::chrono::seconds(3));
  }
  if (!failure.tls || evidence.unreachable) return evidence;
  const Tls& tls = *failure.tls;
  if (failure.tls_message.empty()) {
    evidence.awaits_tls = awaits_tls(failure.endpoint, std::chrono::milliseconds(300));
  }
  if (auto ca = crypto::read_certificate({tls.ca_file, "", ""})) evidence.authority = *ca;
  if (tls.cert_file.empty()) return evidence;
  if (auto own = crypto::read_certificate({tls.cert_file, tls.key_file, tls.ca_file})) {
    evidence.own = *own;
  }
  return evidence;
}

Status check(const Tls& tls) {
  if (tls.ca_file.empty()) {
    return fail(Code::invalid_argument,
                "TLS needs the file of the CA that signed the broker's "
                "certificate");
  }
  if (auto ca = crypto::read_certificate({tls.ca_file, "", ""}); !ca) return ca.error();
  if (tls.cert_file.empty() && tls.key_file.empty()) return {};
  if (tls.cert_file.empty() || tls.key_file.empty()) {
    return fail(Code::invalid_argument,
                "a client certificate needs its key, and a key its "
                "certificate: only one of the two files is configured");
  }
  const auto own = crypto::read_certificate({tls.cert_file, tls.key_file, ""});
  if (!own) return own.error();
  if (own->key_matches == false) {
    return fail(Code::invalid_argument,
                "the key " + tls.key_file + " does not belong to the certificate " + tls.cert_file);
  }
  // An exposed key is not refused: a device that cannot be reached any more is worse off.
  if (own->key_exposed) {
    process::log_once(process::Level::warning, "tls.key",
                      "others on this machine may read or change the private key: give it to who "
                      "runs this, and chmod 640 it",
                      {{"file", tls.key_file}});
  }
  return {};
}

Error explain_refusal(const std::string& what, int reason_code) {
  const auto reason = blame_reason(reason_code);
  return fail(reason ? reason->code : Code::unavailable,
              what + " was refused: " + (reason ? reason->text : "no reason given"));
}

}  // namespace spillway::mqtt
