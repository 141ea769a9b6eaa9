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
  std::size_t work = 0;     // what is computed
  std::vector<TaskId> ids;  // every task that was acknowledged under its key, in that order
  std::optional<TaskState> outcome;  // as first delivered
  Digest digest{};                   // of the bytes of the value that came then
  std::string error;
  bool gone = false;      // before its result was had
  bool replaced = false;  // another task answers to its number
  std::chrono::steady_clock::time_point asked{};
  // When the connection was made on which it was acknowledged first.
  std::chrono::steady_clock::time_point connected{};
};

// When a store was last damaged, while its program was down.
struct StoreDamage {
  std::optional<std::chrono::steady_clock::time_point> page, log;

  // What was acknowledged on a connection made then may have gone with it; nothing later may.
  bool excuses(std::chrono::steady_clock::time_point connected) const {
    return (page && connected < *page) || (log && connected < *log);
  }
  // A log's end nobody knows, so that only a page tells that something is lost.
  bool is_by_page(std::chrono::steady_clock::time_point connected) const {
    return page && connected < *page && !(log && connected < *log);
  }
};

// What a client saw given up, to be held against the loss ledgers (P23).
struct SeenLosses {
  std::uint64_t refused = 0;     // answers that said busy, or that it never fits
  std::uint64_t unanswered = 0;  // submits that may have been refused: the agent went away
  std::uint64_t unwritten = 0;   // refused by a store that could not write; a kill may forget those
  std::uint64_t expired = 0;     // results that say so
  std::uint64_t gone = 0;        // results that were there once, or must have been
  std::uint64_t unread = 0;      // of those, before this client had them
  std::uint64_t known = 0;       // tasks that the agent still lists
  std::uint64_t finished = 0;    // of those
};

struct Verdicts {
  std::uint64_t accepted = 0, delivered = 0, poisoned = 0, lost = 0, doubled = 0, mismatched = 0;
  std::uint64_t destroyed = 0;  // lost by a device whose store was damaged
  std::uint64_t by_page = 0;    // of those, with a page, so that the device must say so
  SeenLosses losses;
  std::optional<NodeView> node;    // what the agent says of itself at the end
  std::vector<std::string> notes;  // the first few, in words

  // Adds one to a count, and notes what it was.
  void note(std::uint64_t& count, const std::string& what);
};

struct ClientOptions {
  double tasks_per_second = 0;
  std::size_t open = 32;    // tasks without a result
  std::size_t waits = 200;  // of which results are waited for
  bool insists = true;      // what was refused is asked for again; else given up, as readings are
};

// An application beside an agent, on a thread of its own: it submits under keys of its own, again
// whenever it was not answered, waits for every result, and remembers what it was told.
class Client {
 public:
  Client(std::string name, std::string socket, const std::vector<demo::Work>& works,
         ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // No new work from now on; the results of what was accepted are still waited for.
  void finish() { finishing_ = true; }
  bool settled() const { return settled_; }
  // From now on this many tasks a second, whatever became of those before.
  void set_rate(double tasks_per_second, std::size_t open, bool insists) {
    pace_.open = open;
    pace_.insists = insists;
    pace_.rate = tasks_per_second;
  }
  std::uint64_t asked() const { return counts_.asked; }
  std::uint64_t accepted() const { return counts_.accepted; }
  std::uint64_t delivered() const { return counts_.delivered; }
  // Results that are not what was to be computed, so far.
  std::uint64_t wrong() const { return counts_.wrong; }
  // The longest that a task took, of those delivered since the last call.
  std::chrono::duration<double> take_slowest() {
    return std::chrono::microseconds(counts_.slowest_us.exchange(0));
  }
  // Ends its thread, asks the agent for everything once more, and judges. Once. What went with a
  // damaged store is counted apart; a wrong or a second result is never excused.
  Verdicts judge(const StoreDamage& damage = {});
  // What the agent says of itself after another start; nothing: it cannot be reached.
  std::optional<NodeView> node_of_new_start();

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  bool connect();
  std::optional<NodeView> node();
  void step();
  void submit();
  void wait_for_results();
  void take(const wire::Answer& answer);
  void take_submitted(const std::vector<std::size_t>& jobs, const wire::AnswerBody& body);
  void take_refusal(std::size_t job, const Error& error);
  void make_jobs();
  void judge_all(Verdicts& verdicts);
  void take_result(std::size_t job, const wire::AnswerBody& body);
  std::set<TaskId> all_tasks(Verdicts& verdicts);
  void judge_job(const Job& job, Verdicts& verdicts);
  void lose(const Job& job, const std::string& how, Verdicts& verdicts) const;

  const std::string name_, socket_;
  const std::vector<demo::Work>& works_;
  const std::size_t most_waits_;
  struct Pace {
    std::atomic<double> rate;
    std::atomic<std::size_t> open;
    std::atomic<bool> insists;
  };
  Pace pace_;
  std::atomic<bool> stop_{false}, finishing_{false}, settled_{false};
  struct Counts {
    std::atomic<std::uint64_t> accepted{0}, delivered{0}, wrong{0}, asked{0};
    std::atomic<std::int64_t> slowest_us{0};
  };
  Counts counts_;

  // The thread's own.
  std::map<std::size_t, Job> jobs_;  // those given up are gone
  StoreDamage damage_;
  std::size_t next_job_ = 0;
  double due_ = 0;  // tasks to ask for, by the rate
  SeenLosses losses_;
  std::set<std::size_t> unanswered_, unasked_;  // not acknowledged; acknowledged, not waited for
  std::optional<intake::Client> client_;
  std::map<std::uint64_t, std::vector<std::size_t>> submits_;  // by token
  std::map<std::uint64_t, std::size_t> waits_;
  Clock::time_point connected_ = Clock::now(), paced_ = connected_, again_ = connected_;
  std::thread thread_;
};

}  // namespace spillway::chaos
