#pragma once

#include <functional>
#include <memory>

#include "agent/intake/server.h"
#include "agent/node/node.h"
#include "agent/telemetry/system_probe.h"
#include "agent/telemetry/textfile.h"
#include "agent/telemetry/worker_bound.h"
#include "common/executor/executor.h"
#include "common/kinds/registry.h"
#include "common/ledger/sqlite_ledger.h"
#include "common/mqtt/paho_transport.h"
#include "common/process/clock_steps.h"
#include "common/process/loop.h"
#include "common/process/system_clock.h"
#include "common/process/turns.h"
#include "common/runner/pool_runner.h"
#include "common/store/sqlite_owner_store.h"
#include "spillway/agent/agent.h"

namespace spillway::agent {

// An agent put together from its adapters, on a loop that somebody else runs. Loop's thread.
class Composition {
 public:
  static Result<std::unique_ptr<Composition>> open(const Options& options, process::Loop& loop);
  ~Composition();

  kinds::KindRegistry& kinds() { return kinds_; }
  Status start();
  Node& node() { return *node_; }
  // Takes up what can change while running.
  void reconfigure(const Options& options);
  // Asks what runs to stop and begins nothing more; `done` once nothing runs here.
  void drain(std::function<void()> done);
  // Counts what still runs as interrupted; its bodies may go on for as long as the process does.
  void abandon();
  bool abandoned() const { return abandoned_; }
  // Says goodbye and closes the stores, once. Nothing but the destructor comes after.
  void close();

 private:
  Composition(const Options& options, process::Loop& loop)
      : options_(options), loop_(loop), boot_(BootId{}) {}
  Status add_kinds();
  Status open_ledger(const sqlite::Poster& poster);
  std::vector<std::string> taken_kinds() const;
  std::shared_ptr<runner::RunRegister> open_marks() const;
  Status listen();
  void connect();
  void bound_workers();
  void keep_models(NodeParts& parts) const;

  Options options_;
  bool abandoned_ = false;
  process::Loop& loop_;
  BootId boot_;
  process::BootClock clock_;
  kinds::KindRegistry kinds_;
  // Destroyed from the bottom up: first nobody calls in, then nothing runs, then the store closes.
  std::unique_ptr<store::SqliteOwnerStore> store_;
  store::Recovered recovered_;
  std::unique_ptr<ledger::SqliteLedger> ledger_;  // of the cloud's tasks; null: none are run here
  ledger::LedgerRecovered dispatched_;
  std::unique_ptr<executor::Executor> executor_;
  std::unique_ptr<runner::PoolRunner> runner_;
  std::unique_ptr<SystemProbe> probe_;
  WorkerBound worker_bound_;
  process::Timer next_bound_;
  std::unique_ptr<mqtt::PahoTransport> transport_;
  std::unique_ptr<Node> node_;
  std::unique_ptr<intake::Server> server_;
  std::unique_ptr<process::Turns> turns_;
  std::unique_ptr<process::ClockSteps> clock_steps_;
};

}  // namespace spillway::agent
