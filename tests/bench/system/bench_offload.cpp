// Tasks from agent to cloud and back, durable at both ends, against MQTT and SQLite alone and
// beside other queues.
#include <atomic>
#include <filesystem>
#include <thread>

#include "common/wire/codec.h"
#include "tests/bench/report/report.h"
#include "tests/bench/support/agents.h"
#include "tests/bench/support/job_queues.h"
#include "tests/bench/support/mqtt_echo.h"
#include "tests/bench/support/owner_file.h"
#include "tests/bench/support/usage.h"
#include "tests/support/temp_dir.h"

namespace spillway::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kInput = 256;          // bytes
constexpr std::size_t kBatch = 64;           // tasks a submit request
constexpr std::size_t kOpenSubmits = 8;      // requests without an answer
constexpr std::uint64_t kUnfinished = 4096;  // tasks submitted and not done
// Each waits for the one before: accepted and offered by the agent; taken by the cloud; its result
// kept there; accepted by the agent.
constexpr double kCommitsOnPath = 4;

// Submits tasks for the cloud as fast as they are done there, or at a given pace.
class Stream {
 public:
  explicit Stream(intake::Client client) : client_(std::move(client)) {
    TaskSpec spec = echo_spec(kInput);
    spec.prefer = Prefer::cloud;
    for (std::size_t i = 0; i < kBatch; ++i) batch_.specs.push_back(wire::encode(spec));
  }

  // Tasks done per second. `pace`: tasks submitted per second; 0: as many as possible.
  Result<double> run(double seconds, double pace = 0) {
    auto before = done();
    if (!before) return std::move(before).error();
    const auto start = SteadyClock::now();
    for (paced_ = 0; seconds_since(start) < seconds;) {
      if (Status status = submit(pace > 0 ? pace * seconds_since(start) : 1e18); !status) {
        return status.error();
      }
      if (Status status = take(); !status) return status.error();
    }
    auto after = done();
    if (!after) return std::move(after).error();
    return double(*after - *before) / seconds_since(start);
  }

  // Until everything submitted is done.
  Status drain() {
    for (const auto start = SteadyClock::now(); seconds_since(start) < 60;) {
      if (Status status = take(); !status) return status;
      auto now = done();
      if (!now) return std::move(now).error();
      if (open_ == 0 && *now >= accepted_) return {};
      std::this_thread::sleep_for(10ms);
    }
    return fail(Code::timeout, "tasks of the bench were not done within 60 s");
  }

 private:
  Status submit(double allowed) {
    while (open_ < kOpenSubmits && paced_ + kBatch <= allowed &&
           accepted_ + open_ * kBatch < done_ + kUnfinished) {
      auto token = client_.send(batch_);
      if (!token) return std::move(token).error();
      open_ += 1;
      paced_ += kBatch;
    }
    return client_.flush(10s);
  }

  Status take() {
    auto answer = client_.receive(2ms);
    if (answer) {
      auto* submitted = std::get_if<wire::Submitted>(&answer->body);
      if (!submitted) return fail(Code::io, "a submit was refused");
      for (const auto& one : submitted->each) {
        if (one.error) return *one.error;
      }
      open_ -= 1;
      accepted_ += submitted->each.size();
    } else if (answer.error().code != Code::timeout) {
      return std::move(answer).error();
    }
    if (seconds_since(asked_) < 0.005) return {};
    auto now = done();
    return now ? Status() : Status(std::move(now).error());
  }

  Result<std::uint64_t> done() {
    asked_ = SteadyClock::now();
    auto view = client_.ask<NodeView>(wire::StatusRequest{}, 10s);
    if (!view) return std::move(view).error();
    if (!based_) base_ = view->done_cloud;
    based_ = true;
    return done_ = view->done_cloud - base_;
  }

  intake::Client client_;
  wire::SubmitRequest batch_;
  std::size_t open_ = 0;
  double paced_ = 0;
  std::uint64_t accepted_ = 0, done_ = 0, base_ = 0;
  bool based_ = false;
  SteadyClock::time_point asked_;
};

Result<Samples> one_by_one(const test::Testbed& bed, const std::function<bool()>& more) {
  auto client = bed.client();
  if (!client) return std::move(client).error();
  TaskSpec spec = echo_spec(kInput);
  spec.prefer = Prefer::cloud;
  Samples samples;
  while (more()) {
    const auto start = SteadyClock::now();
    if (Status status = do_one(*client, spec, kCloudName); !status) return status.error();
    samples.add(seconds_since(start));
  }
  return samples;
}

Result<Samples> alone(const test::Testbed& bed, double seconds) {
  const auto start = SteadyClock::now();
  return one_by_one(bed, [&] { return seconds_since(start) < seconds; });
}

// Latencies while others use half of what there is.
Result<Samples> beside(const test::Testbed& bed, Stream& stream, double pace, double seconds) {
  std::atomic<bool> ended{false};
  Result<Samples> samples = fail(Code::internal, "not measured");
  std::thread probe([&] { samples = one_by_one(bed, [&] { return !ended; }); });
  const Result<double> rate = stream.run(seconds, pace);
  ended = true;
  probe.join();
  if (!rate) return rate.error();
  return samples;
}

struct Limits {
  double echo_p50 = 0, echoes = 0, commit = 0;
};

Result<Limits> measure_limits(const test::Testbed& bed, const std::string& folder, double unit) {
  // A broker of its own with the same settings: the cloud would take the echo's messages for its
  // own.
  std::filesystem::create_directory(folder + "/echo");
  auto server = bed.pki().server();
  auto cloud = bed.pki().device("cloud");
  auto device = bed.pki().device("echo-device");
  if (!server || !cloud || !device) return fail(Code::io, "cannot make certificates");
  auto broker = test::Broker::start({.directory = folder + "/echo", .tls = *server});
  if (!broker) return std::move(broker).error();
  auto echo = MqttEcho::connect(broker->uri(), *cloud, "echo-device", *device);
  if (!echo) return std::move(echo).error();
  Limits limits;
  auto one = echo->run(kInput, 1, unit);
  if (!one) return std::move(one).error();
  limits.echo_p50 = one->round_trips.median();
  for (const std::size_t window : {16, 64, 256}) {
    auto many = echo->run(kInput, window, unit);
    if (!many) return std::move(many).error();
    limits.echoes = std::max(limits.echoes, many->per_second);
  }
  auto raw = OwnerFile::create(folder + "/raw.db", OwnerFile::Sync::full, echo_spec(kInput));
  if (!raw) return std::move(raw).error();
  Samples commits;
  for (const auto start = SteadyClock::now(); seconds_since(start) < unit;) {
    const auto begin = SteadyClock::now();
    if (Status inserted = raw->insert(1); !inserted) return inserted.error();
    commits.add(seconds_since(begin));
  }
  limits.commit = commits.median();
  return limits;
}

Status measure_others(const std::string& folder, double unit, double rate, Report& report) {
  const QueueLoad load{.directory = folder, .bytes = kInput, .seconds = unit};
  auto beanstalkd = beanstalkd_puts(load);
  if (!beanstalkd) return std::move(beanstalkd).error();
  auto gearman = gearman_jobs(load);
  if (!gearman) return std::move(gearman).error();
  if (*beanstalkd) {
    report.add({"offload, against beanstalkd's durable puts", rate, "tasks/s", **beanstalkd,
                Goal::at_least(2)});
  } else {
    report.condition("beanstalkd", "not installed, left out");
  }
  if (*gearman) {
    report.add({"offload, against Gearman's in-memory jobs", rate, "tasks/s", **gearman,
                Goal::at_least(1)});
  } else {
    report.condition("gearman", "not installed, left out");
  }
  return {};
}

Status measure(const Options& options, Report& report) {
  const double unit = options.quick ? 0.3 : 3;  // seconds
  test::TempDir folder("spillway-bench");
  report.condition("task", "echo of " + std::to_string(kInput) + " bytes, mutual TLS 1.3");
  auto bed = direct_bed(folder.path());
  if (!bed) return std::move(bed).error();
  auto limits = measure_limits(**bed, folder.path(), unit);
  if (!limits) return std::move(limits).error();
  auto client = (*bed)->client();
  if (!client) return std::move(client).error();
  Stream stream(*std::move(client));
  auto latency = alone(**bed, unit);
  if (!latency) return std::move(latency).error();
  if (auto warm = stream.run(unit); !warm) return std::move(warm).error();
  const double agent_cpu = cpu_seconds_of((*bed)->agent().pid());
  const double cloud_cpu = cpu_seconds_of((*bed)->cloud().pid());
  auto rate = stream.run(3 * unit);
  if (!rate) return std::move(rate).error();
  const double each = 1e6 / (*rate * 3 * unit);
  const double agent_us = (cpu_seconds_of((*bed)->agent().pid()) - agent_cpu) * each;
  const double cloud_us = (cpu_seconds_of((*bed)->cloud().pid()) - cloud_cpu) * each;
  if (Status drained = stream.drain(); !drained) return drained;
  auto loaded = beside(**bed, stream, *rate / 2, unit);
  if (!loaded) return std::move(loaded).error();
  if (Status drained = stream.drain(); !drained) return drained;
  const double path = limits->echo_p50 + kCommitsOnPath * limits->commit;
  report.add({"raw QoS 1 echo, alone, p50", limits->echo_p50 * 1e6, "us"});
  report.add({"raw QoS 1 echo, best of 16, 64 and 256 under way", limits->echoes, "echoes/s"});
  report.add({"one raw SQLite commit", limits->commit * 1e6, "us"});
  report.add(
      {"offload, against the raw echo", *rate, "tasks/s", limits->echoes, Goal::at_least(2)});
  report.add({"agent's CPU for one task", agent_us, "us"});
  report.add({"cloud's CPU for one task", cloud_us, "us"});
  if (Status others = measure_others(folder.path(), unit, *rate, report); !others) return others;
  report.add({"offload, alone, p50, against the echo and 4 commits", latency->median() * 1e6, "us",
              path * 1e6, Goal::at_most(1.5)});
  report.add({"offload, alone, p99", latency->quantile(0.99) * 1e6, "us", path * 1e6});
  report.add({"offload, at half the rate, p50", loaded->median() * 1e6, "us", path * 1e6});
  report.add({"offload, at half the rate, p99", loaded->quantile(0.99) * 1e6, "us", path * 1e6});
  return {};
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  return spillway::bench::run(argc, argv, "offload", spillway::bench::measure);
}
