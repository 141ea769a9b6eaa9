#include "agent/config/agent_config.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "spillway/ids.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::agent;
using namespace std::chrono_literals;

namespace {

std::string shipped() {
  std::ifstream file(SPILLWAY_AGENT_TOML);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The shipped file with every default in force: "#key = …" and "#[[…" lose their '#'.
std::string uncommented() {
  std::istringstream lines(shipped());
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    bool setting = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    text += (setting ? line.substr(1) : line) + "\n";
  }
  return text;
}

AgentConfig parsed(const std::string& text) {
  Result<AgentConfig> config = parse_agent_config(text, "agent.toml");
  if (!config) FAIL(config.error().message.c_str());
  return *config;
}

void check_refused(const char* expected, const std::string& text) {
  Result<AgentConfig> config = parse_agent_config(text, "agent.toml");
  CHECK(!config.ok());
  STRCMP_EQUAL(expected, config.error().message.c_str());
}

std::vector<std::string> changed(const AgentConfig& old, const AgentConfig& now) {
  return config::changed(old.settings, now.settings);
}
std::vector<std::string> need_restart(const AgentConfig& old, const AgentConfig& now) {
  return config::need_restart(old.settings, now.settings, kReloadable);
}

}  // namespace

TEST_GROUP(AgentConfig){};

TEST(AgentConfig, an_empty_file_gives_defaults_that_work) {
  AgentConfig config = parsed("");
  CHECK(check_device_id(config.agent.device).ok());
  STRCMP_EQUAL("/var/lib/spillway", config.agent.state_dir.c_str());
  STRCMP_EQUAL("/run/spillway/agent.sock", config.agent.socket.c_str());
  CHECK(config.agent.log_level == process::Level::info);
  CHECK(config.agent.grace == 10s);
  CHECK(config.broker.uri.empty());
  UNSIGNED_LONGS_EQUAL(128, config.broker.window);
  UNSIGNED_LONGS_EQUAL(512, config.store.max_ready);
  UNSIGNED_LONGS_EQUAL(1'000'000, config.budget.of(DataClass::tasks).items);
  UNSIGNED_LONGS_EQUAL(1 << 30, config.budget.disk);
  UNSIGNED_LONGS_EQUAL(0, config.budget.flash_per_day);
  CHECK(config.placement.lease == 30s);
  DOUBLES_EQUAL(0.25, config.placement.risk, 0);
  UNSIGNED_LONGS_EQUAL(1 << 20, config.placement.assumed_bandwidth);
}

TEST(AgentConfig, every_key_is_read) {
  AgentConfig config = parsed(
      "[agent]\ndevice = 'pump-7'\nstate_dir = '/s'\nsocket = '/a'\nlog_level = 'debug'\n"
      "grace = '1s'\ntelemetry = '1min'\nworkers = 3\ntags = ['gpu']\nmemory = '1GiB'\n"
      "[broker]\nuri = 'mqtt://b:1'\n"
      "[link]\nbandwidth = '10KiB'\nmetered = true\n"
      "[store]\nmax_ready = 64\n"
      "[budget]\ndisk = '32MiB'\ndisk_free = '1MiB'\ninodes_free = 7\nmemory = '2MiB'\n"
      "flash_per_day = '5GiB'\n"
      "tasks = 3\ntasks_age = '1h'\ntasks_on_full = 'drop_lowest_band'\n"
      "results = 4\nresults_age = '2h'\nresults_on_full = 'drop_lowest_band'\n"
      "events = 5\nevents_age = '3h'\nevents_on_full = 'reject_newest'\n"
      "[limits]\nclients = 1\nclient_frames = 2\n"
      "[placement]\nlease = '5s'\nrisk = 1\nmargin = 0.2\n"
      "probe_interval = '1min'\nassumed_rtt = '1s'\nassumed_bandwidth = '1KiB'\n"
      "[plugins]\nfiles = ['/p.so']\n"
      "[[command]]\nname = 'c'\nargv = ['/bin/c']\n");
  STRCMP_EQUAL("pump-7", config.agent.device.c_str());
  STRCMP_EQUAL("/s", config.agent.state_dir.c_str());
  STRCMP_EQUAL("/a", config.agent.socket.c_str());
  CHECK(config.agent.log_level == process::Level::debug);
  CHECK(config.agent.grace == 1s && config.agent.workers == 3);
  CHECK(config.agent.telemetry == 1min);
  CHECK(config.agent.tags == std::vector<std::string>{"gpu"});
  UNSIGNED_LONGS_EQUAL(1 << 30, config.agent.memory);
  STRCMP_EQUAL("mqtt://b:1", config.broker.uri.c_str());
  CHECK(config.link.bandwidth == 10'240 && config.link.metered);
  CHECK(config.store.max_ready == 64);
  const BudgetLimits& budget = config.budget;
  CHECK(budget.disk == 32 << 20 && budget.disk_free == 1 << 20 && budget.inodes_free == 7);
  CHECK(budget.memory == 2 << 20 && budget.flash_per_day == 5ULL << 30);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(budget.classes[i].items == 3 + i && budget.classes[i].age == std::chrono::hours(1 + i));
    CHECK(budget.classes[i].on_full == (i < 2 ? OnFull::drop_lowest_band : OnFull::reject_newest));
  }
  CHECK(config.limits.clients == 1 && config.limits.client_frames == 2);
  const PlacementSection& placement = config.placement;
  CHECK(placement.lease == 5s && placement.risk == 1 && placement.margin == 0.2);
  CHECK(placement.probe_interval == 1min);
  CHECK(placement.assumed_rtt == 1s && placement.assumed_bandwidth == 1024);
  CHECK(config.plugins.files == std::vector<std::string>{"/p.so"});
  STRCMP_EQUAL("c", config.commands.at(0).name.c_str());
}

TEST(AgentConfig, the_shipped_file_is_valid_and_changes_nothing) {
  CHECK(changed(parsed(""), parsed(shipped())).empty());
}

TEST(AgentConfig, the_shipped_file_shows_every_key_with_its_default) {
  std::vector<std::string> keys = agent_config_keys();
  // All but the device, whose default is the host's, and the command, which is an example.
  std::vector<std::string> expected = {"agent.device"};
  for (const std::string& key : keys) {
    if (key.starts_with("command.")) expected.push_back(key);
    CHECK_TEXT(
        uncommented().find("\n" + key.substr(key.find('.') + 1) + " = ") != std::string::npos,
        key.c_str());
  }
  std::vector<std::string> differs = changed(parsed(""), parsed(uncommented()));
  std::sort(differs.begin(), differs.end());
  CHECK(differs == expected);
}

TEST(AgentConfig, the_shipped_file_marks_what_can_be_reloaded) {
  std::istringstream lines(shipped());
  std::string section, comment;
  std::vector<std::string> marked;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("[")) section = line.substr(1, line.find(']') - 1);
    if (line.starts_with("# ")) comment += line;
    if (line.empty() || line.starts_with("[")) comment.clear();
    if (line.size() < 2 || line[0] != '#' || line[1] == ' ' || line[1] == '[') continue;
    if (comment.find("[reload]") == std::string::npos) continue;
    marked.push_back(section + "." + line.substr(1, line.find(' ') - 1));
  }
  CHECK(marked == std::vector<std::string>(std::begin(kReloadable), std::end(kReloadable)));
}

TEST(AgentConfig, what_can_be_reloaded_are_keys) {
  const std::vector<std::string> keys = agent_config_keys();
  for (const std::string_view key : kReloadable) {
    CHECK_TEXT(std::find(keys.begin(), keys.end(), key) != keys.end(), std::string(key).c_str());
  }
}

TEST(AgentConfig, each_setting_notices_its_own_change) {
  const std::pair<const char*, const char*> changes[] = {
      {"agent.device", "[agent]\ndevice = 'another-device'"},
      {"agent.state_dir", "[agent]\nstate_dir = '/x'"},
      {"agent.socket", "[agent]\nsocket = '/x'"},
      {"agent.log_level", "[agent]\nlog_level = 'error'"},
      {"agent.grace", "[agent]\ngrace = '1s'"},
      {"agent.telemetry", "[agent]\ntelemetry = '1s'"},
      {"agent.updater_dir", "[agent]\nupdater_dir = '/x'"},
      {"agent.textfile", "[agent]\ntextfile = '/t'"},
      {"agent.workers", "[agent]\nworkers = 1"},
      {"agent.tags", "[agent]\ntags = ['x']"},
      {"agent.memory", "[agent]\nmemory = 1"},
      {"broker.uri", "[broker]\nuri = 'mqtt://x:1'"},
      {"broker.ca", "[broker]\nca = '/x'"},
      {"broker.cert", "[broker]\ncert = '/x'"},
      {"broker.key", "[broker]\nkey = '/x'"},
      {"broker.keep_alive", "[broker]\nkeep_alive = '5s'"},
      {"broker.reconnect_base", "[broker]\nreconnect_base = '5s'"},
      {"broker.reconnect_cap", "[broker]\nreconnect_cap = '5s'"},
      {"broker.window", "[broker]\nwindow = 5"},
      {"broker.username", "[broker]\nusername = 'pump-7@here'"},
      {"broker.password_file", "[broker]\npassword_file = '/x'"},
      {"broker.alpn", "[broker]\nalpn = 'mqtt'"},
      {"broker.client_id", "[broker]\nclient_id = 'x'"},
      {"broker.topic_prefix", "[broker]\ntopic_prefix = 'site'"},
      {"link.bandwidth", "[link]\nbandwidth = 5"},
      {"link.metered", "[link]\nmetered = true"},
      {"store.max_ready", "[store]\nmax_ready = 100"},
      {"limits.clients", "[limits]\nclients = 5"},
      {"limits.client_frames", "[limits]\nclient_frames = 5"},
      {"budget.disk", "[budget]\ndisk = '2GiB'"},
      {"budget.disk_free", "[budget]\ndisk_free = 0"},
      {"budget.inodes_free", "[budget]\ninodes_free = 5"},
      {"budget.memory", "[budget]\nmemory = '2MiB'"},
      {"budget.flash_per_day", "[budget]\nflash_per_day = '1GiB'"},
      {"budget.tasks", "[budget]\ntasks = 5"},
      {"budget.tasks_age", "[budget]\ntasks_age = '1h'"},
      {"budget.tasks_on_full", "[budget]\ntasks_on_full = 'drop_lowest_band'"},
      {"budget.results", "[budget]\nresults = 5"},
      {"budget.results_age", "[budget]\nresults_age = '1h'"},
      {"budget.results_on_full", "[budget]\nresults_on_full = 'drop_lowest_band'"},
      {"budget.events", "[budget]\nevents = 5"},
      {"budget.events_age", "[budget]\nevents_age = '1h'"},
      {"budget.events_on_full", "[budget]\nevents_on_full = 'reject_newest'"},
      {"placement.lease", "[placement]\nlease = '5s'"},
      {"placement.risk", "[placement]\nrisk = 5"},
      {"placement.margin", "[placement]\nmargin = 5"},
      {"placement.probe_interval", "[placement]\nprobe_interval = '5s'"},
      {"placement.assumed_rtt", "[placement]\nassumed_rtt = '5s'"},
      {"placement.assumed_bandwidth", "[placement]\nassumed_bandwidth = '5KiB'"},
      {"dispatched_tasks.accept", "[dispatched_tasks]\naccept = false"},
      {"dispatched_tasks.kinds", "[dispatched_tasks]\nkinds = ['echo']"},
      {"dispatched_tasks.held", "[dispatched_tasks]\nheld = 5"},
      {"dispatched_tasks.max_run", "[dispatched_tasks]\nmax_run = '1h'"},
      {"plugins.files", "[plugins]\nfiles = ['/x']"},
  };
  for (const auto& [key, text] : changes) {
    CHECK_TEXT((changed(parsed(""), parsed(text)) == std::vector<std::string>{key}), key);
  }
  UNSIGNED_LONGS_EQUAL(agent_config_keys().size(), std::size(changes) + 5);  // and the command's
  UNSIGNED_LONGS_EQUAL(
      5, changed(parsed(""), parsed("[[command]]\nname = 'a'\nargv = ['/x']")).size());
}

TEST(AgentConfig, only_changes_that_need_a_restart_are_reported) {
  AgentConfig old = parsed("");
  CHECK(need_restart(old, parsed("[agent]\nlog_level = 'debug'\ngrace = '1s'")).empty());
  CHECK((need_restart(old, parsed("[agent]\nworkers = 2\nlog_level = 'debug'\n"
                                  "[broker]\nuri = 'mqtt://x:1'\n")) ==
         std::vector<std::string>{"agent.workers", "broker.uri"}));
}

TEST(AgentConfig, mistakes_are_told_with_place_and_remedy) {
  check_refused("agent.toml:2: agent.worker: no such key; did you mean 'workers'?",
                "[agent]\nworker = 4\n");
  check_refused("agent.toml:1: brokr: no such section; did you mean 'broker'?", "[brokr]\n");
  check_refused("agent.toml:2: agent.workers: 49 is not a whole number from 0 to 48",
                "[agent]\nworkers = 49\n");
  check_refused("agent.toml:2: agent.log_level: 'loud' is none of error, warning, info, debug",
                "[agent]\nlog_level = 'loud'\n");
  check_refused("agent.toml:2: agent.telemetry: at least 1s, or 0s for none",
                "[agent]\ntelemetry = '200ms'\n");
  check_refused("agent.toml:2: agent.state_dir: must not be empty", "[agent]\nstate_dir = ''\n");
  check_refused("agent.toml:2: agent.socket: at most 107 bytes",
                "[agent]\nsocket = '/" + std::string(107, 'x') + "'\n");
  check_refused(
      "agent.toml:2: agent.device: 'Pump' is not a device id: 3 to 63 of a-z, 0-9 and '-', not "
      "starting with '-'",
      "[agent]\ndevice = 'Pump'\n");
  check_refused("agent.toml:2: agent.device: 'cloud' is what another place is called",
                "[agent]\ndevice = 'cloud'\n");
  check_refused("agent.toml:2: placement.lease: 2s is not from 3s to 1h",
                "[placement]\nlease = '2s'\n");
  check_refused("agent.toml:2: budget.disk: 1MiB is not from 16MiB to 1TiB",
                "[budget]\ndisk = '1MiB'\n");
  check_refused(
      "agent.toml:2: budget.tasks_on_full: 'drop_oldest' is none of reject_newest, "
      "drop_lowest_band",
      "[budget]\ntasks_on_full = 'drop_oldest'\n");
}

TEST(AgentConfig, a_missing_file_is_not_found) {
  CHECK(load_agent_config("/nowhere/agent.toml").error().code == Code::not_found);
  CHECK(load_agent_config(SPILLWAY_AGENT_TOML).ok());
}

TEST(AgentConfig, host_names_become_device_ids) {
  STRCMP_EQUAL("pump-7", device_from_host("Pump-7.example.org").c_str());
  STRCMP_EQUAL("raspberry-pi", device_from_host("raspberry_pi").c_str());
  STRCMP_EQUAL("abc", device_from_host("--abc").c_str());
  for (const char* none : {"", "a", "..", "---", "\xFF\xFE", "local", "Cloud.example.org"}) {
    STRCMP_EQUAL("device", device_from_host(none).c_str());
  }
  CHECK(check_device_id(device_from_host(std::string(300, 'h'))).ok());
}
