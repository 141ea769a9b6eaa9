#include "agent/app/composition.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <random>

#include "agent/app/machine.h"
#include "agent/app/models_file.h"
#include "agent/app/updates.h"
#include "common/crypto/random.h"
#include "common/executor/limits.h"
#include "common/kinds/builtin.h"
#include "common/kinds/command.h"
#include "common/kinds/plugin.h"
#include "common/process/log.h"
#include "spillway/version.h"

namespace spillway::agent {
namespace {

using process::Level;

std::uint64_t physical_memory() {
  long pages = sysconf(_SC_PHYS_PAGES);
  long size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? std::uint64_t(pages) * std::uint64_t(size) : 0;
}

}  // namespace

Result<std::unique_ptr<Composition>> Composition::open(const Options& options,
                                                       process::Loop& loop) {
  if (auto device = check_device_id(options.device); !device) return device.error();
  std::error_code error;
  bool made_here = std::filesystem::create_directories(options.state_dir, error);
  if (error) {
    return fail(Code::io, "state_dir " + options.state_dir + ": " + error.message() +
                              "; create it, or name another in [agent] state_dir");
  }
  if (made_here) {
    // What tasks carry is nobody else's business.
    using std::filesystem::perms;
    std::filesystem::permissions(options.state_dir,
                                 perms::owner_all | perms::group_read | perms::group_exec, error);
  }
  std::unique_ptr<Composition> made(new Composition(options, loop));
  made->boot_ = BootId{crypto::random_u64()};
  auto poster = [&loop](std::function<void()> call) { loop.post(std::move(call)); };
  store::SqliteOwnerStore::Options file;
  file.tables.budget = options.budget;
  file.limits.here = sqlite::CommitQueue::kQuick;
  // First, so that what it lost is counted.
  if (Status opened_too = made->open_ledger(poster); !opened_too) return opened_too.error();
  file.lost_beside = made->dispatched_.quarantined.has_value();
  auto opened = store::SqliteOwnerStore::open(options.state_dir + "/agent.db", poster, file);
  if (!opened) return opened.error();
  made->store_ = std::move(opened->store);
  made->recovered_ = std::move(opened->recovered);
  if (made->recovered_.quarantined) {
    process::log(
        Level::error, "the store was damaged; it was set aside and a new one made",
        {{"damaged", *made->recovered_.quarantined}, {"carried_over", made->recovered_.salvaged}});
    for (const std::string& tasks : made->recovered_.lost_names()) {
      process::log(Level::error, "tasks were lost with it", {{"tasks", tasks}});
    }
  }
  if (Status added = made->add_kinds(); !added) return added.error();
  return made;
}

// Without a broker there is no cloud to run anything for.
Status Composition::open_ledger(const sqlite::Poster& poster) {
  if (options_.broker.uri.empty()) return {};
  const std::string path = options_.state_dir + "/leased.db";
  // What was taken before it was forbidden is handed back, and its results are told.
  if (!options_.dispatched_tasks.accept && !std::filesystem::exists(path)) return {};
  ledger::SqliteLedger::Options file;
  file.file.cache_kib = 512;
  file.answered = 1000;
  file.limits.here = sqlite::CommitQueue::kQuick;
  auto opened = ledger::SqliteLedger::open(path, poster, file);
  if (!opened) return opened.error();
  ledger_ = std::move(opened->ledger);
  dispatched_ = std::move(opened->recovered);
  if (dispatched_.quarantined) {
    process::log(Level::error, "the record of the cloud's tasks was damaged; a new one was made",
                 {{"damaged", *dispatched_.quarantined}});
  }
  return {};
}

// A program does what its options say, so the cloud may run only those that are named for it.
std::vector<std::string> Composition::taken_kinds() const {
  std::vector<std::string> taken;
  const DispatchedTasksOptions& rules = options_.dispatched_tasks;
  if (!rules.accept) return taken;
  for (const Kind* kind : kinds_.list()) {
    const auto is_this = [kind](const Command& command) { return command.name == kind->name; };
    const bool program = std::any_of(options_.commands.begin(), options_.commands.end(), is_this);
    const bool named =
        std::find(rules.kinds.begin(), rules.kinds.end(), kind->name) != rules.kinds.end();
    if (named || (rules.kinds.empty() && !program)) taken.push_back(kind->name);
  }
  return taken;
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
  if (auto update = update_kind_of(options_.updater_dir)) return kinds_.add(*std::move(update));
  return {};
}

// Puts the node together from what open() read, and starts it. In this order: the pool and all that
// the node works with; the node, its turns and its session; what the store held, which is then let
// go; the socket, so that clients come last.
Status Composition::start() {
  executor_ = std::make_unique<executor::Executor>(executor::Options{.workers = options_.workers});
  runner_ = std::make_unique<runner::PoolRunner>(*executor_, loop_, clock_, open_marks());
  recovered_.last_seen =
      resume_at(recovered_.last_seen, recovered_.wall_at_last_seen, clock_.wall_time());
  dispatched_.last_seen =
      resume_at(dispatched_.last_seen, dispatched_.wall_at_last_seen, clock_.wall_time());
  NodeParts parts;
  parts.clock = &clock_;
  parts.store = store_.get();
  parts.ledger = ledger_.get();
  parts.runner = runner_.get();
  parts.kinds = &kinds_;
  parts.random = [engine = std::mt19937_64(crypto::random_u64())]() mutable { return engine(); };
  parts.machine = [folder = options_.state_dir] { return look_at_machine(folder); };
  probe_ =
      std::make_unique<SystemProbe>(ProbeOptions{"", options_.state_dir, options_.broker.cert});
  parts.measure = [this](wire::Telemetry& into) { probe_->measure(into); };
  if (has_updater(options_.updater_dir)) {
    parts.update = [directory = options_.updater_dir] { return update_of(directory); };
  }
  if (!options_.textfile.empty()) {
    parts.measured = [path = options_.textfile](const wire::Metrics& metrics) {
      Status written = replace_file(path, prometheus_text(metrics, kVersion));
      if (written) return;
      process::log_once(Level::warning, "textfile", "no metrics were written",
                        {{"problem", written.error().message}});
    };
  }
  keep_models(parts);
  bound_workers();
  parts.wake = [this] {
    if (turns_) turns_->wake();
  };
  constexpr std::size_t kTraced = 1500;  // closures: what fits into an answer
  parts.trace = [this] { return executor_->chrome_trace(kTraced); };
  parts.logs = [](std::uint32_t lines) { return process::logger().recent(lines); };
  parts.report = [](const std::string& message) { process::log(Level::info, message); };
  parts.alarm = [](const std::string& message) { process::log(Level::error, message); };
  parts.refused = [](const std::string& cause, const std::string& detail) {
    process::log_once(Level::warning, cause, "refused a message",
                      {{"cause", cause}, {"detail", detail}});
  };
  NodeOptions node{options_};
  if (node.memory == 0) node.memory = physical_memory();
  node.version = kVersion;
  node.boot = boot_;
  node.takes = taken_kinds();
  node_ = std::make_unique<Node>(std::move(node), std::move(parts), recovered_, &dispatched_);
  turns_ = std::make_unique<process::Turns>(
      loop_, [this] { return node_->now(); }, [this] { return node_->cycle(); });
  if (!options_.broker.uri.empty()) connect();
  clock_steps_ = std::make_unique<process::ClockSteps>(loop_, [this] { node_->clock_stepped(); });
  node_->start(recovered_, &dispatched_);
  recovered_.live.clear();
  dispatched_ = {};
  return listen();
}

void Composition::keep_models(NodeParts& parts) const {
  const std::string path = options_.state_dir + "/learned";
  Result<Bytes> models = read_models(path);
  if (models) {
    parts.models = *std::move(models);
  } else {
    process::log(Level::warning, "what was learned of run times and link is learned anew",
                 {{"problem", models.error().message}});
  }
  parts.keep_models = [path](const Bytes& learned) {
    const Status written = write_models(path, learned);
    if (written) return;
    process::log_once(Level::warning, "models", "what was learned is not kept",
                      {{"problem", written.error().message}});
  };
}

// Heat comes within seconds; a machine that cannot tell it is not woken to be asked again.
void Composition::bound_workers() {
  constexpr std::chrono::seconds kLook{10};
  const wire::Metrics machine = probe_->heat_and_charge();
  if (machine == wire::Metrics{}) return;
  const unsigned most = options_.workers ? options_.workers : executor::usable_cpus();
  executor_->set_width(worker_bound_.of(most, machine));
  next_bound_ = loop_.after(kLook, [this] { bound_workers(); });
}

void Composition::reconfigure(const Options& options) { node_->reconfigure(options); }

void Composition::connect() {
  SessionOptions session;
  session.device = options_.device;
  session.broker = mqtt::connect_options(options_.broker);
  session.link = link::policy_of(options_.broker);
  // Connections of one start are counted in the low half.
  session.session_base = (recovered_.session + 1) << 32;
  transport_ = std::make_unique<mqtt::PahoTransport>(loop_);
  node_->attach(*transport_, std::move(session));
}

Status Composition::listen() {
  if (options_.socket.empty()) return {};
  intake::ServerOptions server;
  server.path = options_.socket;
  server.max_clients = options_.limits.clients;
  server.max_outstanding = options_.limits.client_frames;
  server.max_held = static_cast<std::size_t>(
      std::clamp<std::uint64_t>(options_.budget.memory / 16, 1 << 20, 16 << 20));
  auto opened = intake::Server::open(loop_, *node_, std::move(server));
  if (!opened) return opened.error();
  server_ = *std::move(opened);
  return {};
}

void Composition::drain(std::function<void()> done) {
  node_->drain(std::move(done));
  runner_->stop_all();
}

void Composition::abandon() { abandoned_ = runner_->abandon() || abandoned_; }

// The stores first: the link may take a second to end.
void Composition::close() {
  if (!store_) return;
  clock_steps_.reset();
  turns_.reset();
  server_.reset();
  if (node_) node_->stop();
  if (!options_.textfile.empty()) remove_file(options_.textfile);
  ledger_.reset();
  store_.reset();
  transport_.reset();
}

Composition::~Composition() {
  close();
  if (runner_) runner_->stop_all();
  if (executor_) executor_->shutdown(executor::Shutdown::cancel);
}

}  // namespace spillway::agent
