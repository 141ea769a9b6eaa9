#include <map>
#include <set>

#include "common/crypto/sha256.h"
#include "common/ledger/sqlite_ledger.h"
#include "tests/chaos/cuts/subject.h"
#include "tests/sim/random.h"

namespace spillway::chaos {
namespace {

using ledger::LedgerBatch;
using ledger::LedgerRow;
using ledger::SqliteLedger;
using lifecycle::LeaseState;
using lifecycle::LesseeStep;
using lifecycle::LesseeTask;
using lifecycle::OfferTerms;
using sim::Random;

constexpr std::size_t kMostRows = 24;
constexpr Origin kOwner{0x5eed};

struct Kept {
  LesseeTask task;
  Bytes spec, result;
  sqlite::EncodedBytes offered;  // the same whenever it comes
};
using Model = std::map<std::uint64_t, Kept>;  // by sequence number

sqlite::EncodedBytes bytes_of(Random& random) {
  const unsigned size = random.per_mille(100) ? 9000 + random.below(30'000) : random.below(900);
  auto bytes = std::make_shared<Bytes>(size + 1);
  for (std::uint8_t& byte : *bytes) byte = static_cast<std::uint8_t>(random.next());
  return bytes;
}

OfferTerms terms_of(Epoch epoch) {
  OfferTerms terms;
  terms.epoch = epoch;
  return terms;
}

LesseeStep step_of(const LesseeTask& task, Random& random, lifecycle::Now now) {
  const Epoch next{task.epoch.value + 1};
  switch (task.state) {
    case LeaseState::accepted:
      if (random.per_mille(150)) return lifecycle::on_cancel(task, task.epoch, now);
      return lifecycle::on_start(task, terms_of(task.epoch), BootId{7}, now);
    case LeaseState::running:
      if (random.per_mille(200)) return lifecycle::on_offer(task, terms_of(next), now);
      return lifecycle::on_finish(
          task, random.per_mille(200) ? FailureClass::error : FailureClass::none, now);
    case LeaseState::done: return lifecycle::on_result_ack(task, task.epoch, now);
    case LeaseState::answered:
      if (random.per_mille(200)) return lifecycle::on_offer(task, terms_of(next), now);
      return {};
  }
  return {};
}

class Author {
 public:
  Author(Model& model, Random& random, std::uint64_t number)
      : model_(model), random_(random), number_(number) {
    batch_.now = time_of(number);
  }

  LedgerBatch write() {
    for (unsigned left = 1 + random_.below(4); left > 0; --left) {
      if (model_.empty() || (model_.size() < kMostRows && random_.per_mille(400))) {
        insert();
      } else {
        move_on();
      }
    }
    return std::move(batch_);
  }

 private:
  lifecycle::Now now() { return {time_of(number_), random_.next()}; }

  void insert() {
    const std::uint64_t seq = number_ * 16 + batch_.inserts.size();
    const LesseeStep step = lifecycle::on_offer(std::nullopt, terms_of(Epoch{1}), now());
    LedgerRow row;
    row.id = {kOwner, seq};
    row.device = "pump-7";
    row.task = step.next;
    row.accepted = batch_.now;
    row.spec = bytes_of(random_);
    row.spec_digest = crypto::sha256(*row.spec);
    model_[seq] = {row.task, *row.spec, {}, row.spec};
    touched_.insert(seq);
    batch_.inserts.push_back(std::move(row));
  }

  void move_on() {
    auto at = model_.begin();
    std::advance(at, random_.below(static_cast<unsigned>(model_.size())));
    if (!touched_.insert(at->first).second) return;
    Kept& kept = at->second;
    const LesseeStep step = step_of(kept.task, random_, now());
    if (step.verdict != lifecycle::Verdict::applied) return;
    ledger::LedgerUpdate update;
    update.id = {kOwner, at->first};
    update.was_state = kept.task.state;
    update.was_epoch = kept.task.epoch;
    update.next = step.next;
    if (step.next.state == LeaseState::answered) {
      kept.spec.clear(), kept.result.clear();
    } else if (kept.task.state == LeaseState::answered) {
      update.spec = kept.offered;
      kept.spec = *update.spec;
    } else if (step.next.state == LeaseState::done && kept.task.state != LeaseState::done) {
      update.result = bytes_of(random_);
      kept.result = *update.result;
    }
    kept.task = step.next;
    batch_.updates.push_back(std::move(update));
  }

  Model& model_;
  Random& random_;
  const std::uint64_t number_;
  std::set<std::uint64_t> touched_;
  LedgerBatch batch_;
};

class LedgerSubject final : public Subject {
 public:
  explicit LedgerSubject(Answers answers) : answers_(answers) {}
  std::string name() const override { return "cloud's ledger"; }
  void start_over() override { history_.assign(1, Model()); }
  Status live(const std::string& folder, test::RecordedDisk& disk, std::uint64_t seed) override;
  std::string judge(const std::string& folder, std::uint64_t promised) const override;

 private:
  static Result<SqliteLedger::Opened> open(const std::string& folder) {
    return SqliteLedger::open(folder + "/ledger.db", answer_at_once(), {});
  }
  Status play_some(SqliteLedger& ledger, test::RecordedDisk& disk, Random& random);
  std::string compare(SqliteLedger& ledger, const Model& model) const;

  const Answers answers_;
  std::vector<Model> history_{1};  // after each batch
};

Status LedgerSubject::play_some(SqliteLedger& ledger, test::RecordedDisk& disk, Random& random) {
  Gate gate;
  Replies replies;
  ledger.inspect(false, gate.hold());
  for (unsigned left = 1 + random.below(4); left > 0; --left) {
    history_.push_back(history_.back());
    const std::uint64_t number = history_.size() - 1;
    replies.expect_one();
    if (answers_ == Answers::at_once) disk.mark(number);
    ledger.commit(Author(history_.back(), random, number).write(),
                  [&disk, &replies, number](const Result<ledger::Refused>& refused) {
                    const Status status = !refused           ? Status(refused.error())
                                          : refused->empty() ? Status()
                                                             : Status(refused->front().error);
                    replies.take(status, [&] { disk.mark(number); });
                  });
  }
  gate.open();
  return replies.wait();
}

Status LedgerSubject::live(const std::string& folder, test::RecordedDisk& disk,
                           std::uint64_t seed) {
  Random random(seed);
  auto opened = open(folder);
  if (!opened) return std::move(opened).error();
  history_.resize(batch_at(opened->recovered.last_seen) + 1);
  for (unsigned left = 4 + random.below(20); left > 0; --left) {
    if (Status status = play_some(*opened->ledger, disk, random); !status) return status;
  }
  if (random.per_mille(500)) test::watch_files(nullptr);  // the power goes before it has stopped
  return {};
}

std::string LedgerSubject::compare(SqliteLedger& ledger, const Model& model) const {
  for (const auto& [seq, kept] : model) {
    const std::string task = "task " + std::to_string(seq);
    auto found = ask<std::optional<LedgerRow>>([&, seq = seq](auto done) {
      ledger.find({kOwner, seq}, done);
    });
    if (!found) return found.error().message;
    if (!*found) return "P9: " + task + " was accepted and is gone";
    const LedgerRow& row = **found;
    if (row.task.epoch < kept.task.epoch) return "P3: " + task + " went back an epoch";
    if (!(row.task == kept.task)) return "P6: " + task + " is not as it was at any moment";
    if ((row.result ? *row.result : Bytes()) != kept.result) return "P1: another result: " + task;
    if ((row.spec ? *row.spec : Bytes()) != kept.spec) return "P9: another spec: " + task;
  }
  auto report = ask<sqlite::StoreReport>([&](auto done) { ledger.inspect(true, done); });
  if (!report) return report.error().message;
  return report->problems.empty() ? std::string() : "damaged: " + report->problems.front();
}

std::string LedgerSubject::judge(const std::string& folder, std::uint64_t promised) const {
  auto opened = open(folder);
  if (!opened) return "it does not open: " + opened.error().message;
  if (opened->recovered.quarantined) return "a power cut was taken for damage";
  const std::uint64_t have = batch_at(opened->recovered.last_seen);
  if (have < promised) {
    return "P9: batch " + std::to_string(promised) + " was acknowledged, the disk has " +
           std::to_string(have);
  }
  if (have >= history_.size()) return "the disk is ahead of what was written";
  return compare(*opened->ledger, history_[have]);
}

}  // namespace

std::unique_ptr<Subject> make_ledger_subject(Answers answers) {
  return std::make_unique<LedgerSubject>(answers);
}

}  // namespace spillway::chaos
