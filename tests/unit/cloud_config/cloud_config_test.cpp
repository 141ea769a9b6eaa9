#include "cloud/config/cloud_config.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::cloud;
using namespace std::chrono_literals;

namespace {

std::string shipped() {
  std::ifstream file(SPILLWAY_CLOUD_TOML);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string uncommented() {
  std::istringstream lines(shipped());
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    bool setting = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    text += (setting ? line.substr(1) : line) + "\n";
  }
  return text;
}

CloudConfig parsed(const std::string& text) {
  Result<CloudConfig> config = parse_cloud_config(text, "cloud.toml");
  if (!config) FAIL(config.error().message.c_str());
  return *config;
}

void check_refused(const char* expected, const std::string& text) {
  Result<CloudConfig> config = parse_cloud_config(text, "cloud.toml");
  CHECK(!config.ok());
  STRCMP_EQUAL(expected, config.error().message.c_str());
}

std::vector<std::string> changed(const CloudConfig& old, const CloudConfig& now) {
  return config::changed(old.settings, now.settings);
}
std::vector<std::string> need_restart(const CloudConfig& old, const CloudConfig& now) {
  return config::need_restart(old.settings, now.settings, kReloadable);
}

}  // namespace

TEST_GROUP(CloudConfig){};

TEST(CloudConfig, an_empty_file_gives_a_cloud_beside_its_broker) {
  CloudConfig config = parsed("");
  STRCMP_EQUAL("mqtts://localhost:8883", config.broker.uri.c_str());
  STRCMP_EQUAL("/etc/spillway-cloud/cloud.key", config.broker.key.c_str());
  STRCMP_EQUAL("cloud", config.cloud.name.c_str());
  UNSIGNED_LONGS_EQUAL(10'000, config.cloud.max_queue);
}

TEST(CloudConfig, every_key_is_read) {
  CloudConfig config = parsed(
      "[cloud]\nstate_dir = '/s'\nname = 'cloud-2'\nlog_level = 'warning'\ngrace = '0s'\n"
      "workers = 5\ntags = ['gpu']\nmemory = '2GiB'\nmax_queue = 7\nreconnect_floor = '2s'\nuplink "
      "= '1MiB'\nmax_run = '1h'\nkinds = ['echo']\n"
      "[budget]\nmemory = '2MiB'\nledger = '16MiB'\ndispatched = '17MiB'\nfleet = '18MiB'\n"
      "[broker]\nuri = 'mqtt://b:1'\n[plugins]\nfiles = ['/p.so']\n"
      "[[command]]\nname = 'c'\nargv = ['/bin/c']\n");
  STRCMP_EQUAL("/s", config.cloud.state_dir.c_str());
  STRCMP_EQUAL("cloud-2", config.cloud.name.c_str());
  CHECK(config.cloud.log_level == process::Level::warning);
  CHECK(config.cloud.grace == 0s && config.cloud.workers == 5);
  CHECK(config.cloud.tags == std::vector<std::string>{"gpu"});
  CHECK(config.cloud.memory == 2ULL << 30 && config.cloud.max_queue == 7);
  CHECK(config.cloud.reconnect_floor == 2s && config.cloud.uplink == 1 << 20);
  CHECK(config.cloud.max_run == 1h && config.cloud.kinds == std::vector<std::string>{"echo"});
  CHECK(config.budget.memory == 2 << 20 && config.budget.ledger == 16 << 20);
  CHECK(config.budget.dispatched == 17 << 20 && config.budget.fleet == 18 << 20);
  CHECK(config.broker.uri == "mqtt://b:1" && config.broker.ca.empty());
  CHECK(config.plugins.files == std::vector<std::string>{"/p.so"});
  STRCMP_EQUAL("c", config.commands.at(0).name.c_str());
}

TEST(CloudConfig, the_shipped_file_is_valid_and_changes_nothing) {
  CHECK(changed(parsed(""), parsed(shipped())).empty());
}

TEST(CloudConfig, the_shipped_file_shows_every_key_with_its_default) {
  std::vector<std::string> expected;  // the command is an example
  for (const std::string& key : cloud_config_keys()) {
    if (key.starts_with("command.")) expected.push_back(key);
    CHECK_TEXT(
        uncommented().find("\n" + key.substr(key.find('.') + 1) + " = ") != std::string::npos,
        key.c_str());
  }
  std::vector<std::string> differs = changed(parsed(""), parsed(uncommented()));
  std::sort(differs.begin(), differs.end());
  CHECK(differs == expected);
}

TEST(CloudConfig, what_can_be_reloaded_are_keys) {
  const std::vector<std::string> keys = cloud_config_keys();
  for (const std::string_view key : kReloadable) {
    CHECK_TEXT(std::find(keys.begin(), keys.end(), key) != keys.end(), std::string(key).c_str());
  }
}

TEST(CloudConfig, only_changes_that_need_a_restart_are_reported) {
  CloudConfig old = parsed("");
  CHECK(need_restart(old, parsed("[cloud]\nlog_level = 'debug'\nmax_queue = 5")).empty());
  CHECK((need_restart(old, parsed("[cloud]\nname = 'cloud-2'\ngrace = '1s'")) ==
         std::vector<std::string>{"cloud.name"}));
}

TEST(CloudConfig, mistakes_are_told_with_place_and_remedy) {
  check_refused("cloud.toml:1: clod: no such section; did you mean 'cloud'?", "[clod]\n");
  check_refused("cloud.toml:2: cloud.max_queu: no such key; did you mean 'max_queue'?",
                "[cloud]\nmax_queu = 4\n");
  check_refused("cloud.toml:2: cloud.max_queue: 0 is not a whole number from 1 to 10000000",
                "[cloud]\nmax_queue = 0\n");
  check_refused(
      "cloud.toml:2: cloud.name: must be 3 to 63 of a-z, 0-9 and '-', not starting with '-'",
      "[cloud]\nname = 'The Cloud'\n");
  check_refused("cloud.toml:2: broker.uri: must name the broker, as in \"mqtts://host:8883\"",
                "[broker]\nuri = ''\n");
}

TEST(CloudConfig, a_missing_file_is_not_found) {
  CHECK(load_cloud_config("/nowhere/cloud.toml").error().code == Code::not_found);
  CHECK(load_cloud_config(SPILLWAY_CLOUD_TOML).ok());
}

TEST(CloudConfig, http_is_for_this_machine_unless_it_has_TLS) {
  CloudConfig config = parsed("[http]\nlisten = '[::1]:0'");
  STRCMP_EQUAL("::1", config.http.address.c_str());
  CHECK_EQUAL(0, config.http.port);
  config = parsed("[http]\nlisten = '0.0.0.0:8443'\ncert = '/c.pem'\nkey = '/k.pem'");
  STRCMP_EQUAL("0.0.0.0", config.http.address.c_str());
  CHECK(parsed("[http]\nlisten = ''").http.listen.empty());
  check_refused("cloud.toml:2: http.listen: beyond this machine it needs TLS: name cert and key",
                "[http]\nlisten = '0.0.0.0:8443'\n");
  for (const char* listen : {"8480", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ":80"}) {
    check_refused(
        "cloud.toml:2: http.listen: must be an address and a port, as in \"127.0.0.1:8480\"",
        std::string("[http]\nlisten = '") + listen + "'\n");
  }
}
