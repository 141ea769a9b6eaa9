#include "spillway/agent/agent.h"

#include <future>
#include <thread>

#include "agent/app/composition.h"
#include "common/wire/codec.h"

namespace spillway::agent {

struct Agent::State {
  process::Loop loop;
  std::unique_ptr<Composition> composition;
  std::thread thread;
  bool started = false;

  Result<wire::AnswerBody> request(wire::RequestBody body,
                                   std::optional<std::chrono::milliseconds> timeout = std::nullopt);
};

class Agent::Subscription {
 public:
  Subscription(process::Loop& loop, intake::Api::Ticket ticket)
      : loop_(&loop), ticket_(std::move(ticket)) {}
  // The ticket is the loop's; dropping it anywhere else would race with an event under way.
  ~Subscription() {
    loop_->post([ticket = std::move(ticket_)]() mutable { ticket.reset(); });
  }

 private:
  process::Loop* loop_;
  intake::Api::Ticket ticket_;
};

namespace {

// Turns the one answer expected of a request into a Result.
template <class T>
Result<T> expect(wire::AnswerBody body) {
  if (T* wanted = std::get_if<T>(&body)) return std::move(*wanted);
  if (Error* error = std::get_if<Error>(&body)) return std::move(*error);
  return fail(Code::internal, "the node gave an answer of another kind");
}

Result<TaskId> accepted(wire::AnswerBody body) {
  Result<wire::Submitted> submitted = expect<wire::Submitted>(std::move(body));
  if (!submitted) return submitted.error();
  wire::Submitted::One& one = submitted->each.front();
  if (one.error) return *std::move(one.error);
  return one.id;
}

// Asks the node on its loop and waits. The ticket lives there until the answer is in, or `timeout`.
wire::AnswerBody ask(process::Loop& loop, Node& node, wire::RequestBody request,
                     std::optional<std::chrono::milliseconds> timeout = std::nullopt) {
  struct Call {
    std::promise<wire::AnswerBody> answer;
    intake::Api::Ticket ticket;
    bool answered = false;
  };
  auto call = std::make_shared<Call>();
  std::future<wire::AnswerBody> answer = call->answer.get_future();
  loop.post([&node, call, request = std::move(request)]() mutable {
    call->ticket = node.handle(std::move(request), [call](wire::AnswerBody body) {
      if (!std::exchange(call->answered, true)) call->answer.set_value(std::move(body));
    });
  });
  bool in_time = !timeout || answer.wait_for(*timeout) == std::future_status::ready;
  loop.post([call] { call->ticket.reset(); });
  if (in_time) return answer.get();
  return fail(Code::timeout, "not within " + std::to_string(timeout->count()) + " ms");
}

}  // namespace

Agent::Agent(std::unique_ptr<State> state) : state_(std::move(state)) {}

Agent::~Agent() {
  if (state_->thread.joinable()) {
    state_->loop.post([this] {
      state_->composition.reset();
      state_->loop.stop();
    });
    state_->thread.join();
  }
}

Result<std::unique_ptr<Agent>> Agent::open(const Options& options) {
  auto state = std::make_unique<State>();
  auto composition = Composition::open(options, state->loop);
  if (!composition) return composition.error();
  state->composition = *std::move(composition);
  return std::unique_ptr<Agent>(new Agent(std::move(state)));
}

Status Agent::define(const Kind& kind) {
  if (state_->started) return fail(Code::conflict, "kinds are defined before start()");
  return state_->composition->kinds().add(kind);
}

Status Agent::start() {
  if (state_->started) return fail(Code::conflict, "the agent runs already");
  if (Status started = state_->composition->start(); !started) return started;
  state_->started = true;
  state_->thread = std::thread([this] { state_->loop.run(); });
  return {};
}

void Agent::submit(const TaskSpec& spec, std::function<void(Result<TaskId>)> done) {
  if (!state_->started) return done(fail(Code::conflict, "start() the agent first"));
  if (Status valid = validate(spec); !valid) return done(valid.error());
  state_->loop.post([this, encoded = wire::encode(spec), done = std::move(done)]() mutable {
    state_->composition->node().handle(
        wire::SubmitRequest{{std::move(encoded)}},
        [done = std::move(done)](wire::AnswerBody body) { done(accepted(std::move(body))); });
  });
}

Result<TaskId> Agent::submit(const TaskSpec& spec) {
  auto promise = std::make_shared<std::promise<Result<TaskId>>>();
  auto answer = promise->get_future();
  submit(spec, [promise](Result<TaskId> id) { promise->set_value(std::move(id)); });
  return answer.get();
}

Result<wire::AnswerBody> Agent::State::request(wire::RequestBody body,
                                               std::optional<std::chrono::milliseconds> timeout) {
  if (!started) return fail(Code::conflict, "start() the agent first");
  return ask(loop, composition->node(), std::move(body), timeout);
}

Result<TaskView> Agent::find(TaskId id) {
  auto answer = state_->request(wire::ShowRequest{id.seq, id.origin});
  return answer ? expect<TaskView>(*std::move(answer)) : answer.error();
}

Result<TaskResult> Agent::wait(TaskId id, std::chrono::milliseconds timeout) {
  auto answer = state_->request(wire::WaitRequest{id.seq, id.origin}, timeout);
  if (!answer) return answer.error();
  Result<TaskView> view = expect<TaskView>(*std::move(answer));
  if (!view) return view.error();
  if (!view->result) return fail(Code::corrupt, "the finished task has no result");
  return *std::move(view->result);
}

Result<WhyReport> Agent::why(TaskId id) {
  auto answer = state_->request(wire::WhyRequest{id.seq, id.origin});
  return answer ? expect<WhyReport>(*std::move(answer)) : answer.error();
}

namespace {

Status done_or_error(Result<wire::AnswerBody> answer) {
  if (!answer) return answer.error();
  Result<wire::Done> done = expect<wire::Done>(*std::move(answer));
  return done ? Status() : Status(done.error());
}

}  // namespace

Status Agent::cancel(TaskId id) {
  return done_or_error(state_->request(wire::TaskRequest{wire::TaskOp::cancel, id.seq, id.origin}));
}
Status Agent::retry(TaskId id) {
  return done_or_error(state_->request(wire::TaskRequest{wire::TaskOp::retry, id.seq, id.origin}));
}
Status Agent::hold(TaskId id) {
  return done_or_error(state_->request(wire::TaskRequest{wire::TaskOp::hold, id.seq, id.origin}));
}
Status Agent::release(TaskId id) {
  return done_or_error(
      state_->request(wire::TaskRequest{wire::TaskOp::release, id.seq, id.origin}));
}
Status Agent::drain(std::chrono::milliseconds timeout) {
  return done_or_error(state_->request(wire::DrainRequest{true}, timeout));
}

Result<NodeView> Agent::status() {
  auto answer = state_->request(wire::StatusRequest{});
  return answer ? expect<NodeView>(*std::move(answer)) : answer.error();
}

std::shared_ptr<Agent::Subscription> Agent::events(std::function<void(const EventView&)> each) {
  auto promise = std::make_shared<std::promise<intake::Api::Ticket>>();
  auto ticket = promise->get_future();
  state_->loop.post([this, promise, each = std::move(each)] {
    promise->set_value(
        state_->composition->node().handle(wire::EventsRequest{}, [each](wire::AnswerBody body) {
          if (auto* event = std::get_if<EventView>(&body)) each(*event);
        }));
  });
  return std::make_shared<Subscription>(state_->loop, ticket.get());
}

}  // namespace spillway::agent
