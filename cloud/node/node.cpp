#include "cloud/node/node.h"

#include <algorithm>

#include "common/config/keys.h"
#include "common/link/birth.h"

namespace spillway::cloud {
namespace {

constexpr Duration kFresh = std::chrono::seconds(2);

}  // namespace

Node::Node(NodeOptions options, NodeParts parts, const ledger::LedgerRecovered& recovered,
           const store::Recovered* dispatched)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      lessee_(lessee_options(), lessee_parts(), recovered) {
  if (!parts_.dispatched || !dispatched) return;
  DispatchOptions dispatch;
  dispatch.max_disk = options_.budget.dispatched;
  dispatch_ = std::make_unique<Dispatch>(dispatch, dispatch_parts(), *dispatched);
}

lessee::Options Node::lessee_options() const {
  lessee::Options lessee;
  lessee.boot = options_.boot;
  lessee.tags = options_.tags;
  lessee.memory = options_.memory;
  lessee.max_queue = options_.max_queue;
  lessee.max_bytes = options_.budget.memory;
  lessee.max_run = options_.max_run;
  lessee.tombstones = options_.tombstones;
  lessee.uplink = options_.uplink;
  return lessee;
}

lessee::Parts Node::lessee_parts() {
  lessee::Parts lessee;
  lessee.clock = parts_.clock;
  lessee.ledger = parts_.ledger;
  lessee.runner = parts_.runner;
  lessee.kind = [this](const KindRef& asked) { return offloaded(asked); };
  lessee.own = [this](TaskId id) { return dispatch_ && dispatch_->owns(id); };
  lessee.random = parts_.random;
  lessee.wake = parts_.wake;
  lessee.report = parts_.report;
  lessee.alarm = parts_.alarm;
  lessee.shortage = parts_.shortage;
  lessee.lost = [this](const std::string& device) { tell_losses(device); };
  lessee.up = [this] { return connected(); };
  lessee.send_ack = [this](const std::string& device, wire::Item item) {
    return session_->send_ack(device, std::move(item));
  };
  lessee.send_result = [this](const std::string& device, wire::Item item) {
    return session_->send_result(device, std::move(item));
  };
  lessee.results_left = [this](const std::string& device) {
    return session_->has_left(device, wire::Channel::result);
  };
  lessee.changed = [this](const lessee::HeldTask& task) { show(task); };
  return lessee;
}

// Null: not known here, or not one that devices may offload.
const Kind* Node::offloaded(const KindRef& asked) const {
  const std::vector<std::string>& only = options_.kinds;
  const bool may = only.empty() || std::find(only.begin(), only.end(), asked.name) != only.end();
  return may ? parts_.kinds->find(asked) : nullptr;
}

DispatchParts Node::dispatch_parts() {
  DispatchParts dispatch;
  dispatch.clock = parts_.clock;
  dispatch.store = parts_.dispatched;
  dispatch.random = parts_.random;
  dispatch.wake = parts_.wake;
  dispatch.report = parts_.report;
  dispatch.alarm = parts_.alarm;
  dispatch.refused = parts_.refused;
  dispatch.check_args = [this](const TaskSpec& spec) -> Status {
    // Under the name of a plugin's or a program's kind devices may have another, with other args;
    // and so may another version.
    const Kind* kind = parts_.kinds->find(spec.kind);
    return kind && kind->builtin ? kinds::check_args(*kind, spec.args) : Status();
  };
  dispatch.up = [this] { return connected(); };
  dispatch.send_task = [this](const std::string& device, wire::Item item) {
    return session_->send_task(device, std::move(item));
  };
  dispatch.send_ack = [this](const std::string& device, wire::Item item) {
    return session_->send_ack(device, std::move(item));
  };
  dispatch.tasks_left = [this](const std::string& device) {
    return session_->has_left(device, wire::Channel::task);
  };
  dispatch.largest = [this] {
    return session_ ? session_->connection().largest_item() : std::size_t{SIZE_MAX};
  };
  if (parts_.fleet) {
    dispatch.barred = [this](const std::string& device) {
      const Result<DeviceView> known = parts_.fleet->device(device);
      return known && is_barred(known->row.health);
    };
  }
  return dispatch;
}

void Node::attach(mqtt::Transport& transport, SessionOptions session) {
  link::Hooks hooks;
  hooks.now = [this] { return now(); };
  hooks.random = parts_.random;
  hooks.wall = [this] { return parts_.clock->wall_time(); };
  SessionEvents events{
      .up =
          [this] {
            link_problem_.clear();
            parts_.report("connected to the broker");
            say_largest();
            if (parts_.fleet) parts_.fleet->on_link(true);
            lessee_.on_link_up();
          },
      .down = [this](const Error& reason) { on_link_down(reason); },
      .device =
          [this](const std::string& device, const wire::Presence& presence) {
            if (presence.online && barred_.contains(device)) {
              tell_standing(device);
            }
            lessee_.on_owner(device, presence);
            if (!presence.online) requests_.on_gone(device);
            if (dispatch_) dispatch_->on_device(device, presence);
          },
      .item = [this](const std::string& device, const wire::Item& item) { on_item(device, item); },
      .refused =
          [this](const std::string& cause, const std::string& detail) {
            malformed_ += 1;
            parts_.refused(cause, detail);
          },
      .changed = parts_.wake};
  events.flooding = [this](const std::string& device) {
    parts_.refused("too many messages", device + " sends more than it may");
    if (parts_.fleet) parts_.fleet->on_flooding(device);
  };
  if (parts_.fleet) {
    events.state = [this](const std::string& device, const wire::Presence& said,
                          link::Births::Sign sign) { on_state(device, said, sign); };
    events.cloned = [this](const std::string& device, const wire::Presence& said) {
      on_cloned(device, said);
    };
    events.telemetry = [this](const std::string& device, ByteView frame) {
      if (barred_.contains(device)) {
        barred_messages_ += 1;
        return;
      }
      parts_.fleet->on_telemetry(device, frame);
    };
  }
  session_ = std::make_unique<CloudSession>(transport, std::move(session), std::move(hooks),
                                            std::move(events));
  wire::Presence self = link::birth_of(options_, parts_.runner->width());
  if (dispatch_) self.lineage = dispatch_->lineage();
  self.reconnect_floor = options_.reconnect_floor;
  for (const Kind* kind : parts_.kinds->list()) {
    if (!offloaded(kind->ref())) continue;
    self.kinds.push_back({kind->name, kind->version, false, kind->digest});
  }
  session_->describe(std::move(self));
}

// Reports, once per change, what the broker carries if that is less than tasks may be.
void Node::say_largest() {
  constexpr std::size_t kUsual = 128 * 1024;  // bytes; no task or result is larger
  const std::size_t largest = session_->connection().largest_item();
  if (largest >= kUsual || std::exchange(said_largest_, largest) == largest) return;
  parts_.report("the broker carries tasks and results of at most " + std::to_string(largest) +
                " bytes; larger ones are refused");
}

// While a device is known to be one of several, each birth is told so, whichever it is of; ahead of
// what is made of its store, which stands then.
void Node::on_state(const std::string& device, const wire::Presence& said,
                    link::Births::Sign sign) {
  using link::Births;
  const LifeChange change = parts_.fleet->on_presence(device, said, sign != Births::Sign::none);
  if (said.online && sign != Births::Sign::cloned && parts_.fleet->has(device, Reason::cloned)) {
    tell_cloned(device, said);
  }
  on_life(device, said, change);
}

// A device cannot know that an earlier copy of its state was put back: it is told.
void Node::on_life(const std::string& device, const wire::Presence& said, LifeChange change) {
  if (change == LifeChange::none) return;
  const bool restored = change == LifeChange::restored;
  parts_.report(device + (restored ? ": its state was restored from an earlier copy; what it "
                                     "accepted since that was made is gone"
                                   : ": its state was made anew; what it had accepted is gone"));
  session_->send_ack(
      device, wire::LifeNotice{said.lineage.lives.front(),
                               restored ? wire::LifeRemark::restored : wire::LifeRemark::another});
}

void Node::on_cloned(const std::string& device, const wire::Presence& said) {
  parts_.fleet->on_cloned(device);
  tell_cloned(device, said);
}

void Node::tell_cloned(const std::string& device, const wire::Presence& said) {
  if (said.lineage.lives.empty()) return;
  session_->send_ack(device,
                     wire::LifeNotice{said.lineage.lives.front(), wire::LifeRemark::cloned});
}

// What a device makes of this cloud's birth; each that knew more says so.
void Node::on_life_notice(const std::string& device, const wire::LifeNotice& notice) {
  const bool ours = dispatch_ && notice.life == dispatch_->lineage().lives.front();
  if (!ours) return;
  if (const auto text = own_life_.on(device, notice.remark, parts_.clock->wall_time())) {
    parts_.alarm(*text);
  }
}

// Each attempt fails anew; said once per cause.
void Node::on_link_down(const Error& reason) {
  if (parts_.fleet) parts_.fleet->on_link(false);
  if (dispatch_) dispatch_->on_link_down();
  if (std::exchange(link_problem_, reason.message) == reason.message) return;
  parts_.report("the connection to the broker is down: " + reason.message);
}

void Node::start(const ledger::LedgerRecovered& recovered, const store::Recovered* dispatched) {
  // A birth tells of both stores.
  const auto durable = [this, left = std::make_shared<int>(dispatch_ && dispatched ? 2 : 1)] {
    if (--*left == 0 && session_) session_->start();
  };
  if (dispatch_ && dispatched) dispatch_->start(*dispatched, durable);
  if (parts_.fleet) {
    bars_ = parts_.fleet->subscribe([this](const FleetChange& change) { heed(change); });
  }
  lessee_.start(recovered, durable);
  if (parts_.fleet) read_bars();
}

// For those who watch: the task as it is now.
void Node::show(const lessee::HeldTask& task) {
  if (!parts_.fleet) return;
  OffloadedTask shown;
  shown.id = task.id;
  shown.device = task.owner;
  shown.kind = task.spec ? task.spec->kind.name : task.past.kind;
  if (task.spec) shown.trace = task.spec->trace;
  shown.band = task.band;
  shown.epoch = task.state.epoch;
  shown.state = task.state.state;
  shown.failure = task.state.failure;
  shown.accepted = lessee_.wall_of(task.accepted);
  if (task.started != NodeTime{}) shown.started = lessee_.wall_of(task.started);
  if (task.past.ended != NodeTime{}) shown.ended = lessee_.wall_of(task.past.ended);
  shown.ran = task.past.ran;
  shown.cpu = task.past.cpu;
  parts_.fleet->on_task(shown);
}

void Node::show_load() {
  if (!parts_.fleet) return;
  // By order to run in, not by age; the first one is close enough to the oldest.
  parts_.fleet->set_load({lessee_.queued(), lessee_.waited(), own_life_.since()});
}

NodeTime Node::cycle() {
  door_.enter();
  if (stopped_) return kNever;
  show_load();
  take_losses();
  NodeTime next = std::min({lessee_.cycle(), cycle_dispatch(), requests_.expire(now())});
  const bool idle = lessee_.idle() && (!dispatch_ || dispatch_->idle());
  if (drained_ && idle) std::exchange(drained_, nullptr)();
  if (!session_) return next;
  session_->connection().pump();
  if (now() >= session_->connection().next_timer()) session_->connection().on_timer();
  return std::min(next, session_->connection().next_timer());
}

NodeTime Node::cycle_dispatch() {
  if (!dispatch_) return kNever;
  const NodeTime next = dispatch_->cycle();
  // Two time lines, each from where its store last saw it.
  return next == kNever ? kNever : now() + (next - dispatch_->now());
}

struct Node::Received {
  Node& node;
  const std::string& device;

  // Items about tasks that the device owns.
  void operator()(const wire::Offer& item) const { node.lessee_.on(device, item); }
  void operator()(const wire::Cancel& item) const { node.lessee_.on(device, item); }
  void operator()(const wire::BeatAck& item) const { node.lessee_.on(device, item); }
  void operator()(const wire::ResultAck& item) const { node.lessee_.on(device, item); }
  // Items about tasks that operators submitted.
  void operator()(const wire::Accept& item) const { dispatched(item); }
  void operator()(const wire::Nack& item) const { dispatched(item); }
  void operator()(const wire::Beat& item) const { dispatched(item); }
  void operator()(const wire::ResultItem& item) const { dispatched(item); }
  void operator()(const wire::Credits& item) const { dispatched(item); }
  // Items about the device itself.
  void operator()(const wire::Echo& item) const {
    if (!item.reply) node.session_->send_ack(device, wire::Echo{item.token, true, {}});
  }
  void operator()(const wire::CommandReply& item) const { node.requests_.on(device, item); }
  void operator()(const wire::UpdateReport& item) const {
    if (node.parts_.fleet) node.parts_.fleet->on_update(device, item);
  }
  void operator()(const wire::TaskStory& item) const {
    if (!node.parts_.fleet) return;
    wire::TaskStory story = item;
    story.id = node.lessee_.id_of(device, story.id);
    node.parts_.fleet->on_story(device, std::move(story));
  }
  void operator()(const wire::LossReport& item) const {
    node.loss_reports_.insert_or_assign(device, item);
    node.parts_.wake();
  }
  void operator()(const wire::LifeNotice& item) const { node.on_life_notice(device, item); }
  // Only the cloud sends these.
  void operator()(const wire::LossAck&) const { unexpected(); }
  void operator()(const wire::Command&) const { unexpected(); }
  void operator()(const wire::StandingNotice&) const { unexpected(); }

 private:
  template <class Item>
  void dispatched(const Item& item) const {
    if (node.dispatch_) node.dispatch_->on(device, item);
  }
  void unexpected() const {
    node.malformed_ += 1;
    node.parts_.refused("unexpected item", device + " sent an item that only the cloud sends");
  }
};

void Node::on_item(const std::string& device, const wire::Item& item) {
  door_.enter();
  if (!barred_.empty() && drop_barred(device, item)) return;
  lessee_.on_heard(device);
  std::visit(Received{*this, device}, item);
}

// The latest report of a device says all that the earlier ones said: however many come while one
// commit is on its way, one of each device is in the next.
void Node::take_losses() {
  if (loss_reports_.empty() || std::exchange(taking_losses_, true)) return;
  lessee_.journal().after([this] { taking_losses_ = false; });
  for (const auto& [device, report] : std::exchange(loss_reports_, {})) {
    lessee_.journal().losses(device, report);
    lessee_.journal().after(
        [this, device = device, ack = wire::LossAck{report.origin, report.number}] {
          session_->send_ack(device, ack);
          tell_losses(device);
        });
  }
}

// Said once per change: a device that loses nothing more is not spoken of again.
void Node::tell_losses(const std::string& device) {
  const auto tell = [this, device](const Result<ledger::LossBook>& book) {
    if (!book) return;
    if (parts_.losses) parts_.losses(device, *book);
    for (std::size_t i = 0; i < kDataClasses; ++i) {
      const std::string name(to_string(static_cast<DataClass>(i)));
      std::string text = describe((*book)[i]);
      std::string& said = losses_[device].try_emplace(name, "complete").first->second;
      if (said == text) continue;
      said = std::move(text);
      std::string line = device;
      parts_.report(line.append(": ").append(name).append(" ").append(said));
    }
  };
  parts_.ledger->losses(device, gate_.pass(tell));
}

void Node::command(const std::string& device, wire::Command command, DeviceRequests::Done done) {
  door_.enter();
  if (!parts_.fleet) return done(fail(Code::unsupported, "nobody watches the devices here"));
  const Result<DeviceView> known = parts_.fleet->device(device);
  if (!known) return done(known.error());
  if (is_barred(known->row.health)) {
    return done(fail(Code::conflict, device + " is quarantined or revoked"));
  }
  if (!known->row.online || !connected()) return done(not_connected(device));
  requests_.ask(device, command, now(), std::move(done));
  parts_.wake();
}

// A story that is final, or that was just told, is as good as another.
void Node::ask_story(TaskId task, DeviceRequests::Done done) {
  door_.enter();
  if (!parts_.fleet) return done(fail(Code::unsupported, "nobody watches the devices here"));
  const std::optional<OffloadedTask> seen = parts_.fleet->task(task);
  const ToldStory* told = parts_.fleet->story(task);
  if (!seen && !told) {
    return done(fail(Code::not_found, "the cloud knows nothing of task " + to_string(task) +
                                          ": it keeps the newest"));
  }
  const bool fresh = told && parts_.clock->wall_time() - told->heard < kFresh;
  const bool final = told && is_terminal(told->story.state);
  if (fresh || final) return done(std::string());
  wire::Command ask{0, wire::CommandKind::story, 0, lessee_.offered_as(task)};
  command(seen ? seen->device : told->device, ask, std::move(done));
}

void Node::drain(std::function<void()> done) {
  door_.enter();
  drained_ = std::move(done);
  lessee_.drain();
}

void Node::reconfigure(const Options& options) {
  door_.enter();
  config::take_up_all(options, static_cast<Options&>(options_));
  lessee_.set_max_queue(options_.max_queue);
  lessee_.set_uplink(options_.uplink);
  if (!session_) return;
  session_->set_limits(MessageRates::limits(options_.max_queue));
  session_->set_floor(options_.reconnect_floor);
}

void Node::stop() {
  if (session_) session_->stop();
  stopped_ = true;
}

}  // namespace spillway::cloud
