#include "agent/node/node.h"

#include <algorithm>
#include "common/config/keys.h"

#include "common/base/kind_ref.h"

namespace spillway::agent {

Node::Node(NodeOptions options, NodeParts parts, const store::Recovered& recovered,
           const ledger::LedgerRecovered* dispatched)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      owner_({.boot = options_.boot, .lease = options_.placement.lease}, owner_parts(), *this,
             recovered),
      models_(options_.placement, parts_.models, parts_.keep_models, parts_.alarm),
      clock_(*parts_.clock, owner_.timeline(), parts_.report),
      lives_(owner_, recovered, options_.device, parts_.report),
      local_(options_, parts_, owner_, models_, dispatched_),
      dispatched_(options_, parts_, owner_, local_.claims(), session_, dispatched),
      cloud_(options_, parts_, owner_, models_, session_),
      backlog_(options_, parts_, owner_, models_, local_, cloud_),
      scheduler_(options_, owner_, models_, local_, cloud_, backlog_),
      views_(owner_, clock_),
      watchers_(*parts_.store, owner_, views_, parts_.wake),
      dependents_(*parts_.store, owner_, parts_.wake),
      submissions_(options_, parts_, owner_, cloud_, backlog_, dependents_, watchers_),
      requests_(*parts_.store, owner_, views_, dependents_, models_, local_, cloud_, submissions_,
                lives_),
      losses_(parts_, owner_, clock_, session_),
      stories_(options_, parts_, owner_, clock_, cloud_, session_),
      update_(parts_.update, session_),
      telemetry_(options_, parts_, owner_,
                 {local_, cloud_, dispatched_, backlog_, models_, losses_}, session_) {}

// Nothing may come in any more while the parts go.
Node::~Node() { session_.reset(); }

owner::Parts Node::owner_parts() {
  const auto urgency = [](bool urgent) {
    return urgent ? link::Urgency::live : link::Urgency::backlog;
  };
  owner::Parts owner;
  owner.clock = parts_.clock;
  owner.store = parts_.store;
  owner.local = &local_;
  owner.random = parts_.random;
  owner.wake = parts_.wake;
  owner.report = parts_.report;
  owner.alarm = parts_.alarm;
  owner.refused = [this](const std::string& cause, const std::string& why) { refuse(cause, why); };
  owner.send_task = [this, urgency](const owner::OfferBook&, wire::Item item, bool urgent) {
    return session_ && session_->send_task(std::move(item), urgency(urgent));
  };
  owner.send_ack = [this](const owner::OfferBook&, wire::Item item) {
    return session_ && session_->send_ack(std::move(item));
  };
  owner.tasks_left = [this, urgency](const owner::OfferBook&, bool urgent) {
    return session_->tasks_left(urgency(urgent));
  };
  return owner;
}

void Node::start(const store::Recovered& recovered, const ledger::LedgerRecovered* dispatched) {
  submissions_.set_accepted(recovered.accepted);
  // What the disk holds besides the live ones is looked for once the loop turns (P22).
  backlog_.window().expect_more_on_disk();
  dependents_.release_ended();
  owner_.start(recovered);
  cloud_.take_back_offers();
  dispatched_.start(dispatched);
  if (session_) owner_.journal().after([this] { session_->start(); });
  telemetry_.start();
  parts_.wake();
}

struct Node::Asked {
  Node& node;
  const Reply& reply;

  // Whether the number means a task of this store; else who asks is told so.
  bool is_ours(std::uint64_t seq, Origin origin) const {
    const TaskId id{origin, seq};
    if (origin == Origin{} || node.owner_.id_of(seq) == id) return true;
    const bool dispatched = node.dispatched_.find(id).has_value();
    if (seq >= node.owner_.next_seq() && !dispatched) return reply(no_task(id)), false;
    const std::string name = "task " + to_string(id);
    reply(dispatched
              ? fail(Code::conflict, name + " is the cloud's, which has it run here: spillway show "
                                            "shows it, spwctl task says and does the rest")
              : fail(Code::not_found, name + " is not in this agent's store, whose number " +
                                          std::to_string(seq) + " is " +
                                          to_string(node.owner_.id_of(seq)) +
                                          "; of the cloud's, spwctl task show knows"));
    return false;
  }
  Ticket operator()(wire::SubmitRequest& request) const {
    node.submissions_.submit(std::move(request), reply);
    return nullptr;
  }
  Ticket operator()(wire::TaskRequest& request) const {
    if (is_ours(request.seq, request.origin)) node.requests_.change(request, reply);
    return nullptr;
  }
  Ticket operator()(wire::ShowRequest& request) const {
    const TaskId id{request.origin, request.seq};
    std::optional<TaskView> dispatched;
    if (!node.owner_.own(id)) dispatched = node.dispatched_.find(id);
    if (dispatched) {
      reply(*std::move(dispatched));
    } else if (is_ours(request.seq, request.origin)) {
      node.requests_.show(request.seq, reply);
    }
    return nullptr;
  }
  Ticket operator()(wire::WhyRequest& request) const {
    if (is_ours(request.seq, request.origin)) node.requests_.why(request.seq, reply);
    return nullptr;
  }
  Ticket operator()(wire::ListRequest& request) const {
    node.requests_.list(request, reply);
    return nullptr;
  }
  Ticket operator()(wire::DispatchedRequest&) const {
    node.dispatched_.list(reply);
    return nullptr;
  }
  Ticket operator()(wire::WaitRequest& request) const {
    return is_ours(request.seq, request.origin) ? node.watchers_.wait(request.seq, reply) : nullptr;
  }
  Ticket operator()(wire::EventsRequest& request) const {
    if (request.seq && !is_ours(*request.seq, request.origin)) return nullptr;
    return node.watchers_.listen(request.seq, reply);
  }
  Ticket operator()(wire::StatusRequest&) const {
    node.status(reply);
    return nullptr;
  }
  Ticket operator()(wire::TraceRequest&) const {
    const auto& trace = node.parts_.trace;
    trace ? reply(wire::Trace{trace()}) : reply(fail(Code::unsupported, "nothing is traced here"));
    return nullptr;
  }
  Ticket operator()(wire::DrainRequest& request) const {
    if (!request.on) {
      node.resume();
      reply(wire::Done{});
      return nullptr;
    }
    node.drain([&on = node, answer = reply] {
      if (on.submissions_.draining()) return answer(wire::Done{});
      answer(fail(Code::conflict, "the agent was told to go on before it was drained"));
    });
    return nullptr;
  }
};

Node::Ticket Node::handle(wire::RequestBody request, Reply reply) {
  door_.enter();
  const std::string forgot = lives_.missing();
  if (forgot.empty()) return std::visit(Asked{*this, reply}, request);
  // What is not here may have been, before this state was put back, made anew or damaged.
  const Reply answer = [reply = std::move(reply), forgot](wire::AnswerBody body) {
    auto* error = std::get_if<Error>(&body);
    if (error && error->code == Code::not_found) error->message += "; " + forgot;
    reply(std::move(body));
  };
  return std::visit(Asked{*this, answer}, request);
}

bool Node::prepare(owner::OwnedTask& task) {
  const TaskSpec& spec = *task.spec;
  const std::size_t bytes = spec.input.bytes.size();
  task.on_disconnect = spec.on_disconnect;
  task.kind = parts_.kinds->find(spec.kind);
  task.work = spec.work.value_or(task.kind ? kinds::work_of(*task.kind, bytes, spec.args)
                                           : 1.0 + double(bytes));
  if (task.state.attempt_at(cloud_.book().id())) task.seconds_there = cloud_.seconds_there(task);
  return true;
}

void Node::changed(owner::OwnedTask& task, const lifecycle::OwnerTask&) {
  backlog_.window().changed(task);
}

bool Node::keeps(const owner::OwnedTask& task) const { return backlog_.window().keeps(task); }

Status Node::has_room_for(const owner::OwnedTask& task) {
  return submissions_.has_room_for(*task.spec);
}

NodeTime Node::ending(owner::OwnedTask& task, TaskResult& result) {
  telemetry_.count_end(task);
  if (const Attempt* last = task.history.last()) {
    result.placement = {last->place, task.predicted, now() - last->times.started};
  }
  const Duration age = options_.budget.of(DataClass::results).age;
  return now() + std::min<Duration>(task.spec->retention, age);
}

void Node::ended(owner::OwnedTask& task, TaskResult result) {
  stories_.on_ended(task);
  dependents_.on_ended(task);
  watchers_.ended(task, std::move(result));
}

void Node::came(owner::OwnedTask& task, const wire::ResultItem& item) { cloud_.came(task, item); }

void Node::committed() {
  backlog_.shrink();
  losses_.on_committed();
}

// The order matters: what timers and the scheduler decide is in the batch that flush() hands over;
// what earlier commits allowed goes out behind that, as far as there is room.
NodeTime Node::cycle() {
  door_.enter();
  if (stopped_) return kNever;
  // A certificate that was not yet valid may be now.
  if (clock_.look() && session_) session_->connection().hurry();
  if (now() >= submissions_.next_look()) submissions_.look_at_budget();
  on_timers();
  if (!submissions_.draining()) scheduler_.schedule();
  const NodeTime dispatched = dispatched_.cycle();
  flush();
  owner_.send_owed();
  if (session_) session_->connection().pump();
  if (drained_ && submissions_.draining() && local_.claims().empty() && owner_.idle() &&
      dispatched_.idle()) {
    std::exchange(drained_, nullptr)();
  }
  const NodeTime next =
      std::min({owner_.next_timer(), backlog_.due(), dependents_.due(), submissions_.next_look(),
                cloud_.next_probe(), cloud_.asked_again(), scheduler_.next_review(), losses_.due(),
                telemetry_.due(), models_.due(), update_.due(), dispatched});
  return session_ ? std::min(next, session_->connection().next_timer()) : next;
}

void Node::on_timers() {
  owner_.on_timers();
  dependents_.on_timer();
  backlog_.on_timers();
  const NodeTime time = now();
  if (time >= telemetry_.due()) send_telemetry();
  if (time >= models_.due()) models_.keep();
  if (!session_) return;
  if (time >= session_->connection().next_timer()) session_->connection().on_timer();
  scheduler_.review_offers();
  if (time >= cloud_.next_probe()) cloud_.probe();
  // The device's health changes with it, so that telemetry does not wait.
  if (time >= update_.due() && update_.look(time) && telemetry_.due() != kNever) send_telemetry();
  if (time >= losses_.due()) losses_.report();
}

void Node::flush() {
  if (local_.waits_for_commit()) owner_.journal().hurry();
  if (owner_.flush(clock_.wall())) local_.on_commit_handed_over();
}

void Node::send_telemetry() {
  telemetry_.send({submissions_.counts().accepted, update_.busy(), submissions_.draining()});
}

void Node::drain(std::function<void()> done) {
  door_.enter();
  submissions_.set_draining(true);
  drained_ = [others = std::move(drained_), done = std::move(done)] {
    if (others) others();
    done();
  };
  cloud_.take_back_offers();
  if (lessee::Lessee* lessee = dispatched_.lessee()) lessee->drain();
  parts_.wake();
}

void Node::resume() {
  submissions_.set_draining(false);
  if (lessee::Lessee* lessee = dispatched_.lessee()) lessee->resume();
  if (auto drained = std::exchange(drained_, nullptr)) drained();
  parts_.wake();
}

void Node::reconfigure(const Options& options) {
  door_.enter();
  config::take_up_all(options, static_cast<Options&>(options_));
  submissions_.set_limits(options_.budget);
  owner_.set_lease(options_.placement.lease);
  if (session_) cloud_.set_rate();
  models_.placement().set_policy(options_.placement);
  parts_.wake();
}

void Node::stop() {
  if (session_) session_->stop();
  owner_.journal().write_losses();
  owner_.journal().hurry();
  flush();
  models_.keep();
  stopped_ = true;
}

PlaceView Node::local_view() const {
  const placement::Place place = local_.place();
  const runner::Claims& claims = local_.claims();
  PlaceView view;
  view.place = kHereName;
  view.name = options_.device;
  view.reachable = true;
  view.state = submissions_.draining() ? "draining" : "running";
  for (const std::string& one : submissions_.admission().shortages()) view.state += "; " + one;
  view.workers = place.workers;
  view.memory = place.memory;
  view.running = claims.running() + claims.blocking();
  if (const lessee::Lessee* lessee = dispatched_.lessee()) view.running += lessee->running();
  view.credits = place.idle;
  view.queue_delay = Duration(std::int64_t(place.queue.median * 1e6));
  view.tags = place.tags;
  view.kinds = names_of(place.kinds);
  return view;
}

NodeView Node::view() const {
  door_.enter();
  NodeView view;
  view.device = options_.device;
  view.version = options_.version;
  view.origin = owner_.lives().current().origin;
  view.uptime = now() - telemetry_.started();
  view.draining = submissions_.draining();
  view.link_up = session_ && cloud_.online();
  view.store_problem = owner_.store_problem();
  view.clock_problem = clock_.problem();
  view.life_problem = lives_.problem();
  view.shortages = submissions_.admission().shortages();
  view.disk_bytes = parts_.store->use().files;
  view.disk_budget = options_.budget.disk;
  view.accepted = submissions_.counts().accepted;
  for (std::size_t i = 0; i < std::size(view.by_state); ++i) {
    view.by_state[i] = owner_.in_state(TaskState(i));
  }
  view.done_local = local_.done();
  view.done_cloud = cloud_.done();
  view.in_cloud = cloud_.book().held();
  view.buffered = submissions_.counts().buffered;
  view.duplicates = telemetry_.repeated();
  view.refused_messages = refused_;
  view.places.push_back(local_view());
  if (session_) {
    view.places.push_back(cloud_.view());
    view.broker_terms = session_->connection().broker_terms();
    view.bytes_up = session_->connection().traffic().bytes_up;
    view.bytes_down = session_->connection().traffic().bytes_down;
  }
  return view;
}

void Node::status(const Reply& reply) {
  losses_.read([this, reply](const Result<store::LossTable>& table) {
    NodeView view = this->view();
    if (table) {
      std::copy(std::begin(table->produced), std::end(table->produced), std::begin(view.produced));
      for (const LossRow& row : table->rows) {
        // The clocks move between two looks: the last is as far from the first as it was.
        const Duration first = clock_.wall_of(row.first);
        const Duration last = first == Duration::zero() ? first : first + (row.last - row.first);
        view.losses.push_back(
            {row.key.data, row.key.cause, first, last, row.count, row.reported, row.at_least});
      }
    }
    reply(std::move(view));
  });
}

}  // namespace spillway::agent
