#include "tests/chaos/client.h"

#include "common/wire/codec.h"

namespace spillway::chaos {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatch = 8;     // tasks in a request
constexpr std::size_t kNotes = 5;     // of each client
constexpr auto kPatience = 10s;       // with an agent that nothing disturbs
constexpr std::uint32_t kPage = 500;  // tasks listed at a time

void note(Verdicts& verdicts, std::uint64_t& count, const std::string& what) {
  ++count;
  if (verdicts.notes.size() < kNotes) verdicts.notes.push_back(what);
}

}  // namespace

Client::Client(std::string name, std::string socket, const std::vector<demo::Work>& works,
               double tasks_per_second, std::size_t open)
    : name_(std::move(name)),
      socket_(std::move(socket)),
      works_(works),
      rate_(tasks_per_second),
      open_(open),
      thread_([this] { run(); }) {}

Client::~Client() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Client::run() {
  while (!stop_) step();
}

// What was not answered on the last connection may have been taken or not: it is said again.
bool Client::connect() {
  auto client = intake::Client::connect(socket_);
  if (!client) {
    std::this_thread::sleep_for(20ms);
    return false;
  }
  client_.emplace(*std::move(client));
  for (const auto& [token, jobs] : submits_) unanswered_.insert(jobs.begin(), jobs.end());
  for (const auto& [token, job] : waits_) unasked_.insert(job);
  submits_.clear();
  waits_.clear();
  return true;
}

void Client::step() {
  if (!client_ && !connect()) return;
  submit();
  wait_for_results();
  auto answer = client_->receive(20ms);
  if (answer) return take(*std::move(answer));
  if (answer.error().code != Code::timeout) client_.reset();
}

void Client::submit() {
  const double seconds = std::chrono::duration<double>(Clock::now() - started_).count();
  while (!finishing_ && jobs_.size() - delivered_ < open_ &&
         static_cast<double>(jobs_.size()) < seconds * rate_) {
    unanswered_.insert(jobs_.size());
    Job job;
    job.key = name_ + "-" + std::to_string(jobs_.size());
    job.work = jobs_.size() % works_.size();
    job.asked = Clock::now();
    jobs_.push_back(std::move(job));
  }
  settled_ = finishing_ && jobs_.size() == delivered_;
  if (unanswered_.empty() || Clock::now() < again_) return;
  wire::SubmitRequest request;
  std::vector<std::size_t> batch;
  while (!unanswered_.empty() && batch.size() < kBatch) {
    const std::size_t job = *unanswered_.begin();
    unanswered_.erase(unanswered_.begin());
    batch.push_back(job);
    TaskSpec spec = works_[jobs_[job].work].spec;
    spec.idempotency_key = jobs_[job].key;
    request.specs.push_back(wire::encode(spec));
  }
  if (auto token = client_->send(std::move(request))) submits_[*token] = std::move(batch);
}

void Client::wait_for_results() {
  for (const std::size_t job : unasked_) {
    // Of several tasks under one key, which is a fault already, the last one.
    if (auto token = client_->send(wire::WaitRequest{*jobs_[job].ids.rbegin()})) {
      waits_[*token] = job;
    }
  }
  unasked_.clear();
}

void Client::take(wire::Answer answer) {
  if (const auto submit = submits_.find(answer.token); submit != submits_.end()) {
    const std::vector<std::size_t> jobs = std::move(submit->second);
    submits_.erase(submit);
    return take_submitted(jobs, answer.body);
  }
  const auto wait = waits_.find(answer.token);
  if (wait == waits_.end()) return;
  const std::size_t job = wait->second;
  waits_.erase(wait);
  take_result(job, answer.body);
}

void Client::take_submitted(const std::vector<std::size_t>& jobs, const wire::AnswerBody& body) {
  const auto* submitted = std::get_if<wire::Submitted>(&body);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const bool good =
        submitted != nullptr && i < submitted->each.size() && !submitted->each[i].error;
    if (!good) {
      unanswered_.insert(jobs[i]);
      again_ = Clock::now() + 50ms;
      continue;
    }
    Job& job = jobs_[jobs[i]];
    if (job.ids.empty()) ++accepted_;
    job.ids.insert(submitted->each[i].id.seq);
    unasked_.insert(jobs[i]);
  }
}

void Client::take_result(std::size_t index, const wire::AnswerBody& body) {
  const auto* view = std::get_if<TaskView>(&body);
  Job& job = jobs_[index];
  if (view == nullptr || !view->result) {
    if (const auto* error = std::get_if<Error>(&body)) job.error = error->message;
    unasked_.insert(index);
    std::this_thread::sleep_for(5ms);
    return;
  }
  if (job.outcome) return;
  job.outcome = view->result->outcome;
  job.digest = view->result->digest;
  if (view->result->error) {
    job.error = view->result->error->message;
    if (view->result->error->failure == FailureClass::poison) job.error = "poison";
  }
  ++delivered_;
  if (job.outcome != TaskState::succeeded || job.digest != works_[job.work].expected) ++wrong_;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - job.asked);
  if (took.count() > slowest_us_) slowest_us_ = took.count();
}

std::set<std::uint64_t> Client::all_tasks() {
  std::set<std::uint64_t> tasks;
  wire::ListRequest request;
  request.limit = kPage;
  while (client_ || connect()) {
    auto page = client_->ask<wire::Tasks>(request, kPatience);
    if (!page) break;
    for (const TaskView& task : page->tasks) tasks.insert(task.id.seq);
    if (page->tasks.size() < request.limit) break;
    request.before = page->tasks.back().id.seq;
  }
  return tasks;
}

void Client::judge_job(const Job& job, Verdicts& verdicts) {
  if (job.ids.empty()) return;
  const std::string task = name_ + " task " + std::to_string(*job.ids.begin());
  if (job.ids.size() > 1) note(verdicts, verdicts.doubled, task + ": two tasks for one key");
  if (!job.outcome) {
    return note(verdicts, verdicts.lost, task + ": accepted, no result: " + job.error);
  }
  auto again = client_->ask<TaskView>(wire::ShowRequest{*job.ids.rbegin()}, kPatience);
  if (!again || !again->result) {
    return note(verdicts, verdicts.lost,
                task + ": its result is gone" + (again ? "" : ": " + again.error().message));
  }
  if (again->result->outcome != *job.outcome || again->result->digest != job.digest) {
    note(verdicts, verdicts.doubled, task + ": its result changed after it was delivered");
  }
  if (*job.outcome == TaskState::failed && job.error == "poison") {
    ++verdicts.poisoned;
  } else if (*job.outcome != TaskState::succeeded) {
    note(verdicts, verdicts.mismatched,
         task + ": " + std::string(to_string(*job.outcome)) + ": " + job.error);
  } else if (job.digest != works_[job.work].expected) {
    note(verdicts, verdicts.mismatched, task + ": a wrong value");
  }
}

Verdicts Client::judge() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  Verdicts verdicts;
  verdicts.accepted = accepted_;
  verdicts.delivered = delivered_;
  client_.reset();
  for (int i = 0; i < 200 && !client_; ++i) connect();
  if (!client_) {
    note(verdicts, verdicts.lost, name_ + ": its agent cannot be reached at the end");
    return verdicts;
  }
  std::set<std::uint64_t> known;
  for (const Job& job : jobs_) {
    judge_job(job, verdicts);
    known.insert(job.ids.begin(), job.ids.end());
  }
  for (const std::uint64_t task : all_tasks()) {
    if (!known.contains(task)) {
      note(verdicts, verdicts.doubled, name_ + " task " + std::to_string(task) + ": nobody's");
    }
  }
  return verdicts;
}

}  // namespace spillway::chaos
