#include <string>

#include "common/wire/codec.h"
#include "common/wire/decodings.h"
#include "spillway/agent/agent.h"
#include "tests/integration/agent/allocations.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"
#include "tests/support/testbed.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;
using namespace std::chrono_literals;

// How often the bytes of a task are copied on their way, by the memory that is taken for them: an
// agent in this process, with its socket, its file and a broker, and a cloud that runs the task.
TEST_GROUP(Copies) {
  static constexpr std::size_t kInput = kInlineLimit;

  TempDir dir{"spillway-copies"};
  std::unique_ptr<Testbed> bed;
  std::unique_ptr<agent::Agent> agent;

  void setup() override {
    auto started = Testbed::start(
        {.directory = dir.path(), .binaries = SPILLWAY_BINARIES, .cloud_tags = {"cloud-only"}});
    CHECK_TEXT(started.ok(), started ? "" : started.error().message.c_str());
    bed = *std::move(started);
    bed->kill_agent();
    const auto mine = bed->pki().device(Testbed::kDevice);
    CHECK(mine.ok());
    agent::Options options;
    options.device = Testbed::kDevice;
    options.state_dir = dir.file("mine");
    options.socket = bed->socket();
    options.workers = 1;
    options.broker.uri = "mqtts://127.0.0.1:" + std::to_string(bed->broker().port());
    options.broker.ca = mine->ca;
    options.broker.cert = mine->certificate;
    options.broker.key = mine->key;
    auto opened = agent::Agent::open(options);
    CHECK_TEXT(opened.ok(), opened ? "" : opened.error().message.c_str());
    agent = *std::move(opened);
    CHECK(agent->start().ok());
    CHECK(bed->wait_for_link(60s));
  }
  void teardown() override {
    agent.reset();
    bed.reset();
  }
  TaskSpec task() const {
    TaskSpec spec;
    spec.kind.name = "hash.sha256";
    spec.input.bytes = Bytes(kInput, 7);
    spec.needs.tags = {"cloud-only"};
    return spec;
  }
  // What the agent took for one task, from its socket until the cloud is done with it.
  std::vector<std::size_t> taken_for(const TaskSpec& spec) {
    auto client = bed->client();
    CHECK(client.ok());
    const Allocations allocations(kInput);
    auto submitted = client->ask<wire::Submitted>(wire::SubmitRequest{{wire::encode(spec)}}, 60s);
    CHECK(submitted.ok() && !submitted->each.front().error);
    CHECK(eventually(60s, [&] {
      const auto node = client->ask<NodeView>(wire::StatusRequest{}, 60s);
      return node.ok() && node->done_cloud == 1;
    }));
    return allocations.sizes();
  }
  void check_at_most(std::size_t copies, const std::vector<std::size_t>& sizes) {
    std::string text;
    for (const std::size_t size : sizes) text += std::to_string(size) + " ";
    CHECK_TEXT(sizes.size() <= copies, text.c_str());
  }
};

// The frame, the spec that is kept, SQLite's record and the message are four; the last three are
// made by Paho's C++ and C libraries and for TLS.
TEST(Copies,
     the_input_of_a_task_is_copied_four_times_from_the_socket_to_paho_that_copies_it_thrice) {
  const std::vector<std::size_t> sizes = taken_for(task());
  CHECK(sizes.size() >= 3);  // they are seen at all
  check_at_most(7, sizes);
}

TEST(Copies, the_spec_of_a_task_is_decoded_once_from_the_socket_to_paho) {
  const std::uint64_t before = wire::specs_decoded();
  taken_for(task());
  CHECK_EQUAL(1, wire::specs_decoded() - before);
}

TEST(Copies, a_key_costs_no_copy_of_the_input) {
  TaskSpec spec = task();
  spec.idempotency_key = "a key";
  check_at_most(7, taken_for(spec));
}
