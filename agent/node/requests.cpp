#include "agent/node/requests.h"

#include <algorithm>

#include "agent/node/backlog.h"
#include "agent/node/watchers.h"
#include "common/wire/codec.h"

namespace spillway::agent {
namespace {

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

bool may_go(const Explanation& why, PlaceClass place) {
  return std::any_of(why.candidates.begin(), why.candidates.end(), [place](const Candidate& each) {
    return class_of(each.place) == place && each.eligible;
  });
}

bool may_go(const Explanation& why) {
  return may_go(why, PlaceClass::here) || may_go(why, PlaceClass::cloud);
}

// What a ready task waits for, of the places that it may go to.
std::string what_frees(const Explanation& why, bool barred) {
  const bool local = may_go(why, PlaceClass::here);
  const bool cloud = may_go(why, PlaceClass::cloud);
  if (local && cloud) return "a free core or a place in the uplink window";
  if (local) return "a free core";
  if (cloud) return "a place in the uplink window";
  return barred ? "the cloud, which is asked again" : "the cloud, once it is there";
}

// What ends a live attempt, and when it is given up.
std::pair<std::string, std::optional<Duration>> ends_with(TaskState state,
                                                          const lifecycle::LiveAttempt& out,
                                                          NodeTime now) {
  if (state == TaskState::leased) {
    const std::string awaited = out.offer_pending ? "answer to the offer" : "result";
    return {"the cloud's " + awaited, out.lease_until - now};
  }
  if (out.run_until == kNever) return {"its end", std::nullopt};
  return {"its end", out.run_until - now};
}

}  // namespace

void recall_explanation(owner::OwnedTask& task, const std::vector<store::EventRow>& events) {
  for (const store::EventRow& event : events) {
    if (event.kind != store::EventKind::granted) continue;
    if (auto stored = wire::decode_explanation(event.detail)) task.explanation = *stored;
  }
}

Requests::Requests(store::OwnerStore& store, owner::Owner& owner, const Views& views,
                   Dependents& dependents, const Models& models, const LocalPlace& local,
                   const CloudPlace& cloud, const Submissions& submissions, const LifeWatch& lives)
    : store_(store),
      owner_(owner),
      views_(views),
      dependents_(dependents),
      models_(models),
      local_(local),
      cloud_(cloud),
      submissions_(submissions),
      lives_(lives) {}

// A task that runs anew keeps its order; those it comes after were told of it only once.
void Requests::change(const wire::TaskRequest& request, const Reply& reply) {
  if (request.op != wire::TaskOp::retry) return take(request, reply);
  const std::uint64_t seq = request.seq;
  const auto look = [this, request, reply](const owner::OwnedTask& task) {
    dependents_.may_run_anew(task.spec->after, [this, request, reply](const Status& may) {
      may ? take(request, reply) : reply(may.error());
    });
  };
  owner_.with_task(
      seq, [seq, reply](const Error& error) { reply(no_task(seq, error)); }, look);
}

void Requests::take(const wire::TaskRequest& request, const Reply& reply) {
  const std::uint64_t seq = request.seq;
  const auto done = [seq, reply](const Result<void>& did) {
    if (did) return reply(wire::Done{});
    reply(no_task(seq, did.error()));
  };
  switch (request.op) {
    case wire::TaskOp::cancel: return owner_.cancel(seq, done);
    case wire::TaskOp::hold: return owner_.hold(seq, done);
    case wire::TaskOp::release: return owner_.release(seq, done);
    case wire::TaskOp::retry: return owner_.retry(seq, std::nullopt, done);
  }
}

void Requests::show(std::uint64_t seq, const Reply& reply) {
  store_.find(seq, gate_.pass([this, seq, reply](const Result<store::TaskDetail>& found) {
    if (!found) return reply(no_task(seq, found.error()));
    reply(views_.view_of(*found));
  }));
}

void Requests::why(std::uint64_t seq, const Reply& reply) {
  store_.find(seq, gate_.pass([this, seq, reply](const Result<store::TaskDetail>& found) {
    if (!found) return reply(no_task(seq, found.error()));
    const owner::OwnedTask* known = owner_.find(seq);
    owner::OwnedTask task = known ? *known : *owner_.read(found->row);
    recall_explanation(task, found->events);
    reply(why_of(views_.view_of(*found), task));
  }));
}

void Requests::list(const wire::ListRequest& request, const Reply& reply) {
  const store::ListFilter filter{request.state, request.kind, request.tenant, request.before,
                                 std::min(request.limit, 1000U)};
  store_.list(filter, gate_.pass([this, reply](const Result<std::vector<store::ListedTask>>& rows) {
    if (!rows) return reply(rows.error());
    wire::Tasks tasks;
    for (const store::ListedTask& row : *rows) {
      tasks.tasks.push_back(views_.view_of(row.row, row.kind, row.tenant));
    }
    reply(std::move(tasks));
  }));
}

WhyReport Requests::why_of(TaskView view, const owner::OwnedTask& live) const {
  WhyReport why;
  const NodeTime now = owner_.now();
  why.explanation = live.explanation;
  bool pending = view.state == TaskState::waiting || view.state == TaskState::ready;
  if (pending || why.explanation.candidates.empty()) {
    placement::Candidate candidate = candidate_of(live, now);
    why.explanation = models_.placement().explain(candidate, local_.place(), cloud_.place(), now);
  }
  why.dominant = why.explanation.dominant;
  if (view.state == TaskState::waiting) {
    std::tie(why.dominant, why.next) = waiting_words(view);
    if (live.state.wake != kNever && view.reason != WaitReason::held)
      why.next_in = live.state.wake - now;
  } else if (view.state == TaskState::ready && submissions_.draining()) {
    why.dominant = "the agent is drained and starts nothing";
    why.next = "spillway drain --off";
  } else if (view.state == TaskState::ready && !owner_.store_problem().empty()) {
    why.dominant =
        "the store cannot write, and nothing starts until it can: " + owner_.store_problem();
    why.next = "the store writing again";
  } else if (view.state == TaskState::ready) {
    why.next = what_frees(why.explanation, cloud_.bars());
    if (cloud_.bars() && !may_go(why.explanation)) why.next_in = cloud_.asked_again() - now;
  } else if (const lifecycle::LiveAttempt* out = live.state.attempt(live.state.epoch)) {
    std::tie(why.next, why.next_in) = ends_with(view.state, *out, now);
  } else {
    why.next = view.state == TaskState::succeeded ? "nothing: it is final" : "spillway retry";
    if (view.result && view.result->error) why.dominant = view.result->error->message;
    if (view.state == TaskState::expired) why.dominant = "its deadline passed before it was done";
    if (view.state == TaskState::cancelled) why.dominant = "it was cancelled";
  }
  why.lives = lives_.problem();
  why.task = std::move(view);
  return why;
}

}  // namespace spillway::agent
