#include "tests/chaos/operator.h"

#include <algorithm>
#include <boost/json.hpp>

#include "cloud/http/encoding.h"
#include "common/crypto/sha256.h"
#include "tests/chaos/fleet_reader.h"

namespace spillway::chaos {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr std::size_t kOpen = 24;      // tasks without an end
constexpr unsigned kMaxAttempts = 50;  // what is tried is the hand-over, not patience

bool is_end(const std::string& state) {
  return state == "succeeded" || state == "failed" || state == "cancelled" || state == "expired";
}

// The digest of the value's own bytes, not the one that the cloud tells.
Digest digest_of(const json::value& task) {
  const json::object* object = task.if_object();
  const json::value* result = object ? object->if_contains("result") : nullptr;
  const std::string encoded = result ? text(*result, "value_base64url") : "";
  return crypto::sha256(cloud::http::from_base64url(encoded).value_or(Bytes()));
}

std::string error_of(const json::value& task) {
  const json::object* object = task.if_object();
  const json::value* result = object ? object->if_contains("result") : nullptr;
  const json::object* fields = result ? result->if_object() : nullptr;
  const json::value* error = fields ? fields->if_contains("error") : nullptr;
  return error ? text(*error, "failure") + ": " + text(*error, "message") : "";
}

json::value body_of(const demo::Work& work, const std::string& device) {
  json::object args;
  for (const auto& [name, value] : work.spec.args) args[name] = value;
  return json::object{{"kind", work.spec.kind.name},
                      {"args", std::move(args)},
                      {"input_base64", cloud::http::base64url(work.spec.input.bytes)},
                      {"max_attempts", kMaxAttempts},
                      {"devices", json::array{device}}};
}

}  // namespace

Operator::Operator(ctl::Api api, std::vector<std::string> devices,
                   const std::vector<demo::Work>& works, double tasks_per_second)
    : api_(std::move(api)), devices_(std::move(devices)), pause_(1 / tasks_per_second) {
  for (const demo::Work& work : works) {
    if (work.spec.needs.tags.empty()) works_.push_back(&work);
  }
  thread_ = std::thread([this] { run(); });
}

Operator::~Operator() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

void Operator::run() {
  while (!stop_) {
    if (!finishing_ && Clock::now() >= next_ && open_.size() < kOpen) add_errand();
    const std::set<std::size_t> open = open_;
    for (const std::size_t index : open) {
      if (stop_) return;
      Errand& errand = errands_[index];
      errand.ids.empty() ? send(errand) : look(errand);
      if (!errand.state.empty()) open_.erase(index);
    }
    settled_ = finishing_ && open_.empty();
    std::this_thread::sleep_for(20ms);
  }
}

void Operator::add_errand() {
  next_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(pause_);
  const std::size_t index = errands_.size();
  Errand errand;
  errand.key = "errand-" + std::to_string(index);
  errand.device = devices_[index % devices_.size()];
  errand.work = index / devices_.size() % works_.size();
  errands_.push_back(std::move(errand));
  open_.insert(index);
}

void Operator::send(Errand& errand) {
  const json::value body = body_of(*works_[errand.work], errand.device);
  const auto made =
      api_.call(ctl::Method::post, "/tasks/dispatched", &body, {{"idempotency-key", errand.key}});
  if (!made) {
    errand.error = made.error().message;
    std::this_thread::sleep_for(50ms);
    return;
  }
  ++accepted_;
  errand.ids.insert(text(*made, "first_task"));
  // Now and then an answer is taken as lost, and the same is asked for again.
  if (errands_.size() % 5 != 0) return;
  const auto again =
      api_.call(ctl::Method::post, "/tasks/dispatched", &body, {{"idempotency-key", errand.key}});
  if (again) errand.ids.insert(text(*again, "first_task"));
}

Result<json::value> Operator::read(const Errand& errand) {
  return api_.get("/tasks/dispatched/" + *errand.ids.rbegin());
}

void Operator::look(Errand& errand) {
  const auto task = read(errand);
  if (!task) {
    errand.error = task.error().message;
    if (task.error().code == Code::not_found) errand.state = "unknown";
    return;
  }
  const std::string state = text(*task, "state");
  if (!is_end(state)) return;
  errand.digest = digest_of(*task);
  errand.error = error_of(*task);
  errand.state = state;
}

void Operator::judge_errand(const Errand& errand, Verdicts& verdicts) {
  if (errand.ids.empty()) return;
  const std::string name = errand.key + " for " + errand.device + ", task " + *errand.ids.begin();
  if (errand.ids.size() > 1) verdicts.note(verdicts.doubled, name + ": two tasks for one key");
  if (errand.state.empty() || errand.state == "unknown") {
    return verdicts.note(verdicts.lost, name + ": sent, no result: " + errand.error);
  }
  ++verdicts.delivered;
  const auto again = read(errand);
  if (!again || text(*again, "state") != errand.state || digest_of(*again) != errand.digest) {
    verdicts.note(verdicts.doubled,
                  name + ": its result changed after it was read: " + errand.state + ", now " +
                      (again ? json::serialize(*again) : again.error().message));
  }
  if (errand.error.starts_with("poison")) return void(++verdicts.poisoned);
  if (errand.state != "succeeded") {
    verdicts.note(verdicts.mismatched, name + ": " + errand.state + ": " + errand.error);
  } else if (errand.digest != works_[errand.work]->expected) {
    verdicts.note(verdicts.mismatched, name + ": a wrong value");
  }
}

Verdicts Operator::judge() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  Verdicts verdicts;
  verdicts.accepted = accepted_;
  for (const Errand& errand : errands_) judge_errand(errand, verdicts);
  return verdicts;
}

}  // namespace spillway::chaos
