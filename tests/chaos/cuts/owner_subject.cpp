#include <map>
#include <set>

#include "common/store/sqlite_owner_store.h"
#include "tests/chaos/cuts/subject.h"
#include "tests/sim/random.h"

namespace spillway::chaos {
namespace {

using lifecycle::OwnerStep;
using lifecycle::OwnerTask;
using sim::Random;
using store::Batch;
using store::OutboxRow;
using store::SqliteOwnerStore;

constexpr std::size_t kMostTasks = 24;
constexpr lifecycle::OwnerPolicy kPolicy{};

struct Kept {
  OwnerTask task;
  Bytes spec, result;
  NodeTime keep_until = kNever;
};

// The whole store, as its user knows it.
struct Model {
  std::map<std::uint64_t, Kept> tasks;
  std::set<OutboxRow> outbox;
  std::uint64_t next_seq = 1;
};

// Now and then, or mostly, too large for the row.
sqlite::EncodedBytes bytes_of(Random& random, unsigned large = 100) {
  const unsigned size = random.per_mille(large) ? 9000 + random.below(30'000) : random.below(900);
  auto bytes = std::make_shared<Bytes>(size + 1);
  for (std::uint8_t& byte : *bytes) byte = static_cast<std::uint8_t>(random.next());
  return bytes;
}

Bytes copy(const sqlite::EncodedBytes& bytes) { return bytes ? *bytes : Bytes(); }

// Any step that the life cycle allows for a task as it is.
OwnerStep step_of(const OwnerTask& task, Random& random, lifecycle::Now now) {
  const Epoch live = task.epoch;
  switch (task.state) {
    case TaskState::waiting: return lifecycle::on_time(task, kPolicy, {task.wake, now.random});
    case TaskState::ready:
      if (random.per_mille(100)) return lifecycle::cancel(task, now);
      return lifecycle::grant(task, kPolicy, random.per_mille(500) ? kHere : kCloud, BootId{7},
                              now);
    case TaskState::leased:
      if (random.per_mille(500)) return lifecycle::on_accept(task, kPolicy, live, now);
      if (random.per_mille(300)) return lifecycle::on_nack(task, kPolicy, live, {}, now);
      [[fallthrough]];
    case TaskState::running:
      if (random.per_mille(300)) {
        return lifecycle::on_failure(task, kPolicy, live, FailureClass::error, now);
      }
      return lifecycle::on_success(task, kPolicy, live, now);
    default:
      if (random.per_mille(200)) return lifecycle::retry(task, {}, now);
      return {};
  }
}

// Makes batches and keeps the model in step with them.
class Author {
 public:
  Author(Model& model, Random& random, std::uint64_t number)
      : model_(model), random_(random), number_(number) {
    batch_.now = time_of(number);
  }

  Batch write() {
    for (unsigned left = 1 + random_.below(4); left > 0; --left) {
      if (model_.tasks.empty() || (model_.tasks.size() < kMostTasks && random_.per_mille(400))) {
        insert();
      } else {
        move_on();
      }
    }
    return std::move(batch_);
  }

  void recover() {
    for (auto& [seq, kept] : model_.tasks) {
      if (kept.task.state != TaskState::leased && kept.task.state != TaskState::running) continue;
      apply(seq, kept,
            lifecycle::recover(kept.task, kPolicy, BootId{number_ + 100},
                               /*may_have_begun=*/true, now()));
    }
  }
  Batch take() { return std::move(batch_); }

 private:
  lifecycle::Now now() { return {time_of(number_), random_.next()}; }

  void insert() {
    if (random_.per_mille(700)) return insert({}, bytes_of(random_));
    const store::Together group{model_.next_seq, 2 + random_.below(3)};
    const sqlite::EncodedBytes spec = bytes_of(random_, 700);
    for (std::uint32_t i = 0; i < group.size; ++i) insert(group, spec);
  }
  void insert(const store::Together& group, const sqlite::EncodedBytes& spec) {
    store::NewTask task;
    task.row.seq = model_.next_seq++;
    task.row.created = task.row.task.since = batch_.now;
    task.row.together = group;
    task.row.spec = spec;
    task.kind = "echo";
    model_.tasks[task.row.seq] = {task.row.task, *task.row.spec, {}, kNever};
    touched_.insert(task.row.seq);
    batch_.inserts.push_back(std::move(task));
  }

  void move_on() {
    auto at = model_.tasks.begin();
    std::advance(at, random_.below(static_cast<unsigned>(model_.tasks.size())));
    if (!touched_.insert(at->first).second) return;
    apply(at->first, at->second, step_of(at->second.task, random_, now()));
  }

  void apply(std::uint64_t seq, Kept& kept, const OwnerStep& step) {
    if (step.verdict != lifecycle::Verdict::applied) return;
    store::TaskUpdate update;
    update.seq = seq;
    update.was_state = kept.task.state;
    update.was_epoch = kept.task.epoch;
    update.next = step.next;
    if (is_terminal(step.next.state)) {
      update.keep_until = batch_.now + std::chrono::seconds(5 + random_.below(60));
      if (step.act.finished) update.result = bytes_of(random_);
      const bool large = sqlite::is_bulk(std::make_shared<const Bytes>(kept.spec));
      if (step.next.state == TaskState::succeeded && large && random_.per_mille(700)) {
        update.spec = bytes_of(random_);
        kept.spec = *update.spec;
      }
    }
    if (is_terminal(kept.task.state) || update.result) kept.result = copy(update.result);
    kept.task = step.next;
    kept.keep_until = update.keep_until;
    batch_.events.push_back(
        {seq, batch_.now, store::EventKind::granted, step.next.epoch, {}, {}, {}});
    for (const lifecycle::AttemptAct& one : step.act.attempts) {
      const OutboxRow dropped{seq, one.epoch};
      if (one.drop_offer) batch_.outbox_drop.push_back(dropped), model_.outbox.erase(dropped);
    }
    const OutboxRow put{seq, step.next.epoch};
    if (step.act.send_offer) batch_.outbox_put.push_back(put), model_.outbox.insert(put);
    batch_.updates.push_back(std::move(update));
  }

  Model& model_;
  Random& random_;
  const std::uint64_t number_;
  std::set<std::uint64_t> touched_;
  Batch batch_;
};

std::string differs(std::uint64_t seq, const Kept& was, const store::TaskRow& row) {
  const std::string task = "task " + std::to_string(seq);
  const OwnerTask& is = row.task;
  if (is.epoch < was.task.epoch) return "P3: " + task + " went back an epoch";
  if (is_terminal(was.task.state) && copy(row.result) != was.result) {
    return "P1: " + task + " has another result than was accepted";
  }
  if (is_terminal(was.task.state) != is_terminal(is.state)) return "P2: " + task + " came back";
  if (!(is == was.task)) {
    return "P6: " + task + " is " + std::string(to_string(is.state)) + ", not " +
           std::string(to_string(was.task.state)) + ", or differs within";
  }
  if (copy(row.spec) != was.spec) return "P9: " + task + " has another spec than was written";
  return {};
}

class OwnerSubject final : public Subject {
 public:
  explicit OwnerSubject(Answers answers) : answers_(answers) {}
  std::string name() const override { return "owner's store"; }
  void start_over() override { history_.assign(1, Model()), purged_until_ = {}; }
  Status live(const std::string& folder, test::RecordedDisk& disk, std::uint64_t seed) override;
  std::string judge(const std::string& folder, std::uint64_t promised) const override;

 private:
  static Result<SqliteOwnerStore::Opened> open(const std::string& folder) {
    SqliteOwnerStore::Options options;
    options.tables.spare_specs = 2;
    return SqliteOwnerStore::open(folder + "/agent.db", answer_at_once(), options);
  }
  void take_up(SqliteOwnerStore& store, const store::Recovered& recovered);
  Status play_some(SqliteOwnerStore& store, test::RecordedDisk& disk, Random& random);
  void send(SqliteOwnerStore& store, test::RecordedDisk& disk, Replies& replies, Batch batch);
  std::string compare(SqliteOwnerStore& store, const store::Recovered& recovered) const;

  const Answers answers_;
  std::vector<Model> history_{1};  // after each batch
  NodeTime purged_until_{};
};

// What a cut undid never happened; what was purged is gone.
void OwnerSubject::take_up(SqliteOwnerStore& store, const store::Recovered& recovered) {
  history_.resize(batch_at(recovered.last_seen) + 1);
  purged_until_ = std::min(purged_until_, recovered.last_seen);
  std::erase_if(history_.back().tasks, [&](const auto& task) {
    return task.second.keep_until <= purged_until_ &&
           !ask<store::TaskDetail>([&](auto done) { store.find(task.first, done); });
  });
}

void OwnerSubject::send(SqliteOwnerStore& store, test::RecordedDisk& disk, Replies& replies,
                        Batch batch) {
  const std::uint64_t number = history_.size() - 1;
  replies.expect_one();
  if (answers_ == Answers::at_once) disk.mark(number);
  store.commit(std::move(batch), [&disk, &replies, number](const Result<store::Refused>& refused) {
    const Status status = !refused           ? Status(refused.error())
                          : refused->empty() ? Status()
                                             : Status(refused->front().error);
    replies.take(status, [&] { disk.mark(number); });
  });
}

Status OwnerSubject::play_some(SqliteOwnerStore& store, test::RecordedDisk& disk, Random& random) {
  Gate gate;
  Replies replies;
  store.inspect(false, gate.hold());
  for (unsigned left = 1 + random.below(4); left > 0; --left) {
    history_.push_back(history_.back());
    Batch batch = Author(history_.back(), random, history_.size() - 1).write();
    send(store, disk, replies, std::move(batch));
  }
  gate.open();
  if (Status status = replies.wait(); !status || !random.per_mille(150)) return status;
  purged_until_ = std::max(purged_until_, time_of(history_.size() - 1));
  auto purged = ask<store::Purged>([&](auto done) { store.purge(purged_until_, 4, done); });
  if (!purged) return std::move(purged).error();
  take_up(store, {.last_seen = time_of(history_.size() - 1)});
  return {};
}

Status OwnerSubject::live(const std::string& folder, test::RecordedDisk& disk, std::uint64_t seed) {
  Random random(seed);
  auto opened = open(folder);
  if (!opened) return std::move(opened).error();
  SqliteOwnerStore& store = *opened->store;
  take_up(store, opened->recovered);
  Replies replies;
  history_.push_back(history_.back());
  Author author(history_.back(), random, history_.size() - 1);
  author.recover();
  send(store, disk, replies, author.take());
  if (Status status = replies.wait(); !status) return status;
  for (unsigned left = 4 + random.below(20); left > 0; --left) {
    if (Status status = play_some(store, disk, random); !status) return status;
  }
  if (random.per_mille(500)) test::watch_files(nullptr);  // the power goes before it has stopped
  return {};
}

std::string OwnerSubject::compare(SqliteOwnerStore& store,
                                  const store::Recovered& recovered) const {
  const Model& model = history_[batch_at(recovered.last_seen)];
  if (recovered.next_seq < model.next_seq) return "P9: a sequence number may be given twice";
  const std::set<OutboxRow> outbox(recovered.outbox.begin(), recovered.outbox.end());
  if (outbox != model.outbox) return "P10: the outbox is not that of any moment";
  for (const auto& [seq, kept] : model.tasks) {
    auto found = ask<store::TaskDetail>([&, seq = seq](auto done) { store.find(seq, done); });
    if (!found && found.error().code == Code::not_found && kept.keep_until <= purged_until_) {
      continue;
    }
    if (!found) return "P9: task " + std::to_string(seq) + ": " + found.error().message;
    if (std::string what = differs(seq, kept, found->row); !what.empty()) return what;
  }
  auto report = ask<sqlite::StoreReport>([&](auto done) { store.inspect(true, done); });
  if (!report) return report.error().message;
  return report->problems.empty() ? std::string() : "damaged: " + report->problems.front();
}

std::string OwnerSubject::judge(const std::string& folder, std::uint64_t promised) const {
  auto opened = open(folder);
  if (!opened) return "it does not open: " + opened.error().message;
  const store::Recovered& recovered = opened->recovered;
  if (recovered.quarantined) return "a power cut was taken for damage";
  const std::uint64_t have = batch_at(recovered.last_seen);
  if (have < promised) {
    return "P9: batch " + std::to_string(promised) + " was acknowledged, the disk has " +
           std::to_string(have);
  }
  if (have >= history_.size()) return "the disk is ahead of what was written";
  return compare(*opened->store, recovered);
}

}  // namespace

std::unique_ptr<Subject> make_owner_subject(Answers answers) {
  return std::make_unique<OwnerSubject>(answers);
}

}  // namespace spillway::chaos
