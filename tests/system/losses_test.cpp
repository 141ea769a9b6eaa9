#include <string>

#include "agent/intake/client.h"
#include "common/wire/api.h"
#include "common/wire/codec.h"
#include "tests/support/eventually.h"
#include "tests/system/rig.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

namespace {

TestbedOptions few_tasks() {
  TestbedOptions options;
  options.telemetry = "1s";
  options.agent_more = "[budget]\ntasks = 20\n";
  return options;
}

}  // namespace

TEST_GROUP(Losses) {
  Rig rig{few_tasks()};
  std::uint64_t accepted = 0, refused = 0;

  // Submits one after the other, so that a kill in between leaves no submit without an answer.
  void submit(int times) {
    auto client = rig.bed().client();
    CHECK(client.ok());
    TaskSpec spec;
    spec.kind.name = "echo";
    spec.not_before = std::chrono::hours(1);
    for (int i = 0; i < times; ++i) {
      auto answer = client->ask<wire::Submitted>(wire::SubmitRequest{{wire::encode(spec)}}, kSoon);
      CHECK(answer.ok());
      const auto& error = answer->each.front().error;
      if (error) CHECK(error->code == Code::busy && error->retry_after);
      (error ? refused : accepted) += 1;
    }
  }
  // Samples of telemetry that were lost, in all; each period says when it was.
  std::uint64_t samples_lost() {
    std::uint64_t count = 0;
    for (const LossView& loss : status().losses) {
      if (loss.data != DataClass::telemetry) continue;
      CHECK(loss.cause == LossCause::offline);
      CHECK(loss.count == 1 ? loss.first == loss.last : loss.first < loss.last);
      count += loss.count;
    }
    return count;
  }
  NodeView status() {
    auto client = rig.bed().client();
    CHECK(client.ok());
    auto view = client->ask<NodeView>(wire::StatusRequest{}, kSoon);
    CHECK(view.ok());
    return *view;
  }
};

TEST(Losses, P23_what_was_refused_is_counted_exactly_through_kills_and_known_to_the_cloud) {
  if (!rig.good()) FAIL(rig.problem().c_str());
  submit(100);
  rig.bed().kill_agent();
  CHECK(rig.bed().start_agent().ok());
  CHECK(rig.bed().wait_for_link(kSoon));
  rig.bed().link().cut();
  CHECK(eventually(kSoon, [this] { return samples_lost() >= 3; }));
  const std::uint64_t samples = samples_lost();
  submit(60);  // what is written takes the count of samples along
  rig.bed().kill_agent();
  rig.bed().kill_cloud();
  CHECK(rig.bed().start_agent().ok());
  submit(40);
  UNSIGNED_LONGS_EQUAL(20, accepted);
  UNSIGNED_LONGS_EQUAL(180, refused);

  NodeView view = status();
  UNSIGNED_LONGS_EQUAL(200, view.produced[0]);
  std::uint64_t lost = 0;
  for (const LossView& loss : view.losses) {
    if (loss.data == DataClass::telemetry) continue;
    CHECK(loss.data == DataClass::tasks && loss.cause == LossCause::items);
    lost += loss.count;
  }
  UNSIGNED_LONGS_EQUAL(180, lost);
  CHECK(samples_lost() >= samples);
  STRCMP_CONTAINS(" telemetry (offline)", rig.spillway({"doctor"}).out.c_str());
  STRCMP_CONTAINS("out of tasks: 20 unfinished of 20", rig.spillway({"places"}).out.c_str());
  STRCMP_CONTAINS("180 tasks (items)", rig.spillway({"doctor"}).out.c_str());

  CHECK(rig.bed().start_cloud().ok());
  rig.bed().link().heal();
  CHECK(file_says(rig.cloud_log(), "demo-device: tasks missing 180, "));
  CHECK(file_says(rig.cloud_log(), "cause items"));
  CHECK(file_says(rig.cloud_log(), "telemetry missing "));
  CHECK(eventually(kSoon, [this] {
    const NodeView now = status();
    std::uint64_t reported = 0;
    bool samples_known = true;
    for (const LossView& loss : now.losses) {
      if (loss.data == DataClass::tasks) reported += loss.reported;
      if (loss.data == DataClass::telemetry) samples_known &= loss.reported == loss.count;
    }
    return reported == 180 && samples_known;
  }));
  // The fleet knows without asking for the ledger.
  CHECK(eventually(kSoon, [this] {
    return rig.spwctl({"device", "show", "demo-device"}).out.find("\"lost\":180") !=
           std::string::npos;
  }));
}
