#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "spillway/broker.h"
#include "spillway/command.h"
#include "spillway/time.h"

// What a cloud is told: a struct a section of cloud.toml, with its defaults. list() says of each
// key what it is called there, what it may be, and what it means; keys in about_reloaded() are
// taken up by a running cloud. The file is read by it, and explained by it.
namespace spillway::cloud {

// What the cloud may take for what devices and operators send it.
struct Budget {
  std::uint64_t memory = 512ULL << 20;
  std::uint64_t ledger = 4ULL << 30;
  std::uint64_t dispatched = 1ULL << 30;
  std::uint64_t fleet = 4ULL << 30;

  template <class Keys>
  static void list(Keys& keys) {
    constexpr std::uint64_t kLeastFile = 16 << 20, kMost = 1ULL << 50;
    keys.about(
        "Memory for tasks that devices offload and for results that they have not taken. Each "
        "device that is there has its share; beyond it, offers are refused as busy.");
    keys.bytes("memory", &Budget::memory, 1 << 20, kMost);
    keys.about(
        "What ledger.db may take, with its log: offers are refused as busy before it is full.");
    keys.bytes("ledger", &Budget::ledger, kLeastFile, kMost);
    keys.about(
        "What sent.db, with the tasks for devices, may take; beyond it none is taken from "
        "operators. An input for many devices is there once if it is larger than 1 KiB.");
    keys.bytes("dispatched", &Budget::dispatched, kLeastFile, kMost);
    keys.about(
        "What fleet.db, with the history, sessions, events and alerts of all devices, may take; "
        "beyond it the oldest of them go. Each device has its share, so that a loud one pushes out "
        "only its own.");
    keys.bytes("fleet", &Budget::fleet, kLeastFile, kMost);
  }
};

struct Http {
  std::string listen = "127.0.0.1:8480";
  std::string cert, key;
  std::vector<std::string> names;
  bool open_metrics = false;
  std::uint32_t max_connections = 4096;

  template <class Keys>
  static void list(Keys& keys) {
    keys.about(
        "Where the API and the dashboard are served, by number: 127.0.0.1 and ::1 are this machine "
        "only, any other address needs cert and key. Empty: nowhere. The first start prints a link "
        "that logs in once.");
    keys.text("listen", &Http::listen);
    keys.about("TLS: the certificate with its chain, and its key (PEM).");
    keys.path("cert", &Http::cert);
    keys.path("key", &Http::key);
    keys.about(
        "What it is called by those who use it, as in \"cloud.example\" or \"*.example\", besides "
        "the names in its certificate, localhost, and any number. A request for another name is "
        "refused: a page that has its own name point here must not speak for whoever looks at it. "
        "A "
        "proxy must pass the name on (nginx: proxy_set_header Host $http_host); it may put the "
        "dashboard under a prefix that it strips.");
    keys.list("names", &Http::names, 100, 253);
    keys.about(
        "Whether /metrics needs no token on this machine itself. Leave it with a proxy here, which "
        "brings the requests of others: one that does not say so (X-Forwarded-For and the like) "
        "looks like this machine. Without it, Prometheus needs a token of scope read (spwctl token "
        "create --name prometheus --scope read):\n"
        "  authorization: { credentials_file: /etc/prometheus/spillway.token }\n"
        "A proxy that carries all of this, in nginx:\n"
        "  location / {\n"
        "    proxy_pass http://127.0.0.1:8480/;\n"
        "    proxy_http_version 1.1;\n"
        "    proxy_buffering off;\n"
        "    proxy_set_header Host $http_host;\n"
        "    proxy_set_header X-Forwarded-For $remote_addr;\n"
        "  }");
    keys.flag("open_metrics", &Http::open_metrics);
    keys.about("Beyond them, clients are turned away.");
    keys.integer("max_connections", &Http::max_connections, 16, 1'000'000);
  }
};

// A cloud needs a broker: by default one on the same machine, with mutual TLS.
inline BrokerOptions broker_beside() {
  BrokerOptions broker;
  broker.uri = "mqtts://localhost:8883";
  broker.ca = "/etc/spillway-cloud/ca.pem";
  broker.cert = "/etc/spillway-cloud/cloud.pem";
  broker.key = "/etc/spillway-cloud/cloud.key";
  return broker;
}

// The members that are no struct are section [cloud].
struct Options {
  std::string state_dir = "/var/lib/spillway-cloud";
  std::string name = "cloud";
  unsigned workers = 0;
  std::vector<std::string> tags;
  std::uint64_t memory = 0;
  std::uint32_t max_queue = 10'000;
  Duration max_run = std::chrono::hours(24);
  std::vector<std::string> kinds;
  Duration reconnect_floor{};
  std::uint64_t uplink = 0;
  Budget budget;
  Http http;
  BrokerOptions broker = broker_beside();
  Plugins plugins;
  std::vector<Command> commands;

  template <class Keys>
  static void list(Keys& keys) {
    using namespace std::chrono_literals;
    keys.about("Holds the ledger, ledger.db. Made when missing.");
    keys.path("state_dir", &Options::state_dir);
    keys.about(
        "MQTT client id, and the common name of the certificate: 3 to 63 of a-z, 0-9 and '-'.");
    keys.text("name", &Options::name);
    keys.about("Tasks run at the same time; 0: as many as there are cores to use.");
    keys.integer("workers", &Options::workers, 0, Keys::kMaxWorkers);
    keys.about("What this place has; tasks may ask for it (needs.tags).");
    keys.list("tags", &Options::tags, 32, 64);
    keys.about("Memory offered to tasks (needs.memory); 0: what the machine has.");
    keys.bytes("memory", &Options::memory, 0, 1ULL << 50);
    keys.about_reloaded(
        "Attempts accepted and not finished; beyond them devices are told to wait.");
    keys.integer("max_queue", &Options::max_queue, 1, 10'000'000);
    keys.about(
        "How long a task that a device offloaded may run before it is ended as a time-out; 0: as "
        "long as it takes.");
    keys.duration("max_run", &Options::max_run, 0ms, 366 * 24h);
    keys.about("The kinds that devices may offload; none: all that are here.");
    keys.list("kinds", &Options::kinds, 256, 64);
    keys.about_reloaded(
        "How soon a device may reconnect after it lost the link; the wait on top of it is random.");
    keys.duration("reconnect_floor", &Options::reconnect_floor, 0ms, 24h);
    keys.about_reloaded(
        "What all connected devices together may send, per second, shared evenly; 0: no limit.");
    keys.bytes("uplink", &Options::uplink, 0, 1ULL << 40);
  }

  // The sections beside [cloud] and [[command]].
  template <class Each>
  static void sections(const Each& each) {
    each("budget", &Options::budget);
    each("http", &Options::http);
    each("broker", &Options::broker);
    each("plugins", &Options::plugins);
  }
};

}  // namespace spillway::cloud
