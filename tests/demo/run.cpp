#include "tests/demo/run.h"

#include <chrono>
#include <deque>
#include <set>
#include <thread>

#include "common/wire/codec.h"

namespace spillway::demo {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 32;       // tasks a submit request
constexpr std::size_t kOpenSubmits = 8;  // requests without an answer
// Most of what the agent lets one client ask at a time: a result may give way to newer work once
// it was there to be had.
constexpr std::size_t kOpenWaits = 900;
constexpr auto kGiveUpAfter = 60s;  // without any progress

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The application: it knows only what the agent answered.
class App {
 public:
  App(test::Testbed& bed, const Workload& workload, const RunOptions& options)
      : bed_(bed), workload_(workload), options_(options), jobs_(options.tasks) {}

  void allow(std::size_t tasks) { allowed_ = std::min(tasks, jobs_.size()); }
  std::size_t accepted() const { return accepted_; }
  std::size_t done() const { return done_; }
  bool finished() const { return done_ == jobs_.size(); }

  // Sends what may be sent and takes what has come, for at most 50 ms.
  void step() {
    if (!client_ && !reconnect()) return;
    submit_more();
    wait_more();
    auto answer = client_->receive(50ms);
    if (answer) return take(*std::move(answer));
    if (answer.error().code != Code::timeout) client_.reset();
  }

  Outcome outcome();

 private:
  struct Job {
    std::uint64_t seq = 0;  // 0: not acknowledged
    bool asked = false, waited = false, done = false;
  };

  bool reconnect() {
    auto client = intake::Client::connect(bed_.socket());
    if (!client) {
      std::this_thread::sleep_for(20ms);
      return false;
    }
    client_.emplace(*std::move(client));
    submits_.clear();
    waits_.clear();
    // Keys make it safe to say again what was not answered.
    for (Job& job : jobs_) {
      if (job.seq == 0) job.asked = false;
      if (!job.done) job.waited = false;
    }
    next_submit_ = next_wait_ = 0;
    return true;
  }

  TaskSpec spec_of(std::size_t job) const {
    TaskSpec spec = workload_.works[job % workload_.works.size()].spec;
    spec.idempotency_key = "demo-" + std::to_string(options_.seed) + "-" + std::to_string(job);
    return spec;
  }

  void submit_more() {
    if (Clock::now() < come_back_) return;
    while (submits_.size() < kOpenSubmits && next_submit_ < allowed_) {
      wire::SubmitRequest request;
      std::vector<std::size_t> batch;
      std::size_t bytes = 0;
      for (; next_submit_ < allowed_ && batch.size() < kBatch && bytes < 128 * 1024;
           ++next_submit_) {
        if (jobs_[next_submit_].asked) continue;
        jobs_[next_submit_].asked = true;
        batch.push_back(next_submit_);
        request.specs.push_back(wire::encode(spec_of(next_submit_)));
        bytes += request.specs.back().size();
      }
      if (batch.empty()) return;
      if (auto token = client_->send(std::move(request))) submits_[*token] = std::move(batch);
    }
  }

  void wait_more() {
    for (; next_wait_ < jobs_.size() && waits_.size() < kOpenWaits; ++next_wait_) {
      Job& job = jobs_[next_wait_];
      if (job.done || job.waited) continue;
      if (job.seq == 0) return;
      job.waited = true;
      if (auto token = client_->send(wire::WaitRequest{job.seq})) waits_[*token] = next_wait_;
    }
  }

  void take(const wire::Answer& answer) {
    if (auto batch = submits_.find(answer.token); batch != submits_.end()) {
      take_submitted(batch->second, answer.body);
      submits_.erase(batch);
    } else if (auto wait = waits_.find(answer.token); wait != waits_.end()) {
      take_result(wait->second, answer.body);
      waits_.erase(wait);
    }
  }

  void take_submitted(const std::vector<std::size_t>& batch, const wire::AnswerBody& body) {
    auto* submitted = std::get_if<wire::Submitted>(&body);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Job& job = jobs_[batch[i]];
      bool good = submitted && i < submitted->each.size() && !submitted->each[i].error;
      if (good) {
        if (job.seq == 0) accepted_ += 1;
        job.seq = submitted->each[i].id.seq;
        ids_.insert(job.seq);
        continue;
      }
      job.asked = false;
      next_submit_ = std::min(next_submit_, batch[i]);
      if (submitted && i < submitted->each.size()) take_refusal(*submitted->each[i].error);
    }
  }

  // Busy is an answer like any other: it is said again when the agent said to.
  void take_refusal(const Error& error) {
    if (error.code != Code::busy) return note(error.message);
    outcome_.refused += 1;
    const auto after = error.retry_after.value_or(100ms);
    come_back_ = std::max(come_back_, Clock::now() + after);
  }

  void take_result(std::size_t index, const wire::AnswerBody& body) {
    Job& job = jobs_[index];
    auto* view = std::get_if<TaskView>(&body);
    if (!view || !view->result) {
      auto* error = std::get_if<Error>(&body);
      if (error) note(error->message);
      // The result gave way before it was asked for, and never comes.
      if (error && error->code == Code::not_found) {
        job.done = true;
        done_ += 1;
        unread_ += 1;
        return;
      }
      job.waited = false;
      next_wait_ = std::min(next_wait_, index);
      return;
    }
    if (std::exchange(job.done, true)) return;
    done_ += 1;
    digests_[job.seq] = view->result->digest;
    judge(index, *view->result);
  }

  void judge(std::size_t index, const TaskResult& result) {
    if (result.outcome != TaskState::succeeded) {
      outcome_.failed += 1;
      return note(result.error ? result.error->message : std::string(to_string(result.outcome)));
    }
    const Work& work = workload_.works[index % workload_.works.size()];
    if (result.digest != work.expected) outcome_.mismatched += 1;
    bool cloud = result.placement.chosen == kCloudName;
    (cloud ? outcome_.cloud : outcome_.local) += 1;
    if (cloud) outcome_.a_cloud_task = jobs_[index].seq;
    if (result.attempts.empty()) return;
    Duration took = result.attempts.back().times.accepted - result.attempts.front().times.queued;
    (cloud ? outcome_.cloud_ms : outcome_.local_ms).push_back(double(took.count()) / 1e3);
  }

  void note(const std::string& failure) {
    if (outcome_.first_failure.empty()) outcome_.first_failure = failure;
  }

  std::size_t count_doubled();
  void check_ledger();

  test::Testbed& bed_;
  const Workload& workload_;
  const RunOptions& options_;
  std::vector<Job> jobs_;
  std::size_t allowed_ = 0, next_submit_ = 0, next_wait_ = 0, accepted_ = 0, done_ = 0;
  std::size_t unread_ = 0;         // ended, and gone before this client had the result
  Clock::time_point come_back_{};  // when to submit again
  std::optional<intake::Client> client_;
  std::map<std::uint64_t, std::vector<std::size_t>> submits_;
  std::map<std::uint64_t, std::size_t> waits_;
  std::set<std::uint64_t> ids_;
  std::map<std::uint64_t, Digest> digests_;  // as first delivered
  Outcome outcome_;
};

// Tasks that the agent has beyond those it acknowledged, and results that changed after they were
// delivered. One that is gone by now gave way to newer work.
std::size_t App::count_doubled() {
  std::size_t doubled = 0;
  std::set<std::uint64_t> seen;
  wire::ListRequest request;
  request.limit = 500;
  for (;;) {
    if (!client_ && !reconnect()) return jobs_.size();
    auto page = client_->ask<wire::Tasks>(request, 10s);
    if (!page) return jobs_.size();
    for (const TaskView& task : page->tasks) seen.insert(task.id.seq);
    if (page->tasks.size() < request.limit) break;
    request.before = page->tasks.back().id.seq;
  }
  for (std::uint64_t seq : seen) doubled += ids_.contains(seq) ? 0 : 1;
  for (const auto& [seq, digest] : digests_) {
    auto again = client_->ask<TaskView>(wire::ShowRequest{seq}, 10s);
    const bool gone = !again && again.error().code == Code::not_found;
    outcome_.gave_way += gone ? 1 : 0;
    if (!gone && (!again || !again->result || again->result->digest != digest)) doubled += 1;
  }
  return doubled;
}

// P23: what this client saw refused and gone, the agent's loss ledger must know of.
void App::check_ledger() {
  std::size_t tasks = 0, results = 0;
  auto view = client_ ? client_->ask<NodeView>(wire::StatusRequest{}, 10s)
                      : Result<NodeView>(fail(Code::unavailable, "the agent is gone"));
  if (view) {
    for (const LossView& loss : view->losses) {
      if (loss.data == DataClass::tasks) tasks += loss.count;
      if (loss.data == DataClass::results) results += loss.count;
    }
  }
  const std::size_t gone = outcome_.gave_way + unread_;
  outcome_.uncounted = outcome_.refused - std::min(outcome_.refused, tasks);
  outcome_.uncounted += gone - std::min(gone, results);
}

Outcome App::outcome() {
  outcome_.accepted = accepted_;
  outcome_.lost = jobs_.size() - done_ + unread_;
  outcome_.doubled = count_doubled();
  check_ledger();
  return outcome_;
}

// What happens to the system meanwhile, by how far the tasks are.
class Faults {
 public:
  Faults(test::Testbed& bed, const RunOptions& options) : bed_(bed), options_(options) {}

  std::string phase() const { return phase_; }
  bool second_burst() const { return cut_at_.has_value(); }
  double cut_seconds() const { return cut_seconds_; }

  void step(double done, double seconds) {
    if (options_.cut_s > 0 && !cut_at_ && (done > 0.12 || seconds > 5)) {
      cut_at_ = Clock::now();
      bed_.link().cut();
      phase_ = "link cut";
    }
    if (options_.cut_s <= 0) cut_at_ = Clock::now();
    if (cut_at_ && !healed_ && since(*cut_at_) >= options_.cut_s) {
      healed_ = true;
      cut_seconds_ = options_.cut_s > 0 ? since(*cut_at_) : 0;
      bed_.link().heal();
      phase_ = "link healed";
    }
    if (options_.kill && healed_) kill_some(done);
  }

 private:
  void kill_some(double done) {
    const double when[] = {0.45, 0.6, 0.75};
    if (killed_ >= 3 || done < when[killed_]) return;
    killed_ += 1;
    if (killed_ == 1) {
      bed_.kill_agent();
      (void)bed_.start_agent();
      phase_ = "agent killed";
    } else if (killed_ == 2) {
      bed_.kill_cloud();
      (void)bed_.start_cloud();
      phase_ = "cloud killed";
    } else {
      bed_.broker().kill();
      (void)bed_.broker().start_again();
      phase_ = "broker killed";
    }
  }

  test::Testbed& bed_;
  const RunOptions& options_;
  std::optional<Clock::time_point> cut_at_;
  bool healed_ = false;
  double cut_seconds_ = 0;
  int killed_ = 0;
  std::string phase_ = "first burst";
};

// Looks at the agent's own view, on a connection of its own.
class Watcher {
 public:
  explicit Watcher(std::string socket) : socket_(std::move(socket)) {}
  // Keeps the last view while the agent is away; `buffered` of earlier starts is added up.
  void look() {
    if (!client_) {
      auto client = intake::Client::connect(socket_);
      if (!client) return;
      client_.emplace(*std::move(client));
    }
    auto view = client_->ask<NodeView>(wire::StatusRequest{}, 1s);
    if (!view) return client_.reset();
    if (view->uptime < view_.uptime) buffered_before_ += view_.buffered;
    view_ = *std::move(view);
  }
  const NodeView& view() const { return view_; }
  std::size_t buffered() const { return buffered_before_ + view_.buffered; }

 private:
  std::string socket_;
  std::optional<intake::Client> client_;
  NodeView view_;
  std::size_t buffered_before_ = 0;
};

}  // namespace

Outcome run(test::Testbed& bed, const Workload& workload, const RunOptions& options,
            const std::function<void(const Progress&)>& show, const std::atomic<bool>& stop) {
  App app(bed, workload, options);
  Faults faults(bed, options);
  Watcher watcher(bed.socket());
  auto start = Clock::now();
  auto progressed = start, shown = start - 1s;
  std::size_t last_done = 0;
  while (!app.finished() && !stop && Clock::now() - progressed < kGiveUpAfter) {
    app.allow(faults.second_burst() ? options.tasks : options.tasks * 6 / 10);
    app.step();
    if (app.done() != last_done) progressed = Clock::now();
    last_done = app.done();
    faults.step(double(app.done()) / double(options.tasks), since(start));
    if (Clock::now() - shown < 200ms) continue;
    shown = Clock::now();
    watcher.look();
    show({options.tasks, app.accepted(), app.done(), watcher.view(), faults.phase(), since(start)});
  }
  double seconds = since(start);
  watcher.look();
  Outcome outcome = app.outcome();
  outcome.seconds = seconds;
  outcome.cut_s = faults.cut_seconds();
  outcome.buffered = watcher.buffered();
  outcome.bytes_up = bed.link().bytes_up();
  outcome.bytes_down = bed.link().bytes_down();
  return outcome;
}

}  // namespace spillway::demo
