#include "tests/chaos/client.h"

#include <algorithm>

#include "common/crypto/sha256.h"
#include "common/wire/codec.h"

namespace spillway::chaos {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBatch = 32;    // tasks in a request
constexpr std::size_t kSubmits = 32;  // requests without an answer
constexpr std::size_t kNotes = 5;     // of each client
constexpr auto kPatience = 10s;       // with an agent that nothing disturbs
constexpr std::uint32_t kPage = 500;  // tasks listed at a time

}  // namespace

void Verdicts::note(std::uint64_t& count, const std::string& what) {
  ++count;
  if (notes.size() < kNotes) notes.push_back(what);
}

Client::Client(std::string name, std::string socket, const std::vector<demo::Work>& works,
               ClientOptions options)
    : name_(std::move(name)),
      socket_(std::move(socket)),
      works_(works),
      most_waits_(options.waits),
      pace_{options.tasks_per_second, options.open, options.insists},
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
  connected_ = Clock::now();
  for (const auto& [token, jobs] : submits_) {
    losses_.unanswered += jobs.size();
    unanswered_.insert(jobs.begin(), jobs.end());
  }
  for (const auto& [token, job] : waits_) unasked_.insert(job);
  submits_.clear();
  waits_.clear();
  return true;
}

void Client::step() {
  if (!client_ && !connect()) return;
  submit();
  if (client_) wait_for_results();
  if (!client_) return;
  auto answer = client_->receive(20ms);
  if (answer) return take(*std::move(answer));
  if (answer.error().code != Code::timeout) client_.reset();
}

void Client::make_jobs() {
  const auto now = Clock::now();
  const double rate = pace_.rate;
  // A debt is forgiven: what was not asked for in time is not asked for later in a burst.
  due_ = std::min(due_ + std::chrono::duration<double>(now - paced_).count() * rate,
                  std::max(1.0, rate / 10));
  paced_ = now;
  for (; due_ >= 1 && jobs_.size() - counts_.delivered < pace_.open &&
         unanswered_.size() < kBatch * kSubmits;
       due_ -= 1) {
    const std::size_t index = next_job_++;
    Job job;
    job.key = name_ + "-" + std::to_string(index);
    job.work = index % works_.size();
    job.asked = now;
    jobs_.emplace(index, std::move(job));
    unanswered_.insert(index);
  }
}

void Client::submit() {
  if (!finishing_) make_jobs();
  settled_ = finishing_ && jobs_.size() == counts_.delivered;
  if (Clock::now() < again_) return;
  while (!unanswered_.empty() && submits_.size() < kSubmits) {
    wire::SubmitRequest request;
    std::vector<std::size_t> batch;
    while (!unanswered_.empty() && batch.size() < kBatch) {
      const std::size_t job = *unanswered_.begin();
      unanswered_.erase(unanswered_.begin());
      batch.push_back(job);
      TaskSpec spec = works_[jobs_.at(job).work].spec;
      spec.idempotency_key = jobs_.at(job).key;
      request.specs.push_back(wire::encode(spec));
    }
    counts_.asked += batch.size();
    auto token = client_->send(std::move(request));
    if (!token) return client_.reset(), void(unanswered_.insert(batch.begin(), batch.end()));
    submits_[*token] = std::move(batch);
  }
}

void Client::wait_for_results() {
  while (!unasked_.empty() && waits_.size() < most_waits_ && client_) {
    const std::size_t job = *unasked_.begin();
    // The last of several tasks under one key, which are a fault already.
    auto token = client_->send(wire::WaitRequest{jobs_.at(job).ids.back().seq});
    if (!token) return client_.reset();
    unasked_.erase(unasked_.begin());
    waits_[*token] = job;
  }
}

void Client::take(const wire::Answer& answer) {
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
    const bool told = submitted != nullptr && i < submitted->each.size();
    if (!told) {
      unanswered_.insert(jobs[i]);
      again_ = Clock::now() + 50ms;
      continue;
    }
    if (submitted->each[i].error) {
      take_refusal(jobs[i], *submitted->each[i].error);
      continue;
    }
    Job& job = jobs_.at(jobs[i]);
    if (job.ids.empty()) {
      ++counts_.accepted;
      job.connected = connected_;
    }
    const TaskId id = submitted->each[i].id;
    if (std::find(job.ids.begin(), job.ids.end(), id) == job.ids.end()) job.ids.push_back(id);
    unasked_.insert(jobs[i]);
  }
}

void Client::take_refusal(std::size_t job, const Error& error) {
  const bool unwritten = error.message.starts_with("the store cannot write");
  const bool counted = error.code == Code::busy || error.retry_after;
  if (counted) (unwritten ? losses_.unwritten : losses_.refused) += 1;
  if (!pace_.insists) {
    jobs_.erase(job);
    return;
  }
  unanswered_.insert(job);
  again_ = Clock::now() + std::min(error.retry_after.value_or(50ms), 200ms);
}

void Client::take_result(std::size_t index, const wire::AnswerBody& body) {
  const auto* view = std::get_if<TaskView>(&body);
  Job& job = jobs_.at(index);
  if (view == nullptr || !view->result) {
    const auto* error = std::get_if<Error>(&body);
    if (error != nullptr) job.error = error->message;
    // The result gave way, and never comes.
    if (error != nullptr && error->code == Code::not_found && !std::exchange(job.gone, true)) {
      ++losses_.unread;
      ++counts_.delivered;
      return;
    }
    unasked_.insert(index);
    std::this_thread::sleep_for(5ms);
    return;
  }
  if (job.outcome || job.replaced) return;
  if (view->id != job.ids.back()) {
    job.replaced = true;
    ++counts_.delivered;
    return;
  }
  job.outcome = view->result->outcome;
  job.digest = crypto::sha256(view->result->value.bytes);
  if (view->result->error) {
    job.error = view->result->error->message;
    if (view->result->error->failure == FailureClass::poison) job.error = "poison";
  }
  ++counts_.delivered;
  const bool may_expire = works_[job.work].spec.deadline && job.outcome == TaskState::expired;
  if (may_expire) ++losses_.expired;
  const bool good = job.outcome == TaskState::succeeded || may_expire;
  if (!good || (!may_expire && job.digest != works_[job.work].expected)) ++counts_.wrong;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - job.asked);
  if (took.count() > counts_.slowest_us) counts_.slowest_us = took.count();
}

std::set<TaskId> Client::all_tasks(Verdicts& verdicts) {
  std::set<TaskId> tasks;
  wire::ListRequest request;
  request.limit = kPage;
  while (client_ || connect()) {
    auto page = client_->ask<wire::Tasks>(request, kPatience);
    if (!page) break;
    for (const TaskView& task : page->tasks) {
      tasks.insert(task.id);
      verdicts.losses.finished += is_terminal(task.state) ? 1 : 0;
    }
    if (page->tasks.size() < request.limit) break;
    request.before = page->tasks.back().id.seq;
  }
  verdicts.losses.known = tasks.size();
  return tasks;
}

void Client::lose(const Job& job, const std::string& how, Verdicts& verdicts) const {
  if (damage_.excuses(job.connected)) {
    verdicts.by_page += damage_.is_by_page(job.connected) ? 1 : 0;
    return void(++verdicts.destroyed);
  }
  verdicts.note(verdicts.lost, name_ + " task " + to_string(job.ids.front()) + ": " + how);
}

void Client::judge_job(const Job& job, Verdicts& verdicts) {
  if (job.ids.empty()) return;
  const std::string task = name_ + " task " + to_string(job.ids.front());
  if (job.ids.size() > 1) verdicts.note(verdicts.doubled, task + ": two tasks for one key");
  if (job.replaced) return lose(job, "another task has its number", verdicts);
  if (!job.outcome && !job.gone) return lose(job, "accepted, no result: " + job.error, verdicts);
  auto again = client_->ask<TaskView>(wire::ShowRequest{job.ids.back().seq}, kPatience);
  // A store that was damaged may have given the number away.
  const bool gone = again ? again->id != job.ids.back() : again.error().code == Code::not_found;
  // Whether that is as it must be, the loss ledger says.
  if (gone) ++verdicts.losses.gone;
  if (!gone && (!again || !again->result)) {
    return lose(job, "its result is gone" + (again ? "" : ": " + again.error().message), verdicts);
  }
  if (!job.outcome) return;
  if (!gone && (again->result->outcome != *job.outcome ||
                crypto::sha256(again->result->value.bytes) != job.digest)) {
    verdicts.note(verdicts.doubled, task + ": its result changed after it was delivered");
  }
  if (*job.outcome == TaskState::expired && works_[job.work].spec.deadline) return;
  if (*job.outcome == TaskState::failed && job.error == "poison") {
    ++verdicts.poisoned;
  } else if (*job.outcome != TaskState::succeeded) {
    verdicts.note(verdicts.mismatched,
                  task + ": " + std::string(to_string(*job.outcome)) + ": " + job.error);
  } else if (job.digest != works_[job.work].expected) {
    verdicts.note(verdicts.mismatched, task + ": a wrong value");
  }
}

void Client::judge_all(Verdicts& verdicts) {
  std::set<TaskId> known;
  for (const auto& [index, job] : jobs_) {
    judge_job(job, verdicts);
    known.insert(job.ids.begin(), job.ids.end());
  }
  for (const TaskId task : all_tasks(verdicts)) {
    // A damaged store may have lost the key of one that it kept.
    if (!known.contains(task) && !damage_.page && !damage_.log) {
      verdicts.note(verdicts.doubled, name_ + " task " + to_string(task) + ": nobody's");
    }
  }
  verdicts.node = node();
}

std::optional<NodeView> Client::node() {
  for (int i = 0; i < 200 && !client_; ++i) connect();
  if (!client_) return std::nullopt;
  auto node = client_->ask<NodeView>(wire::StatusRequest{}, kPatience);
  if (!node) return std::nullopt;
  return *std::move(node);
}

std::optional<NodeView> Client::node_of_new_start() {
  client_.reset();
  return node();
}

Verdicts Client::judge(const StoreDamage& damage) {
  damage_ = damage;
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  Verdicts verdicts;
  verdicts.accepted = counts_.accepted;
  verdicts.delivered = counts_.delivered;
  client_.reset();
  for (int i = 0; i < 200 && !client_; ++i) connect();
  verdicts.losses = losses_;
  if (client_) {
    judge_all(verdicts);
  } else {
    verdicts.note(verdicts.lost, name_ + ": its agent cannot be reached at the end");
  }
  return verdicts;
}

}  // namespace spillway::chaos
