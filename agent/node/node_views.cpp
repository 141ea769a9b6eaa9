#include <algorithm>
#include <cstdio>

#include "agent/node/node.h"
#include "common/wire/codec.h"

namespace spillway::agent {
namespace {

std::string seconds(Duration span) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", double(span.count()) / 1e6);
  return text;
}

// What keeps a waiting task waiting, and what ends that.
std::pair<std::string, std::string> waiting_words(const TaskView& task) {
  switch (task.reason) {
    case WaitReason::deps:
      return {"it comes after " + std::to_string(task.waits_for.size()) + " unfinished task(s)",
              "the last of them succeeding"};
    case WaitReason::not_before: return {"its not_before lies ahead", "time"};
    case WaitReason::backoff:
      return {"its last attempt did not succeed; it is tried again", "time"};
    case WaitReason::held: return {"somebody holds it", "spillway release"};
    case WaitReason::no_place:
      return {"no place can run it", "a place with its kind, tags, cores and memory"};
    case WaitReason::quota:  // a number of the wire that nothing gives
    case WaitReason::none: break;
  }
  return {"it is about to be placed", "a free core or a place in the uplink window"};
}

bool may_go(const Explanation& why, PlaceKind place) {
  return std::any_of(why.candidates.begin(), why.candidates.end(), [place](const Candidate& each) {
    return each.place == place && each.eligible;
  });
}

bool may_go(const Explanation& why) {
  return may_go(why, PlaceKind::local) || may_go(why, PlaceKind::cloud);
}

// What a ready task waits for, of the places that it may go to.
std::string what_frees(const Explanation& why, bool barred) {
  const bool local = may_go(why, PlaceKind::local);
  const bool cloud = may_go(why, PlaceKind::cloud);
  if (local && cloud) return "a free core or a place in the uplink window";
  if (local) return "a free core";
  if (cloud) return "a place in the uplink window";
  return barred ? "the cloud, which is asked again" : "the cloud, once it is there";
}

}  // namespace

TaskView Node::view_of(const store::TaskRow& row, const std::string& kind,
                       const std::string& tenant) const {
  const lifecycle::OwnerTask& task = row.task;
  TaskView view;
  view.id = id_of(row.seq);
  view.kind = kind;
  view.tenant = tenant;
  view.state = task.state;
  view.reason = task.reason;
  view.place = task.place;
  view.band = row.band;
  view.epoch = task.epoch;
  view.attempts = task.attempts;
  view.crashes = task.crashes;
  view.age = now() - row.created;
  view.in_state = now() - task.since;
  view.wall_created = wall_of(row.created);
  if (task.deadline != kNever) view.deadline_in = task.deadline - now();
  return view;
}

TaskView Node::view_of(const owner::OwnedTask& task) const {
  store::TaskRow row;
  row.seq = task.seq;
  row.band = task.spec->band;
  row.created = task.created;
  row.task = task.state;
  return view_of(row, task.spec->kind, task.spec->tenant);
}

TaskView Node::view_of(const store::TaskDetail& detail) const {
  TaskView view = view_of(detail.row, detail.kind, detail.tenant);
  view.waits_for = detail.waits_for;
  if (detail.row.spec) {
    if (auto spec = wire::decode_spec(*detail.row.spec)) view.spec = *std::move(spec);
  }
  if (detail.row.result && is_terminal(view.state)) {
    if (auto result = wire::decode_result(*detail.row.result)) view.result = *std::move(result);
  }
  view.events.push_back(view_of(store::EventRow{
      detail.row.seq, detail.row.created, store::EventKind::accepted, {}, {}, {}, {}}));
  for (const store::EventRow& event : detail.events) view.events.push_back(view_of(event));
  if (view.state == TaskState::succeeded && view.result) {
    const PlaceKind place = view.result->placement.chosen;
    view.events.push_back(view_of(store::EventRow{detail.row.seq,
                                                  detail.row.task.since,
                                                  store::EventKind::succeeded,
                                                  detail.row.task.epoch,
                                                  place,
                                                  {},
                                                  {}}));
  }
  return view;
}

EventView Node::view_of(const store::EventRow& row) const {
  EventView view{row.seq,
                 id_of(row.seq),
                 row.at,
                 wall_of(row.at),
                 std::string(store::to_string(row.kind)),
                 row.epoch,
                 row.place,
                 row.failure,
                 {}};
  if (row.kind == store::EventKind::granted) {
    auto explanation = wire::decode_explanation(row.detail);
    view.detail = explanation ? explanation->dominant : "";
  } else {
    view.detail = std::string(as_text(row.detail));
  }
  return view;
}

WhyReport Node::why_of(TaskView view, const owner::OwnedTask& live) const {
  WhyReport why;
  why.explanation = live.explanation;
  bool pending = view.state == TaskState::waiting || view.state == TaskState::ready;
  if (pending || why.explanation.candidates.empty()) {
    placement::Candidate candidate = candidate_of(live);
    why.explanation = placement_.explain(candidate, local_place(), cloud_place(), now());
  }
  why.dominant = why.explanation.dominant;
  if (view.state == TaskState::waiting) {
    std::tie(why.dominant, why.next) = waiting_words(view);
    if (live.state.wake != kNever && view.reason != WaitReason::held)
      why.next_in = live.state.wake - now();
  } else if (view.state == TaskState::ready && draining_) {
    why.dominant = "the agent is drained and starts nothing";
    why.next = "spillway drain --off";
  } else if (view.state == TaskState::ready && !owner_.store_problem().empty()) {
    why.dominant =
        "the store cannot write, and nothing starts until it can: " + owner_.store_problem();
    why.next = "the store writing again";
  } else if (view.state == TaskState::ready) {
    why.next = what_frees(why.explanation, is_barred());
    if (is_barred() && !may_go(why.explanation)) why.next_in = cloud_.refuses_until - now();
  } else if (view.state == TaskState::leased) {
    why.next = live.state.offer_pending ? "the cloud's answer to the offer" : "the cloud's result";
    why.next_in = live.state.lease_until - now();
  } else if (view.state == TaskState::running) {
    why.next = "its end";
    if (live.state.run_until != kNever) why.next_in = live.state.run_until - now();
  } else {
    why.next = view.state == TaskState::succeeded ? "nothing: it is final" : "spillway retry";
    if (view.result && view.result->error) why.dominant = view.result->error->message;
    if (view.state == TaskState::expired) why.dominant = "its deadline passed before it was done";
    if (view.state == TaskState::cancelled) why.dominant = "it was cancelled";
  }
  why.task = std::move(view);
  return why;
}

PlaceView Node::local_view() const {
  placement::Place place = local_place();
  PlaceView view;
  view.place = PlaceKind::local;
  view.name = options_.device;
  view.reachable = true;
  view.state = draining_ ? "draining" : "running";
  for (const std::string& shortage : admission_.shortages()) view.state += "; " + shortage;
  view.workers = place.workers;
  view.memory = place.memory;
  view.running = claims_.running() + claims_.blocking() + (lessee_ ? lessee_->running() : 0);
  view.credits = place.idle;
  view.queue_delay = Duration(std::int64_t(place.queue.median * 1e6));
  view.tags = place.tags;
  view.kinds = place.kinds;
  return view;
}

PlaceView Node::cloud_view() const {
  placement::Place place = cloud_place();
  const session::Connection& connection = session_->connection();
  PlaceView view;
  view.place = PlaceKind::cloud;
  view.name = "cloud";
  view.reachable = place.reachable && cloud_.refuses.empty();
  std::string age = seconds(now() - link_since_);
  if (view.reachable) {
    view.state = "connected for " + age;
  } else if (there_.online() && !cloud_.refuses.empty()) {
    view.state = cloud_.refuses + "; asked again " +
                 (is_barred() ? "in " + seconds(cloud_.refuses_until - now()) : "with a task");
  } else if (connection.up()) {
    view.state = "broker connected, cloud away for " + age;
  } else {
    view.state = "link down for " + age;
    if (!connection.last_problem().empty()) view.state += ": " + connection.last_problem();
    if (connection.next_timer() != kNever) {
      view.state += "; next try in " + seconds(connection.next_timer() - now());
    }
  }
  view.workers = place.workers;
  view.memory = place.memory;
  view.running = there_.held();
  view.credits = place.idle;
  view.queue_delay = Duration(std::int64_t(place.queue.median * 1e6));
  view.rtt = placement_.link().rtt();
  view.bandwidth_up = placement_.link().bandwidth();
  view.tags = place.tags;
  view.kinds = place.kinds;
  return view;
}

NodeView Node::view() const {
  NodeView view;
  view.device = options_.device;
  view.version = options_.version;
  view.origin = owner_.lives().current().origin;
  view.uptime = now() - started_;
  view.draining = draining_;
  view.link_up = session_ && there_.online();
  view.store_problem = owner_.store_problem();
  view.clock_problem = clock_problem_;
  view.life_problem = life_problem();
  view.shortages = admission_.shortages();
  view.disk_bytes = parts_.store->use().files;
  view.disk_budget = options_.budget.disk;
  view.accepted = counters_.accepted;
  for (std::size_t i = 0; i < std::size(view.by_state); ++i) {
    view.by_state[i] = owner_.in_state(TaskState(i));
  }
  view.done_local = counters_.done_local;
  view.done_cloud = counters_.done_cloud;
  view.in_cloud = there_.held();
  view.buffered = counters_.buffered;
  view.duplicates = counters_.duplicates;
  view.refused_messages = counters_.refused;
  view.places.push_back(local_view());
  if (session_) {
    view.places.push_back(cloud_view());
    view.broker_terms = session_->connection().broker_terms();
    view.bytes_up = session_->connection().traffic().bytes_up;
    view.bytes_down = session_->connection().traffic().bytes_down;
  }
  return view;
}

void Node::status(Reply reply) {
  read_losses([this, reply = std::move(reply)](const Result<store::LossTable>& table) {
    NodeView view = this->view();
    if (table) {
      std::copy(std::begin(table->produced), std::end(table->produced), std::begin(view.produced));
      for (const LossRow& row : table->rows) {
        // The clocks move between two looks: the last is as far from the first as it was.
        const Duration first = wall_of(row.first);
        const Duration last = first == Duration::zero() ? first : first + (row.last - row.first);
        view.losses.push_back(
            {row.key.data, row.key.cause, first, last, row.count, row.reported, row.at_least});
      }
    }
    reply(std::move(view));
  });
}

}  // namespace spillway::agent
