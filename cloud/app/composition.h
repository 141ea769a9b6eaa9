#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cloud/app/front.h"
#include "cloud/config/options.h"
#include "cloud/fleet/fleet.h"
#include "cloud/fleet/sqlite_fleet_store.h"
#include "cloud/node/node.h"
#include "common/executor/executor.h"
#include "common/kinds/registry.h"
#include "common/ledger/sqlite_ledger.h"
#include "common/mqtt/paho_transport.h"
#include "common/process/loop.h"
#include "common/process/system_clock.h"
#include "common/process/turns.h"
#include "common/runner/pool_runner.h"
#include "common/store/sqlite_owner_store.h"

namespace spillway::cloud {

// An aggregator put together from its adapters, on a loop that somebody else runs. Loop's thread.
class Composition {
 public:
  // `link`: print a one-time link even though there are tokens.
  static Result<std::unique_ptr<Composition>> open(const Options& options, bool link,
                                                   process::Loop& loop);
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
  Composition(const Options& options, bool link, process::Loop& loop)
      : options_(options), link_(link), loop_(loop) {}
  Status add_kinds();
  Status open_fleet();
  std::optional<std::string> shortage() const;
  Status open_dispatched(const sqlite::Poster& poster);
  Status open_front();
  std::shared_ptr<runner::RunRegister> open_marks() const;

  const Options options_;
  const bool link_;
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
