#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "spillway/broker.h"
#include "spillway/budget.h"
#include "spillway/command.h"
#include "spillway/time.h"

// What an agent is told: a struct a section of agent.toml, with its defaults. list() says of each
// key what it is called there, what it may be, and what it means; keys in about_reloaded() are
// taken up by a running agent. The file is read by it, and explained by it.
namespace spillway::agent {

struct Link {
  std::uint64_t bandwidth = 0;
  bool metered = false;

  template <class Keys>
  static void list(Keys& keys) {
    keys.about_reloaded("Bytes per second to the broker; 0: as many as it takes.");
    keys.bytes("bandwidth", &Link::bandwidth, 0, 1ULL << 40);
    keys.about_reloaded(
        "Bytes cost: only tasks that ask for the cloud, or that cannot run here, go there, and the "
        "link is not measured.");
    keys.flag("metered", &Link::metered);
  }
};

struct Store {
  std::uint32_t max_ready = 512;

  template <class Keys>
  static void list(Keys& keys) {
    keys.about("Ready tasks held in memory; the others wait on disk.");
    keys.integer("max_ready", &Store::max_ready, 16, 65'536);
  }
};

// What is accepted and kept; full is answered with busy.
struct Budget : BudgetLimits {
  template <class Keys>
  static void list(Keys& keys) {
    constexpr std::uint64_t kMost = 1ULL << 40;
    keys.about(
        "Disk the store's files may take, write-ahead log included: never a byte more. A tenth is "
        "kept back for completions, so that what was accepted always drains.");
    keys.bytes("disk", &Budget::disk, 16ULL << 20, kMost);
    keys.about_reloaded(
        "What must stay free on the store's file system; with less, submit gets `busy`.");
    keys.bytes("disk_free", &Budget::disk_free, 0, kMost);
    keys.integer("inodes_free", &Budget::inodes_free, 0, 1LL << 32);
    keys.about_reloaded("Bytes of tasks in memory.");
    keys.bytes("memory", &Budget::memory, 1ULL << 20, kMost);
    keys.about("Bytes written to the store a day; 0: no limit.");
    keys.bytes("flash_per_day", &Budget::flash_per_day, 0, 1ULL << 50);
    list_classes(keys);
  }

 private:
  template <class Keys>
  static void list_classes(Keys& keys) {
    constexpr std::pair<std::string_view, OnFull> kReject{"reject_newest", OnFull::reject_newest},
        kOldest{"drop_oldest", OnFull::drop_oldest},
        kLowest{"drop_lowest_band", OnFull::drop_lowest_band};
    // Accepted tasks are never dropped, and a task that is done keeps its newest result.
    keys.about_reloaded(
        "How many of each class are kept, for how long, and what gives way beyond that. What is "
        "refused or dropped is counted: `spillway losses`. Unfinished tasks are refused as `busy` "
        "(reject_newest), or the lowest bands are from four fifths on (drop_lowest_band); accepted "
        "ones are never dropped. A task not done at tasks_age expires.");
    list_class<DataClass::tasks>(keys, "tasks", {kReject, kLowest});
    keys.about("Results of finished tasks: drop_oldest or drop_lowest_band.");
    list_class<DataClass::results>(keys, "results", {kOldest, kLowest});
    keys.about("Events of tasks' histories: drop_oldest or reject_newest.");
    list_class<DataClass::events>(keys, "events", {kOldest, kReject});
  }

  // `data`, `data_age` and `data_on_full`.
  template <DataClass kData, class Keys>
  static void list_class(Keys& keys, const std::string& data,
                         std::initializer_list<std::pair<std::string_view, OnFull>> policies) {
    using namespace std::chrono_literals;
    keys.integer(
        data, [](auto& budget) -> auto& { return budget.of(kData).items; }, 1, 1'000'000'000);
    keys.duration(
        data + "_age", [](auto& budget) -> auto& { return budget.of(kData).age; }, 1min, 366 * 24h);
    keys.choice(
        data + "_on_full", [](auto& budget) -> auto& { return budget.of(kData).on_full; },
        policies);
  }
};

struct Limits {
  std::uint32_t clients = 64;
  std::uint32_t client_frames = 256;

  template <class Keys>
  static void list(Keys& keys) {
    keys.about("Programs connected to the local API at the same time.");
    keys.integer("clients", &Limits::clients, 1, 1024);
    keys.about("Requests of one program without an answer; beyond them it gets `busy`.");
    keys.integer("client_frames", &Limits::client_frames, 1, 65'536);
  }
};

struct PlacementOptions {
  Duration lease = std::chrono::seconds(30);
  double risk = 0.25;
  double margin = 0.1;
  Duration probe_interval = std::chrono::seconds(30);
  Duration assumed_rtt = std::chrono::milliseconds(100);
  std::uint64_t assumed_bandwidth = 1024 * 1024;

  template <class Keys>
  static void list(Keys& keys) {
    using namespace std::chrono_literals;
    keys.about_reloaded(
        "How long the cloud keeps a task without a sign of life before it is run again; 3 s at "
        "least.");
    keys.duration("lease", &PlacementOptions::lease, 3s, 1h);
    keys.about_reloaded(
        "How much the slow case (95th percentile) weighs against the usual one; 0: not at all.");
    keys.number("risk", &PlacementOptions::risk, 0, 10);
    keys.about_reloaded(
        "How much sooner the cloud must be expected to finish, as a part of the local time.");
    keys.number("margin", &PlacementOptions::margin, 0, 10);
    keys.about_reloaded("How often the link is measured when nothing travels.");
    keys.duration("probe_interval", &PlacementOptions::probe_interval, 1s, 24h);
    keys.about("What to expect of the link before it was measured; bandwidth is per second.");
    keys.duration("assumed_rtt", &PlacementOptions::assumed_rtt, 1ms, 1min);
    keys.bytes("assumed_bandwidth", &PlacementOptions::assumed_bandwidth, 128, 1ULL << 40);
  }
};

// What the cloud may have run on this device.
struct DispatchedTasksOptions {
  bool accept = true;
  std::vector<std::string> kinds;
  std::uint32_t held = 16;
  Duration max_run = std::chrono::hours(24);

  template <class Keys>
  static void list(Keys& keys) {
    using namespace std::chrono_literals;
    keys.about("Whether operators may have this device run tasks, submitted in the cloud.");
    keys.flag("accept", &DispatchedTasksOptions::accept);
    keys.about(
        "The kinds they may name. Empty: every kind but programs (see [[command]]), which must be "
        "listed.");
    keys.list("kinds", &DispatchedTasksOptions::kinds, 64, 64);
    keys.about("Such tasks held here and not done; the others wait in the cloud.");
    keys.integer("held", &DispatchedTasksOptions::held, 1, 10'000);
    keys.about("How long one may run before it is ended as a time-out; 0: as long as it takes.");
    keys.duration("max_run", &DispatchedTasksOptions::max_run, 0ms, 366 * 24h);
  }
};

// The members that are no struct are section [agent]. Where the program has another default than
// the library, none of its own, agent/config says so.
struct Options {
  std::string device;
  std::string state_dir;
  std::string socket;
  Duration telemetry = std::chrono::seconds(10);
  std::string updater_dir;
  std::string textfile;
  unsigned workers = 0;
  std::vector<std::string> tags;
  std::uint64_t memory = 0;
  BrokerOptions broker;
  Link link;
  Store store;
  Budget budget;
  Limits limits;
  PlacementOptions placement;
  DispatchedTasksOptions dispatched_tasks;
  Plugins plugins;
  std::vector<Command> commands;

  template <class Keys>
  static void list(Keys& keys) {
    using namespace std::chrono_literals;
    keys.about(
        "This device's id: 3 to 63 of a-z, 0-9 and '-'. It is also the common name of its "
        "certificate. Default: made from the host's name.");
    keys.text("device", &Options::device, "pump-7");
    keys.about("Holds the store, agent.db. Made when missing.");
    keys.path("state_dir", &Options::state_dir);
    keys.about("The local API, for `spillway` and programs on this device. Empty: none.");
    keys.path("socket", &Options::socket);
    keys.about(
        "Between reports of this device to the cloud: queues, load, heat, disk, link. They are "
        "also "
        "its heartbeat: after three missed ones it counts as disconnected. 0s: none.");
    keys.duration("telemetry", &Options::telemetry, 0ms, 24h);
    keys.about(
        "Where spillway-ota keeps its files. The cloud hears how updates of this device go, and "
        "operators may ask for one as long as there is a folder `inbox` in it that the agent may "
        "write. Empty: neither.");
    keys.text("updater_dir", &Options::updater_dir);
    keys.about(
        "What is reported, for Prometheus: a file for node_exporter's textfile collector, in whose "
        "folder it must lie, e.g. \"/var/lib/prometheus/node-exporter/spillway.prom\". Written as "
        "often as reports are made, also without a link, for everybody to read; removed when the "
        "agent stops. The agent's user must be let into that folder (setfacl -m u:spillway:rwx "
        "FOLDER); the packaged unit may write to that one, another needs ReadWritePaths= "
        "(systemctl "
        "edit spillway-agent). Empty: none.");
    keys.path("textfile", &Options::textfile);
    keys.about("Tasks run at the same time; 0: as many as there are cores to use.");
    keys.integer("workers", &Options::workers, 0, Keys::kMaxWorkers);
    keys.about("What this device has; tasks may ask for it (needs.tags).");
    keys.list("tags", &Options::tags, 32, 64);
    keys.about("Memory offered to tasks (needs.memory); 0: what the machine has.");
    keys.bytes("memory", &Options::memory, 0, 1ULL << 50);
  }

  // The sections beside [agent] and [[command]].
  template <class Each>
  static void sections(const Each& each) {
    each("broker", &Options::broker);
    each("link", &Options::link);
    each("store", &Options::store);
    each("budget", &Options::budget);
    each("limits", &Options::limits);
    each("placement", &Options::placement);
    each("dispatched_tasks", &Options::dispatched_tasks);
    each("plugins", &Options::plugins);
  }
};

}  // namespace spillway::agent
