#include "common/runner/pool_runner.h"

#include <time.h>

#include <atomic>
#include <cassert>

#include "common/crypto/sha256.h"
#include "common/executor/parallel.h"
#include "common/kinds/registry.h"

namespace spillway::runner {
namespace {

Duration thread_cpu() {
  timespec spent{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) +
         std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(spent.tv_nsec));
}

class PoolContext final : public KindContext {
 public:
  PoolContext(executor::Executor& executor, const TaskSpec& spec, std::stop_token stop)
      : executor_(&executor), spec_(&spec), stop_(std::move(stop)) {}

  ByteView input() const override { return spec_->input.bytes; }
  const Labels& args() const override { return spec_->args; }
  std::stop_token stop() const override { return stop_; }
  void parallel_for(std::size_t n,
                    const std::function<void(std::size_t, std::size_t)>& range) override {
    executor::parallel_for(*executor_, 0, n, range);
  }

 private:
  executor::Executor* executor_;
  const TaskSpec* spec_;
  std::stop_token stop_;
};

}  // namespace

// Shared by the loop and the worker that runs it; the worker writes the outcome, then posts.
struct PoolRunner::Running {
  Request request;
  std::function<void(Outcome)> done;  // the loop's
  std::stop_source stop;
  std::atomic<Duration> begun = Duration::min();  // boot time; min: not yet
  Outcome outcome;
};

PoolRunner::PoolRunner(executor::Executor& executor, process::Loop& loop, const Clock& clock,
                       std::shared_ptr<RunRegister> marks)
    : executor_(&executor), loop_(&loop), clock_(&clock), marks_(std::move(marks)) {}

PoolRunner::~PoolRunner() = default;

unsigned PoolRunner::width() const { return executor_->width(); }
unsigned PoolRunner::blocking_width() const { return executor_->blocking_limit(); }

std::optional<Duration> PoolRunner::begun(TaskId id, Epoch epoch) const {
  door_.enter();
  auto found = running_.find(id);
  if (found == running_.end()) return std::nullopt;
  for (const auto& running : found->second) {
    const Duration begun = running->begun;
    if (running->outcome.epoch == epoch && begun != Duration::min()) return begun;
  }
  return std::nullopt;
}

bool PoolRunner::may_have_begun(TaskId id) const { return !marks_ || marks_->may_have_begun(id); }

namespace {

void run_body(executor::Executor& executor, const Clock& clock, const Request& request,
              const std::stop_token& stop, Outcome& outcome) {
  PoolContext context(executor, request.spec, stop);
  Duration cpu = thread_cpu();
  outcome.run_started = clock.boot_time();
  Result<Bytes> value = kinds::run_kind(*request.kind, context);
  outcome.run_ended = clock.boot_time();
  outcome.cpu = thread_cpu() - cpu;
  if (value) {
    outcome.value = *std::move(value);
    outcome.digest = crypto::sha256(outcome.value);
    return;
  }
  outcome.failure = stop.stop_requested() ? FailureClass::interrupted : FailureClass::error;
  outcome.error = std::move(value).error();
}

}  // namespace

// On the loop. The body runs on a worker, with its mark set before it, and leaves what came of it
// in `running`; then finish() tells `done` on the loop, once. A closure that is refused or dropped
// takes the same way, as interrupted; nothing is told once this is gone.
void PoolRunner::run(Request request, std::function<void(Outcome)> done) {
  door_.enter();
  auto running = std::make_shared<Running>();
  running->request = std::move(request);
  running->done = std::move(done);
  Outcome& outcome = running->outcome;
  outcome.id = running->request.id;
  outcome.epoch = running->request.epoch;
  outcome.submitted = outcome.run_started = outcome.run_ended = clock_->boot_time();
  running_[outcome.id].push_back(running);
  if (stopping_) running->stop.request_stop();

  executor::SubmitOptions options;
  options.band = running->request.spec.band;
  options.stop = running->stop.get_token();
  options.blocking = running->request.kind->traits.blocking;
  auto ended = gate_.pass([this, running] { finish(running); });
  auto closure = [this, running, ended = std::move(ended)](executor::Outcome how) {
    if (how == executor::Outcome::ran) {
      if (marks_) running->outcome.begun = marks_->begin(running->request.id);
      running->begun = clock_->boot_time();
      run_body(*executor_, *clock_, running->request, running->stop.get_token(), running->outcome);
    } else {
      running->outcome.failure = FailureClass::interrupted;
    }
    loop_->post(ended);
  };
  // A refused closure is told so through its outcome, like any other that does not run.
  (void)executor_->try_submit(std::move(closure), options);
}

void PoolRunner::finish(const std::shared_ptr<Running>& running) {
  door_.enter();
  if (!running->done) return;  // abandoned
  auto found = running_.find(running->outcome.id);
  assert(found != running_.end() && "a run has ended that nobody began");
  std::erase(found->second, running);
  if (found->second.empty()) running_.erase(found);
  running->done(std::move(running->outcome));
}

void PoolRunner::stop(TaskId id, Epoch epoch) {
  door_.enter();
  auto found = running_.find(id);
  if (found == running_.end()) return;
  for (auto& running : found->second) {
    if (running->outcome.epoch == epoch) running->stop.request_stop();
  }
}

void PoolRunner::stop_all() {
  door_.enter();
  stopping_ = true;
  for (auto& [id, attempts] : running_) {
    for (auto& running : attempts) running->stop.request_stop();
  }
}

// A body writes its own outcome for as long as it runs, so these get another.
bool PoolRunner::abandon() {
  door_.enter();
  stop_all();
  const auto left = std::exchange(running_, {});
  for (const auto& [id, attempts] : left) {
    for (const auto& running : attempts) {
      Outcome outcome;
      outcome.id = id;
      outcome.epoch = running->request.epoch;
      outcome.failure = FailureClass::interrupted;
      outcome.submitted = outcome.run_started = outcome.run_ended = clock_->boot_time();
      std::exchange(running->done, nullptr)(std::move(outcome));
    }
  }
  return !left.empty();
}

}  // namespace spillway::runner
