#include "common/mqtt/transport.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace std::chrono_literals;

TEST_GROUP(ConnectOptions){};

TEST(ConnectOptions, each_key_of_the_broker_reaches_its_own_place) {
  const mqtt::ConnectOptions options = mqtt::connect_options({.uri = "mqtts://b:1",
                                                              .ca = "/ca",
                                                              .cert = "/cert",
                                                              .key = "/key",
                                                              .keep_alive = 7s,
                                                              .username = "name",
                                                              .password_file = "/password",
                                                              .alpn = "alpn",
                                                              .client_id = "client",
                                                              .topic_prefix = "prefix"});
  STRCMP_EQUAL("mqtts://b:1", options.uri.c_str());
  STRCMP_EQUAL("/ca", options.tls->ca_file.c_str());
  STRCMP_EQUAL("/cert", options.tls->cert_file.c_str());
  STRCMP_EQUAL("/key", options.tls->key_file.c_str());
  CHECK(options.keep_alive == 7s);
  STRCMP_EQUAL("name", options.user.c_str());
  STRCMP_EQUAL("/password", options.password_file.c_str());
  STRCMP_EQUAL("alpn", options.alpn.c_str());
  STRCMP_EQUAL("client", options.client_id.c_str());
  STRCMP_EQUAL("prefix", options.topic_prefix.c_str());
}

TEST(ConnectOptions, without_an_authority_there_is_no_tls) {
  CHECK(!mqtt::connect_options({.uri = "mqtt://b:1"}).tls);
}
