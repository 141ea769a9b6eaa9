#include "tests/integration/http/service_rig.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>

#include "cloud/ctl/api.h"
#include "cloud/fleet/fleet_store.h"
#include "common/wire/codec.h"
#include "common/wire/telemetry.h"

namespace spillway::test {

using namespace cloud;
using namespace cloud::api;
using namespace cloud::http;
using namespace std::chrono_literals;

namespace {

constexpr char kPage[] =
    "<!doctype html><title>Spillway</title><script src=\"/assets/app-1.js\"></script>";
constexpr char kPacked[] = "packed";
const Asset kAssets[] = {
    {"/", "text/html; charset=utf-8", "\"page\"", false, as_bytes(kPage), {}, {}},
    {"/assets/app-1.js",
     "text/javascript; charset=utf-8",
     "\"app\"",
     true,
     {},
     as_bytes(kPacked),
     as_bytes(kPage)}};

wire::Presence birth(std::uint64_t session) {
  wire::Presence presence;
  presence.online = true;
  presence.session = session;
  presence.boot = BootId{1};
  presence.version = "1.2.3";
  presence.machine = "aarch64";
  presence.workers = 4;
  presence.memory = 1 << 30;
  presence.tags = {"gpu"};
  presence.kinds = {{"echo", 1}, {"stats.window", 2}};
  return presence;
}

// The story of the task that the tests ask for: a local attempt that failed, and one that the cloud
// ran.
wire::TaskStory story() {
  TaskResult history;
  wire::TaskStory story;
  history.id = story.id = *parse_task_id(ServiceRig::kTask);
  story.kind = "echo";
  story.state = history.outcome = TaskState::succeeded;
  const auto at = [](int ms) { return NodeTime(1h + std::chrono::milliseconds(ms)); };
  history.attempts = {{Epoch{1},
                       kHereName,
                       FailureClass::timeout,
                       {at(0), at(1), at(1), at(1), at(9), at(9), at(10)}},
                      {Epoch{2},
                       kCloudName,
                       FailureClass::none,
                       {at(10), at(11), at(12), at(12), at(14), at(15), at(16)}}};
  story.created = at(0);
  story.line = std::chrono::hours(24 * 20'600);
  story.history = wire::encode(history);
  Explanation why;
  why.epoch = Epoch{2};
  why.chosen = kCloudName;
  why.dominant = "no core here is free sooner";
  why.candidates = {{kHereName, false, "its tags are missing"},
                    {kCloudName, true, why.dominant, 1ms, 2ms, 3ms, 9ms, 0.006}};
  story.why = wire::encode(why);
  return story;
}

CloudFacts facts() {
  CloudFacts facts;
  facts.name = "cloud";
  facts.version = "1.2.3";
  facts.started = 1'700'000'000s;
  facts.uptime = 5s;
  facts.broker = "mqtts://127.0.0.1:8883";
  facts.connected = true;
  facts.set_aside = {"ledger.db.damaged-1764457200"};
  facts.restored = 1'764'457'200s;
  facts.problem =
      "this cloud's state was restored from an earlier copy: pump-7 remembers a later one";
  facts.broker_terms = {{"keep alive 20 s", ""}, {"no wildcards", "allow them"}};
  facts.workers = 2;
  for (const char* name : {"accepted", "refused", "done", "failed", "answered", "repeated",
                           "malformed", "barred", "flooding", "damaged"}) {
    facts.counters.emplace_back(name, 1);
  }
  facts.kinds = {"echo", "spin"};
  return facts;
}

}  // namespace

ServiceRig::ServiceRig(bool with_devices) {
  FleetOptions options;
  options.change_interval = 20ms;
  fleet_ = std::make_unique<Fleet>(options, clock_, nullptr);
  fleet_->start(FleetRecovered{});
  fleet_->on_link(true);
  if (with_devices) fill(*fleet_);
  open_dispatch();
  start();
  thread_ = std::thread([this] { loop_.run(); });
}

ServiceRig::~ServiceRig() {
  stop();
  // What its store still answers would find it gone.
  loop_.stop();
  thread_.join();
  dispatched_.reset();
  dispatch_.reset();
}

void ServiceRig::fill(Fleet& fleet) const {
  for (const char* name : {"pump-1", "pump-2", "valve-1"}) {
    fleet.on_presence(name, birth(1));
    wire::Telemetry telemetry;
    telemetry.session = 1;
    telemetry.seq = 1;
    telemetry.whole = true;
    telemetry.sent_wall = clock_.wall_time();
    telemetry.metrics.set(wire::Metric::queued_band2, 7);
    telemetry.metrics.set(wire::Metric::cpu_permille, 420);
    telemetry.metrics.set(wire::Metric::temperature_mc, 51'500);
    telemetry.cores = {40, 44};
    telemetry.kernel = "6.1.0";
    fleet.on_telemetry(name, wire::encode(telemetry));
    fleet.on_loss(name, {{"telemetry", "disk_budget", 3, 1'700'000'000s, 1'700'000'100s}});
  }
  for (std::uint64_t seq = 1; seq <= 9; ++seq) {
    OffloadedTask task;
    task.id = TaskId{Origin{0xaa}, seq};
    task.device = seq % 2 == 0 ? "pump-2" : "pump-1";
    task.kind = "echo";
    task.epoch = Epoch{seq == 7 ? 2U : 1U};
    task.state = lifecycle::LeaseState::done;
    task.accepted = clock_.wall_time();
    task.started = task.accepted + 1ms;
    task.ended = task.accepted + 3ms;
    task.ran = 2ms;
    fleet.on_task(task);
  }
  fleet.on_story("pump-1", story());
  (void)fleet.cycle();
}

void ServiceRig::open_dispatch() {
  auto poster = [this](std::function<void()> call) { loop_.post(std::move(call)); };
  auto opened = store::SqliteOwnerStore::open(directory_.path() + "/sent.db", poster);
  if (!opened) std::abort();
  dispatched_ = std::move(opened->store);
  DispatchParts parts;
  parts.clock = &clock_;
  parts.store = dispatched_.get();
  parts.random = [] { return 7; };
  parts.wake = [this] { wake_dispatch(); };
  parts.report = parts.alarm = [](const std::string&) {};
  parts.refused = [](const std::string&, const std::string&) {};
  parts.up = [] { return true; };
  parts.send_task = [](const std::string&, const wire::Item&) { return true; };
  parts.send_ack = [](const std::string&, const wire::Item&) { return true; };
  dispatch_ = std::make_unique<Dispatch>(DispatchOptions{}, std::move(parts), opened->recovered);
  dispatch_->start(opened->recovered);
  Submission submission;
  submission.spec.kind.name = "echo";
  submission.devices = std::vector<std::string>{"pump-1"};
  dispatch_->submit(submission, [](const Result<Submitted>&) {});
}

void ServiceRig::wake_dispatch() {
  loop_.post([this] {
    if (dispatch_) (void)dispatch_->cycle();
  });
}

std::string ServiceRig::dispatched_task() const {
  return to_string(TaskId{dispatch_->lineage().lives.front(), 1});
}
std::string ServiceRig::dispatched_group() const { return dispatched_task() + "x1"; }

void ServiceRig::fail_dispatched_task() {
  wire::ResultItem failure;
  failure.id = TaskId{dispatch_->lineage().lives.front(), 1};
  failure.epoch = Epoch{1};
  failure.failure = FailureClass::error;
  failure.code = Code::invalid_argument;
  failure.message = "no such column";
  failure.report.ran = 1us;
  const auto is = [&](TaskState state) {
    std::promise<bool> told;
    on_loop([&](Fleet&) {
      (void)dispatch_->cycle();
      dispatch_->find(failure.id, [&](const Result<DispatchedTaskDetail>& found) {
        told.set_value(found && found->task.state == state);
      });
    });
    return told.get_future().get();
  };
  on_loop([&](Fleet&) {
    wire::Presence presence = birth(1);
    presence.kinds = {{"echo", 1, true}};
    dispatch_->on_device("pump-1", presence);
    dispatch_->on("pump-1", wire::Credits{4, {}, 1, 1 << 30});
  });
  const auto end = std::chrono::steady_clock::now() + 20s;
  while (!is(TaskState::leased) && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(1ms);
  on_loop([&](Fleet&) { dispatch_->on("pump-1", failure); });
  while (!is(TaskState::failed) && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(1ms);
}

void ServiceRig::open_metrics() {
  open_metrics_ = true;
  restart();
}

void ServiceRig::start() {
  ServiceOptions options;
  options.state_dir = directory_.path();
  options.start = 1000 + ++starts_;
  options.open_metrics = open_metrics_;
  ServiceParts parts;
  parts.loop = &loop_;
  parts.fleet = fleet_.get();
  parts.dispatch = dispatch_.get();
  parts.command = [](const std::string& device, wire::Command command,
                     const Fleet::Done<std::string>& done) {
    if (device != "pump-1") return done(fail(Code::unavailable, device + " is not connected"));
    done(command.what == wire::CommandKind::logs ? std::to_string(command.lines) + " lines\n" : "");
  };
  parts.cancel_offloaded = [](TaskId id) { return id == *parse_task_id(kHeldTask); };
  parts.facts = facts;
  parts.metrics = [](const ServerCounts&) { return std::string("spillway_up 1\n"); };
  parts.wall = [this] { return clock_.wall_time(); };
  parts.assets = kAssets;
  auto started = Service::start(std::move(options), std::move(parts));
  if (!started) {
    std::fprintf(stderr, "%s\n", started.error().message.c_str());
    std::abort();
  }
  service_ = *std::move(started);
}

void ServiceRig::stop() {
  on_loop([this](Fleet&) { service_.reset(); });
}

void ServiceRig::restart() {
  on_loop([this](Fleet&) {
    service_.reset();
    start();
  });
}

void ServiceRig::on_loop(const std::function<void(Fleet&)>& work) {
  std::promise<void> done;
  loop_.post([&] {
    work(*fleet_);
    (void)fleet_->cycle();
    done.set_value();
  });
  done.get_future().wait();
}

std::string ServiceRig::link_code() const {
  return service_->link().substr(service_->link().find('=') + 1);
}

cloud::http::Client ServiceRig::client() const { return *Client::make({service_->url(), "", 20s}); }

std::string_view ServiceRig::Reply::header(std::string_view name) const {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

std::string ServiceRig::Reply::problem() const {
  const auto* object = body.if_object();
  const auto* type = object ? object->if_contains("type") : nullptr;
  return type ? std::string(type->as_string()) : std::string();
}

ServiceRig::Reply ServiceRig::call(Method method, const std::string& target,
                                   const std::string& token, const std::string& body,
                                   Headers headers) const {
  if (!token.empty()) headers.emplace_back("authorization", "Bearer " + token);
  auto sent = client().send(method, target, headers, body);
  if (!sent) {
    std::fprintf(stderr, "%s\n", sent.error().message.c_str());
    return {};
  }
  Reply reply{sent->status, *sent, nullptr};
  boost::system::error_code error;
  if (sent->content_type.find("json") != std::string::npos) {
    reply.body = boost::json::parse(sent->body, error);
  }
  return reply;
}

std::string ServiceRig::token(const std::string& scope) {
  if (admin_.empty()) {
    auto session = ctl::Api::log_in(service_->link(), "");
    const boost::json::value wanted{{"name", "admin"}, {"scope", "admin"}};
    admin_ = session->call(Method::post, "/tokens", &wanted)->at("secret").as_string();
  }
  if (scope == "admin") return admin_;
  Reply made = call(Method::post, "/api/v1/tokens", admin_,
                    R"({"name":")" + scope + R"(","scope":")" + scope + "\"}");
  return std::string(made.body.at("secret").as_string());
}

}  // namespace spillway::test
