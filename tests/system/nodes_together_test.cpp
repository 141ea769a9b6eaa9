#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "common/wire/codec.h"
#include "tests/support/fakes/agent_side.h"
#include "tests/support/fakes/cloud_side.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kTasks = 40;  // a seed

kinds::KindRegistry one_kind() {
  kinds::KindRegistry kinds;
  Kind kind;
  kind.name = "reverse";
  kind.run = [](KindContext&) -> Result<Bytes> { return Bytes{}; };
  (void)kinds.add(std::move(kind));
  return kinds;
}

Bytes reversed(ByteView input) { return {input.rbegin(), input.rend()}; }

// A whole agent and a whole cloud over a broker in memory, in virtual time, while everything that
// can break does. The same seed gives the same run.
class Together {
 public:
  explicit Together(std::uint64_t seed)
      : random_(seed), agent_(clock_, &broker_, kinds_, 2), cloud_(clock_, broker_, kinds_, 3) {
    agent_.options.max_ready = 1 + seed % 20;
    agent_.options.lease = 30s;
    faults_left_ = below(12);
    agent_.boot();
    cloud_.boot();
  }

  void run() {
    while (submitted_ < kTasks || faults_left_ > 0) something();
    heal();
    // P5: from here on everything must end, in bounded time.
    for (int i = 0; i < 5000 && !over(); ++i) {
      settle();
      if (!end_one()) pass_time(10s);
    }
  }

  // What is wrong at the end; empty: nothing.
  std::string wrong() const {
    if (!agent_.disk.broken.empty()) return "agent's store: " + agent_.disk.broken.front();
    if (!cloud_.disk.broken.empty()) return "ledger: " + cloud_.disk.broken.front();
    for (const auto& [key, seq] : acknowledged_) {
      if (!agent_.disk.tasks.contains(seq)) return "lost: " + key;
    }
    if (agent_.disk.tasks.size() > kTasks) return "doubled";
    for (const auto& [seq, task] : agent_.disk.tasks) {
      if (std::string why = wrong(task); !why.empty()) return std::to_string(seq) + ": " + why;
    }
    if (!agent_.disk.outbox.empty()) return "an offer is left in the outbox";
    for (const auto& [id, row] : cloud_.disk.rows) {
      if (row.task.state != lifecycle::LeaseState::answered) return "a lease is left open";
    }
    if (changed_ids_ > 0) return "a key named two tasks";
    return "";
  }

  std::size_t in_cloud() const { return in_cloud_; }
  std::size_t poisoned() const {
    return std::size_t(
        std::count_if(agent_.disk.tasks.begin(), agent_.disk.tasks.end(),
                      [](auto& t) { return t.second.row.task.state == TaskState::failed; }));
  }

 private:
  std::uint64_t below(std::uint64_t n) { return mixed(random_) % n; }

  std::string wrong(const OwnerDisk::Task& task) const {
    const lifecycle::OwnerTask& row = task.row.task;
    if (!is_terminal(row.state)) return "is " + std::string(to_string(row.state)) + " for ever";
    auto result = wire::decode_result(*task.row.result);
    auto spec = wire::decode_spec(*task.row.spec);
    if (!result || !spec || result->outcome != row.state) return "result and row disagree";
    if (row.state == TaskState::succeeded) {
      return result->value.bytes == reversed(spec->input.bytes) ? "" : "another task's value";
    }
    // Crashes may poison a task, and then those that come after it.
    const FailureClass why = result->error ? result->error->failure : FailureClass::none;
    const bool allowed = why == FailureClass::poison || why == FailureClass::dependency;
    return allowed ? "" : "failed as " + std::string(to_string(why));
  }

  void something() {
    switch (below(16)) {
      case 0: submit(); break;
      case 1: end_one(); break;
      case 2: pass_time(Duration(std::int64_t(below(2'000'000)))); break;
      case 3:
        if (below(6) == 0) fault();
        break;
      case 4:
        if (agent_.on()) agent_.store().execute();
        break;
      case 5:
        if (agent_.on()) agent_.store().answer();
        break;
      case 6:
        if (cloud_.on()) cloud_.ledger().execute();
        break;
      case 7:
        if (cloud_.on()) cloud_.ledger().answer();
        break;
      case 8: agent_.turn(); break;
      case 9: cloud_.turn(); break;
      default: broker_.step();
    }
  }

  TaskSpec next_spec() {
    TaskSpec spec;
    spec.kind = "reverse";
    const std::string name = "task-" + std::to_string(submitted_);
    spec.input.bytes = to_bytes(name + std::string(below(200), '.'));
    spec.idempotency_key = name;
    spec.band = Band(below(4));
    spec.prefer = Prefer(below(3));
    spec.effects = Effects(below(3));
    spec.on_disconnect = OnDisconnect(below(2));
    spec.retry.max_attempts = 100;
    spec.retry.cap = 2s;
    if (below(4) == 0 && !acknowledged_.empty()) {
      auto parent = std::next(acknowledged_.begin(), std::ptrdiff_t(below(acknowledged_.size())));
      spec.after = {{agent_.disk.origin, parent->second}};
    }
    return spec;
  }

  void submit() {
    if (!agent_.on() || submitted_ == kTasks) return;
    // Now and then one is asked for again, as a client does that heard no answer.
    if (below(4) != 0 || specs_.empty()) {
      specs_.push_back(next_spec());
      submitted_ += 1;
    }
    const TaskSpec& spec = specs_[below(4) == 0 ? below(specs_.size()) : specs_.size() - 1];
    agent_.node().handle(wire::SubmitRequest{{wire::encode(spec)}},
                         [this, key = spec.idempotency_key](wire::AnswerBody answer) {
                           auto* submitted = std::get_if<wire::Submitted>(&answer);
                           if (!submitted || submitted->each.front().error) return;
                           const std::uint64_t seq = submitted->each.front().id.seq;
                           auto [known, fresh] = acknowledged_.try_emplace(key, seq);
                           if (!fresh && known->second != seq) changed_ids_ += 1;
                         });
  }

  bool end_one() {
    const bool first = below(2) == 0;
    return end_one_of(first ? cloud_.on() : agent_.on(), first) ||
           end_one_of(first ? agent_.on() : cloud_.on(), !first);
  }
  bool end_one_of(bool on, bool in_cloud) {
    if (!on) return false;
    ManualRunner& runner = in_cloud ? cloud_.runner() : agent_.runner();
    if (runner.running().empty()) return false;
    auto one = std::next(runner.running().begin(), std::ptrdiff_t(below(runner.running().size())));
    const auto key = one->first;
    if (one->second.told_to_stop && below(2) == 0) {
      runner.fail(key, fail(Code::cancelled, "stopped"), FailureClass::interrupted);
    } else if (below(20) == 0) {
      runner.fail(key, fail(Code::io, "bad luck"));
    } else {
      in_cloud_ += in_cloud ? 1 : 0;
      runner.succeed(key, reversed(one->second.request.spec.input.bytes));
    }
    return true;
  }

  void fault() {
    if (faults_left_ == 0) return;
    faults_left_ -= 1;
    const std::string client = below(2) == 0 ? "pump-7" : "cloud";
    switch (below(8)) {
      case 0: broker_.cut(client); break;
      case 1:
        broker_.refuse(client);
        broker_.cut(client);
        break;
      case 2: broker_.allow(client); break;
      case 3: broker_.freeze(client); break;
      case 4: broker_.crash(); break;
      case 5:
        agent_.crash();
        agent_.boot();
        break;
      case 6:
        cloud_.crash();
        if (below(2) == 0) cloud_.boot();
        break;
      default:
        broker_.duplicate_every(unsigned(below(4)));
        if (agent_.on()) agent_.store().fail_commits(fail(Code::io, "disk full"));
        if (cloud_.on() && below(2) == 0) cloud_.ledger().fail_commits(fail(Code::io, "full"));
        pass_time(2s);
        heal_disks();
    }
  }

  void heal_disks() {
    if (agent_.on()) agent_.store().fail_commits(std::nullopt);
    if (cloud_.on()) cloud_.ledger().fail_commits(std::nullopt);
  }
  void heal() {
    for (const char* client : {"pump-7", "cloud"}) {
      broker_.allow(client);
      broker_.heal(client);
    }
    heal_disks();
    if (!cloud_.on()) cloud_.boot();
  }

  void settle() {
    while (agent_.turn() || cloud_.turn() || agent_.store().step() || cloud_.ledger().step() ||
           broker_.step()) {
    }
  }
  // At most `by`, and no further than to the next timer.
  void pass_time(Duration by) {
    if (agent_.on() && agent_.next() != kNever) {
      by = std::min(by, agent_.next() - agent_.node().now());
    }
    if (cloud_.on() && cloud_.next() != kNever) {
      by = std::min(by, cloud_.next() - cloud_.node().now());
    }
    clock_.advance(std::max(by, Duration(1)));
  }

  bool over() const { return wrong().empty(); }

  std::uint64_t random_;
  ManualClock clock_;
  FakeBroker broker_;
  kinds::KindRegistry kinds_ = one_kind();
  AgentSide agent_;
  CloudSide cloud_;
  std::size_t submitted_ = 0, changed_ids_ = 0, in_cloud_ = 0;
  std::uint64_t faults_left_ = 0;
  std::vector<TaskSpec> specs_;
  std::map<std::string, std::uint64_t> acknowledged_;
};

}  // namespace

TEST_GROUP(NodesTogether){};

TEST(NodesTogether, P1_P5_P6_P7_every_task_ends_once_with_its_value_whatever_breaks) {
  std::size_t in_cloud = 0, poisoned = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Together run(seed);
    run.run();
    const std::string wrong = run.wrong();
    if (!wrong.empty()) FAIL(("seed " + std::to_string(seed) + ": " + wrong).c_str());
    in_cloud += run.in_cloud();
    poisoned += run.poisoned();
  }
  // Neither place sat idle, and crashes poison few.
  CHECK(in_cloud > 1000);
  CHECK(in_cloud < 11000);
  CHECK(poisoned < 600);
}
