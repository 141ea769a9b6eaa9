#include "tests/bench/support/fleet_watch.h"

#include <asio.hpp>
#include <cstdio>
#include <future>
#include <random>

#include "cloud/fleetsim/link.h"
#include "common/crypto/random.h"
#include "common/wire/topics.h"
#include "tests/bench/report/samples.h"

namespace spillway::bench {
namespace {

using namespace std::chrono_literals;
using wire::Metric;

mqtt::ConnectOptions options_of(const std::string& uri, const test::Credentials* credentials) {
  mqtt::ConnectOptions options;
  options.uri = uri;
  options.client_id = "cloud";
  if (credentials) {
    options.tls = mqtt::Tls{credentials->ca, credentials->certificate, credentials->key};
  }
  return options;
}

}  // namespace

Result<std::unique_ptr<FleetWatch>> FleetWatch::start(const std::string& directory,
                                                      const std::string& uri,
                                                      const test::Credentials* credentials) {
  std::unique_ptr<FleetWatch> watch(new FleetWatch);
  FleetWatch& at = *watch;
  auto opened = cloud::SqliteFleetStore::open(
      directory + "/fleet.db",
      [&at](std::function<void()> call) { at.loop_.post(std::move(call)); }, {});
  if (!opened) return opened.error();
  at.store_ = std::move(opened->store);
  at.fleet_ = std::make_unique<cloud::Fleet>(cloud::FleetOptions{}, at.clock_, at.store_.get());
  at.fleet_->start(std::move(opened->recovered));
  at.transport_ = std::make_unique<mqtt::PahoTransport>(at.loop_);
  link::Hooks hooks;
  hooks.now = [&at] { return at.fleet_->now(); };
  hooks.random = [] { return crypto::random_u64(); };
  hooks.wall = [&at] { return at.clock_.wall_time(); };
  cloud::SessionEvents events;
  events.up = [&at] { at.fleet_->on_link(true); };
  events.down = [&at](const Error&) { at.fleet_->on_link(false); };
  events.device = [](const std::string&, const wire::Presence&) {};
  events.item = [](const std::string&, const wire::Item&) {};
  events.refused = [](const std::string&, const std::string&) {};
  events.changed = [&at] {
    if (at.session_turns_) at.session_turns_->wake();
  };
  using link::Births;
  events.state = [&at](const std::string& device, const wire::Presence& said, Births::Sign sign) {
    at.fleet_->on_presence(device, said, sign != Births::Sign::none);
  };
  events.telemetry = [&at](const std::string& device, ByteView frame) {
    at.fleet_->on_telemetry(device, frame);
    at.frames_.fetch_add(1, std::memory_order_relaxed);
  };
  cloud::SessionOptions session;
  session.client_id = "cloud";
  session.broker = options_of(uri, credentials);
  session.session_base = 1;
  at.session_ = std::make_unique<cloud::CloudSession>(*at.transport_, std::move(session),
                                                      std::move(hooks), std::move(events));
  at.turns_ = std::make_unique<process::Turns>(
      at.loop_, [&at] { return at.fleet_->now(); }, [&at] { return at.fleet_->cycle(); });
  at.session_turns_ = std::make_unique<process::Turns>(
      at.loop_, [&at] { return at.fleet_->now(); },
      [&at] {
        link::Connection& connection = at.session_->connection();
        connection.pump();
        if (at.fleet_->now() >= connection.next_timer()) connection.on_timer();
        return connection.next_timer();
      });
  at.loop_.post([&at] {
    at.session_->start();
    at.turns_->wake();
  });
  at.thread_ = std::thread([&at] { at.loop_.run(); });
  return watch;
}

FleetWatch::~FleetWatch() {
  on_loop([this](cloud::Fleet& fleet) {
    turns_.reset();
    session_turns_.reset();
    session_->stop();
    fleet.flush();
  });
  loop_.stop();
  thread_.join();
  session_.reset();
  transport_.reset();
  fleet_.reset();
  store_.reset();
}

void FleetWatch::on_loop(const std::function<void(cloud::Fleet&)>& use) {
  std::promise<void> done;
  loop_.post([&] {
    use(*fleet_);
    done.set_value();
  });
  done.get_future().wait();
}

cloud::FleetSummary FleetWatch::summary() {
  cloud::FleetSummary sum;
  on_loop([&](cloud::Fleet& fleet) { sum = fleet.summary(); });
  return sum;
}

Result<std::unique_ptr<RawSubscriber>> RawSubscriber::start(const std::string& uri) {
  std::unique_ptr<RawSubscriber> raw(new RawSubscriber);
  RawSubscriber& at = *raw;
  at.transport_ = std::make_unique<mqtt::PahoTransport>(at.loop_);
  at.transport_->listen({
      .connected = [&at] { at.up_ = at.transport_->subscribe({"spw/1/+/+/up/#"}).ok(); },
      .disconnected = [](const Error&) {},
      .message = [&at](const std::string&,
                       const Bytes&) { at.messages_.fetch_add(1, std::memory_order_relaxed); },
      .published = [] {},
  });
  at.loop_.post([&at, uri] { at.transport_->connect(options_of(uri, nullptr)); });
  at.thread_ = std::thread([&at] { at.loop_.run(); });
  for (const auto start = SteadyClock::now(); !at.up_;) {
    if (seconds_since(start) > 10) return fail(Code::timeout, "the broker did not answer");
    std::this_thread::sleep_for(10ms);
  }
  return raw;
}

RawSubscriber::~RawSubscriber() {
  loop_.stop();
  thread_.join();
  transport_.reset();
}

FrameFlood::FrameFlood(const std::string& uri, std::uint32_t devices, std::uint64_t session)
    : thread_([this, uri, devices, session] { run(uri, devices, session); }) {}

FrameFlood::~FrameFlood() {
  ended_ = true;
  thread_.join();
}

void FrameFlood::run(const std::string& uri, std::uint32_t devices, std::uint64_t session) {
  constexpr std::size_t kLinks = 8, kQueued = 64;
  asio::io_context loop(1);
  auto port = std::uint16_t(std::stoi(uri.substr(uri.rfind(':') + 1)));
  asio::ip::tcp::endpoint broker(asio::ip::address_v4::loopback(), port);
  std::vector<std::string> topics;
  for (std::uint32_t i = 0; i < devices; ++i) {
    topics.push_back(wire::to_string({plain_name(i), wire::Direction::up, wire::Channel::tel}));
  }
  std::vector<std::shared_ptr<fleetsim::Link>> links;
  std::vector<bool> ready(kLinks);
  for (std::size_t i = 0; i < kLinks; ++i) {
    fleetsim::LinkEvents events;
    events.packet = [&ready, i](const fleetsim::Packet& packet) {
      if (packet.type == fleetsim::PacketType::connack) ready[i] = says_yes(packet);
    };
    events.open = [&links, i] {
      links[i]->send(fleetsim::connect_packet("flood-" + std::to_string(i), 60, {"flood", {}}));
    };
    events.closed = [](const std::string&) {};
    links.push_back(std::make_shared<fleetsim::Link>(loop, nullptr, std::move(events)));
    links.back()->open(broker, "127.0.0.1");
  }
  std::uint32_t device = 0;
  std::uint64_t seq = 1;
  while (!ended_) {
    loop.poll();
    bool any = false;
    for (std::size_t i = 0; i < kLinks; ++i) {
      while (ready[i] && links[i]->is_open() && links[i]->queued() < kQueued) {
        Bytes frame = plain_frame(device, session, seq, std::chrono::seconds(1'700'000'000));
        links[i]->send(fleetsim::publish_packet({topics[device], frame, 0, false}));
        if (++device == devices) {
          device = 0;
          ++seq;
        }
        sent_.fetch_add(1, std::memory_order_relaxed);
        any = true;
      }
    }
    if (!any) loop.run_one_for(1ms);
    if (loop.stopped()) loop.restart();
  }
  for (auto& link : links) link->close();
  loop.poll();
}

std::string plain_name(std::uint32_t device) {
  char name[24];
  std::snprintf(name, sizeof name, "sensor-%06u", device);
  return name;
}

Bytes plain_frame(std::uint32_t device, std::uint64_t session, std::uint64_t seq, Duration wall) {
  std::uint64_t noise = (device * 2654435761ULL) ^ (seq * 40503ULL);
  wire::Telemetry frame;
  frame.session = session;
  frame.seq = seq;
  frame.sent_wall = wall;
  frame.whole = seq % 6 == 1;
  auto set = [&](Metric metric, std::uint64_t value) {
    frame.metrics.set(metric, std::int64_t(value));
  };
  set(Metric::queued_band2, noise % 40);
  set(Metric::cpu_permille, noise % 1000);
  set(Metric::temperature_mc, 40'000 + noise % 30'000);
  set(Metric::memory_used, 400'000'000 + noise % 100'000'000);
  set(Metric::done_local, seq * 20 + noise % 20);
  set(Metric::done_cloud, seq * 5 + noise % 5);
  set(Metric::rtt_us, 4000 + noise % 90'000);
  set(Metric::uptime_s, seq * 10);
  if (!frame.whole) return wire::encode(frame);
  set(Metric::memory_total, 1 << 30);
  set(Metric::disk_total, 8ULL << 30);
  set(Metric::disk_free, 5ULL << 30);
  set(Metric::local_p50_us, 9000);
  set(Metric::local_p95_us, 40'000);
  set(Metric::cloud_p50_us, 60'000);
  set(Metric::cloud_p95_us, 150'000);
  set(Metric::clock_source, 2);
  frame.cores = {10, 20, 30, 40};
  frame.kernel = "6.1.0-bench";
  return wire::encode(frame);
}

}  // namespace spillway::bench
