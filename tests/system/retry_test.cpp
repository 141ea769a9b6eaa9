#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include <boost/json.hpp>

#include "agent/intake/client.h"
#include "cloud/http/client.h"
#include "common/sqlite/database.h"
#include "common/wire/api.h"
#include "common/wire/codec.h"
#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using cloud::http::Method;
namespace json = boost::json;

namespace {

using Steady = std::chrono::steady_clock;

// Fails until there is the file that its input names, and then notes that it ran.
constexpr char kProgram[] =
    "\n[[command]]\nname = \"late\"\nargv = [\"/bin/sh\", \"-c\", "
    "'read f; test -e \"$f\" || exit 1; echo ran >>\"$f\"; printf done']\n";

TestbedOptions with_late_ones() {
  TestbedOptions options;
  options.agent_more = "[dispatched_tasks]\nkinds = [\"late\"]\n";
  options.agent_more += kProgram;  // GCC for ARM takes the sum of both for an overread
  options.cloud_more = kProgram;
  options.cloud_tags = {"cloud-only"};
  options.http_port = free_port();  // the same after a restart
  return options;
}

constexpr std::size_t kAtOnce = 64;   // tasks
constexpr std::size_t kInFlight = 8;  // of each client; most rest meanwhile, and can be thrown away
constexpr int kRounds = 2;            // each ends with a purge, after some ten seconds

// What one of those who ask again and again was told.
class Heard {
 public:
  void gone() { gone_ += 1; }
  void fail(const std::string& why) { problem_ = why; }
  // Until the purge has shown.
  bool goes_on() const { return gone_ == 0 && problem_.empty() && Steady::now() < until_; }
  std::string verdict() const {
    if (!problem_.empty()) return problem_;
    return gone_ > 0 ? "" : "nothing was thrown away meanwhile";
  }

 private:
  const Steady::time_point until_ = Steady::now() + kSoon;
  std::size_t gone_ = 0;
  std::string problem_;
};

template <class Ask>
void both(Ask ask) {
  Heard one, another;
  std::thread other([&] { ask(another); });
  ask(one);
  other.join();
  for (const Heard* heard : {&one, &another}) STRCMP_EQUAL("", heard->verdict().c_str());
}

}  // namespace

// People ask again for what was thrown away, or is at that moment: nothing but that request fails.
TEST_GROUP(Retry) {
  Rig rig{with_late_ones()};
  std::string file = rig.file("now"), input = rig.file("input");

  void setup() override {
    CHECK_TEXT(rig.good(), rig.problem().c_str());
    CHECK(rig.bed().wait_for_link(kSoon));
    CHECK(eventually(kSoon, [&] {
      return rig.spwctl({"device", "show", Testbed::kDevice}).code == 0;
    }));
    write_text(input, file + "\n");
  }
  void stop(Process & process) {
    process.signal(SIGTERM);
    const auto exit = process.wait(kSoon);
    CHECK(exit && exit->ok());
  }
  // Counts the tombstones of a ledger that nobody has open.
  std::int64_t tombstones(const std::string& ledger) {
    auto database = sqlite::Database::open(rig.file(ledger), false);
    CHECK(database.ok());
    auto count = database->integer("SELECT count(*) FROM lease WHERE answered_at IS NOT NULL");
    CHECK(count.ok());
    return *count;
  }
  // What ended lies a day longer back.
  void age(const std::string& ledger) {
    auto database = sqlite::Database::open(rig.file(ledger), false);
    CHECK(database.ok());
    CHECK(database->execute("UPDATE lease SET answered_at = answered_at - 90000000000").ok());
  }
  json::value sent(const std::string& id) {
    const Ran shown = rig.spwctl({"task", "show", id});
    return shown.code == 0 ? json::parse(shown.out) : json::value{{"state", shown.err}};
  }
  bool becomes(const std::string& id, std::string_view state) {
    return eventually(kSoon, [&] { return sent(id).at("state").as_string() == state; });
  }
  void ran_once() { STRCMP_EQUAL("ran\n", read_text(file).c_str()); }

  // Failed ones whose time is up at once.
  std::vector<std::uint64_t> add_failed() {
    auto client = rig.bed().client();
    CHECK(client.ok());
    TaskSpec spec;
    spec.kind.name = "stats.window";
    spec.input.bytes = to_bytes("no numbers");
    spec.prefer = Prefer::local;
    spec.retry.max_attempts = 1;
    spec.retention = 1ms;
    const wire::SubmitRequest request{std::vector<Bytes>(kAtOnce, wire::encode(spec))};
    auto answer = client->ask<wire::Submitted>(request, kSoon);
    CHECK(answer.ok());
    std::vector<std::uint64_t> added;
    for (const auto& one : answer->each) added.push_back(one.id.seq);
    CHECK_EQUAL(kAtOnce, added.size());
    return added;
  }
};

TEST(Retry, P4_of_what_failed_in_the_cloud_over_a_day_ago_runs_there_once_more) {
  const std::string id = rig.output({"submit", "late", "--input", input, "--tag", "cloud-only"});
  CHECK(rig.spillway({"wait", id, "--timeout", "40s"}).code == 1);
  stop(rig.bed().cloud());
  CHECK_EQUAL(1, tombstones("cloud/ledger.db"));
  age("cloud/ledger.db");
  CHECK(rig.bed().start_cloud().ok());
  CHECK(rig.bed().wait_for_link(kSoon));
  write_text(file, "");
  CHECK_EQUAL(0, rig.spillway({"retry", id}).code);
  STRCMP_EQUAL("done", rig.spillway({"wait", id, "--timeout", "40s"}).out.c_str());
  ran_once();
  stop(rig.bed().cloud());
  CHECK_EQUAL(1, tombstones("cloud/ledger.db"));
}

TEST(Retry, P4_of_what_failed_on_a_device_over_a_day_ago_runs_there_once_more) {
  const Ran ran = rig.spwctl({"task", "submit", "late", "--input", input, Testbed::kDevice});
  CHECK_TEXT(ran.code == 0, ran.err.c_str());
  const std::string id(json::parse(ran.out).at("first_task").as_string());
  CHECK_TEXT(becomes(id, "failed"), json::serialize(sent(id)).c_str());
  stop(rig.bed().agent());
  CHECK_EQUAL(1, tombstones("agent/leased.db"));
  age("agent/leased.db");
  CHECK(rig.bed().start_agent().ok());
  CHECK(rig.bed().wait_for_link(kSoon));
  write_text(file, "");
  CHECK_EQUAL(0, rig.spwctl({"task", "retry", id}).code);
  CHECK_TEXT(becomes(id, "succeeded"), json::serialize(sent(id)).c_str());
  ran_once();
  stop(rig.bed().agent());
  CHECK_EQUAL(1, tombstones("agent/leased.db"));
}

TEST(Retry, of_two_clients_that_races_a_purge_is_done_or_refused_and_the_agent_goes_on) {
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<std::uint64_t> tasks = add_failed();
    const auto ask_all = [&](Heard& heard) {
      auto client = rig.bed().client();
      if (!client) return heard.fail(client.error().message);
      for (std::size_t next = 0; heard.goes_on(); next += kInFlight) {
        for (std::size_t i = 0; i < kInFlight; ++i) {
          (void)client->send(wire::TaskRequest{wire::TaskOp::retry, tasks[(next + i) % kAtOnce]});
        }
        for (std::size_t i = 0; i < kInFlight; ++i) {
          const auto answer = client->receive(kSoon);
          if (!answer) return heard.fail(answer.error().message);
          const auto* refused = std::get_if<Error>(&answer->body);
          if (!refused || refused->code == Code::conflict) continue;
          refused->code == Code::not_found ? heard.gone() : heard.fail(refused->message);
        }
      }
    };
    both(ask_all);
  }
  CHECK(rig.bed().agent().running());
  CHECK_EQUAL(0, rig.spillway({"submit", "echo", "--wait"}).code);
}

TEST(Retry, of_two_operators_that_races_a_purge_is_done_or_refused_and_the_cloud_goes_on) {
  const cloud::http::Headers who = {{"authorization", "Bearer " + rig.admin_token()},
                                    {"content-type", "application/json"}};
  const cloud::http::ClientOptions where{rig.cloud_url(), "", kSoon};
  rig.bed().kill_agent();
  for (int round = 0; round < kRounds; ++round) {
    std::vector<std::string> tasks;
    auto client = cloud::http::Client::make(where);
    CHECK(client.ok());
    for (std::size_t i = 0; i < kAtOnce / 8; ++i) {
      const json::value task = {
          {"kind", "late"}, {"retention_s", 0.001}, {"devices", json::array{Testbed::kDevice}}};
      const auto made =
          client->send(Method::post, "/api/v1/tasks/dispatched", who, json::serialize(task));
      CHECK(made.ok());
      CHECK_TEXT(made->status < 300, made->body.c_str());
      tasks.emplace_back(json::parse(made->body).at("first_task").as_string());
    }
    const auto ask_all = [&](Heard& heard) {
      auto own = cloud::http::Client::make(where);
      if (!own) return heard.fail(own.error().message);
      while (heard.goes_on()) {
        for (const std::string& id : tasks) {
          for (const char* verb : {"/cancel", "/retry", "/cancel"}) {
            const auto answer = own->send(Method::post, "/api/v1/tasks/" + id + verb, who);
            if (!answer) return heard.fail(answer.error().message);
            if (answer->status < 300 || answer->status == 409) continue;
            answer->status == 404 ? heard.gone() : heard.fail(answer->body);
          }
        }
      }
    };
    both(ask_all);
  }
  CHECK(rig.bed().cloud().running());
  CHECK(rig.bed().start_agent().ok());
  CHECK(rig.bed().wait_for_link(kSoon));
}
