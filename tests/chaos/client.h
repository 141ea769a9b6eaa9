#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "agent/intake/client.h"
#include "tests/demo/workload.h"

namespace spillway::chaos {

// What one client was told of one piece of work; nothing else is judged.
struct Job {
  std::string key;
  std::size_t work = 0;              // what is computed
  std::set<std::uint64_t> ids;       // every task that was acknowledged under its key
  std::optional<TaskState> outcome;  // as first delivered
  Digest digest{};                   // of the value then
  std::string error;
  std::chrono::steady_clock::time_point asked{};
};

struct Verdicts {
  std::uint64_t accepted = 0, delivered = 0, poisoned = 0, lost = 0, doubled = 0, mismatched = 0;
  std::vector<std::string> notes;  // the first few, in words
};

// An application beside an agent, on a thread of its own: it submits under keys of its own, again
// whenever it was not answered, waits for every result, and remembers what it was told.
class Client {
 public:
  Client(std::string name, std::string socket, const std::vector<demo::Work>& works,
         double tasks_per_second, std::size_t open = 32);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // No new work from now on; the results of what was accepted are still waited for.
  void finish() { finishing_ = true; }
  bool settled() const { return settled_; }
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t delivered() const { return delivered_; }
  // Results that are not what was to be computed, so far.
  std::uint64_t wrong() const { return wrong_; }
  // The longest that a task took, of those delivered since the last call.
  std::chrono::duration<double> take_slowest() {
    return std::chrono::microseconds(slowest_us_.exchange(0));
  }
  // Ends its thread, asks the agent for everything once more, and judges. Once.
  Verdicts judge();

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  bool connect();
  void step();
  void submit();
  void wait_for_results();
  void take(wire::Answer answer);
  void take_submitted(const std::vector<std::size_t>& jobs, const wire::AnswerBody& body);
  void take_result(std::size_t job, const wire::AnswerBody& body);
  std::set<std::uint64_t> all_tasks();
  void judge_job(const Job& job, Verdicts& verdicts);

  const std::string name_, socket_;
  const std::vector<demo::Work>& works_;
  const double rate_;
  const std::size_t open_;
  std::atomic<bool> stop_{false}, finishing_{false}, settled_{false};
  std::atomic<std::uint64_t> accepted_{0}, delivered_{0}, wrong_{0};
  std::atomic<std::int64_t> slowest_us_{0};

  // The thread's own.
  std::vector<Job> jobs_;
  std::set<std::size_t> unanswered_, unasked_;  // not acknowledged; acknowledged, not waited for
  std::optional<intake::Client> client_;
  std::map<std::uint64_t, std::vector<std::size_t>> submits_;  // by token
  std::map<std::uint64_t, std::size_t> waits_;
  Clock::time_point started_ = Clock::now(), again_ = started_;
  std::thread thread_;
};

}  // namespace spillway::chaos
