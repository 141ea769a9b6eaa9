// What an agent costs when nothing happens: processor, link and disk.
#include <thread>

#include "tests/bench/report/report.h"
#include "tests/bench/report/samples.h"
#include "tests/bench/support/agents.h"
#include "tests/bench/support/mqtt_echo.h"
#include "tests/bench/support/usage.h"
#include "tests/support/temp_dir.h"

namespace spillway::bench {
namespace {

using namespace std::chrono_literals;

constexpr double kDay = 24 * 3600;  // seconds

// What one stretch of time took.
struct Use {
  double seconds = 0, cpu = 0, up = 0, down = 0, disk = 0, bare_link = 0;
};

Use look(test::Testbed& bed, const test::LinkProxy& bare, double seconds) {
  const pid_t agent = bed.agent().pid();
  Use use;
  const auto counted = [&](double sign) {
    use.cpu += sign * cpu_seconds_of(agent);
    use.up += sign * double(bed.link().bytes_up());
    use.down += sign * double(bed.link().bytes_down());
    use.disk += sign * double(written_by(agent));
    use.bare_link += sign * double(bare.bytes_up() + bare.bytes_down());
  };
  counted(-1);
  const auto start = SteadyClock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  use.seconds = seconds_since(start);
  counted(+1);
  return use;
}

void tell(const Use& use, Report& report) {
  const auto a_day = [&](double amount) { return amount / use.seconds * kDay; };
  report.add({"CPU, against one core", use.cpu * 1e3, "ms", use.seconds * 1e3});
  report.add({"link, both ways, against a bare MQTT client", a_day(use.up + use.down) / 1e3,
              "kB/day", a_day(use.bare_link) / 1e3});
  report.add({"link up", a_day(use.up) / 1e3, "kB/day"});
  report.add({"link down", a_day(use.down) / 1e3, "kB/day"});
  report.add({"disk writes", a_day(use.disk) / 1e3, "kB/day"});
}

Status measure(const Options& options, Report& report) {
  test::TempDir folder("spillway-bench");
  auto bed = test::Testbed::start({.directory = folder.path()});
  if (!bed) return std::move(bed).error();
  if (!(*bed)->wait_for_link(20s)) return fail(Code::unavailable, "the agent does not connect");
  auto bare = test::LinkProxy::start((*bed)->broker().port());
  if (!bare) return std::move(bare).error();
  auto quiet = (*bed)->pki().device("quiet-device");
  if (!quiet) return std::move(quiet).error();
  // A bare client with the agent's keep-alive.
  auto client = QuietMqttClient::connect("mqtts://127.0.0.1:" + std::to_string(bare->port()),
                                         "quiet-device", *quiet, 20s);
  if (!client) return std::move(client).error();
  std::this_thread::sleep_for(options.quick ? 1s : 10s);
  const Use use = look(**bed, *bare, options.quick ? 5 : 120);
  report.condition("watched", std::to_string(int(use.seconds)) + " s, bytes on TCP with TLS");
  tell(use, report);
  return {};
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  return spillway::bench::run(argc, argv, "idle", spillway::bench::measure);
}
