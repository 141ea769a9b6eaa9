#include "tests/bench/support/watched_fleet.h"

#include <atomic>
#include <boost/json.hpp>
#include <future>

#include "cloud/http/client.h"
#include "tests/bench/support/fleet_watch.h"

namespace spillway::bench {

using namespace std::chrono_literals;

Result<std::unique_ptr<WatchedFleet>> WatchedFleet::start(const std::string& directory) {
  std::unique_ptr<WatchedFleet> watched(new WatchedFleet);
  WatchedFleet& at = *watched;
  auto opened = cloud::SqliteFleetStore::open(
      directory + "/fleet.db",
      [&at](std::function<void()> call) { at.loop_.post(std::move(call)); }, {});
  if (!opened) return opened.error();
  at.store_ = std::move(opened->store);
  at.fleet_ = std::make_unique<cloud::Fleet>(cloud::FleetOptions{}, at.clock_, at.store_.get());
  at.fleet_->start(std::move(opened->recovered));
  at.fleet_->on_link(true);
  at.turns_ = std::make_unique<process::Turns>(
      at.loop_, [&at] { return at.fleet_->now(); }, [&at] { return at.fleet_->cycle(); });
  cloud::api::ServiceOptions options;
  options.state_dir = directory;
  options.start = 1;
  cloud::api::ServiceParts parts;
  parts.loop = &at.loop_;
  parts.fleet = at.fleet_.get();
  parts.facts = [] { return cloud::api::CloudFacts{}; };
  parts.metrics = [](const cloud::http::ServerCounts&) { return std::string(); };
  parts.wall = [&at] { return at.clock_.wall_time(); };
  auto service = cloud::api::Service::start(std::move(options), std::move(parts));
  if (!service) return service.error();
  at.service_ = *std::move(service);
  at.thread_ = std::thread([&at] { at.loop_.run(); });
  auto token = at.make_token();
  if (!token) return token.error();
  at.token_ = *std::move(token);
  return watched;
}

WatchedFleet::~WatchedFleet() {
  if (!thread_.joinable()) return;
  on_loop([this](cloud::Fleet&) {
    service_.reset();
    turns_.reset();
  });
  loop_.stop();
  thread_.join();
  fleet_.reset();
  store_.reset();
}

void WatchedFleet::post(std::function<void(cloud::Fleet&)> use) {
  loop_.post([this, use = std::move(use)] {
    use(*fleet_);
    if (turns_) turns_->wake();
  });
}

double WatchedFleet::on_loop(const std::function<void(cloud::Fleet&)>& use) {
  std::promise<void> begun, done;
  const auto start = SteadyClock::now();
  SteadyClock::time_point turn;
  post([&](cloud::Fleet& fleet) {
    turn = SteadyClock::now();
    use(fleet);
    done.set_value();
  });
  done.get_future().wait();
  return std::chrono::duration<double>(turn - start).count();
}

void WatchedFleet::change(const std::string& device) {
  post([device](cloud::Fleet& fleet) {
    wire::Presence birth;
    birth.online = true;
    birth.session = 1;
    birth.boot = BootId{1};
    fleet.on_presence(device, birth);
  });
}

// Made by whoever follows the one-time link.
Result<std::string> WatchedFleet::make_token() const {
  namespace json = boost::json;
  using cloud::http::Method;
  auto client = cloud::http::Client::make({service_->url(), "", 20s});
  if (!client) return client.error();
  const std::string code = service_->link().substr(service_->link().find('=') + 1);
  auto login = client->send(Method::post, "/api/v1/session", {}, R"({"code":")" + code + "\"}");
  if (!login) return login.error();
  std::string cookie;
  for (const auto& [name, value] : login->headers) {
    if (name == "set-cookie") cookie = value.substr(0, value.find(';'));
  }
  boost::system::error_code error;
  json::value me = json::parse(login->body, error);
  const json::value* csrf = error ? nullptr : me.find_pointer("/csrf", error);
  if (!csrf) return fail(Code::denied, "the one-time link was refused: " + login->body);
  auto made = client->send(Method::post, "/api/v1/tokens",
                           {{"cookie", cookie}, {"x-csrf-token", std::string(csrf->as_string())}},
                           R"({"name":"bench","scope":"read"})");
  if (!made) return made.error();
  json::value token = json::parse(made->body, error);
  const json::value* secret = error ? nullptr : token.find_pointer("/secret", error);
  if (!secret) return fail(Code::denied, "no token was made: " + made->body);
  return std::string(secret->as_string());
}

namespace {

void births(WatchedFleet& fleet, std::uint32_t devices) {
  for (std::uint32_t first = 0; first < devices; first += 1000) {
    fleet.on_loop([&](cloud::Fleet& into) {
      for (std::uint32_t i = first; i < std::min(devices, first + 1000); ++i) {
        wire::Presence birth;
        birth.online = true;
        birth.session = 1;
        birth.boot = BootId{i + 1};
        birth.version = "1.0.0";
        birth.machine = "aarch64";
        birth.kinds = {{"echo", 1}, {"stats.window", 1}};
        into.on_presence(plain_name(i), birth);
      }
    });
  }
}

// Frames of all devices, evenly over ten seconds, in the portions in which a broker hands them on.
void report_all(WatchedFleet& fleet, std::uint32_t devices, const std::atomic<bool>& ended,
                std::atomic<std::uint64_t>& sent) {
  constexpr std::uint32_t kPortions = 1000;
  const auto start = SteadyClock::now();
  for (std::uint64_t portion = 0; !ended; ++portion) {
    const std::uint64_t seq = 1 + portion / kPortions;
    for (auto i = std::uint32_t(portion % kPortions); i < devices; i += kPortions) {
      Bytes frame = plain_frame(i, 1, seq, fleet.wall());
      fleet.post([&sent, name = plain_name(i), frame = std::move(frame)](cloud::Fleet& into) {
        into.on_telemetry(name, frame);
        ++sent;
      });
    }
    std::this_thread::sleep_until(start + 10ms * (portion + 1));
  }
}

Status ask_lists(const WatchedFleet& fleet, double seconds, ListTimes& times) {
  auto client = cloud::http::Client::make({fleet.service().url(), "", 20s});
  if (!client) return client.error();
  const cloud::http::Headers headers{{"authorization", "Bearer " + fleet.token()}};
  const auto start = SteadyClock::now();
  for (std::uint32_t i = 0; seconds_since(start) < seconds; ++i) {
    const bool sorted = i % 2 == 1;
    const std::string target =
        sorted ? "/api/v1/devices?limit=100&q=5&health=operational,degraded&sort=-temperature"
               : "/api/v1/devices?limit=100&q=" + std::to_string(100 + i * 7919 % 900);
    const auto asked = SteadyClock::now();
    auto page = client->send(cloud::http::Method::get, target, headers);
    const double took = seconds_since(asked);
    if (!page) return page.error();
    if (page->status != 200) return fail(Code::internal, target + ": " + page->body);
    (sorted ? times.sorted : times.by_name).add(took);
  }
  return {};
}

}  // namespace

Result<ListTimes> measure_lists(const std::string& directory, std::uint32_t devices,
                                double seconds) {
  auto fleet = WatchedFleet::start(directory);
  if (!fleet) return fleet.error();
  births(**fleet, devices);
  ListTimes times;
  std::atomic<bool> ended{false};
  std::atomic<std::uint64_t> sent{0};
  std::thread reports([&] { report_all(**fleet, devices, ended, sent); });
  std::thread newcomers([&] {
    while (!ended) {
      times.turns.add((*fleet)->on_loop([](cloud::Fleet&) {}));
      std::this_thread::sleep_for(1ms);
    }
  });
  std::this_thread::sleep_for(11s);  // each has reported once
  const std::uint64_t before = sent;
  const auto start = SteadyClock::now();
  const Status asked = ask_lists(**fleet, seconds, times);
  times.frames = double(sent - before) / seconds_since(start);
  ended = true;
  reports.join();
  newcomers.join();
  if (!asked) return asked.error();
  return times;
}

}  // namespace spillway::bench
