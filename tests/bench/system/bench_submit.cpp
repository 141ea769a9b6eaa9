// Durable submits through the agent's socket, against what the disk and SQLite allow.
#include "agent/intake/frame.h"
#include "common/wire/codec.h"
#include "tests/bench/report/report.h"
#include "tests/bench/support/agents.h"
#include "tests/bench/support/crowd.h"
#include "tests/bench/support/owner_file.h"
#include "tests/bench/support/synced_file.h"
#include "tests/support/temp_dir.h"

namespace spillway::bench {
namespace {

constexpr std::size_t kClients = 32;
constexpr std::size_t kInput = 256;  // bytes

struct Rates {
  Samples append, in_place, commit;           // seconds; medians of rounds
  Samples half, group, crowd, crowd_running;  // per second
};

Exchange submit_exchange(const TaskSpec& spec) {
  Exchange exchange;
  intake::append_frame(exchange.request,
                       wire::encode(wire::Request{1, wire::SubmitRequest{{wire::encode(spec)}}}));
  exchange.answer_length = [](ByteView in) -> Result<std::size_t> {
    if (in.size() < 4) return std::size_t{0};
    const std::size_t length = 4 + (in[0] | std::size_t(in[1]) << 8 | std::size_t(in[2]) << 16);
    if (in.size() < length) return std::size_t{0};
    // The frame's bytes must be aligned for reading.
    const Bytes frame(in.begin() + 4, in.begin() + std::ptrdiff_t(length));
    Result<wire::Answer> answer = wire::decode_answer(frame);
    if (!answer) return std::move(answer).error();
    if (auto* error = std::get_if<Error>(&answer->body)) return *error;
    auto* submitted = std::get_if<wire::Submitted>(&answer->body);
    if (!submitted) return fail(Code::corrupt, "the agent answers something else");
    if (submitted->each.front().error) return *submitted->each.front().error;
    return length;
  };
  return exchange;
}

Result<Crowd> crowd_of(const LoneAgent& agent, std::size_t clients, const TaskSpec& spec) {
  if (auto ready = agent.client(); !ready) return std::move(ready).error();
  std::vector<Socket> sockets;
  for (std::size_t i = 0; i < clients; ++i) {
    auto socket = Socket::unix_stream(agent.socket());
    if (!socket) return std::move(socket).error();
    sockets.push_back(*std::move(socket));
  }
  return Crowd(std::move(sockets), submit_exchange(spec));
}

// Transactions of `group` rows, over and over: seconds each.
Result<Samples> raw_commits(OwnerFile& file, std::size_t group, double seconds) {
  Samples samples;
  const auto start = SteadyClock::now();
  while (seconds_since(start) < seconds) {
    const auto begin = SteadyClock::now();
    if (Status inserted = file.insert(group); !inserted) return inserted.error();
    samples.add(seconds_since(begin));
  }
  return samples;
}

double per_second(const Samples& commits, std::size_t group, double seconds) {
  return double(commits.count() * group) / seconds;
}

Status measure_round(const std::string& folder, OwnerFile& raw, Crowd& one, Crowd& crowd,
                     const TaskSpec& spec, double unit, Rates& rates) {
  for (const Growth growth : {Growth::appended, Growth::in_place}) {
    auto sync = synced_writes(folder + "/synced", wire::encode(spec), growth, unit / 2);
    if (!sync) return std::move(sync).error();
    (growth == Growth::appended ? rates.append : rates.in_place).add(sync->median());
  }
  auto commit = raw_commits(raw, 1, unit);
  if (!commit) return std::move(commit).error();
  rates.commit.add(commit->median());
  auto alone = one.run(unit);
  if (!alone) return std::move(alone).error();
  for (const std::size_t size : {kClients / 2, kClients}) {
    auto group = raw_commits(raw, size, unit / 2);
    if (!group) return std::move(group).error();
    (size == kClients ? rates.group : rates.half).add(per_second(*group, size, unit / 2));
  }
  auto together = crowd.run(2 * unit);
  if (!together) return std::move(together).error();
  rates.crowd.add(*together);
  return {};
}

Status measure_running(const std::string& folder, double seconds, Rates& rates) {
  auto agent = LoneAgent::start(folder);
  if (!agent) return std::move(agent).error();
  auto crowd = crowd_of(*agent, kClients, echo_spec(kInput));
  if (!crowd) return std::move(crowd).error();
  auto rate = crowd->run(seconds);
  if (!rate) return std::move(rate).error();
  rates.crowd_running.add(*rate);
  return {};
}

void tell(const Rates& rates, double one_p50, double one_p99, Report& report) {
  const double syncs = 1 / rates.append.median(), in_place = 1 / rates.in_place.median();
  report.add({"append + fdatasync of a task", rates.append.median() * 1e6, "us"});
  report.add({"write in place + fdatasync of a task", rates.in_place.median() * 1e6, "us"});
  report.add({"raw SQLite, one task a commit", rates.commit.median() * 1e6, "us",
              rates.append.median() * 1e6});
  report.add({"raw SQLite, groups of 16", rates.half.median(), "tasks/s", syncs});
  report.add({"raw SQLite, groups of 32", rates.group.median(), "tasks/s", syncs});
  report.add({"submit, 32 clients, against raw SQLite in groups of 32", rates.crowd.median(),
              "tasks/s", rates.group.median(), Goal::at_least(0.8)});
  report.add({"submit, 32 clients, against groups of 16", rates.crowd.median(), "tasks/s",
              rates.half.median()});
  report.add({"submit, 32 clients, against one write in place + fdatasync per task",
              rates.crowd.median(), "tasks/s", in_place, Goal::at_least(10)});
  report.add({"submit, 32 clients, against one append + fdatasync per task", rates.crowd.median(),
              "tasks/s", syncs});
  report.add({"submit, 1 client, p50, against one raw commit", one_p50 * 1e6, "us",
              rates.commit.median() * 1e6, Goal::at_most(1.3)});
  report.add({"submit, 1 client, p99", one_p99 * 1e6, "us", rates.commit.median() * 1e6});
  report.add({"submit, 32 clients, and run here meanwhile", rates.crowd_running.median(), "tasks/s",
              rates.group.median(), Goal::at_least(0.8)});
}

Status measure(const Options& options, Report& report) {
  const double unit = options.quick ? 0.2 : 2;  // seconds
  const int rounds = options.quick ? 1 : 5;
  test::TempDir folder("spillway-bench"), running("spillway-bench");
  TaskSpec spec = echo_spec(kInput);
  spec.not_before = std::chrono::hours(24);  // accepted, and nothing else to do meanwhile
  report.condition("task", std::to_string(wire::encode(spec).size()) + " bytes, encoded");
  report.condition("rounds", std::to_string(rounds) + ", medians; latencies over all");
  auto agent = LoneAgent::start(folder.path(), "[budget]\ntasks = 100000000\ndisk = \"16GiB\"\n");
  if (!agent) return std::move(agent).error();
  auto raw = OwnerFile::create(folder.file("raw.db"), OwnerFile::Sync::full, spec);
  if (!raw) return std::move(raw).error();
  auto one = crowd_of(*agent, 1, spec);
  if (!one) return std::move(one).error();
  auto crowd = crowd_of(*agent, kClients, spec);
  if (!crowd) return std::move(crowd).error();
  Rates rates;
  for (int i = 0; i < rounds; ++i) {
    if (Status round = measure_round(folder.path(), *raw, *one, *crowd, spec, unit, rates);
        !round) {
      return round;
    }
  }
  agent->stop();
  if (Status status = measure_running(running.path(), 2 * unit, rates); !status) return status;
  tell(rates, one->latencies().median(), one->latencies().quantile(0.99), report);
  return {};
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  return spillway::bench::run(argc, argv, "submit", spillway::bench::measure);
}
