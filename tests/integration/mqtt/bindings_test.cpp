#include "agent/cli/bindings.h"

#include <algorithm>
#include <memory>

#include "tests/integration/mqtt/peer.h"

#include <CppUTest/TestHarness.h>

using namespace spillway;
using namespace spillway::test;

// What doctor finds out about a broker by connections of its own.
TEST_GROUP(Bindings) {
  const World& world = World::get();
  TempDir dir;
  std::unique_ptr<Broker> broker;
  std::vector<BrokerTerm> terms;

  void start(test::BrokerOptions options) {
    options.directory = dir.path();
    auto started = Broker::start(options);
    CHECK_TEXT(started.ok(), started.ok() ? "" : started.error().message.c_str());
    broker = std::make_unique<Broker>(std::move(*started));
  }
  void find_out() {
    mqtt::ConnectOptions options{.uri = broker->uri(), .client_id = "pump-17"};
    if (broker->uri().starts_with("mqtts")) {
      options.tls = mqtt::Tls{world.pump.ca, world.pump.certificate, world.pump.key};
    }
    auto found = cli::try_bindings(options);
    CHECK_TEXT(found.ok(), found.ok() ? "" : found.error().message.c_str());
    terms = *std::move(found);
  }
  // Whether that was found, and hurts.
  void says(const std::string& what, bool hurts) {
    const auto found = std::find_if(terms.begin(), terms.end(),
                                    [&](const BrokerTerm& term) { return term.what == what; });
    CHECK_TEXT(found != terms.end(), what.c_str());
    CHECK_EQUAL_TEXT(hurts, !found->hurts.empty(), what.c_str());
  }
};

TEST(Bindings, the_packages_configuration_holds_each_of_them) {
  start({.directory = {}, .tls = world.server});
  find_out();
  says("it gives a client the id of its certificate, whatever id it asks for", false);
  says("it refused to let this device speak for another device", false);
  says("it refused to let this device speak for the cloud", false);
  says("packets of up to 266240 bytes", false);
}

TEST(Bindings, client_ids_that_are_not_bound_are_found_though_the_access_list_is_there) {
  start({.directory = {}, .tls = world.server, .more = "use_username_as_clientid false\n"});
  process::Loop loop;
  Peer agent(loop, broker->uri(), &world.pump, "pump-17");
  agent.connect();
  CHECK(run_until(loop, kPatience, [&] { return agent.ups == 1; }));
  find_out();
  says("it takes a client under any id", true);
  says("it refused to let this device speak for another device", false);
  // Where ids are not bound, nobody is disturbed.
  run_for(loop, std::chrono::milliseconds(50));
  LONGS_EQUAL(0, agent.problems.size());
}

TEST(Bindings, a_broker_without_names_binds_nothing) {
  start({});
  find_out();
  says("it takes a client under any id", true);
  says("it lets this device speak for another device", true);
  says("it lets this device speak for the cloud", true);
}

TEST(Bindings, a_broker_that_cannot_be_reached_is_no_finding) {
  auto found = cli::try_bindings(
      {.uri = "mqtt://127.0.0.1:" + std::to_string(free_port()), .client_id = "pump-17"});
  CHECK_FALSE(found.ok());
  STRCMP_CONTAINS("Connection refused", found.error().message.c_str());
}
