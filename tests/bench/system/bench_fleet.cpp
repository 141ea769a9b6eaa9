// How many devices one cloud can watch: frames taken, memory, queries, and what happens when
// devices die and when all of them come back at once.
#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <deque>
#include <filesystem>
#include <functional>
#include <mutex>

#include "cloud/ctl/api.h"
#include "common/base/clock.h"
#include "tests/bench/report/report.h"
#include "tests/bench/report/samples.h"
#include "tests/bench/support/agents.h"
#include "tests/bench/support/fleet_watch.h"
#include "tests/bench/support/stream_fanout.h"
#include "tests/bench/support/usage.h"
#include "tests/bench/support/watched_fleet.h"
#include "tests/support/broker.h"
#include "tests/support/eventually.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"
#include "tests/support/testbed.h"

namespace spillway::bench {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

// Answers of the store, taken by the measuring thread.
class Answers {
 public:
  sqlite::Poster poster() {
    return [this](std::function<void()> call) {
      std::lock_guard lock(mutex_);
      calls_.push_back(std::move(call));
    };
  }
  void take() {
    std::unique_lock lock(mutex_);
    while (!calls_.empty()) {
      auto call = std::move(calls_.front());
      calls_.pop_front();
      lock.unlock();
      call();
      lock.lock();
    }
  }

 private:
  std::mutex mutex_;
  std::deque<std::function<void()>> calls_;
};

// A fleet that is fed at once, without a broker: the ingest and the queries alone.
class FedFleet {
 public:
  static Result<std::unique_ptr<FedFleet>> create(const std::string& directory,
                                                  std::uint32_t devices) {
    std::unique_ptr<FedFleet> fed(new FedFleet);
    fed->devices_ = devices;
    fed->clock_.advance(1h);
    fed->clock_.step_wall(1'700'000'000s);
    auto opened =
        cloud::SqliteFleetStore::open(directory + "/fleet.db", fed->answers_.poster(), {});
    if (!opened) return opened.error();
    fed->store_ = std::move(opened->store);
    fed->fleet_ =
        std::make_unique<cloud::Fleet>(cloud::FleetOptions{}, fed->clock_, fed->store_.get());
    fed->fleet_->start(std::move(opened->recovered));
    fed->fleet_->on_link(true);
    return fed;
  }

  ~FedFleet() {
    fleet_.reset();
    store_.reset();
  }

  // Births of all; seconds it took.
  double births() {
    wire::Presence birth;
    birth.online = true;
    birth.session = 1;
    birth.version = "1.0.0";
    birth.machine = "aarch64";
    birth.kinds = {{"echo", 1}, {"stats.window", 1}};
    double spent = 0;
    for (std::uint32_t i = 0; i < devices_; ++i) {
      birth.boot = BootId{i + 1};
      std::string name = plain_name(i);
      const auto start = SteadyClock::now();
      fleet_->on_presence(name, birth);
      spent += seconds_since(start);
      if (i % 1000 == 0) spent += turn();
    }
    return spent;
  }

  // One frame of each device over ten seconds; seconds it took, turns included.
  double round(std::uint64_t seq) {
    constexpr std::uint32_t kSlices = 20;
    double spent = 0;
    std::vector<Bytes> frames;
    std::vector<std::string> names;
    for (std::uint32_t slice = 0; slice < kSlices; ++slice) {
      frames.clear();
      names.clear();
      for (std::uint32_t i = slice; i < devices_; i += kSlices) {
        names.push_back(plain_name(i));
        frames.push_back(plain_frame(i, 1, seq, clock_.wall_time()));
        frame_bytes_ += double(frames.back().size());
      }
      const auto start = SteadyClock::now();
      for (std::size_t i = 0; i < frames.size(); ++i) fleet_->on_telemetry(names[i], frames[i]);
      spent += seconds_since(start);
      clock_.advance(500ms);
      spent += turn();
    }
    return spent;
  }

  double turn() {
    const auto start = SteadyClock::now();
    answers_.take();
    (void)fleet_->cycle();
    turns_.add(seconds_since(start));
    return seconds_since(start);
  }

  Samples time(std::size_t times, const std::function<void(cloud::Fleet&, std::size_t)>& ask) {
    Samples samples;
    for (std::size_t i = 0; i < times; ++i) {
      const auto start = SteadyClock::now();
      ask(*fleet_, i);
      samples.add(seconds_since(start));
    }
    return samples;
  }

  const Samples& turns() const { return turns_; }
  double frame_bytes() const { return frame_bytes_; }

 private:
  FedFleet() = default;
  ManualClock clock_;
  Answers answers_;
  std::unique_ptr<cloud::SqliteFleetStore> store_;
  std::unique_ptr<cloud::Fleet> fleet_;
  std::uint32_t devices_ = 0;
  Samples turns_;
  double frame_bytes_ = 0;
};

std::string of(std::uint32_t devices) { return std::to_string(devices) + " devices: "; }

void measure_queries(FedFleet& fed, std::uint32_t devices, std::size_t times, Report& report) {
  auto add = [&](const char* what, const Samples& samples) {
    report.add({of(devices) + what + ", asked directly, p50", samples.median() * 1e3, "ms"});
    report.add({of(devices) + what + ", asked directly, p99", samples.quantile(0.99) * 1e3, "ms"});
  };
  add("fleet summary",
      fed.time(times, [](cloud::Fleet& fleet, std::size_t) { (void)fleet.summary(); }));
  add("device list by name", fed.time(times, [&](cloud::Fleet& fleet, std::size_t i) {
    cloud::DeviceQuery query;
    query.after = cloud::DevicePosition{0, plain_name(std::uint32_t(i * 7919 % devices))};
    (void)fleet.devices(query);
  }));
  add("device list by temperature, filtered", fed.time(times, [](cloud::Fleet& fleet, std::size_t) {
    cloud::DeviceQuery query;
    query.filter.text = "5";
    query.filter.health = {cloud::Health::operational, cloud::Health::degraded};
    query.sort = *cloud::device_sort_of("temperature");
    query.descending = true;
    (void)fleet.devices(query);
  }));
}

Status measure_fed(const std::string& folder, std::uint32_t devices, const Options& options,
                   Report& report) {
  const std::string directory = folder + "/fed-" + std::to_string(devices);
  std::filesystem::create_directory(directory);
  malloc_trim(0);
  const std::uint64_t before = memory_of(getpid()).rss;
  auto fed = FedFleet::create(directory, devices);
  if (!fed) return fed.error();
  const double births = (*fed)->births();
  // Twenty minutes, so that quarters close and go to the disk.
  const std::uint64_t rounds = options.quick ? 3 : 120;
  double spent = 0;
  for (std::uint64_t seq = 1; seq <= rounds; ++seq) spent += (*fed)->round(seq);
  malloc_trim(0);
  const std::uint64_t after = memory_of(getpid()).rss;
  const double frames = double(rounds) * devices;
  report.add({of(devices) + "births taken", devices / births, "births/s"});
  report.add({of(devices) + "frames taken, with health, alerts, roll-ups and store", frames / spent,
              "frames/s"});
  report.add(
      {of(devices) + "mean frame", (*fed)->frame_bytes() / frames, "bytes", 200, Goal::at_most(1)});
  // Below that size what a fleet of any size needs weighs more.
  const auto goal = devices == 100'000 ? std::optional(Goal::at_most(1)) : std::nullopt;
  report.add({of(devices) + "memory a device", double(after - std::min(before, after)) / devices,
              "bytes", 2048, goal});
  report.add({of(devices) + "longest turn of the loop", (*fed)->turns().quantile(1) * 1e3, "ms"});
  measure_queries(**fed, devices, options.quick ? 20 : 300, report);
  return {};
}

// Messages a second that reach `count` while the flood runs.
double rate_of(const std::function<std::uint64_t()>& count, double seconds) {
  std::this_thread::sleep_for(500ms);
  const std::uint64_t before = count();
  const auto start = SteadyClock::now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  return double(count() - before) / seconds_since(start);
}

Status measure_ingest(const std::string& folder, std::uint32_t devices, const Options& options,
                      Report& report) {
  const double seconds = options.quick ? 1 : 8;
  const std::string directory = folder + "/ingest-" + std::to_string(devices);
  std::filesystem::create_directory(directory);
  auto broker = test::Broker::start({.directory = directory, .tls = {}, .more = {}});
  if (!broker) return broker.error();
  double raw_rate = 0, rate = 0;
  {
    auto raw = RawSubscriber::start(broker->uri());
    if (!raw) return raw.error();
    FrameFlood flood(broker->uri(), devices, 1);
    raw_rate = rate_of([&] { return (*raw)->messages(); }, seconds);
  }
  {
    auto watch = FleetWatch::start(directory, broker->uri(), nullptr);
    if (!watch) return watch.error();
    FrameFlood flood(broker->uri(), devices, 2);
    rate = rate_of([&] { return (*watch)->frames(); }, seconds);
  }
  report.add(
      {of(devices) + "frames through the broker into the fleet, against subscribe and discard",
       rate, "frames/s", raw_rate});
  return {};
}

Status measure_streams(const std::string& folder, const Options& options, Report& report) {
  const std::size_t clients = options.quick ? 50 : 1000;
  const std::string directory = folder + "/streams";
  std::filesystem::create_directory(directory);
  auto found = measure_fanout(directory, clients, options.quick ? 3 : 60);
  if (!found) return found.error();
  const std::string all = "a change reaches " + std::to_string(clients) + " event streams, ";
  report.add({all + "the first, p50", found->first.median() * 1e3, "ms"});
  report.add({all + "the last, p50", found->last.median() * 1e3, "ms"});
  report.add(
      {all + "the last, p99", found->last.quantile(0.99) * 1e3, "ms", 500, Goal::at_most(1)});
  return {};
}

Status measure_lists_over_http(const std::string& folder, std::uint32_t devices,
                               const Options& options, Report& report) {
  const std::string directory = folder + "/lists-" + std::to_string(devices);
  std::filesystem::create_directory(directory);
  auto found = measure_lists(directory, devices, options.quick ? 1 : 20);
  if (!found) return found.error();
  auto add = [&](const std::string& what, const Samples& samples) {
    report.add({of(devices) + what + ", p50", samples.median() * 1e3, "ms"});
    report.add(
        {of(devices) + what + ", p99", samples.quantile(0.99) * 1e3, "ms", 50, Goal::at_most(1)});
  };
  add("list over HTTP while all report, a part of the name", found->by_name);
  add("list over HTTP while all report, filtered and sorted", found->sorted);
  report.add(
      {of(devices) + "longest turn of the loop meanwhile", found->turns.quantile(1) * 1e3, "ms"});
  report.add({of(devices) + "frames taken meanwhile", found->frames, "frames/s", devices / 10.0,
              Goal::at_least(0.99)});
  return {};
}

// spillway-fleetsim beside a broker, its certificate and its output in `folder`.
Result<test::Process> start_swarm(const std::string& folder, const std::string& broker,
                                  const test::Credentials& who, std::uint32_t devices,
                                  const std::vector<std::string>& more) {
  std::vector<std::string> argv = {program_path("spillway-fleetsim"),
                                   "--broker",
                                   broker,
                                   "--ca",
                                   who.ca,
                                   "--cert",
                                   who.certificate,
                                   "--key",
                                   who.key,
                                   "-n",
                                   std::to_string(devices),
                                   "--outages",
                                   "0",
                                   "--restarts",
                                   "0"};
  argv.insert(argv.end(), more.begin(), more.end());
  return test::Process::start(
      {.argv = argv, .output = folder + "/sim.json", .errors = folder + "/sim.err"});
}

class Simulation {
 public:
  static Result<Simulation> start(const std::string& folder, std::uint32_t devices,
                                  const std::vector<std::string>& more) {
    auto pki = test::Pki::create(folder);
    if (!pki) return pki.error();
    auto server = pki->server();
    auto cloud = pki->device("cloud");
    auto fleet = pki->device("fleetsim");
    if (!server || !cloud || !fleet) return fail(Code::io, "cannot make certificates");
    auto broker = test::Broker::start(
        {.directory = folder, .tls = *server, .more = {}, .simulator = *server});
    if (!broker) return broker.error();
    auto watch = FleetWatch::start(folder, broker->uri(), &*cloud);
    if (!watch) return watch.error();
    auto process = start_swarm(folder, broker->simulator_uri(), *fleet, devices, more);
    if (!process) return process.error();
    return Simulation(*std::move(broker), *std::move(watch), *std::move(process));
  }

  std::uint64_t online() { return watch->summary().online; }
  Status wait_online(std::uint64_t count, std::chrono::seconds most) {
    bool there = test::eventually(most, [&] { return online() >= count; });
    if (there) return {};
    return fail(Code::timeout, "only " + std::to_string(online()) + " of " + std::to_string(count) +
                                   " devices came");
  }

  test::Broker broker;
  std::unique_ptr<FleetWatch> watch;
  test::Process process;

 private:
  Simulation(test::Broker b, std::unique_ptr<FleetWatch> w, test::Process p)
      : broker(std::move(b)), watch(std::move(w)), process(std::move(p)) {}
};

Status measure_detection(const std::string& folder, const Options& options, Report& report) {
  const std::uint32_t devices = options.quick ? 50 : 1000;
  const std::string directory = folder + "/detect";
  std::filesystem::create_directory(directory);
  auto sim = Simulation::start(directory, devices, {"--interval", "10"});
  if (!sim) return sim.error();
  if (Status up = sim->wait_online(devices, 60s); !up) return up;
  std::this_thread::sleep_for(options.quick ? 1s : 12s);
  // Stopped, not ended: its sockets stay open, so nothing but silence tells.
  ::kill(sim->process.pid(), SIGSTOP);
  auto start = SteadyClock::now();
  bool gone = test::eventually(60s, [&] { return sim->online() == 0; });
  const double silent = seconds_since(start);
  ::kill(sim->process.pid(), SIGCONT);
  if (!gone) return fail(Code::timeout, "silent devices were not missed");
  if (Status up = sim->wait_online(devices, 60s); !up) return up;
  start = SteadyClock::now();
  ::kill(sim->process.pid(), SIGKILL);
  gone = test::eventually(60s, [&] { return sim->online() == 0; });
  if (!gone) return fail(Code::timeout, "wills did not come");
  report.add({"silent device counted as dead, all of " + std::to_string(devices), silent, "s", 31,
              Goal::at_most(1.2)});
  report.add({"killed device counted as dead, all of " + std::to_string(devices),
              seconds_since(start), "s"});
  return {};
}

Status measure_reconnect(const std::string& folder, const Options& options, Report& report) {
  const std::uint32_t devices = options.quick ? 100 : 10'000;
  const std::uint32_t cap = options.quick ? 100 : 300;
  const std::string directory = folder + "/reconnect";
  std::filesystem::create_directory(directory);
  auto sim = Simulation::start(directory, devices, {"--connects", std::to_string(cap)});
  if (!sim) return sim.error();
  auto start = SteadyClock::now();
  if (Status up = sim->wait_online(devices, 300s); !up) return up;
  report.add({of(devices) + "all connected for the first time", seconds_since(start), "s"});
  report.add({of(devices) + "broker's memory a connection",
              double(memory_of(sim->broker.pid()).rss) / devices, "bytes"});
  report.add({of(devices) + "simulator's memory a device",
              double(memory_of(sim->process.pid()).rss) / devices, "bytes"});
  sim->broker.stop();
  if (Status again = sim->broker.start_again(); !again) return again;
  start = SteadyClock::now();
  // Each is back once it was heard in a session that began after the restart.
  const auto wall =
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch());
  auto back = [&] {
    std::uint64_t heard = 0;
    sim->watch->on_loop([&](cloud::Fleet& fleet) {
      cloud::DeviceQuery query;
      query.limit = 1000;
      query.sort = cloud::DeviceSort::last_seen;
      query.descending = true;
      query.filter.online = true;
      for (bool more = true; more;) {
        cloud::DevicePage page = fleet.devices(query);
        for (const cloud::DeviceRow& row : page.devices) heard += row.last_seen >= wall;
        more = page.next.has_value();
        query.after = page.next;
      }
    });
    return heard >= devices;
  };
  if (!test::eventually(300s, back)) return fail(Code::timeout, "not all devices came back");
  const double took = seconds_since(start);
  sim->process.signal(SIGINT);
  (void)sim->process.wait(10s);
  const std::string json = test::read_text(directory + "/sim.json");
  std::size_t at = json.find("\"peak_connects_per_second\":");
  const double peak = at == json.npos ? 0 : std::stod(json.substr(at + 27));
  report.add({of(devices) + "all back after a broker restart", took, "s", devices / double(cap),
              Goal::at_most(1.5)});
  report.add({of(devices) + "peak connects a second, against the cap", peak, "connects/s",
              double(cap), Goal::at_most(1.1)});
  return {};
}

std::uint64_t number(const Result<json::value>& body, const char* pointer) {
  boost::system::error_code error;
  const json::value* found = body ? body->find_pointer(pointer, error) : nullptr;
  return found != nullptr ? found->to_number<std::uint64_t>(error) : 0;
}

Result<ctl::Api> log_in(const std::string& directory) {
  std::string link;
  (void)test::eventually(10s, [&] {
    link = test::read_text(directory + "/cloud/link.txt");
    return !link.empty();
  });
  return ctl::Api::log_in(link.substr(0, link.find('\n')), "");
}

// A task for each device of a whole spillway-cloud, and the broker restarted while they are on
// their way: how many are done, each once, in the end.
Status measure_dispatched(const std::string& folder, const Options& options, Report& report) {
  const std::uint32_t devices = options.quick ? 100 : 10'000;
  const std::string directory = folder + "/sent";
  std::filesystem::create_directory(directory);
  test::TestbedOptions options_of_bed;
  options_of_bed.directory = directory;
  options_of_bed.simulated = true;  // one certificate for all
  auto bed = test::Testbed::start(options_of_bed);
  if (!bed) return bed.error();
  auto api = log_in(directory);
  if (!api) return api.error();
  auto who = (*bed)->pki().device("fleetsim");
  if (!who) return who.error();
  auto swarm = start_swarm(directory, (*bed)->broker().simulator_uri(), *who, devices,
                           {"--connects", "300", "--run-seconds", "1"});
  if (!swarm) return swarm.error();
  // The testbed has an agent of its own.
  const bool up = test::eventually(
      300s, [&] { return number(api->get("/fleet/summary"), "/online") > devices; });
  if (!up) return fail(Code::timeout, "not all devices came");
  const json::value task{{"kind", "echo"}, {"input", "x"}, {"select", {{"q", "sim-"}}}};
  auto sent = api->call(ctl::Method::post, "/tasks/dispatched", &task);
  if (!sent) return sent.error();
  const std::string group = "/task-groups/" + std::string(sent->at("group").as_string());
  // Counting a group reads it: not more often than somebody who watches would ask.
  const auto done = [&] {
    std::this_thread::sleep_for(500ms);
    return number(api->get(group), "/states/succeeded");
  };
  const auto start = SteadyClock::now();
  (void)test::eventually(30s, [&] { return done() > devices / 20; });
  const double before = double(done());
  (*bed)->broker().stop();
  if (Status again = (*bed)->broker().start_again(); !again) return again;
  (void)test::eventually(300s, [&] { return done() >= devices; });
  const double took = seconds_since(start);
  const std::string all = of(devices) + "a task sent to each, broker restarted on the way, ";
  report.add({all + "done before", before, "tasks", double(devices)});
  report.add({all + "done once all are back", double(done()), "tasks", double(devices),
              Goal::at_least(1)});
  report.add({all + "from the first to the last", took, "s"});
  swarm->signal(SIGINT);
  (void)swarm->wait(10s);
  return {};
}

Status measure(const Options& options, Report& report) {
  test::TempDir folder("spillway-bench-fleet");
  const std::vector<std::uint32_t> sizes = options.quick
                                               ? std::vector<std::uint32_t>{200}
                                               : std::vector<std::uint32_t>{1000, 10'000, 100'000};
  for (std::uint32_t devices : sizes) {
    if (Status done = measure_fed(folder.path(), devices, options, report); !done) return done;
  }
  for (std::uint32_t devices : sizes) {
    Status done = measure_lists_over_http(folder.path(), devices, options, report);
    if (!done) return done;
  }
  for (std::uint32_t devices : sizes) {
    if (devices > 10'000) continue;
    if (Status done = measure_ingest(folder.path(), devices, options, report); !done) return done;
  }
  if (Status done = measure_streams(folder.path(), options, report); !done) return done;
  if (Status done = measure_detection(folder.path(), options, report); !done) return done;
  if (Status done = measure_reconnect(folder.path(), options, report); !done) return done;
  if (Status done = measure_dispatched(folder.path(), options, report); !done) return done;
  report.condition("frames and queries", "given to the ingest directly, twenty minutes of frames");
  report.condition("through the broker", "without TLS, one publisher with 8 connections");
  report.condition("detection and reconnect", "mutual TLS 1.3, one certificate for all devices");
  return {};
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  return spillway::bench::run(argc, argv, "fleet", spillway::bench::measure);
}
