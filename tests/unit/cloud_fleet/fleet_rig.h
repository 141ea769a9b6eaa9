#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "cloud/fleet/fleet.h"
#include "cloud/fleet/sqlite_fleet_store.h"
#include "tests/unit/store/answers.h"
#include "tests/unit/store/temp_folder.h"

#include "tests/unit/store/check_result.h"

namespace spillway::cloud {

using namespace std::chrono_literals;

inline wire::Presence birth(std::uint64_t session, bool online = true, std::uint64_t boot = 1) {
  wire::Presence presence;
  presence.online = online;
  presence.session = session;
  presence.boot = BootId{boot};
  presence.version = "1.0";
  presence.kinds = {{"echo", 1}};
  return presence;
}

struct FleetRig : public Utest {
  ManualClock clock;
  FleetOptions options;
  std::unique_ptr<Fleet> fleet;
  std::uint64_t seq = 0;
  wire::Metrics metrics;

  void setup() override {
    clock.advance(1h);
    clock.step_wall(1'700'000'000s);
    begin();
  }
  void begin(FleetStore* store = nullptr, FleetRecovered recovered = {}) {
    fleet.reset();
    fleet = std::make_unique<Fleet>(options, clock, store);
    fleet->start(std::move(recovered));
    fleet->on_link(true);
  }
  void frame(const std::string& device, std::uint64_t session) {
    wire::Telemetry telemetry;
    telemetry.session = session;
    telemetry.seq = ++seq;
    telemetry.whole = true;
    telemetry.sent_wall = clock.wall_time();
    telemetry.metrics = metrics;
    fleet->on_telemetry(device, wire::encode(telemetry));
  }
  void pass(Duration time) {
    for (Duration gone{}; gone < time; gone += 1s) {
      clock.advance(1s);
      (void)fleet->cycle();
    }
  }
  Health health(const std::string& device) { return fleet->device(device)->row.health; }
};

// On a disk, which restarts leave as it is.
struct FleetOnDiskRig : public FleetRig {
  TempFolder folder;
  Answers answers;
  std::unique_ptr<SqliteFleetStore> store;

  void open() {
    fleet.reset();
    store.reset();
    auto opened = SqliteFleetStore::open(folder.file("fleet.db"), answers.poster(), {});
    CHECK_OK(opened);
    store = std::move(opened->store);
    begin(store.get(), std::move(opened->recovered));
  }
  template <class T>
  Result<T> wait(std::function<void(Fleet::Done<T>)> call) {
    std::optional<Result<T>> answer;
    call([&](Result<T> result) { answer.emplace(std::move(result)); });
    while (!answer) {
      clock.advance(1s);
      (void)fleet->cycle();
      if (!answer) answers.run_one();
    }
    return *std::move(answer);
  }
  // Waits until all that happened so far is stored.
  void save() {
    fleet->flush();
    CHECK_OK(wait<void>([&](auto done) { fleet->change("pump-1", {}, {}, std::move(done)); }));
  }
  void teardown() override {
    fleet.reset();
    store.reset();
  }
};

}  // namespace spillway::cloud
