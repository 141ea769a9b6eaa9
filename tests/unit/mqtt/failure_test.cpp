#include "common/mqtt/failure.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::mqtt;
using namespace std::chrono_literals;

TEST_GROUP(Failure) {
  const std::chrono::sys_seconds now{1'700'000'000s};
  Failure failure{.endpoint = {"b", 8883, true}, .tls = Tls{"/c/ca.pem", "/c/d.pem", "/c/d.key"}};
  Evidence evidence{.own = certificate("pump-17"), .authority = certificate("ca"), .now = now};

  crypto::CertificateInfo certificate(const char* name) const {
    return {.common_name = name,
            .not_before = now - 240h,
            .not_after = now + 240h,
            .key_matches = true,
            .authority_signed = true};
  }
  void says(Code code, const char* words) const {
    const Error error = explain(failure, evidence);
    STRCMP_CONTAINS(words, error.message.c_str());
    STRCMP_CONTAINS("broker b:8883: ", error.message.c_str());
    LONGS_EQUAL(static_cast<int>(code), static_cast<int>(error.code));
  }
};

TEST(Failure, the_brokers_own_reason_comes_first) {
  failure.tls_message = "certificate verify failed";
  failure.reason_code = 0x87;
  says(Code::denied, "does not authorise this client");
  failure.reason_code = 0x8e;
  says(Code::conflict, "took the session over");
  failure.reason_code = 0x8b;
  failure.reason_string = "back at noon";
  says(Code::unavailable, "shutting down or has no room (it says: back at noon)");
  failure.reason_code = 0x95;
  says(Code::invalid_argument, "max_packet_size");
  failure.reason_code = 0x8d;
  says(Code::timeout, "heard nothing from us");
  failure.reason_code = 0x9f;
  says(Code::busy, "quota for this client is used up");
  failure.reason_code = 0x97;
  says(Code::busy, "tried again, slowly");
  failure.reason_code = 0x93;
  says(Code::busy, "set broker.window lower");
  failure.reason_code = 0x98;
  says(Code::denied, "an operator of the broker closed this connection");
  failure.reason_code = 0x9d;
  failure.server = "b2:8883";
  says(Code::unavailable, "change broker.uri (it says: back at noon) (its other server: b2:8883)");
  failure.reason_code = 250;
  says(Code::unavailable, "the broker gave the reason 'unknown'");
}

TEST(Failure, an_address_that_cannot_be_reached_says_why) {
  evidence.unreachable = "Connection refused";
  says(Code::unavailable, "Connection refused; is the broker running there");
}

TEST(Failure, a_lost_connection_is_just_that) {
  failure.was_up = true;
  says(Code::unavailable, "the connection was lost");
  failure.farewell = true;
  says(Code::unavailable, "the broker ended the connection, without a reason");
}

TEST(Failure, an_untrusted_broker_is_blamed_on_the_clock_when_the_clock_is_behind) {
  failure.tls_message = "error:0A000086:SSL routines::certificate verify failed";
  says(Code::denied, "/c/ca.pem is not the CA that signed it");
  evidence.now = std::chrono::sys_seconds{60s};
  says(Code::denied, "this machine's clock says 1970-01-01 00:01 UTC");
  says(Code::denied, "set the clock");
}

TEST(Failure, an_untrusted_broker_is_blamed_on_a_ca_that_has_expired) {
  failure.tls_message = "certificate verify failed";
  evidence.authority->not_after = now - 1h;
  says(Code::denied, "the CA certificate 'ca' expired on 2023-11-14 21:13 UTC (/c/ca.pem)");
}

TEST(Failure, a_refused_client_is_told_what_is_wrong_with_its_certificate) {
  failure.tls_message = "sslv3 alert certificate expired";
  evidence.own->not_after = now - 1h;
  says(Code::denied, "certificate 'pump-17' expired on 2023-11-14 21:13 UTC; renew it (/c/d.pem)");
  evidence.own = certificate("pump-17");
  evidence.own->authority_signed = false;
  says(Code::denied, "which /c/ca.pem did not sign");
  failure.tls_message = "";
  says(Code::denied, "which /c/ca.pem did not sign");
  failure.tls->cert_file = "";
  evidence.own.reset();
  says(Code::denied, "none is configured");
}

TEST(Failure, a_broker_that_hangs_up_after_the_handshake_did_not_like_the_client) {
  failure.library_message = "TCP connect completion failure";
  says(Code::denied, "it does not accept this client's certificate");
}

TEST(Failure, silence_of_everyone_means_the_wrong_host_name) {
  failure.library_message = "TCP/TLS connect failure";
  evidence.awaits_tls = true;
  says(Code::denied, "not for the host 'b'");
  evidence.awaits_tls = false;
  says(Code::unavailable, "does not speak TLS");
}

TEST(Failure, old_tls_is_named) {
  failure.tls_message = "tlsv1 alert protocol version";
  says(Code::unavailable, "does not speak TLS 1.3");
}

TEST(Failure, what_openssl_says_is_passed_on_when_nothing_better_is_known) {
  failure.tls_message = "something new";
  says(Code::unavailable, "TLS failed: something new");
}

TEST(Failure, without_tls_a_broker_that_hangs_up_may_want_it) {
  failure.tls.reset();
  says(Code::unavailable, "its port without TLS?");
  failure.library_message = "TCP connect timeout";
  says(Code::timeout, "no answer in time");
}

TEST(Failure, a_refused_publication_says_what_was_refused) {
  const Error error = explain_refusal("a message", 0x87);
  STRCMP_CONTAINS("a message was refused: the broker does not authorise", error.message.c_str());
  CHECK(error.code == Code::denied);
}
