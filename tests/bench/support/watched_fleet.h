#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "cloud/api/service.h"
#include "cloud/fleet/fleet.h"
#include "cloud/fleet/sqlite_fleet_store.h"
#include "common/process/loop.h"
#include "common/process/system_clock.h"
#include "common/process/turns.h"
#include "tests/bench/report/samples.h"

namespace spillway::bench {

// A fleet with its store and the HTTP service over it, on a loop of its own, as in spillway-cloud
// but without a broker. Call from any one thread.
class WatchedFleet {
 public:
  // `directory` must exist.
  static Result<std::unique_ptr<WatchedFleet>> start(const std::string& directory);
  ~WatchedFleet();

  const cloud::api::Service& service() const { return *service_; }
  const std::string& token() const { return token_; }  // may read
  Duration wall() const { return clock_.wall_time(); }

  // Runs on the loop; does not wait.
  void post(std::function<void(cloud::Fleet&)> use);
  // Waits; seconds until its turn came.
  double on_loop(const std::function<void(cloud::Fleet&)>& use);
  // A device comes: a change that streams tell at once, for half a second has passed.
  void change(const std::string& device);

 private:
  WatchedFleet() = default;
  Result<std::string> make_token() const;

  process::BootClock clock_;
  process::Loop loop_;
  std::unique_ptr<cloud::SqliteFleetStore> store_;
  std::unique_ptr<cloud::Fleet> fleet_;
  std::unique_ptr<process::Turns> turns_;
  std::unique_ptr<cloud::api::Service> service_;
  std::string token_;
  std::thread thread_;
};

struct ListTimes {
  Samples by_name, sorted;  // seconds of a request for a page of the list
  Samples turns;            // seconds that the loop let a newcomer wait
  double frames = 0;        // taken a second meanwhile
};

// Pages of the list asked for over HTTP, one after another on one connection, for `seconds`, while
// each of so many devices reports every ten seconds.
Result<ListTimes> measure_lists(const std::string& directory, std::uint32_t devices,
                                double seconds);

}  // namespace spillway::bench
