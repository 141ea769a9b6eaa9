#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cloud/app/front.h"
#include "cloud/fleet/fleet.h"
#include "cloud/fleet/sqlite_fleet_store.h"
#include "cloud/node/node.h"
#include "common/executor/executor.h"
#include "common/kinds/command.h"
#include "common/kinds/registry.h"
#include "common/ledger/sqlite_ledger.h"
#include "common/mqtt/paho_transport.h"
#include "common/process/loop.h"
#include "common/process/system_clock.h"
#include "common/process/turns.h"
#include "common/runner/pool_runner.h"
#include "common/store/sqlite_owner_store.h"

namespace spillway::cloud {

struct Options {
  std::optional<http::ServerOptions> http;   // none: nobody can look in
  std::vector<std::string> http_names = {};  // of the server, besides its certificate's
  bool open_metrics = false;                 // to this machine, without a token
  bool one_time_link = false;                // print a one-time link even though there are tokens
  std::string state_dir;                     // made when missing; holds ledger.db and sent.db
  std::string name = "cloud";                // MQTT client id and certificate's common name
  unsigned workers = 0;                      // 0: what the process may use
  std::uint64_t memory = 0;                  // bytes offered to tasks; 0: what the machine has
  std::vector<std::string> tags;
  std::uint32_t max_queue = 10'000;
  std::chrono::milliseconds max_run{0};  // of what devices offload; 0: no limit
  std::vector<std::string> offload;      // kinds that devices may offload; none: all
  std::uint64_t memory_budget = 512ULL << 20, ledger_disk = 4ULL << 30,
                dispatched_disk = 1ULL << 30;
  std::uint64_t fleet_disk = 4ULL << 30;
  std::chrono::milliseconds reconnect_floor{0};
  std::uint64_t uplink = 0;  // bytes per second of all devices together; 0: no limit
  mqtt::ConnectOptions broker;
  link::LinkPolicy link;
  std::vector<kinds::CommandOptions> commands;
  std::vector<std::string> plugins;
};

// An aggregator put together from its adapters, on a loop that somebody else runs. Loop's thread.
class Composition {
 public:
  static Result<std::unique_ptr<Composition>> open(const Options& options, process::Loop& loop);
  ~Composition();

  // Fails when HTTP cannot be served as asked.
  Status start();
  Node& node() { return *node_; }
  Fleet& fleet() { return *fleet_; }
  // Asks what runs to stop and begins nothing more; `done` once nothing runs here.
  void drain(std::function<void()> done);
  // Counts what still runs as interrupted; its bodies may go on for as long as the process does.
  void abandon();
  bool abandoned() const { return abandoned_; }
  // Says goodbye and closes the stores, once. Nothing but the destructor comes after.
  void close();

 private:
  Composition(const Options& options, process::Loop& loop) : options_(options), loop_(loop) {}
  Status add_kinds();
  Status open_fleet();
  std::optional<std::string> shortage() const;
  Status open_dispatched(const sqlite::Poster& poster);
  Status open_front();
  std::shared_ptr<runner::RunRegister> open_marks() const;

  Options options_;
  bool abandoned_ = false;
  process::Loop& loop_;
  BootId boot_;
  sqlite::SharedMeter ledger_meter_ = std::make_shared<sqlite::FileMeter>();
  process::BootClock clock_;
  kinds::KindRegistry kinds_;
  // Destroyed from the bottom up: first nobody calls in, then nothing runs, then the ledger closes.
  std::unique_ptr<ledger::SqliteLedger> ledger_;
  ledger::LedgerRecovered recovered_;
  std::unique_ptr<store::SqliteOwnerStore> dispatched_;  // tasks for devices
  store::Recovered dispatched_recovered_;
  std::unique_ptr<SqliteFleetStore> fleet_store_;
  FleetRecovered fleet_recovered_;
  std::vector<std::string> doubts_;  // of what was found of the fleet's files
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<process::Turns> fleet_turns_;
  std::unique_ptr<executor::Executor> executor_;
  std::unique_ptr<runner::PoolRunner> runner_;
  std::unique_ptr<mqtt::PahoTransport> transport_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<process::Turns> turns_;
  std::unique_ptr<Front> front_;
};

}  // namespace spillway::cloud
