#include "cloud/config/cloud_config.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "common/config/keys.h"

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
  return config::need_restart(old.settings, now.settings, old.reloaded);
}

}  // namespace

TEST_GROUP(CloudConfig){};

TEST(CloudConfig, an_empty_file_gives_a_cloud_beside_its_broker) {
  CloudConfig config = parsed("");
  STRCMP_EQUAL("mqtts://localhost:8883", config.options.broker.uri.c_str());
  STRCMP_EQUAL("/etc/spillway-cloud/cloud.key", config.options.broker.key.c_str());
  STRCMP_EQUAL("cloud", config.options.name.c_str());
  UNSIGNED_LONGS_EQUAL(10'000, config.options.max_queue);
}

TEST(CloudConfig, every_key_is_read) {
  CloudConfig config = parsed(
      "[cloud]\nstate_dir = '/s'\nname = 'cloud-2'\nlog_level = 'warning'\ngrace = '0s'\n"
      "workers = 5\ntags = ['gpu']\nmemory = '2GiB'\nmax_queue = 7\nreconnect_floor = '2s'\nuplink "
      "= '1MiB'\nmax_run = '1h'\nkinds = ['echo']\n"
      "[budget]\nmemory = '2MiB'\nledger = '16MiB'\ndispatched = '17MiB'\nfleet = '18MiB'\n"
      "[broker]\nuri = 'mqtt://b:1'\n[plugins]\nfiles = ['/p.so']\n"
      "[[command]]\nname = 'c'\nargv = ['/bin/c']\n");
  STRCMP_EQUAL("/s", config.options.state_dir.c_str());
  STRCMP_EQUAL("cloud-2", config.options.name.c_str());
  CHECK(config.daemon.log_level == process::Level::warning);
  CHECK(config.daemon.grace == 0s && config.options.workers == 5);
  CHECK(config.options.tags == std::vector<std::string>{"gpu"});
  CHECK(config.options.memory == 2ULL << 30 && config.options.max_queue == 7);
  CHECK(config.options.reconnect_floor == 2s && config.options.uplink == 1 << 20);
  CHECK(config.options.max_run == 1h && config.options.kinds == std::vector<std::string>{"echo"});
  CHECK(config.options.budget.memory == 2 << 20 && config.options.budget.ledger == 16 << 20);
  CHECK(config.options.budget.dispatched == 17 << 20 && config.options.budget.fleet == 18 << 20);
  CHECK(config.options.broker.uri == "mqtt://b:1" && config.options.broker.ca.empty());
  CHECK(config.options.plugins.files == std::vector<std::string>{"/p.so"});
  STRCMP_EQUAL("c", config.options.commands.at(0).name.c_str());
}

TEST(CloudConfig, the_shipped_file_is_what_the_keys_say) {
  if (shipped() == cloud_example()) return;
  std::ofstream(SPILLWAY_CLOUD_TOML_NOW) << cloud_example();
  FAIL("the keys are explained otherwise now: cp " SPILLWAY_CLOUD_TOML_NOW " " SPILLWAY_CLOUD_TOML);
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

TEST(CloudConfig, what_a_running_cloud_takes_up_is_what_can_be_reloaded) {
  const CloudConfig now = parsed(
      "[cloud]\nmax_queue = 5\nreconnect_floor = '5s'\nuplink = 5\nname = 'cloud-2'\n"
      "[budget]\nmemory = '2MiB'\n");
  Options running;
  config::take_up_all(now.options, running);
  CHECK(running.max_queue == 5 && running.reconnect_floor == 5s && running.uplink == 5);
  CHECK(running.name == Options().name && running.budget.memory == Options().budget.memory);
}

TEST(CloudConfig, only_changes_that_need_a_restart_are_reported) {
  CloudConfig old = parsed("");
  CHECK(need_restart(old, parsed("[cloud]\nlog_level = 'debug'\ngrace = '1s'\nmax_queue = 5\n"
                                 "reconnect_floor = '1s'\nuplink = 5"))
            .empty());
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
  const auto listen = take_apart(parsed("[http]\nlisten = '[::1]:0'").options.http.listen);
  STRCMP_EQUAL("::1", listen->address.c_str());
  CHECK_EQUAL(0, listen->port);
  const Http http =
      parsed("[http]\nlisten = '0.0.0.0:8443'\ncert = '/c.pem'\nkey = '/k.pem'").options.http;
  STRCMP_EQUAL("0.0.0.0", take_apart(http.listen)->address.c_str());
  CHECK(http.cert == "/c.pem" && http.key == "/k.pem");
  CHECK(parsed("[http]\nlisten = ''").options.http.listen.empty());
  check_refused("cloud.toml:2: http.listen: beyond this machine it needs TLS: name cert and key",
                "[http]\nlisten = '0.0.0.0:8443'\n");
  for (const char* wrong : {"8480", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ":80"}) {
    check_refused(
        "cloud.toml:2: http.listen: must be an address and a port, as in \"127.0.0.1:8480\"",
        std::string("[http]\nlisten = '") + wrong + "'\n");
  }
}
