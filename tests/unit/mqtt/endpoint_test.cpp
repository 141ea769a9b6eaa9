#include "common/mqtt/endpoint.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::mqtt;

TEST_GROUP(Endpoint){static void check(const char* uri, const char* host, int port,
                                       bool tls){const auto endpoint = parse_endpoint(uri);
CHECK_TEXT(endpoint.ok(), uri);
STRCMP_EQUAL(host, endpoint->host.c_str());
LONGS_EQUAL(port, endpoint->port);
CHECK_EQUAL(tls, endpoint->tls);
}
}
;

TEST(Endpoint, names_host_port_and_whether_tls_is_spoken) {
  check("mqtts://broker.example.com:8884", "broker.example.com", 8884, true);
  check("mqtt://10.0.0.7", "10.0.0.7", 1883, false);
  check("mqtts://b/", "b", 8883, true);
  check("mqtts://[fe80::1%eth0]:1", "fe80::1%eth0", 1, true);
  check("mqtt://[::1]", "::1", 1883, false);
}

TEST(Endpoint, refuses_what_is_not_a_broker_address) {
  for (const char* uri : {"", "mqtts://", "mqtts://:8883", "http://b", "b:8883", "mqtts://b:0",
                          "mqtts://b:65536", "mqtts://b:", "mqtts://b:88x", "mqtts://b:-1",
                          "mqtts://[::1", "mqtts://[::1]8883", "mqtts://[]", "mqtts://::1",
                          "mqtts://a b", "mqtts://user@b", "mqtts://b/path", "mqtts://b\n:1"}) {
    const auto endpoint = parse_endpoint(uri);
    CHECK_FALSE_TEXT(endpoint.ok(), uri);
    CHECK(endpoint.error().code == Code::invalid_argument);
    STRCMP_CONTAINS("expected mqtts://HOST", endpoint.error().message.c_str());
  }
}

TEST(Endpoint, is_written_as_host_and_port) {
  STRCMP_EQUAL("b:1883", to_string(Endpoint{"b", 1883, false}).c_str());
  STRCMP_EQUAL("[::1]:8883", to_string(Endpoint{"::1", 8883, true}).c_str());
}
