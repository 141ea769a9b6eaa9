#include "cloud/app/composition.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>

#include "cloud/config/cloud_config.h"
#include "common/base/wall_watch.h"
#include "common/crypto/random.h"
#include "common/kinds/builtin.h"
#include "common/kinds/command.h"
#include "common/kinds/plugin.h"
#include "common/process/log.h"
#include "spillway/version.h"

namespace spillway::cloud {
namespace {

using process::Level;

std::uint64_t physical_memory() {
  long pages = sysconf(_SC_PHYS_PAGES);
  long size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? std::uint64_t(pages) * std::uint64_t(size) : 0;
}

// access.db is made behind fleet.db: where it is, that was.
bool has_access(const std::string& state_dir) {
  std::error_code error;
  return std::filesystem::exists(state_dir + "/access.db", error);
}

// What the fleet shows of a device's losses: one line a class and cause.
std::vector<LossTotal> totals_of(const ledger::LossBook& book) {
  std::map<std::pair<std::string, std::string>, LossTotal> totals;
  for (std::size_t data = 0; data < kDataClasses; ++data) {
    for (const ledger::LossLine& line : book[data].lines) {
      const std::string what(to_string(static_cast<DataClass>(data)));
      const std::string cause(to_string(line.cause));
      LossTotal one{what, cause, 0, line.first, line.last};
      LossTotal& total = totals.try_emplace({what, cause}, std::move(one)).first->second;
      total.count += line.count;
      total.at_least |= line.at_least;
      total.from = std::min(total.from, line.first);
      total.until = std::max(total.until, line.last);
    }
  }
  std::vector<LossTotal> list;
  list.reserve(totals.size());
  for (auto& [key, total] : totals) list.push_back(std::move(total));
  return list;
}

}  // namespace

Result<std::unique_ptr<Composition>> Composition::open(const Options& options, bool link,
                                                       process::Loop& loop) {
  std::error_code error;
  bool made_here = std::filesystem::create_directories(options.state_dir, error);
  if (error) {
    return fail(Code::io, "state_dir " + options.state_dir + ": " + error.message() +
                              "; create it, or name another in [cloud] state_dir");
  }
  if (made_here) {
    // What tasks carry is nobody else's business.
    using std::filesystem::perms;
    std::filesystem::permissions(options.state_dir,
                                 perms::owner_all | perms::group_read | perms::group_exec, error);
  }
  std::unique_ptr<Composition> made(new Composition(options, link, loop));
  made->boot_ = BootId{crypto::random_u64()};
  auto poster = [&loop](std::function<void()> call) { loop.post(std::move(call)); };
  ledger::SqliteLedger::Options file;
  file.answered = NodeOptions{}.tombstones;
  file.file.disk = options.budget.ledger;
  file.limits.here = sqlite::CommitQueue::kQuick;
  file.file.meter = made->ledger_meter_;
  auto opened = ledger::SqliteLedger::open(options.state_dir + "/ledger.db", poster, file);
  if (!opened) return opened.error();
  made->ledger_ = std::move(opened->ledger);
  made->recovered_ = std::move(opened->recovered);
  if (made->recovered_.quarantined) {
    process::log(Level::error, "the ledger was damaged; it was set aside and a new one made",
                 {{"damaged", *made->recovered_.quarantined}});
  }
  if (Status sent = made->open_dispatched(poster); !sent) return sent.error();
  if (Status opened_fleet = made->open_fleet(); !opened_fleet) return opened_fleet.error();
  if (Status added = made->add_kinds(); !added) return added.error();
  return made;
}

// What is refused leaves room for the answers of what was taken.
std::optional<std::string> Composition::shortage() const {
  const std::uint64_t room = sqlite::plan_disk(options_.budget.ledger).tasks();
  if (ledger_meter_->in_use < room) return std::nullopt;
  return "the ledger has reached " + std::to_string(room >> 20) +
         " MiB, what [budget] ledger leaves";
}

Status Composition::open_dispatched(const sqlite::Poster& poster) {
  store::SqliteOwnerStore::Options file;
  file.tables.budget.disk = options_.budget.dispatched;
  file.limits.here = sqlite::CommitQueue::kQuick;
  auto opened = store::SqliteOwnerStore::open(options_.state_dir + "/sent.db", poster, file);
  if (!opened) return opened.error();
  dispatched_ = std::move(opened->store);
  dispatched_recovered_ = std::move(opened->recovered);
  if (dispatched_recovered_.quarantined) {
    process::log(Level::error, "the store of tasks for devices was damaged; a new one was made",
                 {{"damaged", *dispatched_recovered_.quarantined},
                  {"carried_over", dispatched_recovered_.salvaged}});
    for (const std::string& tasks : dispatched_recovered_.lost_names()) {
      process::log(Level::error, "tasks were lost with it", {{"tasks", tasks}});
    }
  }
  return {};
}

Status Composition::open_fleet() {
  auto poster = [this](std::function<void()> call) { loop_.post(std::move(call)); };
  SqliteFleetStore::Options file;
  file.start = recovered_.session + 1;
  file.first = recovered_.session == 0 && !has_access(options_.state_dir);
  auto opened = SqliteFleetStore::open(options_.state_dir + "/fleet.db", poster, file);
  if (!opened) return opened.error();
  fleet_store_ = std::move(opened->store);
  fleet_recovered_ = std::move(opened->recovered);
  if (fleet_recovered_.quarantined) {
    process::log(
        Level::error, "the fleet's store was damaged; it was set aside and a new one made",
        {{"damaged", *fleet_recovered_.quarantined}, {"carried_over", fleet_recovered_.salvaged}});
  }
  doubts_ = fleet_recovered_.doubts;
  for (const std::string& doubt : doubts_) process::log(Level::error, doubt);
  FleetOptions fleet;
  fleet.alarm = [](const std::string& message) { process::log(Level::error, message); };
  fleet.report = [](const std::string& message) { process::log(Level::info, message); };
  fleet.max_disk = options_.budget.fleet;
  fleet.wake = [this] {
    if (fleet_turns_) fleet_turns_->wake();
  };
  fleet_ = std::make_unique<Fleet>(std::move(fleet), clock_, fleet_store_.get());
  return {};
}

// Without it a kill counts against all that was about to run, which is no reason not to start.
std::shared_ptr<runner::RunRegister> Composition::open_marks() const {
  auto marks = runner::RunRegister::open(options_.state_dir + "/running", runner::machine_boot());
  if (marks) return *std::move(marks);
  process::log(Level::warning, "what runs is not marked", {{"problem", marks.error().message}});
  return nullptr;
}

Status Composition::add_kinds() {
  kinds::add_builtin_kinds(kinds_);
  for (const Command& command : options_.commands) {
    Result<Kind> kind = kinds::make_command_kind({command});
    if (!kind) return kind.error();
    if (Status added = kinds_.add(*std::move(kind)); !added) return added;
  }
  for (const std::string& path : options_.plugins.files) {
    if (Status added = kinds::add_plugin(kinds_, path); !added) return added;
  }
  return {};
}

// Puts the cloud together from what open() read, and starts it. In this order: the pool; the fleet,
// which the node asks whom it bars; the node, its turns and its session; what the stores held,
// which is then let go; HTTP, so that people come last.
Status Composition::start() {
  executor_ = std::make_unique<executor::Executor>(executor::Options{.workers = options_.workers});
  runner_ = std::make_unique<runner::PoolRunner>(*executor_, loop_, clock_, open_marks());
  NodeOptions node{options_};
  if (node.memory == 0) node.memory = physical_memory();
  node.version = kVersion;
  node.boot = boot_;
  NodeParts parts;
  parts.clock = &clock_;
  parts.ledger = ledger_.get();
  parts.dispatched = dispatched_.get();
  parts.runner = runner_.get();
  parts.fleet = fleet_.get();
  parts.kinds = &kinds_;
  parts.random = [engine = std::mt19937_64(crypto::random_u64())]() mutable { return engine(); };
  parts.wake = [this] {
    if (turns_) turns_->wake();
  };
  parts.report = [](const std::string& message) { process::log(Level::info, message); };
  parts.alarm = [](const std::string& message) { process::log(Level::error, message); };
  parts.refused = [](const std::string& cause, const std::string& detail) {
    process::log_once(Level::warning, cause, "refused a message",
                      {{"cause", cause}, {"detail", detail}});
  };
  parts.shortage = [this] { return shortage(); };
  parts.losses = [this](const std::string& device, const ledger::LossBook& book) {
    fleet_->on_loss(device, totals_of(book));
  };
  fleet_->start(std::exchange(fleet_recovered_, {}));
  fleet_turns_ = std::make_unique<process::Turns>(
      loop_, [this] { return fleet_->now(); }, [this] { return fleet_->cycle(); });
  recovered_.last_seen =
      resume_at(recovered_.last_seen, recovered_.wall_at_last_seen, clock_.wall_time());
  dispatched_recovered_.last_seen = resume_at(
      dispatched_recovered_.last_seen, dispatched_recovered_.wall_at_last_seen, clock_.wall_time());
  node_ =
      std::make_unique<Node>(std::move(node), std::move(parts), recovered_, &dispatched_recovered_);
  turns_ = std::make_unique<process::Turns>(
      loop_, [this] { return node_->now(); }, [this] { return node_->cycle(); });
  transport_ = std::make_unique<mqtt::PahoTransport>(loop_);
  SessionOptions session;
  session.client_id = options_.name;
  session.broker = mqtt::connect_options(options_.broker);
  session.link = link::policy_of(options_.broker);
  session.session_base = (recovered_.session + 1) << 32;
  session.limits = MessageRates::limits(options_.max_queue);
  node_->attach(*transport_, std::move(session));
  node_->start(recovered_, &dispatched_recovered_);
  fleet_turns_->wake();
  recovered_ = {};
  dispatched_recovered_ = {};
  return open_front();
}

Status Composition::open_front() {
  const Http& http = options_.http;
  if (http.listen.empty()) return {};
  FrontOptions front;
  const std::optional<Listen> listen = take_apart(http.listen);
  if (!listen) return fail(Code::invalid_argument, "[http] listen: not an address and a port");
  front.service.server.address = listen->address;
  front.service.server.port = listen->port;
  front.service.server.max_connections = http.max_connections;
  if (!http.cert.empty()) front.service.server.tls = http::TlsFiles{http.cert, http.key};
  front.service.names = http.names;
  front.service.state_dir = options_.state_dir;
  front.service.open_metrics = http.open_metrics;
  front.service.link = link_;
  front.service.start = boot_.value;
  front.name = options_.name;
  front.broker = options_.broker.uri;
  front.doubts = doubts_;
  front.workers = executor_->width();
  auto opened = Front::open(std::move(front), loop_, *fleet_, *node_, kinds_, clock_);
  if (!opened) return opened.error();
  front_ = *std::move(opened);
  return {};
}

void Composition::drain(std::function<void()> done) {
  if (front_) front_->drain();
  node_->drain(std::move(done));
  runner_->stop_all();
}

void Composition::abandon() { abandoned_ = runner_->abandon() || abandoned_; }

// The stores first: the link may take a second to end.
void Composition::close() {
  if (!ledger_) return;
  front_.reset();
  turns_.reset();
  if (node_) node_->stop();
  fleet_turns_.reset();
  if (fleet_) fleet_->flush();
  fleet_store_.reset();
  dispatched_.reset();
  ledger_.reset();
  transport_.reset();
}

Composition::~Composition() {
  close();
  if (runner_) runner_->stop_all();
  if (executor_) executor_->shutdown(executor::Shutdown::cancel);
}

}  // namespace spillway::cloud
