#include "tests/support/fakes/manual_runner.h"

#include <cassert>

#include "common/crypto/sha256.h"

namespace spillway::test {

void ManualRunner::run(runner::Request request, std::function<void(runner::Outcome)> done) {
  const Key key{request.id, request.epoch};
  const bool fresh =
      running_.try_emplace(key, Running{std::move(request), std::move(done), clock_.boot_time()})
          .second;
  assert(fresh);
  (void)fresh;
  started_.push_back(key.first);
}

void ManualRunner::stop(TaskId id, Epoch epoch) {
  if (const auto found = running_.find({id, epoch}); found != running_.end()) {
    found->second.told_to_stop = true;
  }
}

std::optional<Duration> ManualRunner::begun(TaskId id, Epoch epoch) const {
  const auto found = running_.find({id, epoch});
  return found == running_.end() ? std::nullopt : std::optional(found->second.started);
}

bool ManualRunner::runs(std::uint64_t seq) const {
  for (const auto& [key, running] : running_) {
    if (key.first.seq == seq) return true;
  }
  return false;
}

ManualRunner::Key ManualRunner::key_of(std::uint64_t seq) const {
  for (const auto& [key, running] : running_) {
    if (key.first.seq == seq) return key;
  }
  return {};
}

void ManualRunner::succeed(Key key, Bytes value) {
  runner::Outcome outcome;
  outcome.digest = crypto::sha256(value);
  outcome.value = std::move(value);
  end(key, std::move(outcome));
}

void ManualRunner::fail(Key key, Error error, FailureClass failure) {
  runner::Outcome outcome;
  outcome.failure = failure;
  outcome.error = std::move(error);
  end(key, std::move(outcome));
}

void ManualRunner::end(Key key, runner::Outcome outcome) {
  auto node = running_.extract(key);
  assert(!node.empty());
  outcome.id = key.first;
  outcome.epoch = key.second;
  outcome.submitted = outcome.run_started = node.mapped().started;
  outcome.run_ended = clock_.boot_time();
  node.mapped().done(std::move(outcome));
}

}  // namespace spillway::test
