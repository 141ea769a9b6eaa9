// A device comes back with many buffered tasks over a link with a cap: what of the cap it uses, and
// what a live task feels meanwhile.
#include <thread>

#include "common/wire/codec.h"
#include "tests/bench/report/report.h"
#include "tests/bench/report/samples.h"
#include "tests/bench/support/agents.h"
#include "tests/support/temp_dir.h"

namespace spillway::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kTask = 300;  // bytes
constexpr std::size_t kBatch = 64;
constexpr std::chrono::seconds kPatience{60};
constexpr std::int64_t kCap = 4'000'000;  // bits a second, each way
constexpr char kTag[] = "big";

TaskSpec cloud_spec(Band band) {
  TaskSpec spec = echo_spec(kTask);
  spec.needs.tags = {kTag};
  spec.band = band;
  return spec;
}

Status buffer(intake::Client& client, std::size_t tasks) {
  for (std::size_t left = tasks; left > 0; left -= std::min(left, kBatch)) {
    wire::SubmitRequest request;
    for (std::size_t i = 0; i < std::min(left, kBatch); ++i) {
      request.specs.push_back(wire::encode(cloud_spec(Band::background)));
    }
    auto submitted = client.ask<wire::Submitted>(std::move(request), kPatience);
    if (!submitted) return std::move(submitted).error();
    if (submitted->each.front().error) return *submitted->each.front().error;
  }
  return {};
}

Result<std::uint64_t> done_in_cloud(intake::Client& client) {
  auto view = client.ask<NodeView>(wire::StatusRequest{}, kPatience);
  if (!view) return std::move(view).error();
  return view->done_cloud;
}

// Live tasks one after another, until `finished`.
Status live(intake::Client& client, Samples& samples,
            const std::function<Result<bool>()>& finished) {
  for (;;) {
    auto over = finished();
    if (!over) return std::move(over).error();
    if (*over) return {};
    const auto start = SteadyClock::now();
    if (Status done = do_one(client, cloud_spec(Band::urgent), kCloudName); !done) return done;
    samples.add(seconds_since(start));
    std::this_thread::sleep_for(20ms);
  }
}

Status measure(const Options& options, Report& report) {
  const std::size_t tasks = options.quick ? 2'000 : 100'000;
  test::TempDir folder("spillway-bench");
  auto bed = test::Testbed::start({.directory = folder.path(), .cloud_tags = {kTag}});
  if (!bed) return std::move(bed).error();
  if (!(*bed)->wait_for_link(20s)) return fail(Code::unavailable, "no link");
  auto client = (*bed)->client();
  if (!client) return std::move(client).error();
  test::LinkProxy& link = (*bed)->link();
  const test::LinkShape cap{.delay = 10ms, .bits_per_second = kCap};
  link.shape(cap, cap);
  Samples quiet, busy;
  int rounds = options.quick ? 20 : 200;
  if (Status done = live(*client, quiet, [&]() -> Result<bool> { return rounds-- == 0; }); !done) {
    return done;
  }
  link.cut();
  if (Status buffered = buffer(*client, tasks); !buffered) return buffered;
  auto before = done_in_cloud(*client);
  if (!before) return std::move(before).error();
  link.heal();
  if (!(*bed)->wait_for_link(30s)) return fail(Code::unavailable, "no link");
  const std::uint64_t up = link.bytes_up(), down = link.bytes_down();
  const auto start = SteadyClock::now();
  Status drained = live(*client, busy, [&]() -> Result<bool> {
    auto done = done_in_cloud(*client);
    if (!done) return std::move(done).error();
    return *done >= *before + tasks + busy.count();
  });
  if (!drained) return drained;
  const double seconds = seconds_since(start);
  const double bits_up = 8 * double(link.bytes_up() - up) / seconds;
  const double bits_down = 8 * double(link.bytes_down() - down) / seconds;
  report.condition("link", "4 Mbit/s each way, 20 ms RTT; tasks of 300 bytes for the cloud alone");
  report.condition("buffered", std::to_string(tasks));
  report.add({"drained", double(tasks) / seconds, "tasks/s"});
  report.add({"the fuller direction, against the cap", std::max(bits_up, bits_down) / 1e6, "Mbit/s",
              double(kCap) / 1e6, Goal::at_least(0.9)});
  report.add({"live task meanwhile, p99, against a quiet link", busy.quantile(0.99) * 1e3, "ms",
              quiet.quantile(0.99) * 1e3, Goal::at_most(2)});
  return {};
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  return spillway::bench::run(argc, argv, "drain", spillway::bench::measure);
}
