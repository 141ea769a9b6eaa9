#include "common/config/broker_section.h"
#include "common/config/keys.h"
#include "common/config/kind_sections.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::config;
using namespace std::chrono_literals;

namespace {

BrokerOptions read(File& file, BrokerOptions broker = {}) {
  read_section(file, "broker", broker);
  check_broker(file.section("broker"), broker);
  return broker;
}

Result<BrokerOptions> broker(const std::string& text) {
  Result<File> file = File::parse("[broker]\n" + text, "x.toml");
  if (!file) return file.error();
  BrokerOptions broker = read(*file);
  if (Status status = file->finish(); !status) return status.error();
  return broker;
}

Result<std::vector<Command>> commands(const std::string& text) {
  Result<File> file = File::parse(text, "x.toml");
  if (!file) return file.error();
  std::vector<Command> sections = read_commands(*file);
  if (Status status = file->finish(); !status) return status.error();
  return sections;
}

template <class T>
void check_refused(const char* expected, const Result<T>& result) {
  CHECK(!result.ok());
  STRCMP_EQUAL(expected, result.error().message.c_str());
}

const std::string kFiles = "ca = '/c'\ncert = '/d'\nkey = '/k'\n";

}  // namespace

TEST_GROUP(BrokerSection){};

TEST(BrokerSection, refuses_names_that_no_topic_or_client_can_have) {
  for (const char* bad : {"a/#", "+", "a b", "$share", R"(a\u0001)", R"(a\u007f)", R"(a\tb)",
                          R"(a\u0085b)", R"(a\u2028b)"}) {
    check_refused(
        "x.toml:2: broker.topic_prefix: at most 64 bytes, without blanks, control characters, "
        "'+', '#' and '$'",
        broker("topic_prefix = \"" + std::string(bad) + "\"\n"));
  }
  check_refused("x.toml:2: broker.topic_prefix: must not contain NUL",
                broker(R"(topic_prefix = "a\u0000b")"));
  for (const char* bad : {"a/", "/a", "a//b", "/"}) {
    check_refused("x.toml:2: broker.topic_prefix: no '/' at either end, and no two in a row",
                  broker("topic_prefix = '" + std::string(bad) + "'\n"));
  }
  for (const char* good : {"", "a/b/c", "Gebäude-3"}) {
    CHECK(broker("topic_prefix = '" + std::string(good) + "'\n").ok());
  }
  for (const char* key : {"client_id", "username"}) {
    CHECK_FALSE(broker(std::string(key) + R"( = "a\u001bb")").ok());
  }
  CHECK_FALSE(broker("uri = 'mqtts://a:1'\n" + kFiles + R"(alpn = "a\u001bb")").ok());
  CHECK_FALSE(broker("client_id = 'a/b'\n").ok());
  check_refused("x.toml:3: broker.alpn: has no effect without mqtts://",
                broker("uri = 'mqtt://a:1'\nalpn = 'mqtt'\n"));
}

TEST(BrokerSection, without_uri_there_is_no_link) { CHECK(*broker("") == BrokerOptions{}); }

TEST(BrokerSection, reads_every_key_into_its_own_member) {
  const auto read = broker(
      "uri = 'mqtts://example.org:8883'\nca = '/c'\ncert = '/d'\nkey = '/k'\nkeep_alive = '10s'\n"
      "reconnect_base = '1s'\nreconnect_cap = '5min'\nwindow = 512\nusername = 'pump-7@here'\n"
      "password_file = '/p'\nalpn = 'mqtt'\nclient_id = 'seven'\ntopic_prefix = 'site/3'\n");
  CHECK_TEXT(read.ok(), read.ok() ? "" : read.error().message.c_str());
  const BrokerOptions expected{.uri = "mqtts://example.org:8883",
                               .ca = "/c",
                               .cert = "/d",
                               .key = "/k",
                               .keep_alive = 10s,
                               .reconnect_base = 1s,
                               .reconnect_cap = 5min,
                               .window = 512,
                               .username = "pump-7@here",
                               .password_file = "/p",
                               .alpn = "mqtt",
                               .client_id = "seven",
                               .topic_prefix = "site/3"};
  CHECK(*read == expected);
}

TEST(BrokerSection, takes_names_and_addresses) {
  for (const char* uri : {"mqtts://a:1", "mqtts://10.0.0.1:65535", "mqtts://[::1]:8883"}) {
    CHECK(broker("uri = '" + std::string(uri) + "'\n" + kFiles).ok());
  }
  CHECK(broker("uri = 'mqtt://localhost:1883'\n").ok());
}

TEST(BrokerSection, refuses_what_is_no_uri_of_a_broker) {
  for (const char* uri : {"example.org", "example.org:8883", "tcp://a:1", "mqtts://", "mqtts://a",
                          "mqtts://a:", "mqtts://a:0", "mqtts://a:65536", "mqtts://a:1/x",
                          "mqtts://u@a:1", "mqtts://:1", "mqtts://a b:1", "mqtts://::1:1",
                          "MQTTS://a:1", "mqtts://a:1x", "mqtts://[]:1", "mqtts://a:-1"}) {
    check_refused(
        "x.toml:2: broker.uri: must be mqtts://host:port, or mqtt://host:port without TLS",
        broker("uri = '" + std::string(uri) + "'\n" + kFiles));
  }
}

TEST(BrokerSection, tls_needs_its_three_files) {
  check_refused("x.toml:1: broker.key: must name a PEM file, because uri is mqtts://",
                broker("uri = 'mqtts://a:1'\nca = '/c'\ncert = '/d'\n"));
}

TEST(BrokerSection, files_without_tls_are_refused) {
  check_refused("x.toml:3: broker.ca: has no effect: uri is mqtt://, without TLS",
                broker("uri = 'mqtt://a:1'\nca = '/c'\n"));
}

TEST(BrokerSection, default_files_are_dropped_without_tls) {
  Result<File> file = File::parse("[broker]\nuri = 'mqtt://a:1'\n", "x.toml");
  const BrokerOptions broker = read(*file, {.ca = "/x", .cert = "/x", .key = "/x"});
  CHECK(file->finish().ok());
  CHECK(broker.ca.empty() && broker.cert.empty() && broker.key.empty());
}

TEST(BrokerSection, refuses_times_and_windows_that_cannot_work) {
  check_refused("x.toml:2: broker.window: 513 is not a whole number from 1 to 512",
                broker("window = 513\n"));
  check_refused("x.toml:2: broker.keep_alive: must be whole seconds",
                broker("keep_alive = '1500ms'\n"));
  check_refused("x.toml:2: broker.reconnect_cap: must not be below reconnect_base",
                broker("reconnect_cap = '100ms'\n"));
}

TEST_GROUP(CommandSections){};

TEST(CommandSections, reads_every_key_of_each) {
  auto read = commands(
      "[[command]]\nname = 'acme.sum'\nargv = ['/bin/sum', '-r']\ntimeout = '5s'\n"
      "memory = '64MiB'\ncpu_seconds = 3\n[[command]]\nname = 'b'\nargv = ['/bin/true']\n");
  UNSIGNED_LONGS_EQUAL(2, read->size());
  CHECK(read->at(0) == (Command{"acme.sum", {"/bin/sum", "-r"}, 5s, 64 << 20, 3s}));
  CHECK(read->at(1) == (Command{"b", {"/bin/true"}}));
}

TEST(CommandSections, each_needs_a_name_of_its_own_and_a_program) {
  check_refused("x.toml:1: command.name: must be a kind's name: 1 to 64 of a-z, 0-9, '_' and '.'",
                commands("[[command]]\nargv = ['/bin/true']\n"));
  check_refused("x.toml:2: command.name: must be a kind's name: 1 to 64 of a-z, 0-9, '_' and '.'",
                commands("[[command]]\nname = 'A b'\nargv = ['/bin/true']\n"));
  check_refused("x.toml:5: command.name: 'a' is taken by another command",
                commands("[[command]]\nname = 'a'\nargv = ['/x']\n[[command]]\nname = 'a'\nargv = "
                         "['/y']\n"));
  for (const char* argv : {"[]", "['true']", "['./true']"}) {
    check_refused(
        "x.toml:3: command.argv: must be a list that begins with the program's absolute path",
        commands("[[command]]\nname = 'a'\nargv = " + std::string(argv) + "\n"));
  }
}

TEST(CommandSections, limits_have_limits) {
  CHECK(!commands("[[command]]\nname = 'a'\nargv = ['/x']\ncpu_seconds = 0\n").ok());
  CHECK(!commands("[[command]]\nname = 'a'\nargv = ['/x']\nmemory = '1KiB'\n").ok());
  CHECK(!commands("[[command]]\nname = 'a'\nargv = ['/x']\ntimeout = '0s'\n").ok());
}

TEST_GROUP(PluginsSection){};

TEST(PluginsSection, files_are_absolute) {
  const auto read = [](Result<File>& file) {
    Plugins plugins;
    read_section(*file, "plugins", plugins);
    check_plugins(file->section("plugins"), plugins);
    return plugins;
  };
  Result<File> good = File::parse("[plugins]\nfiles = ['/a.so', '/b.so']\n", "x.toml");
  UNSIGNED_LONGS_EQUAL(2, read(good).files.size());
  CHECK(good->finish().ok());
  Result<File> bad = File::parse("[plugins]\nfiles = ['/a.so', 'b.so']\n", "x.toml");
  read(bad);
  STRCMP_EQUAL("x.toml:2: plugins.files: must be absolute paths, beginning with /",
               bad->finish().error().message.c_str());
}
