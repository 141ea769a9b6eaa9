#include "agent/config/agent_config.h"

#include <unistd.h>

#include "spillway/ids.h"
#include "spillway/place.h"

namespace spillway::agent {
namespace {

using namespace std::chrono_literals;
using config::File;
using config::Section;

// sockaddr_un's path, without its NUL.
constexpr std::size_t kLongestSocket = 107;

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

AgentSection read_agent(File& file) {
  AgentSection agent;
  Section section = file.section("agent");
  agent.device = section.text("device");
  if (!section.has("device")) agent.device = device_from_host(host_name());
  if (Result<std::string> device = check_device_id(agent.device); !device) {
    section.refuse("device", device.error().message);
  } else if (class_of(*device) != PlaceClass::device) {
    section.refuse("device", "'" + *device + "' is what another place is called");
  }
  agent.state_dir = section.path("state_dir", agent.state_dir);
  if (agent.state_dir.empty()) section.refuse("state_dir", "must not be empty");
  agent.socket = section.path("socket", agent.socket);
  if (agent.socket.size() > kLongestSocket) section.refuse("socket", "at most 107 bytes");
  agent.log_level = config::read_log_level(section);
  agent.grace = section.duration("grace", agent.grace, 0ms, 1h);
  agent.telemetry = section.duration("telemetry", agent.telemetry, 0ms, 24h);
  // The shortest interval that the cloud takes (common/wire/telemetry_codec.cpp).
  if (agent.telemetry > 0ms && agent.telemetry < 1s) {
    section.refuse("telemetry", "at least 1s, or 0s for none");
  }
  agent.updater_dir = section.text("updater_dir", agent.updater_dir);
  agent.textfile = section.path("textfile", agent.textfile);
  agent.workers = section.integer("workers", agent.workers, 0u, config::kMaxWorkers);
  agent.tags = config::read_tags(section);
  agent.memory = section.bytes("memory", agent.memory, 0, 1ULL << 50);
  return agent;
}

LinkSection read_link(File& file) {
  LinkSection link;
  Section section = file.section("link");
  link.bandwidth = section.bytes("bandwidth", link.bandwidth, 0, 1ULL << 40);
  link.metered = section.flag("metered", link.metered);
  return link;
}

StoreSection read_store(File& file) {
  StoreSection store;
  Section section = file.section("store");
  store.max_ready = section.integer("max_ready", store.max_ready, 16u, 65'536u);
  return store;
}

// `data`, `data_age` and `data_on_full`.
ClassLimits read_class(Section& section, DataClass data, ClassLimits limits,
                       std::initializer_list<std::pair<std::string_view, OnFull>> policies) {
  const std::string name(to_string(data));
  limits.items = section.integer<std::uint64_t>(name, limits.items, 1, 1'000'000'000);
  limits.age = section.duration(name + "_age",
                                std::chrono::duration_cast<std::chrono::milliseconds>(limits.age),
                                1min, 366 * 24h);
  limits.on_full = section.choice(name + "_on_full", limits.on_full, policies);
  return limits;
}

BudgetLimits read_budget(File& file) {
  BudgetLimits budget;
  Section section = file.section("budget");
  budget.disk = section.bytes("disk", budget.disk, 16ULL << 20, 1ULL << 40);
  budget.disk_free = section.bytes("disk_free", budget.disk_free, 0, 1ULL << 40);
  budget.inodes_free =
      section.integer<std::uint64_t>("inodes_free", budget.inodes_free, 0, 1ULL << 32);
  budget.memory = section.bytes("memory", budget.memory, 1ULL << 20, 1ULL << 40);
  budget.flash_per_day = section.bytes("flash_per_day", budget.flash_per_day, 0, 1ULL << 50);
  const std::pair<std::string_view, OnFull> reject{"reject_newest", OnFull::reject_newest};
  const std::pair<std::string_view, OnFull> oldest{"drop_oldest", OnFull::drop_oldest};
  const std::pair<std::string_view, OnFull> lowest{"drop_lowest_band", OnFull::drop_lowest_band};
  const auto read = [&](DataClass data, auto policies) {
    budget.of(data) = read_class(section, data, budget.of(data), policies);
  };
  // Accepted tasks are never dropped, and a task that is done keeps its newest result.
  read(DataClass::tasks,
       std::initializer_list<std::pair<std::string_view, OnFull>>{reject, lowest});
  read(DataClass::results,
       std::initializer_list<std::pair<std::string_view, OnFull>>{oldest, lowest});
  read(DataClass::events,
       std::initializer_list<std::pair<std::string_view, OnFull>>{oldest, reject});
  return budget;
}

LimitsSection read_limits(File& file) {
  LimitsSection limits;
  Section section = file.section("limits");
  limits.clients = section.integer("clients", limits.clients, 1u, 1024u);
  limits.client_frames = section.integer("client_frames", limits.client_frames, 1u, 65'536u);
  return limits;
}

PlacementSection read_placement(File& file) {
  PlacementSection placement;
  Section section = file.section("placement");
  placement.lease = section.duration("lease", placement.lease, 3s, 1h);
  placement.risk = section.number("risk", placement.risk, 0, 10);
  placement.margin = section.number("margin", placement.margin, 0, 10);
  placement.probe_interval = section.duration("probe_interval", placement.probe_interval, 1s, 24h);
  placement.assumed_rtt = section.duration("assumed_rtt", placement.assumed_rtt, 1ms, 1min);
  placement.assumed_bandwidth =
      section.bytes("assumed_bandwidth", placement.assumed_bandwidth, 128, 1ULL << 40);
  return placement;
}

DispatchedTasksSection read_dispatched_tasks(File& file) {
  DispatchedTasksSection tasks;
  Section section = file.section("dispatched_tasks");
  tasks.accept = section.flag("accept", tasks.accept);
  tasks.kinds = section.list("kinds", 64, 64);
  tasks.held = section.integer("held", tasks.held, 1u, 10'000u);
  tasks.max_run = section.duration("max_run", tasks.max_run, 0ms, 366 * 24h);
  return tasks;
}

AgentConfig read(File& file) {
  AgentConfig config;
  config.agent = read_agent(file);
  config.broker = config::read_broker_section(file);
  config.link = read_link(file);
  config.store = read_store(file);
  config.budget = read_budget(file);
  config.limits = read_limits(file);
  config.placement = read_placement(file);
  config.dispatched_tasks = read_dispatched_tasks(file);
  config.commands = config::read_command_sections(file);
  config.plugins = config::read_plugins_section(file);
  return config;
}

Result<AgentConfig> read_whole(Result<File> file) {
  if (!file) return file.error();
  AgentConfig config = read(*file);
  if (Status status = file->finish(); !status) return status.error();
  config.settings = file->settings();
  return config;
}

}  // namespace

Result<AgentConfig> load_agent_config(const std::string& path) {
  return read_whole(File::read(path));
}

Result<AgentConfig> parse_agent_config(std::string_view text, const std::string& name) {
  return read_whole(File::parse(text, name));
}

std::vector<std::string> agent_config_keys() {
  // A command's keys are asked for once there is one.
  Result<File> file = File::parse("[[command]]", "");
  read(*file);
  return file->known_keys();
}

std::string device_from_host(std::string_view host) {
  std::string device;
  for (char c : host.substr(0, std::min(host.find('.'), std::size_t{63}))) {
    bool upper = c >= 'A' && c <= 'Z';
    bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (device.empty() && !upper && !plain) continue;
    device += upper ? static_cast<char>(c - 'A' + 'a') : plain ? c : '-';
  }
  const bool good = check_device_id(device) && class_of(device) == PlaceClass::device;
  return good ? device : "device";
}

}  // namespace spillway::agent
