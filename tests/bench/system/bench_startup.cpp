// The time from the start of the agent's process to the first of its tasks done, and to the result
// of the first one submitted to it, with few and with many tasks waiting in its store.
#include <unistd.h>

#include <filesystem>

#include "tests/bench/report/report.h"
#include "tests/bench/report/samples.h"
#include "tests/bench/support/agents.h"
#include "tests/bench/support/owner_file.h"
#include "tests/chaos/below/control.h"
#include "tests/support/temp_dir.h"

namespace spillway::bench {
namespace {

constexpr std::size_t kFew = 10;
constexpr std::size_t kGroup = 10'000;
constexpr double kLimit = 500;  // ms
constexpr char kRoom[] = "[budget]\ntasks = 10000000\ndisk = \"16GiB\"\n";
constexpr char kNoNetwork[] = "[broker]\nuri = \"mqtt://127.0.0.1:9\"\n";  // nobody is there

// What makes the agent's wall clock begin in 1970; its boot time goes on.
std::map<std::string, std::string> in_1970(const std::string& folder) {
  chaos::Control control{};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  control.wall_step_us = -std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const std::string path = folder + "/faults";
  test::write_text(path, {reinterpret_cast<const char*>(&control), sizeof control});
  return {{"LD_PRELOAD", program_path("libspillway-faults.so")}, {chaos::kControlVariable, path}};
}

// Ready tasks that run after any other.
Status fill(const std::string& folder, std::size_t rows) {
  std::filesystem::create_directories(folder + "/state");
  TaskSpec spec = echo_spec(64);
  spec.band = Band::background;
  auto file = OwnerFile::create(folder + "/state/agent.db", OwnerFile::Sync::off, spec);
  if (!file) return std::move(file).error();
  for (std::size_t left = rows - 1; left > 0; left -= std::min(left, kGroup)) {
    if (Status made = file->insert(std::min(left, kGroup)); !made) return made;
  }
  return file->finish();
}

struct Start {
  double listening = 0, queued_done = 0, new_done = 0;  // seconds
};

Status until_one_is_done(intake::Client& client) {
  for (;;) {
    auto view = client.ask<NodeView>(wire::StatusRequest{}, std::chrono::seconds(10));
    if (!view) return std::move(view).error();
    if (view->done_local > 0) return {};
  }
}

Result<Start> start_once(const std::string& folder, const std::string& more,
                         const std::map<std::string, std::string>& env = {}) {
  Start start;
  sync();  // what filling the store left behind is not the agent's to wait for
  const auto begin = SteadyClock::now();
  auto agent = LoneAgent::start(folder, more, env);
  if (!agent) return std::move(agent).error();
  auto client = agent->client();
  if (!client) return std::move(client).error();
  start.listening = seconds_since(begin);
  if (Status done = until_one_is_done(*client); !done) return done.error();
  start.queued_done = seconds_since(begin);
  TaskSpec spec = echo_spec(64);
  spec.band = Band::urgent;
  if (Status done = do_one(*client, spec, kHereName); !done) return done.error();
  start.new_done = seconds_since(begin);
  agent->stop();
  return start;
}

struct Starts {
  Samples listening, queued_done, new_done;

  void add(const Start& start) {
    listening.add(start.listening);
    queued_done.add(start.queued_done);
    new_done.add(start.new_done);
  }
};

Status start_with_few(const std::string& folder, Starts& starts) {
  // Ten tasks are done in no time, so each start gets a new store.
  std::filesystem::remove_all(folder + "/state");
  if (Status filled = fill(folder, kFew); !filled) return filled;
  auto start = start_once(folder, kRoom);
  if (!start) return std::move(start).error();
  starts.add(*start);
  return {};
}

Status start_with_many(const std::string& folder, Starts& starts, const std::string& more = kRoom,
                       const std::map<std::string, std::string>& env = {}) {
  auto start = start_once(folder, more, env);
  if (!start) return std::move(start).error();
  starts.add(*start);
  return {};
}

void compare(Report& report, const std::string& what, const std::string& rows, Samples& few,
             Samples& lots) {
  for (const auto& [size, samples] : {std::pair("10 rows", &few), {rows.c_str(), &lots}}) {
    report.add({what + ", " + size + ", against 500 ms", samples->median() * 1e3, "ms", kLimit,
                Goal::at_most(1)});
  }
  report.add({what + ", " + rows + ", against 10 rows", lots.median() * 1e3, "ms",
              few.median() * 1e3, Goal::within(0.1)});
}

Status measure(const Options& options, Report& report) {
  const std::size_t many = options.quick ? 50'000 : 1'000'000;
  const int rounds = options.quick ? 3 : 15;
  test::TempDir few_folder("spillway-bench"), many_folder("spillway-bench");
  if (Status filled = fill(many_folder.path(), many); !filled) return filled;
  report.condition("rounds", std::to_string(rounds) + ", alternating, medians; page cache warm");
  report.condition("backlog", "ready tasks of the lowest band; the new task is an urgent one");
  Starts few, lots, worst;
  for (int i = 0; i < rounds; ++i) {
    if (Status started = start_with_few(few_folder.path(), few); !started) return started;
    if (Status started = start_with_many(many_folder.path(), lots); !started) return started;
    Status started = start_with_many(many_folder.path(), worst, std::string(kRoom) + kNoNetwork,
                                     in_1970(many_folder.path()));
    if (!started) return started;
  }
  const std::string rows = std::to_string(many) + " rows";
  report.add({"listening, 10 rows", few.listening.median() * 1e3, "ms"});
  report.add(
      {"listening, " + rows, lots.listening.median() * 1e3, "ms", few.listening.median() * 1e3});
  compare(report, "first task done", rows, few.queued_done, lots.queued_done);
  compare(report, "a new task done", rows, few.new_done, lots.new_done);
  report.add({"a new task done, " + rows + ", clock in 1970, broker out of reach",
              worst.new_done.median() * 1e3, "ms", kLimit, Goal::at_most(1)});
  report.add({"slowest start, 10 rows", few.new_done.quantile(1) * 1e3, "ms", kLimit});
  report.add({"slowest start, " + rows, lots.new_done.quantile(1) * 1e3, "ms", kLimit});
  return {};
}

}  // namespace
}  // namespace spillway::bench

int main(int argc, char** argv) {
  return spillway::bench::run(argc, argv, "startup", spillway::bench::measure);
}
