#include <algorithm>

#include "agent/node/node.h"
#include "common/wire/codec.h"

namespace spillway::agent {
namespace {

Error no_task(std::uint64_t seq) {
  return fail(Code::not_found, "there is no task " + std::to_string(seq) +
                                   "; finished tasks are kept for their retention only");
}

}  // namespace

Node::Ticket Node::handle(wire::RequestBody request, Reply reply) {
  struct Visitor {
    Node& node;
    Reply& reply;
    Ticket operator()(wire::SubmitRequest& r) { return node.submit(std::move(r), reply), nullptr; }
    Ticket operator()(wire::TaskRequest& r) { return node.people(r, reply), nullptr; }
    Ticket operator()(wire::ShowRequest& r) { return node.show(r.seq, reply), nullptr; }
    Ticket operator()(wire::WhyRequest& r) { return node.why(r.seq, reply), nullptr; }
    Ticket operator()(wire::WaitRequest& r) { return node.wait(r.seq, reply); }
    Ticket operator()(wire::ListRequest& r) { return node.list(r, reply), nullptr; }
    Ticket operator()(wire::LeasedRequest& r) { return node.list_leased(r, reply), nullptr; }
    Ticket operator()(wire::EventsRequest& r) { return node.events(r, reply); }
    Ticket operator()(wire::StatusRequest&) { return node.status(reply), nullptr; }
    Ticket operator()(wire::TraceRequest&) {
      const auto& trace = node.parts_.trace;
      trace ? reply(wire::Trace{trace()})
            : reply(fail(Code::unsupported, "nothing is traced here"));
      return nullptr;
    }
    Ticket operator()(wire::DrainRequest& r) {
      if (r.on) {
        node.drain([&on = node, answer = reply] {
          if (on.draining_) return answer(wire::Done{});
          answer(fail(Code::conflict, "the agent was told to go on before it was drained"));
        });
      } else {
        node.resume();
        reply(wire::Done{});
      }
      return nullptr;
    }
  };
  return std::visit(Visitor{*this, reply}, request);
}

void Node::with_task(std::uint64_t seq, const Reply& reply,
                     std::function<void(owner::OwnedTask&)> use) {
  const auto refuse = [seq, reply](const Error& error) {
    reply(error.code == Code::not_found ? no_task(seq) : error);
  };
  owner_.with_task(seq, refuse, std::move(use));
}

void Node::people(const wire::TaskRequest& request, const Reply& reply) {
  if (request.op != wire::TaskOp::retry) return take_op(request, reply);
  check_parents(request, reply, 0);
}

// A task that runs anew keeps its order; those it comes after were told of it only once.
void Node::check_parents(const wire::TaskRequest& request, const Reply& reply, std::size_t next) {
  with_task(request.seq, reply, [this, request, reply, next](owner::OwnedTask& task) {
    if (next >= task.spec->after.size()) return take_op(request, reply);
    TaskId parent = task.spec->after[next];
    auto look = gate_.pass([this, request, reply, next,
                            parent](const Result<store::TaskDetail>& found) {
      // One that is gone was kept for its retention: that long ago, it succeeded or nobody cares.
      if (found && found->row.task.state != TaskState::succeeded) {
        return reply(fail(Code::conflict, "it comes after task " + to_string(parent) +
                                              ", which did not succeed (yet): see to that first"));
      }
      check_parents(request, reply, next + 1);
    });
    parts_.store->find(parent.seq, look);
  });
}

void Node::take_op(const wire::TaskRequest& request, const Reply& reply) {
  const std::uint64_t seq = request.seq;
  const auto done = [seq, reply](const Result<void>& did) {
    if (did) return reply(wire::Done{});
    reply(did.error().code == Code::not_found ? no_task(seq) : did.error());
  };
  switch (request.op) {
    case wire::TaskOp::cancel: return owner_.cancel(seq, done);
    case wire::TaskOp::hold: return owner_.hold(seq, done);
    case wire::TaskOp::release: return owner_.release(seq, done);
    case wire::TaskOp::retry: return owner_.retry(seq, std::nullopt, done);
  }
}

void Node::show(std::uint64_t seq, Reply reply) {
  parts_.store->find(
      seq,
      gate_.pass([this, seq, reply = std::move(reply)](const Result<store::TaskDetail>& found) {
        if (!found)
          return reply(found.error().code == Code::not_found ? no_task(seq) : found.error());
        reply(view_of(*found));
      }));
}

void Node::why(std::uint64_t seq, Reply reply) {
  parts_.store->find(
      seq,
      gate_.pass([this, seq, reply = std::move(reply)](const Result<store::TaskDetail>& found) {
        if (!found)
          return reply(found.error().code == Code::not_found ? no_task(seq) : found.error());
        owner::OwnedTask live = read(found->row);
        if (owner::OwnedTask* known = owner_.find(seq)) live = *known;
        for (const store::EventRow& event : found->events) {
          if (event.kind != store::EventKind::granted) continue;
          if (auto stored = wire::decode_explanation(event.detail)) live.explanation = *stored;
        }
        reply(why_of(view_of(*found), live));
      }));
}

Node::Ticket Node::wait(std::uint64_t seq, Reply reply) {
  auto waiter = std::make_shared<Subscription>();
  waiter->reply = std::move(reply);
  waiters_.emplace(seq, waiter);
  // Registered first: the task may end while the disk is asked.
  look_for_end(seq, waiter);
  return waiter;
}

void Node::look_for_end(std::uint64_t seq, const std::weak_ptr<Subscription>& who) {
  parts_.store->find(seq, gate_.pass([this, seq, who](const Result<store::TaskDetail>& found) {
    auto waiting = who.lock();
    if (!waiting) return;
    if (found && !is_terminal(found->row.task.state)) {
      // Its end may be on its way to the disk, and have looked for waiters before we were one.
      owner::OwnedTask* live = owner_.find(seq);
      bool ending = live && is_terminal(live->state.state);
      if (!ending) return;
      journal().after([this, seq, who] { look_for_end(seq, who); });
      return parts_.wake();
    }
    auto [first, last] = waiters_.equal_range(seq);
    auto mine = std::find_if(first, last, [&](auto& one) { return one.second.lock() == waiting; });
    if (mine == last) return;  // answered by the task's end
    waiters_.erase(mine);
    if (found) return waiting->reply(view_of(*found));
    waiting->reply(found.error().code == Code::not_found ? no_task(seq) : found.error());
  }));
}

void Node::list(const wire::ListRequest& request, Reply reply) {
  store::ListFilter filter{request.state, request.kind, request.tenant, request.before,
                           std::min(request.limit, 1000U)};
  parts_.store->list(
      filter,
      gate_.pass([this, reply = std::move(reply)](Result<std::vector<store::ListedTask>> rows) {
        if (!rows) return reply(rows.error());
        wire::Tasks tasks;
        for (const store::ListedTask& row : *rows) {
          tasks.tasks.push_back(view_of(row.row, row.kind, row.tenant));
        }
        reply(std::move(tasks));
      }));
}

Node::Ticket Node::events(const wire::EventsRequest& request, Reply reply) {
  auto listener = std::make_shared<Subscription>();
  listener->reply = std::move(reply);
  listener->only = request.seq;
  listeners_.push_back(listener);
  return listener;
}

}  // namespace spillway::agent
