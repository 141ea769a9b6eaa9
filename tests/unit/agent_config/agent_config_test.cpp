#include "agent/config/agent_config.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "common/config/keys.h"
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
  return config::need_restart(old.settings, now.settings, old.reloaded);
}

// What each key of a section may be set to besides its default, as the file has it.
template <class T>
struct Others {
  static constexpr unsigned kMaxWorkers = config::kMaxWorkers;
  std::string section;
  const T& defaults;
  std::map<std::string, std::string>& into;

  void about(std::string_view) {}
  void about_reloaded(std::string_view) {}
  void add(std::string_view key, const std::string& other) {
    into[section + "." + std::string(key)] = other;
  }
  template <class M>
  void text(std::string_view key, M, std::string_view = {}) {
    add(key, "'other'");
  }
  template <class M>
  void path(std::string_view key, M) {
    add(key, "'/x'");
  }
  template <class M>
  void list(std::string_view key, M, std::size_t, std::size_t,
            std::initializer_list<std::string_view> = {}) {
    add(key, "['/x']");
  }
  template <class M>
  void flag(std::string_view key, M member) {
    add(key, std::invoke(member, defaults) ? "false" : "true");
  }
  template <class M>
  void number(std::string_view key, M, double, double most) {
    add(key, std::to_string(most));
  }
  template <class M>
  void duration(std::string_view key, M member, std::chrono::milliseconds least,
                std::chrono::milliseconds most) {
    const bool is_most = std::invoke(member, defaults) == most;
    add(key, "'" + config::to_text(is_most ? least : most) + "'");
  }
  template <class M>
  void bytes(std::string_view key, M, std::uint64_t, std::uint64_t most) {
    add(key, std::to_string(most));
  }
  template <class M>
  void integer(std::string_view key, M, std::int64_t, std::int64_t most) {
    add(key, std::to_string(most));
  }
  template <class M>
  void choice(std::string_view key, M member, config::Choices<config::ValueOf<T, M>> names) {
    for (const auto& [name, value] : names) {
      if (value != std::invoke(member, defaults)) add(key, "'" + std::string(name) + "'");
    }
  }
};

template <class T>
void collect_others(const std::string& section, const T& defaults,
                    std::map<std::string, std::string>& into) {
  Others<T> keys{section, defaults, into};
  T::list(keys);
}

}  // namespace

TEST_GROUP(AgentConfig){};

TEST(AgentConfig, an_empty_file_gives_defaults_that_work) {
  AgentConfig config = parsed("");
  CHECK(check_device_id(config.options.device).ok());
  STRCMP_EQUAL("/var/lib/spillway", config.options.state_dir.c_str());
  STRCMP_EQUAL("/run/spillway/agent.sock", config.options.socket.c_str());
  CHECK(config.daemon.log_level == process::Level::info);
  CHECK(config.daemon.grace == 10s);
  CHECK(config.options.broker.uri.empty());
  UNSIGNED_LONGS_EQUAL(128, config.options.broker.window);
  UNSIGNED_LONGS_EQUAL(512, config.options.store.max_ready);
  UNSIGNED_LONGS_EQUAL(1'000'000, config.options.budget.of(DataClass::tasks).items);
  UNSIGNED_LONGS_EQUAL(1 << 30, config.options.budget.disk);
  UNSIGNED_LONGS_EQUAL(0, config.options.budget.flash_per_day);
  CHECK(config.options.placement.lease == 30s);
  DOUBLES_EQUAL(0.25, config.options.placement.risk, 0);
  UNSIGNED_LONGS_EQUAL(1 << 20, config.options.placement.assumed_bandwidth);
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
  STRCMP_EQUAL("pump-7", config.options.device.c_str());
  STRCMP_EQUAL("/s", config.options.state_dir.c_str());
  STRCMP_EQUAL("/a", config.options.socket.c_str());
  CHECK(config.daemon.log_level == process::Level::debug);
  CHECK(config.daemon.grace == 1s && config.options.workers == 3);
  CHECK(config.options.telemetry == 1min);
  CHECK(config.options.tags == std::vector<std::string>{"gpu"});
  UNSIGNED_LONGS_EQUAL(1 << 30, config.options.memory);
  STRCMP_EQUAL("mqtt://b:1", config.options.broker.uri.c_str());
  CHECK(config.options.link.bandwidth == 10'240 && config.options.link.metered);
  CHECK(config.options.store.max_ready == 64);
  const BudgetLimits& budget = config.options.budget;
  CHECK(budget.disk == 32 << 20 && budget.disk_free == 1 << 20 && budget.inodes_free == 7);
  CHECK(budget.memory == 2 << 20 && budget.flash_per_day == 5ULL << 30);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(budget.classes[i].items == 3 + i && budget.classes[i].age == std::chrono::hours(1 + i));
    CHECK(budget.classes[i].on_full == (i < 2 ? OnFull::drop_lowest_band : OnFull::reject_newest));
  }
  CHECK(config.options.limits.clients == 1 && config.options.limits.client_frames == 2);
  const PlacementOptions& placement = config.options.placement;
  CHECK(placement.lease == 5s && placement.risk == 1 && placement.margin == 0.2);
  CHECK(placement.probe_interval == 1min);
  CHECK(placement.assumed_rtt == 1s && placement.assumed_bandwidth == 1024);
  CHECK(config.options.plugins.files == std::vector<std::string>{"/p.so"});
  STRCMP_EQUAL("c", config.options.commands.at(0).name.c_str());
}

TEST(AgentConfig, the_shipped_file_is_what_the_keys_say) {
  if (shipped() == agent_example()) return;
  std::ofstream(SPILLWAY_AGENT_TOML_NOW) << agent_example();
  FAIL("the keys are explained otherwise now: cp " SPILLWAY_AGENT_TOML_NOW " " SPILLWAY_AGENT_TOML);
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
  std::sort(marked.begin(), marked.end());
  CHECK(marked == parsed("").reloaded);
}

TEST(AgentConfig, what_a_running_agent_takes_up_is_what_can_be_reloaded) {
  const AgentConfig now = parsed(
      "[agent]\nworkers = 3\n[link]\nbandwidth = 5\nmetered = true\n[store]\nmax_ready = 99\n"
      "[budget]\ndisk = '2GiB'\ndisk_free = 5\ntasks = 6\ntasks_age = '1h'\nresults = 7\n"
      "[placement]\nlease = '5s'\nrisk = 5\nassumed_rtt = '5s'\n");
  Options running;
  config::take_up_all(now.options, running);
  CHECK(running.link.bandwidth == 5 && running.link.metered);
  CHECK(running.budget.disk_free == 5 && running.budget.of(DataClass::tasks).items == 6);
  CHECK(running.budget.of(DataClass::tasks).age == 1h);
  CHECK(running.placement.lease == 5s && running.placement.risk == 5);
  const Options started;
  CHECK(running.workers == started.workers && running.store.max_ready == started.store.max_ready);
  CHECK(running.budget.disk == started.budget.disk);
  CHECK(running.budget.of(DataClass::results).items == started.budget.of(DataClass::results).items);
  CHECK(running.placement.assumed_rtt == started.placement.assumed_rtt);
}

TEST(AgentConfig, each_setting_notices_its_own_change) {
  const AgentConfig defaults = parsed("");
  std::map<std::string, std::string> others;
  collect_others("agent", defaults.options, others);
  collect_others("agent", defaults.daemon, others);
  Options::sections([&](std::string_view name, auto section) {
    collect_others(std::string(name), defaults.options.*section, others);
  });
  others["broker.uri"] = "'mqtt://x:1'";
  others["broker.reconnect_base"] = "'5s'";  // below the cap
  for (const auto& [key, other] : others) {
    const std::size_t dot = key.find('.');
    const std::string text =
        "[" + key.substr(0, dot) + "]\n" + key.substr(dot + 1) + " = " + other + "\n";
    CHECK_TEXT((changed(defaults, parsed(text)) == std::vector<std::string>{key}), key.c_str());
  }
  UNSIGNED_LONGS_EQUAL(agent_config_keys().size(), others.size() + 5);  // and the command's
  UNSIGNED_LONGS_EQUAL(5,
                       changed(defaults, parsed("[[command]]\nname = 'a'\nargv = ['/x']")).size());
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
  check_refused("agent.toml:2: placement.lease: '2s' is not from 3s to 1h",
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
